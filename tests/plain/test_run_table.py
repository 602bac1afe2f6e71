"""The table of runs, as wide as whatever reads it."""

import io
import re
import time
from pathlib import Path

import pytest

from ftarena.plain.runs import list_all
from ftarena.processes import write_json
from ftarena.training.runs import STATUS
from ftarena.workspace import Workspace

ID = "a-name-of-my-own-for-this-run-20260102-030405"


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two runs: a plain one, and one that was asked for far too many steps."""
    project = Workspace(tmp_path / ".ftarena").ensure()
    losses = {"loss": 1.25, "eval_loss": 2.5}
    for name, step, steps, metrics in (
        (ID, 20, 120, losses),
        ("absurd-20260102-030405", 1, 24 * 10**299, losses | {"loss": 1e300}),
    ):
        folder = project.runs / name
        folder.mkdir(parents=True)
        now = time.time()
        status = {"name": name, "method": "sft", "state": "finished", "step": step, "total_steps": steps}
        times = {"started_at": now - 65, "updated_at": now}
        write_json(folder / STATUS, {**status, **times, "metrics": metrics})
    return project


def printed(workspace: Workspace, out: io.StringIO) -> list[str]:
    assert list_all(workspace, out=out) == 0
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_an_id_is_whole_at_any_width(
    workspace: Workspace, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However narrow my terminal is, I can copy a run's id, and each run is one line."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in printed(workspace, Terminal())]
    assert len(lines) == 3
    assert any(line.startswith(f"{ID} ") and "20/120" in line for line in lines)
    assert any("1/2.4e300" in line for line in lines)
    assert ("time" in lines[0]) == (width >= 120)
    if width >= 80:
        assert all(len(line) <= width for line in lines)


def test_a_pipe_gets_every_column(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What I pipe into another program does not depend on how wide a terminal would be."""
    monkeypatch.setenv("COLUMNS", "40")
    head, *lines = printed(workspace, io.StringIO())
    assert head.split() == ["run", "method", "state", "step", "loss", "held", "out", "time", "guards"]
    assert any(line.split()[:5] == [ID, "sft", "finished", "20/120", "1.250"] for line in lines)
    assert any("1.0e+300" in line for line in lines)
