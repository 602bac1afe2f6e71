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

SET = "ftarena"
"""Name of this set of steps in sqlite-utils' table of applied migrations."""

_CREATE = """
CREATE TABLE models (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    created_at TEXT NOT NULL
);
CREATE TABLE runs (
    id TEXT PRIMARY KEY CHECK (id <> ''),
    name TEXT NOT NULL,
    method TEXT NOT NULL,
    base_model TEXT NOT NULL,
    directory TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE contestants (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    kind TEXT NOT NULL CHECK (kind IN ('base', 'adapter', 'model', 'remote', 'imported')),
    model_id TEXT REFERENCES models (id),
    run_id TEXT,                                  -- no foreign key: the run may lie on another machine
    spec_json TEXT CHECK ((spec_json IS NULL) = (kind = 'imported')),
    hidden INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1)),
    created_at TEXT NOT NULL
);
CREATE TRIGGER contestants_are_immutable
BEFORE UPDATE OF id, name, kind, model_id, run_id, spec_json, created_at ON contestants
BEGIN SELECT RAISE(ABORT, 'a contestant is never changed: add another one'); END;
CREATE TRIGGER contestants_are_kept BEFORE DELETE ON contestants
BEGIN SELECT RAISE(ABORT, 'a contestant is never deleted: hide it'); END;

CREATE TABLE prompts (
    id TEXT PRIMARY KEY,
    turns_json TEXT NOT NULL,                     -- [{"role": ..., "content": ...}, ...]
    source TEXT NOT NULL CHECK (source <> ''),
    reference TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX prompts_with_text ON prompts (source) WHERE source <> 'import';
-- A file of votes may name a prompt before its text is known; the text may then be filled in, once.
CREATE TRIGGER prompts_are_immutable BEFORE UPDATE ON prompts
WHEN OLD.source <> 'import' OR OLD.id <> NEW.id
BEGIN SELECT RAISE(ABORT, 'a prompt is never changed: add another one'); END;
CREATE TRIGGER prompts_are_kept BEFORE DELETE ON prompts
BEGIN SELECT RAISE(ABORT, 'a prompt is never deleted'); END;

CREATE TABLE answers (
    id TEXT PRIMARY KEY,
    contestant_id TEXT NOT NULL REFERENCES contestants (id),
    prompt_id TEXT NOT NULL REFERENCES prompts (id),
    sample INTEGER NOT NULL CHECK (sample >= 0),
    text TEXT NOT NULL,
    looks TEXT NOT NULL,                          -- hash of the text as shown on a screen
    finish_reason TEXT,
    n_tokens INTEGER,
    ttft_s REAL,
    elapsed_s REAL,
    created_at TEXT NOT NULL
);
CREATE INDEX answers_of ON answers (prompt_id, contestant_id, sample);
CREATE TRIGGER answers_are_immutable BEFORE UPDATE ON answers
BEGIN SELECT RAISE(ABORT, 'an answer is never changed'); END;
CREATE TRIGGER answers_are_kept BEFORE DELETE ON answers
BEGIN SELECT RAISE(ABORT, 'an answer is never deleted'); END;

CREATE TABLE labelers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    created_at TEXT NOT NULL
);

CREATE TABLE battles (
    id TEXT PRIMARY KEY,
    origin TEXT NOT NULL CHECK (origin IN ('arena', 'chat', 'import')),
    labeler_id TEXT NOT NULL REFERENCES labelers (id),       -- for whom
    prompt_id TEXT REFERENCES prompts (id),                  -- NULL: an imported vote that names none
    left_id TEXT NOT NULL REFERENCES contestants (id),
    right_id TEXT NOT NULL REFERENCES contestants (id),
    left_answer_id TEXT REFERENCES answers (id),
    right_answer_id TEXT REFERENCES answers (id),
    created_at TEXT NOT NULL,
    CHECK (left_id <> right_id),
    CHECK (origin = 'import' OR prompt_id IS NOT NULL),
    CHECK (origin = 'import' OR (left_answer_id IS NOT NULL AND right_answer_id IS NOT NULL))
);
CREATE INDEX battles_of_labeler ON battles (labeler_id, id) WHERE origin <> 'import';
CREATE TRIGGER battles_show_what_they_say BEFORE INSERT ON battles WHEN NEW.origin <> 'import'
BEGIN
    SELECT RAISE(ABORT, 'an answer of this battle is by another contestant or to another prompt')
    WHERE NOT EXISTS (SELECT 1 FROM answers WHERE id = NEW.left_answer_id
                      AND contestant_id = NEW.left_id AND prompt_id = NEW.prompt_id)
       OR NOT EXISTS (SELECT 1 FROM answers WHERE id = NEW.right_answer_id
                      AND contestant_id = NEW.right_id AND prompt_id = NEW.prompt_id);
END;
CREATE TRIGGER battles_are_immutable BEFORE UPDATE ON battles
BEGIN SELECT RAISE(ABORT, 'a battle is never changed'); END;
CREATE TRIGGER battles_are_kept BEFORE DELETE ON battles
BEGIN SELECT RAISE(ABORT, 'a battle is never deleted'); END;

CREATE TABLE ballot_events (
    id TEXT PRIMARY KEY,
    battle_id TEXT NOT NULL REFERENCES battles (id),
    labeler_id TEXT NOT NULL REFERENCES labelers (id),
    kind TEXT NOT NULL CHECK (kind IN ('vote', 'skip', 'undo', 'comment')),
    outcome TEXT CHECK (outcome IN ('left', 'right', 'tie', 'both_bad')),
    target_id TEXT REFERENCES ballot_events (id),            -- the vote or skip that an undo takes back
    elapsed_ms INTEGER CHECK (elapsed_ms >= 0),              -- from the first token shown to the key press
    before_end INTEGER CHECK (before_end IN (0, 1)),         -- decided before both answers were whole
    names_shown TEXT CHECK (names_shown IN ('never', 'after', 'end')),
    text TEXT,                                               -- a comment, or why it was skipped
    position INTEGER NOT NULL DEFAULT 0,                     -- place in the imported file, else 0
    created_at TEXT NOT NULL,
    CHECK ((kind = 'vote') = (outcome IS NOT NULL)),
    CHECK ((kind = 'undo') = (target_id IS NOT NULL))
);
CREATE INDEX ballot_events_of_battle ON ballot_events (battle_id, labeler_id);
CREATE INDEX ballot_events_of_labeler ON ballot_events (labeler_id, created_at, position, id)
    WHERE position = 0;
CREATE INDEX ballot_events_taken_back ON ballot_events (target_id) WHERE target_id IS NOT NULL;
CREATE TRIGGER ballot_events_are_immutable BEFORE UPDATE ON ballot_events
BEGIN SELECT RAISE(ABORT, 'a ballot is never changed: taking it back is another event'); END;
CREATE TRIGGER ballot_events_are_kept BEFORE DELETE ON ballot_events
BEGIN SELECT RAISE(ABORT, 'a ballot is never deleted: taking it back is another event'); END;

-- Votes and skips that nobody took back.
CREATE VIEW standing_events AS
SELECT e.* FROM ballot_events e
WHERE e.kind IN ('vote', 'skip')
  AND NOT EXISTS (SELECT 1 FROM ballot_events u WHERE u.target_id IS NOT NULL AND u.target_id = e.id
                  AND u.labeler_id = e.labeler_id);

-- What stands: of each labeler's votes on a battle the last one that was not taken back. "Last" is by what
-- the rows say (time, place in the file, id), never by the order in which they were written here.
CREATE VIEW votes AS
SELECT e.id, e.battle_id, e.labeler_id, e.outcome, e.elapsed_ms, e.before_end, e.names_shown, e.position,
       e.created_at
FROM standing_events e
WHERE e.kind = 'vote'
  AND NOT EXISTS (
      SELECT 1 FROM standing_events l
      WHERE l.kind = 'vote' AND l.battle_id = e.battle_id AND l.labeler_id = e.labeler_id
        AND (l.created_at, l.position, l.id) > (e.created_at, e.position, e.id));
"""


