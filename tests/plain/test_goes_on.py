"""Ctrl+c while something is being watched."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ftarena.plain import goes_on
from ftarena.serving.engine import EngineState
from ftarena.training.runs import RunState
from ftarena.workspace import Workspace


def test_i_am_told_what_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After ctrl+c I know that the run and the engine go on, and how each is stopped."""
    runs = [
        SimpleNamespace(id="sft-2", directory=tmp_path / "sft-2", state=RunState.TRAINING),
        SimpleNamespace(id="sft-1", directory=tmp_path / "sft-1", state=RunState.DIED),
    ]
    engine = SimpleNamespace(status=lambda: SimpleNamespace(state=EngineState.STARTING))
    monkeypatch.setattr(goes_on, "list_runs", lambda _: runs)
    monkeypatch.setattr(goes_on, "list_engines", lambda _: [engine])
    with pytest.raises(KeyboardInterrupt), goes_on.told_what_goes_on(Workspace(tmp_path)):
        raise KeyboardInterrupt
    said = capsys.readouterr().err
    assert "ftarena runs stop sft-2" in said
    assert "ftarena engine stop" in said
    assert "sft-1" not in said


def test_nothing_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is running nothing is said of it."""
    with pytest.raises(KeyboardInterrupt), goes_on.told_what_goes_on(Workspace(tmp_path)):
        raise KeyboardInterrupt
    assert capsys.readouterr().err.strip() == ""


def test_the_run_that_i_watched_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """I stop watching a run that waits for another one: mine is named first, and that it waits."""
    runs = [
        SimpleNamespace(id="dpo-1", directory=tmp_path / "dpo-1", state=RunState.TRAINING),
        SimpleNamespace(id="kto-1", directory=tmp_path / "kto-1", state=RunState.QUEUED),
    ]
    monkeypatch.setattr(goes_on, "list_runs", lambda _: runs)
    monkeypatch.setattr(goes_on, "list_engines", lambda _: [])
    watched = goes_on.told_what_goes_on(Workspace(tmp_path), tmp_path / "kto-1")
    with pytest.raises(KeyboardInterrupt), watched:
        raise KeyboardInterrupt
    assert capsys.readouterr().err.strip().splitlines() == [
        "The run kto-1 still waits for its turn. Stop it: ftarena runs stop kto-1",
        "The run dpo-1 goes on. Stop it: ftarena runs stop dpo-1",
    ]
    runs[1].state = RunState.DIED
    with pytest.raises(KeyboardInterrupt), goes_on.told_what_goes_on(Workspace(tmp_path), tmp_path / "kto-1"):
        raise KeyboardInterrupt
    assert "The run kto-1 is no longer going" in capsys.readouterr().err
