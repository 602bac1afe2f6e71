"""The schema, as numbered steps that are never edited once released: a change is a new step.

Every row can be copied into another database as it is (ids are hashes or ULIDs, order is in the rows), and
what was voted cannot be changed afterwards: triggers refuse UPDATE and DELETE, also to other programs.
"""

import importlib
import importlib.abc
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ftarena.store.schema import m001_create, m002_blind_votes, m003_collecting, m004_merging

SET = "ftarena"
"""Name of this set of steps in sqlite-utils' table of applied migrations."""


def _script(sql: str) -> Callable[[Any], None]:
    def step(database: Any) -> None:
        database.executescript(sql)

    return step


MIGRATIONS: Sequence[tuple[str, Callable[[Any], None]]] = (
    ("m001_create", _script(m001_create.SQL)),
    ("m002_blind_votes", _script(m002_blind_votes.SQL)),
    ("m003_collecting", _script(m003_collecting.SQL)),
    ("m004_merging", _script(m004_merging.SQL)),
)
"""Every step, oldest first: its name in the table of applied migrations, and what it does."""


def applied(connection: sqlite3.Connection) -> list[str] | None:
    """Return the steps a database has had, oldest first, or `None` where it was never ours.

    Plain SQL on purpose: opening an up-to-date database then does not load sqlite-utils (0.2 s).
    """
    try:
        found = connection.execute(
            "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id", (SET,)
        ).fetchall()
    except sqlite3.OperationalError:  # no such table
        return None
    return [name for (name,) in found] or None


def apply(connection: sqlite3.Connection) -> None:
    """Bring a database up to date. Call it inside a write transaction, so that only one process does it."""
    sqlite_utils = import_sqlite_utils()
    migrations = importlib.import_module("sqlite_utils.migrations").Migrations(SET)
    for name, step in MIGRATIONS:
        migrations(name=name)(step)
    migrations.apply(sqlite_utils.Database(connection, execute_plugins=False))


def import_sqlite_utils() -> ModuleType:
    """Import sqlite-utils without the pandas and numpy that it takes along where they are installed.

    4.2.1 does so to know their column types: 1.2 s and 80 MB that nobody here uses, while a front end has
    120 MB in all. Only this thread is refused them, and only meanwhile. `tests/store/test_lightness.py`
    measures it.
    """
    if "sqlite_utils" in sys.modules:
        return sys.modules["sqlite_utils"]
    refusal = _Refusal(threading.get_ident())
    sys.meta_path.insert(0, refusal)
    try:
        return importlib.import_module("sqlite_utils")
    finally:
        sys.meta_path.remove(refusal)


class _Refusal(importlib.abc.MetaPathFinder):
    """Says that pandas and numpy are not installed, to one thread."""

    def __init__(self, thread: int) -> None:
        self._thread = thread

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if fullname in {"pandas", "numpy"} and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{fullname} is not needed here", name=fullname)
        return None
