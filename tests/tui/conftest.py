"""A small project with real votes in a real file; only the engines are fakes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ftarena.arena import add_contestant
from ftarena.serving.contestants import Contestant
from ftarena.store import Store
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.tui.situation import Situation
from ftarena.workspace import Workspace

NAMES = ("base-zebra", "sft-walrus", "dpo-quokka")
"""Words that occur nowhere else, so that a test can look for them on a whole screen."""

MakeDesk = Callable[..., Desk]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty project."""
    return Workspace(tmp_path / "project" / ".ftarena")


def fill(
    workspace: Workspace,
    *,
    names: Sequence[str] = NAMES,
    prompts: Sequence[str] = ("How do I list files?", "Which process uses port 8080?"),
    answer: Callable[[int, int], str] = lambda n, i: f"Text {n} for question {i}.",
) -> None:
    """Give a project contestants, prompts and all their answers.

    Args:
        workspace: Where.
        names: Contestants.
        prompts: Questions.
        answer: From number of the contestant and of the question to its answer.
    """
    workspace.ensure()
    with Store.open(workspace.database) as store:
        rows = [
            add_contestant(store, name, Contestant(model="demo:smollm2", adapter=f"run-{n}" if n else None))
            for n, name in enumerate(names)
        ]
        ids = store.add_prompts([([("user", text)], None) for text in prompts], "heldout")
        for n, row in enumerate(rows):
            for i, prompt_id in enumerate(ids):
                store.add_answer(row.id, prompt_id, answer(n, i), n_tokens=5)


@pytest.fixture
def arena_desk(workspace: Workspace) -> Desk:
    """A project of three contestants, two prompts and six answers."""
    fill(workspace)
    return Desk(workspace, workspace.database, "ana")


@pytest.fixture(autouse=True)
def nothing_going_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engines and runs are looked for, unless a test says so."""
    monkeypatch.setattr("ftarena.tui.app.look", lambda workspace: Situation())


def screen_text(app: FtarenaApp) -> str:
    """Return what the terminal shows, as plain text."""
    size = app.screen.size
    strips = app.screen._compositor.render_strips(size)
    return "\n".join(strip.text for strip in strips)
