"""Several arenas into one: the union of their rows, the same whatever the order and however often.

What has the same id is the same. Where two files know something different of it (when it was first seen, a
prompt whose text one of them lacks) one of the two rows is taken by what they say, never by whose it is, so
that everybody who merges the same files has the same arena. Settings of how votes are collected stay each
file's own.

Other files are only read: a copy of each is made first, consistent also while it is being voted on, and
brought up to date. Everything is then written in one transaction, or nothing is.
"""

import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.store.database import connect_to_read, is_up_to_date, mended, need_database
from ftarena.store.migrations import applied
from ftarena.store.store import Store

TABLES = (
    "models",
    "runs",
    "contestants",
    "contestant_names",
    "prompts",
    "answers",
    "labelers",
    "battles",
    "ballot_events",
    "ballot_details",
    "prompt_categories",
    "trained_prompts",
    "answer_logprobs",
    "tasks",
    "task_results",
)
"""What is merged, in the order of their references."""

# What makes one row of an id better than another, before which is older: 0 is better.
_BETTER = {
    # A prompt with a source of its own, one whose text came with votes, one that is known by its id alone.
    "prompts": "CASE WHEN {row}.source <> 'import' THEN 0 WHEN instr({row}.turns_json, {row}.id) THEN 2"
    " ELSE 1 END",
    "trained_prompts": "{row}.how <> 'same'",
}

# Columns that have a rule of their own.
_APART = {"contestants": ("name", "hidden"), "labelers": ("kind",)}

_TWICE = """
SELECT count(*) FROM battles i JOIN votes v ON v.battle_id = i.id
WHERE i.origin = 'import' AND i.left_answer_id IS NULL AND EXISTS (
    SELECT 1 FROM battles b JOIN votes o ON o.battle_id = b.id
    WHERE b.origin <> 'import' AND b.prompt_id = i.prompt_id AND b.left_id = i.left_id
      AND b.right_id = i.right_id AND o.labeler_id = v.labeler_id AND o.outcome = v.outcome)
"""


@dataclass(frozen=True)
class MergeReport:
    """What a merge did."""

    votes: int
    """Votes that are new, those that were taken back included."""

    prompts: int
    """Prompts that are new."""

    answers: int
    """Answers that are new."""

    contestants: tuple[str, ...]
    """Names of new contestants, sorted."""

    labelers: tuple[str, ...]
    """Names of new labelers, sorted."""

    renamed: tuple[tuple[str, str], ...]
    """Old and new names of contestants that were here before, sorted."""

    hidden: tuple[str, ...]
    """Names of contestants that were shown here and are hidden now, sorted."""

    twice: int
    """Votes that came as a table before and are here now as what they were cast as, too."""


def merge(store: Store, others: Sequence[Path]) -> MergeReport:
    """Add everything that is in other arenas: all of it, or nothing.

    Contestants of the same id are the same. One that was given several names is called by the oldest; where
    two different ones were given the same name, each is called `name@` and the beginning of its id. What was
    hidden in one file is hidden. Labelers of the same name are the same person.

    Args:
        store: Where to.
        others: Their files, which are only read.

    Raises:
        FtarenaError: A file is not there, empty, none of ours, damaged, of a newer version, or the arena
            itself; or the arena cannot be written.
    """
    for other in others:
        _check(other)
        if other.samefile(store.path):
            raise FtarenaError(f"{other} is this arena itself", "name another one to merge into it")
    with tempfile.TemporaryDirectory(prefix="ftarena-merge-") as folder:
        gathered: Path | None = None
        for number, other in enumerate(others):
            copied = _copied(other, Path(folder) / f"{number}.db")
            if gathered is None:
                gathered = copied
            else:
                with Store.open(gathered) as into:
                    _merge(into, copied)
                copied.unlink()
        if gathered is None:
            raise FtarenaError("there is nothing to merge", "ftarena votes merge OTHER.db")
        return _merge(store, gathered)


