"""Stopping, pausing and resuming from the command line: what is said."""

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ftarena.errors import FtarenaError
from ftarena.plain import run_control
from ftarena.processes import ProcessIdentity, read_json, write_json
from ftarena.training.checkpoints import write_manifest
from ftarena.training.runs import STATUS
from ftarena.workspace import Workspace

WORKER = """
import json, signal, sys
from pathlib import Path
file = Path(sys.argv[1])
asked = (signal.SIGUSR1, signal.SIGTERM)
signal.pthread_sigmask(signal.SIG_BLOCK, asked)
print(flush=True)
state = "paused" if signal.sigwait(asked) == signal.SIGUSR1 else "stopped"
said = json.loads(file.read_text())
file.write_text(json.dumps({**said, "state": state, "step": 4}))
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A project of its own, without engines."""
    return Workspace(tmp_path / ".ftarena").ensure()


@pytest.fixture
def training(workspace: Workspace) -> Path:
    """A run that trains, with a checkpoint of step 3; its worker does what it is told."""
    directory = workspace.runs / "mine-1-1"
    (directory / "checkpoint-3").mkdir(parents=True)
    (directory / "checkpoint-3" / "optimizer.pt").write_bytes(b"state")
    write_manifest(directory / "checkpoint-3", 3)
    child = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(directory / STATUS)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "\n"
    status = {"state": "training", "name": "mine", "step": 3, "total_steps": 9}
    write_json(directory / STATUS, {**status, **asdict(ProcessIdentity.of(child.pid))})
    return directory


def said(command: Callable[..., int], *arguments: Any, **options: Any) -> str:
    out = io.StringIO()
    assert command(*arguments, **options, out=out) == 0
    return out.getvalue().strip()


def test_a_pause_says_how_to_go_on(
    workspace: Workspace, training: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """I pause, and the command that resumes is on my screen; a second pause is harmless."""
    assert said(run_control.pause, workspace, "mine") == "mine-1-1: paused at step 4 of 9"
    assert "It goes on with: ftarena runs resume mine-1-1" in capsys.readouterr().err
    assert said(run_control.pause, workspace, "mine") == "mine-1-1 was paused already."


def test_a_stop_says_what_is_kept(workspace: Workspace, training: Path) -> None:
    """I stop: there is no adapter here, but a checkpoint."""
    words = "mine-1-1: stopped at step 4 of 9, what it learned up to step 3 is in a checkpoint"
    assert said(run_control.stop, workspace, "mine") == words
    assert said(run_control.stop, workspace, "mine") == "mine-1-1 was stopped already."


def test_a_kill_keeps_the_checkpoint(workspace: Workspace, training: Path) -> None:
    """`--now` does not wait for the step."""
    words = "mine-1-1: stopped at step 3 of 9, what it learned up to step 3 is in a checkpoint"
    assert said(run_control.stop, workspace, "mine", now=True) == words


def test_resuming_says_from_where(
    workspace: Workspace, training: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I resume and read at which step it goes on, and when; what I asked for is passed on."""
    said(run_control.stop, workspace, "mine", now=True)
    asked: list[tuple[str, dict[str, bool]]] = []

    def resume(run: Any, _: Workspace, **options: bool) -> Any:
        asked.append((run.id, options))
        return SimpleNamespace(id=run.id, message="goes on from step 3 of 9 when its turn comes")

    monkeypatch.setattr(run_control, "resume_training", resume)
    words = "mine-1-1 goes on from step 3 of 9 when its turn comes"
    assert said(run_control.resume, workspace, "mine", queue=True) == words
    assert asked == [("mine-1-1", {"queue": True, "force": False})]


def test_a_run_that_waits_is_taken_back(
    workspace: Workspace, training: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """I stop a queued run: I read that it never began, not of a step 0 of 0."""
    status = read_json(training / STATUS)
    write_json(training / STATUS, {**status, "state": "queued", "step": 0, "total_steps": 0})
    assert said(run_control.stop, workspace, "mine", now=True) == "mine-1-1: taken back before it began"
    assert "current step" not in capsys.readouterr().err
    assert read_json(training / STATUS)["message"].startswith("taken back before it began")


def test_what_is_not_there_is_said(workspace: Workspace) -> None:
    """A typing error names no traceback."""
    for command in (run_control.stop, run_control.pause, run_control.resume):
        with pytest.raises(FtarenaError, match="there is no run 'x'"):
            command(workspace, "x")
