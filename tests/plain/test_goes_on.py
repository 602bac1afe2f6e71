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
        SimpleNamespace(id="sft-2", state=RunState.TRAINING),
        SimpleNamespace(id="sft-1", state=RunState.DIED),
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
