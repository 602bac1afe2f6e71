"""A small project with real votes in a real file; only the engines are fakes."""

from pathlib import Path

import pytest

from ftarena.tui.desk import Desk
from ftarena.tui.situation import Situation
from ftarena.workspace import Workspace

from .support import fill, make_desk


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty project."""
    return Workspace(tmp_path / "project" / ".ftarena")


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    """A project of three contestants, two prompts and six answers, and engines that are fakes."""
    fill(workspace)
    return make_desk(workspace)


@pytest.fixture(autouse=True)
def situation(monkeypatch: pytest.MonkeyPatch) -> list[Situation]:
    """What is going on: nothing. A test that puts another `Situation` into the list changes that."""
    now = [Situation()]
    monkeypatch.setattr("ftarena.tui.app.look", lambda workspace: now[0])
    return now
