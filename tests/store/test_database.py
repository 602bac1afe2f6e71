"""The file itself: private, durable, shared, and never somebody else's."""

import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.store import Store, migrations
from ftarena.store.database import Database


def test_only_i_can_read_it(tmp_path: Path) -> None:
    """My prompts and votes are readable for me alone, the files beside the database included."""
    with Store.open(tmp_path / "arena.db") as store:
        store.add_prompts([([("user", "secret")], None)], "heldout")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes) == {"arena.db", "arena.db-wal", "arena.db-shm"}
    assert set(modes.values()) == {0o600}


def test_a_vote_survives_a_power_cut(tmp_path: Path) -> None:
    """What was acknowledged is on the disk: WAL, flushed at every commit, with a patient lock."""
    with Store.open(tmp_path / "arena.db") as store:
        ask = store.connection.execute
        assert ask("PRAGMA journal_mode").fetchone() == ("wal",)
        assert ask("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert ask("PRAGMA busy_timeout").fetchone() == (30_000,)
        assert ask("PRAGMA foreign_keys").fetchone() == (1,)


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    """A database that is up to date is opened without a write, so also while another holds the lock."""
    path = tmp_path / "arena.db"
    with Store.open(path) as first, first.transaction(), Store.open(path) as second:
        assert second.contestants() == []


_ADD = """
import sys
from pathlib import Path
from ftarena.store import Store, migrations
sys.stdin.read()
with Store.open(Path(sys.argv[1])) as store:
    store.add_contestant(sys.argv[2])
"""


def test_many_front_ends_open_a_new_project_at_once(tmp_path: Path) -> None:
    """Five processes may create the same database at the same moment; none fails, nothing is lost."""
    path = tmp_path / "arena.db"
    processes = [
        subprocess.Popen([sys.executable, "-c", _ADD, str(path), f"name {number}"], stdin=subprocess.PIPE)
        for number in range(5)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0] * 5
    with Store.open(path) as store:
        assert len(store.contestants()) == 5


def test_threads_write_through_one_store(tmp_path: Path) -> None:
    """Eight threads of one front end share a store; each has a connection of its own."""
    with Store.open(tmp_path / "arena.db") as store:

        def write(number: int) -> None:
            for again in range(10):
                store.add_contestant(f"name {number} {again}")

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.contestants()) == 80


def test_a_failed_step_leaves_nothing(tmp_path: Path) -> None:
    """Something that breaks half way through leaves the database as it was, and usable."""
    with Store.open(tmp_path / "arena.db") as store:
        with pytest.raises(ZeroDivisionError), store.transaction():
            store.add_contestant("half")
            raise ZeroDivisionError
        assert store.contestants() == []
        store.add_contestant("whole")
        assert [row.name for row in store.contestants()] == ["whole"]


def test_a_long_read_does_not_hold_up_a_vote(tmp_path: Path) -> None:
    """While one thread reads scores, another can write."""
    with Store.open(tmp_path / "arena.db") as store:
        store.add_contestant("one")
        cursor = store.connection.execute("SELECT name FROM contestants")
        cursor.fetchone()
        writer = threading.Thread(target=store.add_contestant, args=("two",))
        writer.start()
        writer.join(10)
        assert not writer.is_alive()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"name,votes\nbase,3\n" * 40, "not a database"), (None, "another program")],
    ids=["not sqlite", "another program's"],
)
def test_what_is_not_ours_is_left_alone(tmp_path: Path, content: bytes | None, words: str) -> None:
    """A file that is no arena is refused with one message, and not touched."""
    path = tmp_path / "other.db"
    if content is None:
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE bookmarks (url TEXT)")
        other.close()
        content = path.read_bytes()
    else:
        path.write_bytes(content)
    with pytest.raises(FtarenaError, match=words) as caught:
        Store.open(path)
    assert "--db" in caught.value.hint
    assert path.read_bytes() == content


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A database that a later version has changed is not written by this one."""
    path = tmp_path / "arena.db"
    with Store.open(path) as store:
        store.connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('ftarena', 'm999_x', '')"
        )
    with pytest.raises(FtarenaError, match="newer version") as caught:
        Store.open(path)
    assert "upgrade" in caught.value.hint


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A path in a folder that is not there says so, with the command that makes it."""
    with pytest.raises(FtarenaError, match="no folder") as caught:
        Store.open(tmp_path / "nowhere" / "arena.db")
    assert caught.value.hint.startswith("mkdir -p")


def test_a_full_disk_is_said_in_words(tmp_path: Path) -> None:
    """When the disk is full I am told so, nothing is half written, and it works again later."""
    with Store.open(tmp_path / "arena.db") as store:
        (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
        store.connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(FtarenaError, match="full") as caught:
            store.add_prompts([([("user", "long " * 100_000)], None)], "heldout")
        assert "df -h" in caught.value.hint
        store.connection.execute("PRAGMA max_page_count = 1000000")
        assert store.prompts() == []
        store.add_prompts([([("user", "short")], None)], "heldout")


def test_a_locked_file_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another program never lets go of the file, I am told so instead of waiting for ever."""
    monkeypatch.setattr("ftarena.store.database.BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "arena.db"
    with Store.open(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(FtarenaError, match="locked") as caught:
            store.add_contestant("late")
        assert "fuser" in caught.value.hint
        other.close()


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """Asking a store after it was closed is one message, not a crash inside SQLite."""
    store = Store.open(tmp_path / "arena.db")
    store.close()
    with pytest.raises(FtarenaError, match="closed"):
        store.contestants()


def test_the_wal_is_folded_back_on_closing(tmp_path: Path) -> None:
    """After the last one has closed, the one file holds everything and can be copied."""
    with Store.open(tmp_path / "arena.db") as store:
        store.add_contestant("base")
    assert [path.name for path in tmp_path.iterdir()] == ["arena.db"]
    copy = tmp_path / "copy.db"
    copy.write_bytes((tmp_path / "arena.db").read_bytes())
    with Store.open(copy) as store:
        assert [row.name for row in store.contestants()] == ["base"]


def test_a_programming_error_is_not_dressed_up(tmp_path: Path) -> None:
    """Wrong SQL is our mistake and says so with a traceback; it is not blamed on the user's disk."""
    with Database.open(tmp_path / "arena.db") as database, pytest.raises(sqlite3.OperationalError):
        database.rows("SELECT nothing FROM nowhere")


def test_an_older_database_learns_what_is_blind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database from before blindness was told apart is brought up to date, with all its votes."""
    path = tmp_path / "arena.db"
    with monkeypatch.context() as before:
        before.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        with Store.open(path) as store:
            assert "blind" not in [row[1] for row in store.rows("PRAGMA table_info(votes)")]
    with Store.open(path) as store:
        assert "blind" in [row[1] for row in store.rows("PRAGMA table_info(votes)")]
        assert store.standing_votes() == []
