"""One SQLite file, opened so that several front ends, threads and labelers may use it at once.

WAL with `synchronous=FULL`: a vote that was acknowledged survives a power cut. Each thread has a connection
of its own, so a long read (scores over a million votes) holds up nobody's vote. Writes are short transactions
that take the write lock at once (`BEGIN IMMEDIATE`): one that read first and asked for the lock later could
be refused without waiting, whatever the timeout.

No connection is closed while its thread may be in it: SQLite crashes (a segmentation fault, no exception)
where that happens in the middle of a statement.
"""

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ftarena.errors import FtarenaError
from ftarena.store import migrations

BUSY_TIMEOUT_S = 30.0
"""How long a writer waits for another: 16 writers with SQLite's 5 s met *database is locked* within 9 s."""

_APPLICATION_ID = 0x66746172  # "ftar", so that `file` and we know our own


class Database:
    """The file and its connections. `Store` adds what is in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read_only = False
        """Whether nothing can be written: the medium does not allow it."""

        self._local = threading.local()
        self._closed = False

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a database, creating it (mode 0600) or bringing it up to date where need be.

        Args:
            path: The file. Its folder must exist.

        Raises:
            FtarenaError: It cannot be opened, is something else, or was written by a newer version.
        """
        database = cls(path)
        with mended(path):
            _create_private(path)
            connection = database.connection
            _prepare(connection, path)
        return database

    @classmethod
    def open_existing(cls, path: Path) -> Self:
        """Open a database that is there, to read it: also from a medium that cannot be written.

        Where it can be written it is brought up to date as `open` does.

        Args:
            path: The file.

        Raises:
            FtarenaError: It is not there, cannot be opened, is something else, or is of an older version and
                cannot be written.
        """
        need_database(path)
        if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
            return cls.open(path)
        return cls._open_unwritten(
            path,
            f"{path} is of an older version of ftarena and cannot be written",
            f"copy it to where you can write and name it with --db: cp {path} .",
        )

    @classmethod
    def open_to_read(cls, path: Path) -> Self:
        """Open a database that is there, and leave it as it is: for who only looks something up in it.

        Args:
            path: The file.

        Raises:
            FtarenaError: It is not there, cannot be opened, is something else, or is of another version.
        """
        need_database(path)
        return cls._open_unwritten(
            path,
            f"{path} is of an older version of ftarena",
            f"bring it up to date: ftarena score --db {path}",
        )

    @classmethod
    def _open_unwritten(cls, path: Path, message: str, hint: str) -> Self:
        database = cls(path)
        database.read_only = True
        with mended(path):
            if not is_up_to_date(database.connection, path):
                database.close()
                raise FtarenaError(message, hint)
        return database

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode. Write only inside `transaction()`.

        Raises:
            FtarenaError: The database was closed, and this thread is in no transaction begun before that.
        """
        handle: _Handle | None = getattr(self._local, "handle", None)
        if self._closed and not (handle is not None and handle.connection.in_transaction):
            self._let_go()
            raise FtarenaError(f"{self.path} is closed", "open it again")
        if handle is None:
            handle = self._local.handle = _Handle(
                connect_to_read(self.path) if self.read_only else _connect(self.path)
            )
        return handle.connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write as one step: everything inside is committed at the end, or nothing where something is raised.

        Raises:
            FtarenaError: The disk is full, the file is read-only, or another writer held it for 30 s.
        """
        with mended(self.path):
            connection = self.connection
            if connection.in_transaction:  # part of a larger one
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                roll_back(connection)
                raise

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds, with every value as a parameter.

        Raises:
            FtarenaError: The file cannot be read.
        """
        with mended(self.path):
            return self.connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Close this thread's connection now, and let each other thread close its own.

        A thread that is in a query reads it to its end, one in a transaction finishes that; whatever they ask
        after it says that the database is closed. Their connections are closed then, or when they end, or
        when nobody holds this object any more. The last one to close folds the WAL back into the file.
        """
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        handle: _Handle | None = self._local.__dict__.pop("handle", None)
        if handle is not None:
            handle.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Handle:
    """A connection that is closed when the thread it belongs to, or the database, is gone.

    Neither can be while a method of the database runs in that thread, so nothing is in the connection then.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


def _create_private(path: Path) -> None:
    """Create an empty file that only its user may read; SQLite gives its `-wal` and `-shm` the same mode."""
    if not path.parent.is_dir():
        raise FtarenaError(f"there is no folder {path.parent} to keep votes in", f"mkdir -p {path.parent}")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise FtarenaError(
            f"cannot create {path}: {error.strerror or error}",
            f"check who may write there: ls -la {path.parent}",
        ) from error


def _connect(path: Path) -> sqlite3.Connection:
    # check_same_thread is off only so that what a thread has left behind can be closed after it.
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA recursive_triggers = ON")  # else INSERT OR REPLACE deletes past the triggers
    return connection


def need_database(path: Path) -> None:
    """Check that there is a file to read.

    Raises:
        FtarenaError: There is none.
    """
    if path.is_dir():
        raise FtarenaError(
            f"{path} is a folder, not an arena", f"name the file in it, e.g. {path / 'arena.db'}"
        )
    if not path.exists():
        raise FtarenaError(f"there is no arena at {path}", "vote first, or name another one with --db")


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a file that is there without writing anything, not even beside it where that is not allowed.

    Raises:
        sqlite3.Error: It cannot be read.
        FtarenaError: The last votes are still in the log beside it, and that cannot be read from here.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection
    except sqlite3.OperationalError as error:
        if os.access(path.parent, os.W_OK) or not os.access(path, os.R_OK):
            raise
        # Reading a file in WAL mode makes an index beside it. Where nobody can, nobody changes it either.
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise FtarenaError(
                f"{path}: its last votes are in {log.name}, which cannot be read on a medium without writing",
                f"copy both to where you can write, and name the copy with --db: cp {path}* .",
            ) from error
    return sqlite3.connect(f"{address}&immutable=1", uri=True, isolation_level=None, check_same_thread=False)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if is_up_to_date(connection, path):
        return
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not is_up_to_date(connection, path):  # another process may have done it while we waited
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID:d}")
            migrations.apply(connection)
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise


def is_up_to_date(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether nothing has to be migrated.

    Raises:
        FtarenaError: The file is not ours to migrate.
    """
    done = migrations.applied(connection)
    if done is None:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise FtarenaError(
                f"{path} is an SQLite database of another program", "give another file with --db"
            )
        return False
    known = [name for name, _ in migrations.MIGRATIONS]
    if unknown := [name for name in done if name not in known]:
        raise FtarenaError(
            f"{path} was written by a newer version of ftarena (it has {unknown[-1]})",
            "upgrade ftarena, or work on another file with --db",
        )
    return len(done) == len(known)