# A labeler who was told the names, took that vote back and votes again knows who is who: such a vote stands,
# but is not blind. Files of votes do not say what was shown (`names_shown` is NULL) and are taken as blind.
_BLIND_VOTES = """
DROP VIEW votes;
CREATE VIEW votes AS
SELECT e.id, e.battle_id, e.labeler_id, e.outcome, e.elapsed_ms, e.before_end, e.names_shown, e.position,
       e.created_at,
       e.names_shown IS NULL OR NOT EXISTS (
           SELECT 1 FROM ballot_events s
           WHERE s.battle_id = e.battle_id AND s.labeler_id = e.labeler_id
             AND s.kind = 'vote' AND s.names_shown = 'after'
             AND (s.created_at, s.position, s.id) < (e.created_at, e.position, e.id)
             AND EXISTS (SELECT 1 FROM ballot_events u WHERE u.target_id IS NOT NULL AND u.target_id = s.id
                         AND u.labeler_id = s.labeler_id)) AS blind
FROM standing_events e
WHERE e.kind = 'vote'
  AND NOT EXISTS (
      SELECT 1 FROM standing_events l
      WHERE l.kind = 'vote' AND l.battle_id = e.battle_id AND l.labeler_id = e.labeler_id
        AND (l.created_at, l.position, l.id) > (e.created_at, e.position, e.id));
"""


def _m001_create(database: Any) -> None:
    database.executescript(_CREATE)


def _m002_blind_votes(database: Any) -> None:
    database.executescript(_BLIND_VOTES)


MIGRATIONS: Sequence[tuple[str, Callable[[Any], None]]] = (
    ("m001_create", _m001_create),
    ("m002_blind_votes", _m002_blind_votes),
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
