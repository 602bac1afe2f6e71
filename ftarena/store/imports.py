"""Votes from a file, each once, however often the file is imported.

A vote's id is a hash of what it says and of how manyth identical line it is, so a second import of the same
line meets itself. The file is read and checked into a temporary table first, which holds up nobody; only then
is it copied, in one transaction and in the order of the ids: a million ids in random order would touch every
page of the database again and again. SQLite does the sorting, on disk, so memory stays bounded.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ftarena.errors import FtarenaError
from ftarena.store.database import mended, roll_back
from ftarena.store.file_votes import FileVote
from ftarena.store.foreign import read_foreign
from ftarena.store.foreign.words import JUDGE
from ftarena.store.ids import content_hash, is_content_hash, now, prompt_hash, storable
from ftarena.store.prompts_json import turns_json
from ftarena.store.store import Store, answer_id_of, looks_of
from ftarena.store.votes_csv import read_votes

LABELER = "imported"
"""Who voted where a file does not say."""

_CHUNK = 10_000

ANOTHER_SAMPLE = 1
"""What imported answers are kept as: 0 is what battles are drawn from, and these were not made here."""

_STAGE = """
CREATE TEMP TABLE staged (
    line INTEGER PRIMARY KEY, a TEXT, b TEXT, outcome TEXT, labeler TEXT, prompt TEXT, prompt_id TEXT,
    turns_json TEXT, left_text TEXT, right_text TEXT, texts TEXT, apart INTEGER, kind TEXT, created_at TEXT,
    elapsed_ms INTEGER, leaked TEXT, place INTEGER, weight REAL
)
"""

# How manyth identical line each one is, what it is called for that, and the vote that its prompt may be: an
# export names a vote without a prompt by its own id.
_NUMBERED = """
SELECT imported_vote_id(s.a, s.b, s.outcome, s.labeler, s.prompt_id, s.number, s.texts) AS id,
       s.place, s.a, s.b, s.outcome, s.labeler, s.prompt_id, s.number, s.left_text, s.right_text,
       s.created_at, s.elapsed_ms, s.leaked, s.weight,
       own.left_id, own.right_id, e.outcome, e.labeler_id
FROM (SELECT *, row_number() OVER (PARTITION BY a, b, outcome, labeler, prompt_id, texts ORDER BY line)
      AS number FROM temp.staged) s
LEFT JOIN battles own ON own.id = s.prompt_id AND own.prompt_id IS NULL
LEFT JOIN ballot_events e ON e.id = own.id
ORDER BY 1
"""

_PROMPTS = """
SELECT s.prompt_id, min(s.prompt) FROM temp.staged s
WHERE s.prompt_id IS NOT NULL AND s.turns_json IS NULL
  AND NOT EXISTS (SELECT 1 FROM battles own WHERE own.id = s.prompt_id AND own.prompt_id IS NULL)
GROUP BY s.prompt_id
"""

# What a file asks in words is no prompt to draw battles from, unless it is added as one; its text replaces
# the name by which another file may have known it.
_PROMPTS_WITH_TEXT = """
INSERT INTO prompts (id, turns_json, source, created_at)
SELECT prompt_id, min(turns_json), CASE WHEN max(apart) THEN 'chat-apart' ELSE 'import' END, ?
FROM temp.staged WHERE turns_json IS NOT NULL GROUP BY prompt_id
ON CONFLICT (id) DO UPDATE SET turns_json = excluded.turns_json, source = excluded.source
WHERE prompts.source = 'import'
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

    without: int = 0
    """Records of the file that hold no vote that counts."""


def import_votes(store: Store, file: Path, form: str = "auto") -> ImportReport:
    """Add the votes of a file, ftarena's or another program's: all, or none where a record is wrong.

    Where the file has texts, prompts and answers are kept too. See `import_votes_csv` for the rest.

    Args:
        store: Where to.
        file: The file.
        form: One of `ftarena.store.foreign.FORMATS`; `auto` looks into the file.

    Raises:
        FtarenaError: The file cannot be read, nobody's votes are in it, or one is wrong.
    """
    foreign = read_foreign(file, form)
    if foreign is None:
        return import_votes_csv(store, file)
    report = _import(store, foreign)
    return replace(report, without=foreign.without)


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
    return _import(store, read_votes(file))


def _import(store: Store, votes: Iterable[FileVote]) -> ImportReport:
    connection = store.connection
    with mended(store.path):
        connection.execute("DROP TABLE IF EXISTS temp.staged")
        connection.execute(_STAGE)
    try:
        _stage(store, votes)
        with store.transaction():
            return _copy(store)
    finally:
        # What went wrong before is what to tell; a table left behind goes with the connection.
        with suppress(sqlite3.Error):
            connection.execute("DROP TABLE IF EXISTS temp.staged")


def _stage(store: Store, votes: Iterable[FileVote]) -> None:
    connection = store.connection
    with mended(store.path):
        connection.execute("BEGIN")  # of the temporary file only: the arena itself is not locked
        try:
            connection.executemany(
                f"INSERT INTO temp.staged VALUES ({', '.join('?' * 18)})",
                (_row(line, vote) for line, vote in enumerate(votes, start=1)),
            )
            connection.execute("COMMIT")
        except BaseException:
            roll_back(connection)
            raise


