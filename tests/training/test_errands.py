"""Processes that may import torch, run for programs that may not."""

import os
from pathlib import Path

import psutil
import pytest

from ftarena.errors import FtarenaError
from ftarena.training.errands import run_errand

SCRIPT = """
import os, sys, time
print("something a library printed", flush=True)
print(f"progress: {os.getpid()} \\x1b[31mred", flush=True)
match sys.argv[1]:
    case "well":
        print('result: {"bytes": 7}')
    case "badly":
        print("error: the disk is full\\nhint: df -h")
        sys.exit(1)
    case "silently":
        print("Traceback: a last word", flush=True)
        os._exit(3)
    case "slowly":
        time.sleep(600)
"""


@pytest.fixture(autouse=True)
def errand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that can be run as a process."""
    (tmp_path / "some_errand.py").write_text(SCRIPT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_it_tells_and_returns() -> None:
    """Lines for people come as they are said, cleaned; the result comes back as data."""
    told: list[str] = []
    assert run_errand("some_errand", ["well"], told.append, "it failed") == {"bytes": 7}
    assert len(told) == 1
    assert told[0].endswith("[31mred")
    assert "\x1b" not in told[0]


def test_it_says_why_it_failed() -> None:
    """Its own reason and way out are what I read; where it has none, its last words and how to try again."""
    with pytest.raises(FtarenaError, match="the disk is full") as caught:
        run_errand("some_errand", ["badly"], lambda _: None, "it failed")
    assert caught.value.hint == "df -h"
    with pytest.raises(FtarenaError, match="it failed: Traceback: a last word") as caught:
        run_errand("some_errand", ["silently"], lambda _: None, "it failed")
    assert "some_errand silently" in caught.value.hint


def test_ctrl_c_ends_it() -> None:
    """When I interrupt, the process is gone before the command is: nothing writes on behind my back."""
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line.split()[0]))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_errand("some_errand", ["slowly"], interrupt, "it failed")
    assert pids[0] != os.getpid()
    assert not psutil.pid_exists(pids[0])