def _check(path: Path) -> None:
    """Check that a file is an arena that can be read."""
    need_database(path)
    if not path.stat().st_size:
        raise FtarenaError(f"{path} is empty: there is no arena in it", "name the file with the votes")
    with mended(path), closing(connect_to_read(path)) as connection:
        if not is_up_to_date(connection, path) and applied(connection) is None:
            raise FtarenaError(f"{path} has nothing in it: it is no arena", "name the file with the votes")


def _copied(path: Path, copy: Path) -> Path:
    """Copy an arena as it is at one moment, bring the copy up to date, and check that it is whole."""
    with mended(path), closing(connect_to_read(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    with Store.open(copy) as store:
        problems = [text for (text,) in store.rows("PRAGMA quick_check(1)") if text != "ok"]
        problems += [f"a row of {row[0]} refers to nothing" for row in store.rows("PRAGMA foreign_key_check")]
        tables = {name for (name,) in store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        problems += [f"it has no table {name}" for name in TABLES if name not in tables]
    if problems:
        raise FtarenaError(
            f"{path} is damaged: {problems[0]}",
            f"restore a backup, or save what is left: sqlite3 {path} .recover",
        )
    return copy


def _merge(store: Store, other: Path) -> MergeReport:
    connection = store.connection
    with mended(store.path):
        connection.execute("ATTACH DATABASE ? AS other", (str(other),))
    try:
        with store.transaction():
            before = _state(connection)
            with _lifted(connection):
                for table in TABLES:
                    _copy_rows(connection, table)
                connection.execute(
                    "UPDATE main.contestants SET hidden = 1 WHERE NOT hidden"
                    " AND id IN (SELECT id FROM other.contestants WHERE hidden)"
                )
                connection.execute(
                    "UPDATE main.labelers SET kind = 'judge' WHERE kind <> 'judge'"
                    " AND id IN (SELECT id FROM other.labelers WHERE kind = 'judge')"
                )
                _name_all(connection)
            report = _difference(before, _state(connection), connection)
        # The columns that `ftarena.store.ledger` keeps beside the database may be of rows that have another
        # time now. Where the file cannot be removed, nothing could be merged either.
        with suppress(OSError):
            store.path.with_name(f"{store.path.name}-votes").unlink(missing_ok=True)
        return report
    except sqlite3.IntegrityError as error:
        raise FtarenaError(
            f"{store.path} and what is to be merged contradict each other: {error}",
            "one of the files was changed by another program; see what is in it: sqlite3 FILE .dump",
        ) from error
    finally:
        with mended(store.path):
            connection.execute("DETACH DATABASE other")


@contextmanager
def _lifted(connection: sqlite3.Connection) -> Iterator[None]:
    """Take away, until the end of this transaction's merge, the triggers that keep rows as they are.

    They hold for everybody else: a schema changes within a transaction as rows do.
    """
    triggers = connection.execute(
        "SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger'"
        " AND (sql LIKE '%BEFORE UPDATE%' OR name = 'contestants_are_named')"
    ).fetchall()
    connection.execute("PRAGMA defer_foreign_keys = ON")  # a repeat may come before what it repeats
    for name, _ in triggers:
        connection.execute(f'DROP TRIGGER main."{name}"')
    yield
    for _, sql in triggers:
        connection.execute(sql)


def _copy_rows(connection: sqlite3.Connection, table: str) -> None:
    """Copy the rows of a table; of two with the same key keep the better, the older, then the lesser one."""
    described = connection.execute(f"PRAGMA main.table_info({table})").fetchall()
    columns = [name for _, name, *_ in described]
    keys = [name for _, name, *_, place in described if place]
    apart = _APART.get(table, ())
    values = [name for name in columns if name not in keys and name not in apart]
    better = _BETTER.get(table, "0")

    def rank(row: str) -> str:
        # As text, since a comparison with NULL has no answer.
        quoted = ", ".join(f"quote({row}.{name})" for name in values)
        return f"({better.format(row=row)}, {row}.created_at, {quoted})"

    # A new contestant is named at the end; until then it has a name that nobody has.
    given = ["'@' || id" if (table, name) == ("contestants", "name") else name for name in columns]
    connection.execute(
        f"INSERT INTO main.{table} ({', '.join(columns)})"
        f" SELECT {', '.join(given)} FROM other.{table} WHERE true ORDER BY {', '.join(keys)}"
        f" ON CONFLICT ({', '.join(keys)})"
        f" DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in values)}"
        f" WHERE {rank('excluded')} < {rank(table)}"
    )


def _name_all(connection: sqlite3.Connection) -> None:
    """Call every contestant what the union of the names says."""
    claims = connection.execute("SELECT contestant_id, name, created_at FROM main.contestant_names")
    names = names_of(claims.fetchall())
    now = dict(connection.execute("SELECT id, name FROM main.contestants").fetchall())
    changed = [(names[one], one) for one in now if names[one] != now[one]]
    # Two may swap their names: nobody has a changed name while the new ones are given.
    connection.executemany(
        "UPDATE main.contestants SET name = '@' || id WHERE id = ?", ((one,) for _, one in changed)
    )
    connection.executemany("UPDATE main.contestants SET name = ? WHERE id = ?", changed)


def names_of(claims: Collection[tuple[str, str, str]]) -> dict[str, str]:
    """Return what each contestant is called, by all names that were ever given.

    Args:
        claims: Of each name the contestant's id, the name, and when it was given (ISO 8601).

    Returns:
        Id to name, each name once: the oldest of an id's names, with `@` and the beginning of the id where
        that is another one's, too.
    """
    oldest: dict[str, tuple[str, str]] = {}
    for contestant_id, name, created_at in claims:
        mine = created_at, name
        oldest[contestant_id] = min(oldest.get(contestant_id, mine), mine)
    names = {contestant_id: name for contestant_id, (_, name) in oldest.items()}
    for digits in (6, 12, 32):
        shared = defaultdict(list)
        for contestant_id, name in names.items():
            shared[name].append(contestant_id)
        for same in shared.values():
            if len(same) > 1:
                for contestant_id in same:
                    names[contestant_id] = f"{oldest[contestant_id][1]}@{contestant_id[:digits]}"
    return names


@dataclass(frozen=True)
class _State:
    votes: int
    prompts: int
    answers: int
    contestants: dict[str, tuple[str, bool]]
    labelers: dict[str, str]


def _state(connection: sqlite3.Connection) -> _State:
    def count(what: str) -> int:
        [(number,)] = connection.execute(f"SELECT count(*) FROM main.{what}")
        return int(number)

    contestants = connection.execute("SELECT id, name, hidden FROM main.contestants")
    return _State(
        count("ballot_events WHERE kind = 'vote'"),
        count("prompts"),
        count("answers"),
        {one: (name, bool(hidden)) for one, name, hidden in contestants},
        dict(connection.execute("SELECT id, name FROM main.labelers").fetchall()),
    )


def _difference(before: _State, after: _State, connection: sqlite3.Connection) -> MergeReport:
    renamed, hidden = [], []
    for one, (name, was_hidden) in before.contestants.items():
        called, is_hidden = after.contestants[one]
        if called != name:
            renamed.append((name, called))
        if is_hidden and not was_hidden:
            hidden.append(called)
    new = after.contestants.keys() - before.contestants.keys()
    [(twice,)] = connection.execute(_TWICE)
    return MergeReport(
        after.votes - before.votes,
        after.prompts - before.prompts,
        after.answers - before.answers,
        tuple(sorted(after.contestants[one][0] for one in new)),
        tuple(sorted(after.labelers[one] for one in after.labelers.keys() - before.labelers.keys())),
        tuple(sorted(renamed)),
        tuple(sorted(hidden)),
        int(twice),
    )