def _row(line: int, vote: FileVote) -> tuple[object, ...]:
    if any("\0" in name for name in (vote.a, vote.b, vote.labeler)):
        raise FtarenaError(
            f"line or record {vote.line}: a name with a NUL character",
            "nothing was imported; correct it, or leave it out",
        )
    labeler = storable(vote.labeler) if vote.labeler.strip() else LABELER
    kind = "judge" if labeler.startswith(JUDGE) else vote.kind
    names = storable(vote.a), storable(vote.b), vote.outcome, labeler
    more = kind, vote.created_at, vote.elapsed_ms, vote.leaked, vote.line, vote.weight
    if vote.turns is None or vote.answers is None:
        prompt = storable(vote.prompt)
        return line, *names, prompt or None, _prompt_id(prompt), None, None, None, "", 0, *more
    turns = [(role, storable(content)) for role, content in vote.turns]
    left, right = map(storable, vote.answers)
    texts = content_hash("texts", left, right)
    return line, *names, None, prompt_hash(turns), turns_json(turns), left, right, texts, vote.apart, *more


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
        name: store.ballots.labeler(name, kind)
        for name, kind in connection.execute(
            "SELECT labeler, max(kind) FROM temp.staged GROUP BY labeler"
        ).fetchall()
    }
    prompts = connection.execute(_PROMPTS)
    connection.executemany(
        "INSERT INTO prompts (id, turns_json, source, created_at) VALUES (?, ?, 'import', ?)"
        " ON CONFLICT (id) DO NOTHING",
        ((prompt_id, turns_json([("user", prompt)]), moment) for prompt_id, prompt in prompts),
    )
    connection.execute(_PROMPTS_WITH_TEXT, (moment,))
    own = _own_votes(store)
    added = seen = 0
    connection.create_function("imported_vote_id", 7, _vote_id, deterministic=True)
    # Closed also where a full disk ends it half way: a query that is open keeps its table locked.
    with closing(connection.execute(_NUMBERED)) as numbered:

        def battles() -> Iterator[_Battle]:
            nonlocal seen
            for vote_id, line, a, b, outcome, labeler, prompt_id, number, *more in numbered:
                seen += 1
                left_text, right_text, created_at, elapsed_ms, leaked, weight, *itself = more
                key = contestants[a], contestants[b], outcome, labelers[labeler]
                if number > own[*key, prompt_id] and not (number == 1 and tuple(itself) == key):
                    yield _Battle(
                        vote_id,
                        line,
                        *key,
                        prompt_id,
                        left_text,
                        right_text,
                        created_at or moment,
                        elapsed_ms,
                        leaked,
                        1 / weight,
                    )

        waiting = battles()
        while chunk := list(islice(waiting, _CHUNK)):
            added += _insert(connection, chunk, moment)
    return ImportReport(added, seen - added, new)


class _Battle(NamedTuple):
    """One vote of a file with ids for its names."""

    vote_id: str
    line: int
    left_id: str
    right_id: str
    outcome: str
    labeler_id: str
    prompt_id: str | None
    left_text: str | None
    right_text: str | None
    created_at: str
    elapsed_ms: int | None
    leaked: str | None
    boost: float

    def answers(self) -> list[tuple[str, str, str]]:
        """Return of each answer its id, its contestant and its text."""
        if self.prompt_id is None or self.left_text is None or self.right_text is None:
            return []
        return [
            (answer_id_of(contestant, self.prompt_id, ANOTHER_SAMPLE, text), contestant, text)
            for contestant, text in ((self.left_id, self.left_text), (self.right_id, self.right_text))
        ]


def _insert(connection: sqlite3.Connection, chunk: Sequence[_Battle], moment: str) -> int:
    """Write votes with their battles and answers, and return how many were new."""
    answers = [battle.answers() for battle in chunk]
    connection.executemany(
        "INSERT INTO answers (id, contestant_id, prompt_id, sample, text, looks, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (
            (answer_id, contestant, battle.prompt_id, ANOTHER_SAMPLE, text, looks_of(text), moment)
            for battle, both in zip(chunk, answers, strict=True)
            for answer_id, contestant, text in both
        ),
    )
    cursor = connection.executemany(
        "INSERT INTO battles (id, origin, labeler_id, prompt_id, left_id, right_id, left_answer_id,"
        " right_answer_id, created_at, leaked, boost)"
        " VALUES (?, 'import', ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (
            (
                battle.vote_id,
                battle.labeler_id,
                battle.prompt_id,
                battle.left_id,
                battle.right_id,
                *([answer_id for answer_id, _, _ in both] or (None, None)),
                battle.created_at,
                battle.leaked,
                battle.boost,
            )
            for battle, both in zip(chunk, answers, strict=True)
        ),
    )
    added = cursor.rowcount
    connection.executemany(
        "INSERT INTO ballot_events (id, battle_id, labeler_id, kind, outcome, elapsed_ms, position,"
        " created_at) VALUES (?, ?, ?, 'vote', ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (
            (
                battle.vote_id,
                battle.vote_id,
                battle.labeler_id,
                battle.outcome,
                battle.elapsed_ms,
                battle.line,
                battle.created_at,
            )
            for battle in chunk
        ),
    )
    return added


def _vote_id(
    a: str, b: str, outcome: str, labeler: str, prompt_id: str | None, number: int, texts: str
) -> str:
    parts = (a, b, outcome, labeler, prompt_id or "", number)
    return content_hash("imported vote", *parts, texts) if texts else content_hash("imported vote", *parts)


def _own_votes(store: Store) -> Counter[tuple[str, str, str, str, str | None]]:
    """Count the votes that were cast here, by what an import would know of them."""
    found = store.rows(
        "SELECT b.left_id, b.right_id, v.outcome, v.labeler_id, b.prompt_id"
        " FROM battles b JOIN votes v ON v.battle_id = b.id WHERE b.origin <> 'import'"
    )
    return Counter((left, right, outcome, labeler, prompt) for left, right, outcome, labeler, prompt in found)
