"""What the tests of training share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ftarena.processes import write_json
from ftarena.training.runs import STATUS
from ftarena.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A project of its own."""
    return Workspace(tmp_path / ".ftarena").ensure()


@pytest.fixture
def make_run(workspace: Workspace) -> Callable[..., Path]:
    """A function that lays down the folder of a run with the given status."""

    def make(run_id: str, **status: object) -> Path:
        folder = workspace.runs / run_id
        folder.mkdir(parents=True)
        write_json(folder / STATUS, {"name": run_id.rsplit("-", 2)[0], "method": "sft", **status})
        return folder

    return make
