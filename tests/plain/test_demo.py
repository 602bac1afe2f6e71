"""The demo: what is done is skipped, what is under way is joined, what failed is tried anew."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ftarena.errors import FtarenaError
from ftarena.plain import demo, follow
from ftarena.plain.progress import Stage
from ftarena.training.jobs import Run, RunState
from ftarena.workspace import Workspace


class Runs:
    """Stands in for trainings, which take minutes; `tests/e2e` has the real ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[Run] = []

    def start(self, recipe: Any, workspace: Workspace, file: Path) -> Run:
        number = len(self.made) + 1
        run = Run(
            id=f"r{number}",
            name=recipe.name,
            method=recipe.method,
            directory=self.folder,
            state=RunState.QUEUED,
            step=0,
            total_steps=4,
            eta_s=None,
            started_at=0.0,
            ended_at=None,
            metrics={},
            message="",
            base_model="demo:smollm2",
            adapter=self.folder,
        )
        self.made.append(run)
        return run

    def find(self, _: Workspace, key: str) -> Run:
        """Return the run, a little further at each look."""
        for index, run in enumerate(self.made):
            if run.id == key:
                now = run
                if not run.state.ended:
                    step = min(run.step + 2, 4)
                    state = RunState.FINISHED if step == 4 else RunState.TRAINING
                    now = replace(run, step=step, state=state, metrics={"loss": 2.0})
                self.made[index] = now
                return now
        raise FtarenaError(f"there is no run {key}")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    runs = Runs(tmp_path)
    monkeypatch.setattr(demo, "start_training", runs.start)
    monkeypatch.setattr(demo, "find_run", runs.find)
    monkeypatch.setattr(follow, "find_run", runs.find)
    monkeypatch.setattr(follow, "POLL_S", 0.0)
    return runs


def train(tmp_path: Path, data: Path = demo.DATA / "sft.jsonl") -> tuple[Run, Stage]:
    stage = Stage("sft", "SFT", 10)
    done = demo._Done(tmp_path / "demo.json")
    run = demo._train(stage, Workspace(tmp_path), done, "sft", demo.SFT_RECIPE, data)
    return run, stage


def test_a_finished_run_is_not_trained_twice(runs: Runs, tmp_path: Path) -> None:
    """The second `make demo` opens at once."""
    first, stage = train(tmp_path)
    assert (first.state, stage.skipped, stage.fraction) == (RunState.FINISHED, False, 1.0)
    again, stage = train(tmp_path)
    assert (again.id, stage.skipped) == (first.id, True)
    assert len(runs.made) == 1


def test_a_run_that_is_under_way_is_joined(runs: Runs, tmp_path: Path) -> None:
    """I interrupted the demo, not the training; repeating the command goes on watching it."""
    train(tmp_path)
    runs.made[0] = replace(runs.made[0], state=RunState.TRAINING, step=1)
    run, stage = train(tmp_path)
    assert (run.id, stage.skipped) == ("r1", False)
    assert len(runs.made) == 1


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.DIED, RunState.STOPPED])
def test_a_run_that_ended_badly_is_trained_anew(runs: Runs, tmp_path: Path, state: RunState) -> None:
    """What went wrong yesterday does not stand in the way today."""
    train(tmp_path)
    runs.made[0] = replace(runs.made[0], state=state)
    run, _ = train(tmp_path)
    assert run.id == "r2"


def test_other_data_mean_another_run(runs: Runs, tmp_path: Path) -> None:
    """A changed data file is not mistaken for the one that was trained on."""
    train(tmp_path)
    other = tmp_path / "other.jsonl"
    other.write_text("{}\n")
    run, _ = train(tmp_path, other)
    assert run.id == "r2"


def test_a_failing_run_says_which_and_where_to_look(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line with the reason, and the command that shows the log."""

    def fail(_: Workspace, key: str) -> Run:
        return replace(runs.made[0], state=RunState.FAILED, message="out of memory")

    monkeypatch.setattr(follow, "find_run", fail)
    with pytest.raises(FtarenaError, match="r1 failed at step 0 of 4: out of memory") as caught:
        train(tmp_path)
    assert caught.value.hint == "ftarena runs logs r1"


def test_the_demos_own_data_are_checked_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A line that I broke by hand is named with its number."""
    for name in ("sft", "preferences", "heldout", "general"):
        (tmp_path / f"{name}.jsonl").write_text((demo.DATA / f"{name}.jsonl").read_text())
    with (tmp_path / "sft.jsonl").open("a") as file:
        file.write("{broken\n")
    monkeypatch.setattr(demo, "DATA", tmp_path)
    with pytest.raises(FtarenaError, match=r"sft\.jsonl:385"):
        demo._check_data(Stage("data", "Data", 1))


def test_without_the_checkout_the_demo_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installed package does not carry the demo's files."""
    monkeypatch.setattr(demo, "DATA", tmp_path / "none")
    with pytest.raises(FtarenaError, match="not here") as caught:
        demo._need_checkout()
    assert "clone" in caught.value.hint
