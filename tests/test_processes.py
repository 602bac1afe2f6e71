"""Processes that outlive their terminal, and the files they leave."""

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ftarena.processes import ProcessIdentity, read_json, reap, spawn_detached, tail, write_json


def wait_for(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


def test_a_detached_process_is_in_a_session_of_its_own(tmp_path: Path) -> None:
    """My SSH connection may drop: the hang-up does not reach it."""
    identity = spawn_detached(SLEEPER, log=tmp_path / "log")
    try:
        assert identity.alive()
        assert os.getsid(identity.pid) == identity.pid != os.getsid(0)
    finally:
        assert identity.stop(timeout_s=5)
    assert not identity.alive()


def test_a_reused_pid_is_not_taken_for_the_old_process(tmp_path: Path) -> None:
    """A status file of last week never makes me kill someone else."""
    mine = ProcessIdentity.current()
    stale = ProcessIdentity(mine.pid, mine.started - 1000)
    assert mine.alive()
    assert not stale.alive()
    assert stale.signal(signal.SIGKILL) is False


def test_one_that_ignores_the_request_is_killed_with_its_children(tmp_path: Path) -> None:
    """Stopping means stopped."""
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    identity = spawn_detached([sys.executable, "-c", code], log=tmp_path / "log")
    assert wait_for(lambda: bool(tail(tmp_path / "log", 1)))
    child = ProcessIdentity.of(int(tail(tmp_path / "log", 1)[0]))
    assert identity.stop(timeout_s=0.3)
    assert wait_for(lambda: not child.alive())


def test_a_finished_child_is_no_zombie(tmp_path: Path) -> None:
    """A front end that stays open for days leaves nothing in the process table."""
    identity = spawn_detached([sys.executable, "-c", "pass"], log=tmp_path / "log")
    assert wait_for(lambda: not identity.alive())
    reap()
    with pytest.raises(ProcessLookupError):
        os.kill(identity.pid, 0)


def test_a_status_is_replaced_whole(tmp_path: Path) -> None:
    """A power cut leaves the old status or the new one."""
    path = tmp_path / "status.json"
    write_json(path, {"step": 1})
    write_json(path, {"step": 2})
    assert read_json(path) == {"step": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["status.json"]


def test_a_file_that_is_not_there_or_torn_reads_as_nothing(tmp_path: Path) -> None:
    """A reader never trips over a writer."""
    (tmp_path / "torn.json").write_text('{"step": ')
    (tmp_path / "list.json").write_text("[1]")
    assert read_json(tmp_path / "torn.json") == read_json(tmp_path / "list.json") == {}
    assert read_json(tmp_path / "none.json") == {}
    assert tail(tmp_path / "none.txt", 3) == []


def test_the_tail_of_a_huge_log_is_cheap(tmp_path: Path) -> None:
    """A gigabyte of log does not freeze the screen."""
    log = tmp_path / "log"
    log.write_text("".join(f"line {n}\n" for n in range(50_000)))
    assert tail(log, 2, max_bytes=1000) == ["line 49998", "line 49999"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the error names the file; the old one is there, and no half one beside it."""
    path = tmp_path / "status.json"
    write_json(path, {"step": 1})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("ftarena.processes.os.fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_json(path, {"step": 2})
    assert caught.value.filename == str(path)
    assert read_json(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]