def roll_back(connection: sqlite3.Connection) -> None:
    """Undo the transaction that is under way because of an error, which stays the one to tell."""
    if connection.in_transaction:  # a full disk has ended it already
        with suppress(sqlite3.Error):  # what cannot be undone now is undone by whoever opens the file next
            connection.execute("ROLLBACK")


@contextmanager
def mended(path: Path) -> Iterator[None]:
    """Turn what the disk or another process did to the file into words and a hint.

    What is our own fault (wrong SQL, a broken rule of the schema) passes through as it is.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_FULL or (code in _DISK and _is_full(path.parent)):
            temporary = os.environ.get("SQLITE_TMPDIR") or tempfile.gettempdir()  # where SQLite sorts
            raise FtarenaError(
                f"{path}: no space left on the disk ({error})",
                f"free some space, then try again: df -h {path.parent} {temporary}",
            ) from error
        if code not in _HINTS:
            raise
        raise FtarenaError(f"{path}: {error}", _HINTS[code].format(path=path, folder=path.parent)) from error


_HINTS = {
    sqlite3.SQLITE_BUSY: "another program holds the file; see which one: fuser {path}",
    sqlite3.SQLITE_LOCKED: "another program holds the file; see which one: fuser {path}",
    sqlite3.SQLITE_IOERR: "the disk refused; see why: df -h {folder}",
    sqlite3.SQLITE_READONLY: "check who may write there: ls -la {folder}",
    sqlite3.SQLITE_PERM: "check who may write there: ls -la {folder}",
    sqlite3.SQLITE_CANTOPEN: "check who may read and write there: ls -la {folder}",
    sqlite3.SQLITE_NOTADB: "give another file with --db",
    sqlite3.SQLITE_CORRUPT: "restore a backup, or save what is left: sqlite3 {path} .recover",
}

# What SQLite also says of a full disk, where it is its log or its index of that which finds no room.
_DISK = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


def _is_full(folder: Path) -> bool:
    try:
        # Less than the smallest log and its index need. A read-only medium has no room either.
        return shutil.disk_usage(folder).free < 64 * 1024 and os.access(folder, os.W_OK)
    except OSError:
        return False
