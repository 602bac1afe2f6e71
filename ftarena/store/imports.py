"""Votes from a file, each once, however often the file is imported.

A vote's id is a hash of what it says and of how manyth identical line it is, so a second import of the same
line meets itself. The file is read and checked into a temporary table first, which holds up nobody; only then
is it copied, in one transaction and in the order of the ids: a million ids in random order would touch every
page of the database again and again. SQLite does the sorting, on disk, so memory stays bounded.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ftarena.store.database import mended, roll_back
from ftarena.store.ids import content_hash, is_content_hash, now, prompt_hash
from ftarena.store.prompts_json import turns_json
from ftarena.store.store import Store
from ftarena.store.votes_csv import read_votes

LABELER = "imported"
"""Who voted where a file does not say."""

_CHUNK = 10_000

_STAGE = """
CREATE TEMP TABLE staged (
    line INTEGER PRIMARY KEY, a TEXT, b TEXT, outcome TEXT, labeler TEXT, prompt TEXT, prompt_id TEXT
)
"""

# How manyth identical line each one is, what it is called for that, and the vote that its prompt may be: an
# export names a vote without a prompt by its own id.
_NUMBERED = """
SELECT imported_vote_id(s.a, s.b, s.outcome, s.labeler, s.prompt_id, s.number) AS id,
       s.line, s.a, s.b, s.outcome, s.labeler, s.prompt_id, s.number,
       own.left_id, own.right_id, e.outcome, e.labeler_id
FROM (SELECT *, row_number() OVER (PARTITION BY a, b, outcome, labeler, prompt_id ORDER BY line) AS number
      FROM temp.staged) s
LEFT JOIN battles own ON own.id = s.prompt_id AND own.prompt_id IS NULL
LEFT JOIN ballot_events e ON e.id = own.id
ORDER BY 1
"""

_PROMPTS = """
SELECT s.prompt_id, min(s.prompt) FROM temp.staged s
WHERE s.prompt_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM battles own WHERE own.id = s.prompt_id AND own.prompt_id IS NULL)
GROUP BY s.prompt_id
"""


@dataclass(frozen=True)
class ImportReport:
    """What an import did."""

    added: int
    """Votes that are new."""

    already: int
    """Votes that were there already."""

    contestants_new: tuple[str, ...]
    """Names that were not known before, sorted."""


def import_votes_csv(store: Store, file: Path) -> ImportReport:
    """Add the votes of a CSV file (`a,b,outcome[,labeler,prompt]`): all, or none where a line is wrong.

    A contestant keeps the name that the file gives it; one of that name that is there already is that one.
    Lines without a labeler are by `imported`; a line without a prompt is a prompt of its own. What
    `export_votes` wrote comes back as the same prompts, and votes that were cast here are not added again.

    Args:
        store: Where to.
        file: The CSV file.

    Raises:
        FtarenaError: The file cannot be read, or a line is wrong (`FILE:LINE: what`).
    """
    connection = store.connection
    with mended(store.path):
        connection.execute("DROP TABLE IF EXISTS temp.staged")
        connection.execute(_STAGE)
    try:
        _stage(store, file)
        with store.transaction():
            return _copy(store)
    finally:
        # What went wrong before is what to tell; a table left behind goes with the connection.
        with suppress(sqlite3.Error):
            connection.execute("DROP TABLE IF EXISTS temp.staged")


def _stage(store: Store, file: Path) -> None:
    rows = (
        (
            vote.line,
            vote.a,
            vote.b,
            vote.outcome,
            vote.labeler if vote.labeler.strip() else LABELER,
            vote.prompt or None,
            _prompt_id(vote.prompt),
        )
        for vote in read_votes(file)
    )
    connection = store.connection
    with mended(store.path):
        connection.execute("BEGIN")  # of the temporary file only: the arena itself is not locked
        try:
            connection.executemany("INSERT INTO temp.staged VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute("COMMIT")
        except BaseException:
            roll_back(connection)
            raise


def _prompt_id(prompt: str) -> str | None:
    """Return the id of a prompt that a file names: the id itself, or that of a question of this text."""
    if not prompt:
        return None
    return prompt if is_content_hash(prompt) else prompt_hash([("user", prompt)])


def _copy(store: Store) -> ImportReport:
    connection = store.connection
    moment = now()
    names = [
        name for (name,) in connection.execute("SELECT a FROM temp.staged UNION SELECT b FROM temp.staged")
    ]
    new = tuple(sorted(name for name in names if store.contestant(name) is None))
    contestants = {name: store.add_contestant(name).id for name in names}
    labelers = {
        name: store.ballots.labeler(name)
        for (name,) in connection.execute("SELECT DISTINCT labeler FROM temp.staged").fetchall()
    }
    prompts = connection.execute(_PROMPTS)
    connection.executemany(
        "INSERT INTO prompts (id, turns_json, source, created_at) VALUES (?, ?, 'import', ?)"
        " ON CONFLICT (id) DO NOTHING",
        ((prompt_id, turns_json([("user", prompt)]), moment) for prompt_id, prompt in prompts),
    )
    own = _own_votes(store)
    added = seen = 0
    connection.create_function("imported_vote_id", 6, _vote_id, deterministic=True)
    # Closed also where a full disk ends it half way: a query that is open keeps its table locked.
    with closing(connection.execute(_NUMBERED)) as numbered:

        def battles() -> Iterator[tuple[str, int, str, str, str, str, str | None]]:
            nonlocal seen
            for vote_id, line, a, b, outcome, labeler, prompt_id, number, *itself in numbered:
                seen += 1
                key = contestants[a], contestants[b], outcome, labelers[labeler]
                if number > own[*key, prompt_id] and not (number == 1 and tuple(itself) == key):
                    yield vote_id, line, *key, prompt_id

        waiting = battles()
        while chunk := list(islice(waiting, _CHUNK)):
            cursor = connection.executemany(
                "INSERT INTO battles (id, origin, labeler_id, prompt_id, left_id, right_id, created_at)"
                " VALUES (?, 'import', ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                [(vote, who, prompt, left, right, moment) for vote, _, left, right, _, who, prompt in chunk],
            )
            added += cursor.rowcount
            connection.executemany(
                "INSERT INTO ballot_events (id, battle_id, labeler_id, kind, outcome, position, created_at)"
                " VALUES (?, ?, ?, 'vote', ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                [(vote, vote, who, outcome, line, moment) for vote, line, _, _, outcome, who, _ in chunk],
            )
    return ImportReport(added, seen - added, new)


def _vote_id(a: str, b: str, outcome: str, labeler: str, prompt_id: str | None, number: int) -> str:
    return content_hash("imported vote", a, b, outcome, labeler, prompt_id or "", number)


def _own_votes(store: Store) -> Counter[tuple[str, str, str, str, str | None]]:
    """Count the votes that were cast here, by what an import would know of them."""
    found = store.rows(
        "SELECT b.left_id, b.right_id, v.outcome, v.labeler_id, b.prompt_id"
        " FROM battles b JOIN votes v ON v.battle_id = b.id WHERE b.origin <> 'import'"
    )
    return Counter((left, right, outcome, labeler, prompt) for left, right, outcome, labeler, prompt in found)
