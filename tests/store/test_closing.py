"""Closing a store while other threads are in it: nothing crashes, nothing that was begun is lost."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.store import Store

# In a process of its own, since what it guards against is a segmentation fault. The progress handler says, in
# the middle of a statement, that the thread is in the middle of a statement.
_CLOSED_UNDER_FOUR_READERS = """
import sys, threading
from pathlib import Path
from ftarena.errors import FtarenaError
from ftarena.store import Store

LONG = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
        " SELECT max(i) FROM n")
path = Path(sys.argv[1])

def read(store, inside):
    store.connection.set_progress_handler(lambda: inside.set(), 1000)
    try:
        while True:
            assert store.rows(LONG) == [(100000,)]
    except FtarenaError as error:
        assert "is closed" in error.message

for turn in range(5):
    store = Store.open(path)
    inside = [threading.Event() for _ in range(4)]
    readers = [threading.Thread(target=read, args=(store, one)) for one in inside]
    for reader in readers:
        reader.start()
    for one in inside:
        assert one.wait(30)
    store.close()
    for reader in readers:
        reader.join(30)
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # the WAL is folded back
print("whole")
"""


def test_closing_does_not_crash_who_is_reading(tmp_path: Path) -> None:
    """I quit while scores are read: they are read to the end, and the program ends as it should."""
    argv = [sys.executable, "-c", _CLOSED_UNDER_FOUR_READERS, str(tmp_path / "arena.db")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "whole\n", "")


def test_what_was_begun_is_finished(tmp_path: Path) -> None:
    """I quit while a vote is being kept in another thread: it is kept, and nothing after it."""
    store = Store.open(tmp_path / "arena.db")
    begun, closed = threading.Event(), threading.Event()
    refused: list[FtarenaError] = []

    def keep() -> None:
        with store.transaction():
            store.add_contestant("first")
            begun.set()
            assert closed.wait(30)
            store.add_contestant("second")
        try:
            store.add_contestant("third")
        except FtarenaError as error:
            refused.append(error)

    keeper = threading.Thread(target=keep)
    keeper.start()
    assert begun.wait(30)
    store.close()
    closed.set()
    keeper.join(30)
    assert [error.hint for error in refused] == ["open it again"]
    with Store.open(tmp_path / "arena.db") as again:
        assert [row.name for row in again.contestants()] == ["first", "second"]


def test_a_thread_that_asks_too_late_lets_go_of_the_file(tmp_path: Path) -> None:
    """A thread that goes on living holds the file until it next asks, not until the program ends."""
    store = Store.open(tmp_path / "arena.db")
    ready, closed, asked, done = (threading.Event() for _ in range(4))

    def live_on() -> None:
        store.contestants()
        ready.set()
        assert closed.wait(30)
        with pytest.raises(FtarenaError, match="is closed"):
            store.contestants()
        asked.set()
        assert done.wait(30)

    thread = threading.Thread(target=live_on)
    thread.start()
    assert ready.wait(30)
    store.close()
    assert len(list(tmp_path.iterdir())) == 3  # beside the file its -wal and -shm
    closed.set()
    assert asked.wait(30)
    assert [file.name for file in tmp_path.iterdir()] == ["arena.db"]
    done.set()
    thread.join(30)
