"""Runs: what is training, its curve, its log; started, stopped and followed from the screen."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest

from ftarena.processes import ProcessIdentity
from ftarena.store import Store
from ftarena.training.runs import list_runs
from ftarena.tui.app import FtarenaApp
from ftarena.tui.screens.runs import RunsScreen
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.rows import Rows
from ftarena.workspace import Workspace

from .support import LARGE, SMALL, make_desk, screen_text, shows, until


def make_run(workspace: Workspace, name: str, state: str, *, step: int = 90, **status: Any) -> Path:
    """Write a run's folder as its worker would."""
    folder = workspace.ensure().runs / f"{name}-20260102-030405"
    folder.mkdir(parents=True)
    me = ProcessIdentity.current()
    (folder / "status.json").write_text(
        json.dumps(
            {
                "state": state, "name": name, "method": "sft", "base_model": "demo:smollm2", "step": step,
                "total_steps": 120, "eta_s": 75.0, "started_at": time.time() - 60, "updated_at": time.time(),
                "pid": me.pid, "started": me.started, "message": "",
                "metrics": {"loss": 1.23, "eval_loss": 1.43, "tokens_per_s": 125.0}, **status,
            }
        )
    )  # fmt: skip
    rows = [{"step": i, "loss": 2.9 * math.exp(-i / 40) + 0.4} for i in range(1, step)]
    rows += [{"step": i, "eval_loss": 2.9 * math.exp(-i / 45) + 0.6} for i in range(0, step, 30)]
    torn = '{"step": 91, "lo'
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + torn)
    (folder / "log.txt").write_text("\x1b[31mloading\x1b[0m model\n" + "step [/] done\n" * 50 + "last line\n")
    if state == "finished":
        (folder / "adapter_model.safetensors").write_bytes(b"")
    return folder


@pytest.fixture
def runs(workspace: Workspace, situation: list[Situation]) -> Workspace:
    """A project with three runs: one going, one finished, one dead."""
    make_run(workspace, "sft-1", "finished", step=120, started_at=1.0)
    make_run(workspace, "dpo-[b]1", "training")
    make_run(workspace, "sft-0", "failed", step=12, started_at=0.5, message="out of memory [/] at step 12")
    situation[0] = Situation(runs=tuple(list_runs(workspace)))
    return workspace


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_run_in_full(runs: Workspace, size: tuple[int, int]) -> None:
    """I see each run with state and progress, and of the chosen one curve, speed, log and command."""
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "last line")
        text = screen_text(app)
        for words in (
            "dpo-[b]1",
            "◐ training",
            "90/120 75 %",
            "● finished",
            "✕ failed",
            "held-out loss",
            "◆",
        ):
            assert words in text, words
        assert any(0x2800 < ord(sign) < 0x2900 for sign in text), "a curve in braille"
        assert "run dpo-[b]1 75 %" in text.splitlines()[0]
        assert ("1 min 15 s" in text.splitlines()[0]) is (size == LARGE)
        if size == LARGE:
            assert "125 tokens/s" in text and "ftarena train" in text


async def test_the_command_that_repeats_a_run(runs: Workspace) -> None:
    """Typed in a shell, the command does the same again, with what I had given on the command line."""
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "in a shell")
        facts = app.screen.query_one("#facts", Rows)
        lines = [strip.text.strip() for strip in facts.render_lines(facts.outer_size.region)]
        shown = "".join(lines)  # the path is folded
        assert f"{runs.runs}/dpo-[b]1-20260102-030405/recipe.resolved.yaml" in shown, shown


async def test_why_it_failed(runs: Workspace) -> None:
    """I go down to the failed run: its reason is there, as it was written."""
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "last line")
        await pilot.press("G")
        await shows(pilot, "out of memory [/] at step 12")


async def test_the_whole_log_is_followed(runs: Workspace) -> None:
    """l opens the whole log; what is written later appears by itself; esc goes back."""
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "last line")
        await pilot.press("l")
        await until(pilot, lambda: not isinstance(app.screen, RunsScreen))
        await shows(pilot, "last line")
        with (runs.runs / "dpo-[b]1-20260102-030405" / "log.txt").open("a") as file:
            file.write("written later\n")
        app.screen.follow()  # type: ignore[attr-defined]  # LogScreen; else it looks every second
        await shows(pilot, "written later")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))


async def test_stopping_asks_first(runs: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """s asks before it stops a run; n leaves it alone; a run that has ended is not stopped again."""
    stopped: list[str] = []
    monkeypatch.setattr("ftarena.training.jobs.stop_run", lambda run: stopped.append(run.name))
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await shows(pilot, "last line")
        await pilot.press("s")
        await shows(pilot, "at step 90 of 120?")
        await pilot.press("n")
        await pilot.pause()
        assert not stopped
        await pilot.press("s")
        await shows(pilot, "at step 90 of 120?")
        await pilot.press("y")
        await until(pilot, lambda: stopped == ["dpo-[b]1"])
        await pilot.press("j", "s")
        await shows(pilot, "has ended already")


async def test_a_new_run(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """n asks for a recipe and starts it; a recipe that does not exist is an error with a hint, no crash."""
    started: list[str] = []

    def start(recipe: Any, ws: Workspace, recipe_file: Path, *, make_room: Any) -> Any:
        started.append(recipe.name)
        return list_runs(workspace)[0]

    make_run(workspace, "sft-1", "finished")
    monkeypatch.setattr("ftarena.arena.sharing.start_run", start)
    recipe = tmp_path / "mine.yaml"
    (tmp_path / "data.jsonl").write_text("")
    recipe.write_text("method: sft\nname: mine\nmodel_name_or_path: demo:smollm2\ndataset: data.jsonl\n")
    app = FtarenaApp(make_desk(workspace), "runs")
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        await shows(pilot, "No runs yet")
        await pilot.press("n")
        await shows(pilot, "Which recipe?")
        app.screen.query_one("Input").value = str(tmp_path / "none.yaml")  # type: ignore[attr-defined]
        await pilot.press("enter")
        await shows(pilot, "none.yaml")
        assert not started
        await pilot.press("n")
        await shows(pilot, "Which recipe?")
        app.screen.query_one("Input").value = str(recipe)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: started == ["mine"])


async def test_a_finished_run_becomes_a_contestant(runs: Workspace) -> None:
    """A run has finished: without naming it I find it, and its base, among the contestants."""
    async with FtarenaApp(make_desk(runs), "chat").run_test(size=SMALL) as pilot:
        await shows(pilot, "sft-1")
    with Store.open(runs.database) as store:
        assert [row.name for row in store.contestants()] == ["base", "sft-1"]
