"""The next run out of the votes, and the generations, on the full screen."""

from pathlib import Path

import pytest
from made_runs import OVERFITS, make_run

from ftarena.arena import Arena
from ftarena.arena.lineup import enlist
from ftarena.processes import write_json
from ftarena.store import Store
from ftarena.training.runs import RESOLVED_RECIPE, Run, read_run
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.tui.screens.generations import GenerationsScreen, branches
from ftarena.tui.screens.improve import ImproveScreen
from ftarena.workspace import Workspace

from .support import LARGE, SMALL, make_desk, screen_text, shows, until

QUESTIONS = [f"What does option -{letter} of ls do?" for letter in "abcdefghijkl"]


def settle(workspace: Workspace, model: Path, votes: int = len(QUESTIONS)) -> Path:
    """Give a project a finished run, its base, answers of both, and votes for the shorter ones."""
    folder = make_run(workspace, "first", "finished", base_model=str(model))
    (folder / RESOLVED_RECIPE).write_text("method: sft\nmax_length: 256\ngeneral_dataset: []\n")
    with Store.open(workspace.database) as store:
        enlist(store, read_run(folder))
        ids = store.add_prompts([([("user", text)], None) for text in QUESTIONS], "heldout")
        for number, prompt in enumerate(ids):
            for which, row in enumerate(store.contestants()):
                store.add_answer(row.id, prompt, f"It lists {number}" + " more" * which, n_tokens=4)
        arena = Arena(store, labeler="ana")
        for _ in range(votes):
            battle = arena.next()
            assert battle is not None
            arena.vote(battle.id, "left" if len(battle.left) < len(battle.right) else "right", elapsed_ms=500)
    return folder


@pytest.fixture
def voted(workspace: Workspace, tiny_model: Path) -> Desk:
    """Twelve votes on a run of a real, tiny model."""
    settle(workspace, tiny_model)
    return make_desk(workspace)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_page_says_what_it_would_learn_and_y_starts_it(
    voted: Desk, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """I see pairs, doubt, check and plan; after y the run is begun, and I am among the runs."""
    begun: list[str] = []

    def start(recipe: object, workspace: Workspace, recipe_file: Path, **_: object) -> Run:
        begun.append(recipe_file.read_text())
        return read_run(make_run(workspace, "first-2", "training", method="dpo"))

    monkeypatch.setattr("ftarena.arena.improving.starting.start_training", start)
    app = FtarenaApp(voted, "scores")
    async with app.run_test(size=size) as pilot:
        app.push_screen(ImproveScreen(voted))
        await shows(pilot, "12 pairs from 12 votes of 1 labeler")
        await shows(pilot, "Improve: dpo → first-2")
        for words in ("label_smoothing 0", "check", "y start it"):
            assert words in screen_text(app)
        assert not begun
        await pilot.press("y")
        await until(pilot, lambda: type(app.screen).__name__ == "RunsScreen", "the place Runs")
    assert len(begun) == 1
    assert (voted.workspace.runs / "first-2-20260102-030405" / "improve.json").is_file()


async def test_other_method_and_more_agreement(voted: Desk) -> None:
    """m makes labelled answers of the votes, a asks for more agreement; both are said on top."""
    app = FtarenaApp(voted, "scores")
    async with app.run_test(size=LARGE) as pilot:
        app.push_screen(ImproveScreen(voted))
        await shows(pilot, "12 pairs")
        await pilot.press("m")
        await shows(pilot, "24 answers from 12 votes")
        await pilot.press("a")
        await shows(pilot, "Improve: kto, agreement 60 % or more")


async def test_too_few_votes_are_said_on_the_page(workspace: Workspace, tiny_model: Path) -> None:
    """With three votes the page says how many are missing, and offers no start."""
    settle(workspace, tiny_model, votes=3)
    desk = make_desk(workspace)
    app = FtarenaApp(desk, "scores")
    async with app.run_test(size=SMALL) as pilot:
        app.push_screen(ImproveScreen(desk))
        await shows(pilot, "3 pairs are too few to learn from: 8 are needed, 5 more")
        assert "start it" not in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ImproveScreen), "back")


async def test_the_device_may_be_taken(voted: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another run trains I am asked whether this one shall wait; y queues it."""
    from ftarena.errors import FtarenaError

    asked: list[bool] = []

    def start(recipe: object, workspace: Workspace, recipe_file: Path, *, queue: bool, **_: object) -> Run:
        asked.append(queue)
        if not queue:
            raise FtarenaError("the device is taken: other-1 is not done yet", "wait for your turn: --queue")
        return read_run(make_run(workspace, "first-2", "queued", method="dpo"))

    monkeypatch.setattr("ftarena.arena.improving.starting.start_training", start)
    app = FtarenaApp(voted, "scores")
    async with app.run_test(size=SMALL) as pilot:
        app.push_screen(ImproveScreen(voted))
        await shows(pilot, "12 pairs")
        await pilot.press("y")
        await shows(pilot, "Let it wait for its turn?")
        await pilot.press("y")
        await until(pilot, lambda: type(app.screen).__name__ == "RunsScreen", "the place Runs")
    assert asked == [False, True]


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_tree_of_generations(workspace: Workspace, size: tuple[int, int], tiny_model: Path) -> None:
    """Each child stands below its parent, with the votes that made it and what its guards found."""
    parent = settle(workspace, tiny_model)
    child = make_run(workspace, "first-2", "finished", method="dpo", guards=[OVERFITS])
    write_json(
        child / "improve.json",
        {
            "parent": parent.name, "method": "dpo", "votes": 31, "pairs": 30, "labelers": 2,
            "smoothing": {"value": 0.1, "agreement": 0.82, "origin": "labelers"},
        },
    )  # fmt: skip
    desk = make_desk(workspace)
    app = FtarenaApp(desk, "scores")
    async with app.run_test(size=size) as pilot:
        app.push_screen(GenerationsScreen(desk))
        await shows(pilot, "└─ first-2")
        await shows(pilot, "2 generations")
        await pilot.press("j")
        await shows(pilot, "30 pairs from 31 votes of 2 labelers; agreement 82 %")
        assert "label_smoothing 0.1" in screen_text(app) and "it overfits" in screen_text(app)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ImproveScreen), "the next one")


async def test_an_empty_project_has_no_generations(workspace: Workspace) -> None:
    """Before the first run the page says what to do."""
    desk = make_desk(workspace)
    app = FtarenaApp(desk, "scores")
    async with app.run_test(size=SMALL) as pilot:
        app.push_screen(GenerationsScreen(desk))
        await shows(pilot, "No runs yet")
    assert not workspace.database.exists()


def test_branches_join_children_to_their_parents() -> None:
    """Two children, the first with one of its own: lines go down only where somebody follows."""

    class One:
        def __init__(self, depth: int) -> None:
            self.depth = depth

    drawn = branches([One(depth) for depth in (0, 1, 2, 1, 0)])  # type: ignore[list-item]  # it has a depth
    assert drawn == ["", "├─ ", "│  └─ ", "└─ ", ""]
