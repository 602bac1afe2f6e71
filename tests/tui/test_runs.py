"""Runs: what is training, its curve, its log; started, stopped and followed from the screen."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from made_runs import OVERFITS, REMEMBERS, UNKNOWN, make_run

from ftarena.errors import FtarenaError
from ftarena.plain.runs import show
from ftarena.plain.watch_page import page
from ftarena.store import Store
from ftarena.training.figures.standing import Standing
from ftarena.training.guards import write_guards
from ftarena.training.runs import find_run, list_runs
from ftarena.tui.app import FtarenaApp
from ftarena.tui.drawing.training import run_cells, run_rows
from ftarena.tui.screens.runs import RunsScreen
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.rows import Rows
from ftarena.workspace import Workspace

from .support import LARGE, SMALL, make_desk, screen_text, shows, until

RESUME = "ftarena.arena.sharing.resume_training"


@pytest.fixture
def runs(workspace: Workspace, situation: list[Situation]) -> Workspace:
    """A project with three runs: one going, one finished, one dead."""
    make_run(workspace, "sft-1", "finished", step=120, started_at=1.0, guards=[REMEMBERS], checkpoints=[60])
    folder = make_run(
        workspace, "dpo-[b]1", method="dpo", guards=[OVERFITS, REMEMBERS, UNKNOWN], planned_bytes=1.5e9,
        overfit_from=60, checkpoints=[30, 60], best=60,
    )  # fmt: skip
    (folder / "log.txt").write_text("\x1b[31mloading\x1b[0m model\n" + "step [/] done\n" * 50 + "last line\n")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 91, "lo')
    make_run(
        workspace, "sft-0", "failed", step=12, started_at=0.5, checkpoints=[10],
        message="out of memory [/] at step 12",
    )  # fmt: skip
    situation[0] = Situation(runs=tuple(list_runs(workspace)))
    return workspace


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_run_in_full(runs: Workspace, size: tuple[int, int]) -> None:
    """I see each run with state, progress and guards; of the chosen one curves, alarms and what to do."""
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "train loss")
        for words in (
            "dpo-[b]1",
            "◐ training",
            "90/120 75 %",
            "● finished",
            "✕ failed",
            "▲ overfits",
            "✓ 1 ok",
            "▲ held-out loss +0.21",
            "→ stop earlier",
        ):
            await shows(pilot, words)
        text = screen_text(app)
        assert any(0x2800 < ord(sign) < 0x2900 for sign in text), "a curve in braille"
        assert "run dpo-[b]1 75 %" in text.splitlines()[0]
        assert ("1 min 15 s" in text.splitlines()[0]) is (size == LARGE)
        if size == LARGE:
            for words in (
                "◆ held-out loss",
                "┊ overfit since step 60",
                "◆ general loss",
                "tokens/s",
                "1.4 GB at the peak, plan 1.5 GB (7 % less)",
                "steps 30, 60 (best)",
                "ftarena train",
                "last line",
            ):
                assert words in text, words


async def test_other_charts(runs: Workspace) -> None:
    """] and m show the next chart, [ the one before; of what a run has not written there is no chart."""
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "‹loss›")
        await pilot.press("m")
        await shows(pilot, "‹held-out›")
        await shows(pilot, "┊ overfit since step 60")
        for _ in range(3):
            await pilot.press("right_square_bracket")
        await shows(pilot, "reward margin")
        await pilot.press(*["left_square_bracket"] * 5)
        await shows(pilot, "‹memory›")
        await shows(pilot, "⠐⠐ plan")
        await pilot.press("j")
        await shows(pilot, "‹memory›")
        await pilot.press("m")
        await shows(pilot, "train loss")
        assert "margin" not in screen_text(app)


async def test_two_runs_laid_over_each_other(runs: Workspace) -> None:
    """o asks which run to lay over this one; it is dotted and named; o again takes it away."""
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "train loss")
        await pilot.press("o")
        await shows(pilot, "over dpo-[b]1?")
        await pilot.press("enter")
        await shows(pilot, "dotted: sft-1")
        await shows(pilot, "◇ sft-1 held-out loss")
        await pilot.press("o")
        await until(pilot, lambda: "dotted" not in screen_text(app))


async def test_figures_come_while_i_look(runs: Workspace) -> None:
    """The run logs another step, its exam is done: both are on the screen without a key."""
    app = FtarenaApp(make_desk(runs), "runs")
    folder = runs.runs / "dpo-[b]1-20260102-030405"
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "train loss")
        with (folder / "metrics.jsonl").open("a") as file:
            file.write('ss": 0.1}\n{"step": 91, "loss": 7.125}\n')
        write_guards(
            folder / "exam.json", [REMEMBERS.model_copy(update={"words": "17 of 20 end by themselves"})]
        )
        app.screen.follow()  # type: ignore[attr-defined]  # RunsScreen; else it looks every second
        await shows(pilot, "7.125")
        await shows(pilot, "17 of 20 end by themselves")


async def test_a_long_run_does_not_hold_me_up(workspace: Workspace, situation: list[Situation]) -> None:
    """A hundred thousand steps: read once, drawn at once, and what is new is read alone."""
    folder = make_run(workspace, "sft-1")
    with (folder / "metrics.jsonl").open("w") as file:
        file.writelines(f'{{"step": {i}, "loss": {2 + i % 7}, "grad_norm": 1.0}}\n' for i in range(100_000))
    situation[0] = Situation(runs=tuple(list_runs(workspace)))
    app = FtarenaApp(make_desk(workspace), "runs")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "step 99999")
        standing = app.screen.shown_runs()[0]  # type: ignore[attr-defined]  # RunsScreen
        assert not standing.metrics.read()
        assert len(standing.metrics.points("loss")) < 10_000


async def test_pausing_and_resuming(runs: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """z pauses the run that goes on; r resumes the one that failed, and asks to queue where others train."""
    done: list[tuple[object, ...]] = []

    def resume(run: Any, workspace: Workspace, *, queue: bool, **more: object) -> Any:
        done.append(("resume", run.name, queue))
        if not queue:
            raise FtarenaError("the device is taken: dpo-[b]1 is not done yet", "--queue")
        return run

    monkeypatch.setattr("ftarena.training.jobs.pause_run", lambda run: done.append(("pause", run.name)))
    monkeypatch.setattr(RESUME, resume)
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await shows(pilot, "train loss")
        await pilot.press("r")  # nothing to resume: it goes on
        await pilot.press("z")
        await until(pilot, lambda: done == [("pause", "dpo-[b]1")])
        await pilot.press("G")
        await shows(pilot, "r resumes from step 10")
        await pilot.press("r")
        await shows(pilot, "Let it wait for its turn?")
        await pilot.press("y")
        await until(pilot, lambda: done[1:] == [("resume", "sft-0", False), ("resume", "sft-0", True)])


async def test_the_exam_of_a_finished_run(runs: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """x examines a run that has ended, in a process of its own; one that goes on has nothing to examine."""
    spawned: list[list[str]] = []
    monkeypatch.setattr("ftarena.processes.spawn_detached", lambda argv, **more: spawned.append(argv))
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await shows(pilot, "train loss")
        await pilot.press("x")
        await pilot.press("j", "x")
        await until(pilot, lambda: len(spawned) == 1)
        assert spawned[0][-2:] == ["ftarena.evaluation.exam", str(runs.runs / "sft-1-20260102-030405")]


async def test_the_plan_of_a_recipe(runs: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """p shows what a recipe will take before anything is loaded; enter there starts it, esc does not."""
    started: list[str] = []

    class Fits:
        fits = True

    def start(recipe: Any, workspace: Workspace, recipe_file: Path, **more: Any) -> Any:
        started.append(recipe.name)
        return list_runs(runs)[0]

    monkeypatch.setattr("ftarena.training.plan.plan_of", lambda recipe: Fits())
    monkeypatch.setattr(
        "ftarena.training.plan.telling.plan_lines", lambda *given: iter(["at the peak [/] 9.1 GiB"])
    )
    monkeypatch.setattr("ftarena.arena.sharing.start_training", start)
    recipe = tmp_path / "mine.yaml"
    (tmp_path / "data.jsonl").write_text("")
    recipe.write_text("method: sft\nname: mine\nmodel_name_or_path: demo:smollm2\ndataset: data.jsonl\n")
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await shows(pilot, "train loss")
        for answer in ("escape", "enter"):
            assert not started
            await pilot.press("p")
            await shows(pilot, "Plan which recipe?")
            app.screen.query_one("Input").value = str(recipe)  # type: ignore[attr-defined]
            await pilot.press("enter")
            await shows(pilot, "at the peak [/] 9.1 GiB")
            await pilot.press(answer)
            await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await until(pilot, lambda: started == ["mine"])


async def test_comparing_checkpoints(runs: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """c lets the checkpoints of a run that has ended take part in votes, and names them."""

    def enlist(store: Store, run: Any) -> list[Any]:
        return [SimpleNamespace(contestant=SimpleNamespace(name=f"{run.name}@{step}")) for step in (60, 120)]

    monkeypatch.setattr("ftarena.arena.comparing.enlist_checkpoints", enlist)
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await shows(pilot, "train loss")
        await pilot.press("j", "c")
        await shows(pilot, "sft-1@60, sft-1@120")


@pytest.mark.parametrize("look", ["no-color", "textual-light"])
async def test_without_colours_and_on_white(
    runs: Workspace, look: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without colours, or on a light background, the alarm is a sign and words, and the curves differ."""
    if look == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=LARGE) as pilot:
        if look != "no-color":
            app.theme = look
        await shows(pilot, "▲ held-out loss +0.21")
        await pilot.press("j")
        await shows(pilot, "◆ held-out loss")
        await shows(pilot, "⠒⠒ train loss")


async def test_exporting_the_figures(runs: Workspace) -> None:
    """e, c writes every figure into the project's exports, and says where."""
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await shows(pilot, "train loss")
        await pilot.press("e")
        await shows(pilot, "a table of every figure")
        await pilot.press("c")
        await until(pilot, lambda: list((runs.root / "exports").glob("dpo-*.csv")))
    written = next((runs.root / "exports").glob("dpo-*.csv")).read_text()
    assert written.startswith("run,step,time,")


async def test_every_action_is_in_the_palette(runs: Workspace) -> None:
    """ctrl+p has by name what the keys do; what cannot be done with this run is not offered."""
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "train loss")
        names = {command.title for command in app.get_system_commands(app.screen)}
        assert {"New", "Plan", "Stop", "Stop now", "Pause", "Log", "Export", "Overlay", "Next chart"} <= names
        assert not {"Resume", "Examine", "Compare checkpoints"} & names
        await pilot.press("j")
        await pilot.pause()
        names = {command.title for command in app.get_system_commands(app.screen)}
        assert {"Examine", "Compare checkpoints"} <= names and "Pause" not in names


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
        await shows(pilot, "train loss")
        await pilot.press("G")
        await shows(pilot, "out of memory [/] at step 12")


async def test_the_whole_log_is_followed(runs: Workspace) -> None:
    """l opens the whole log; what is written later appears by itself; esc goes back."""
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "train loss")
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
    monkeypatch.setattr(
        "ftarena.training.jobs.stop_run", lambda run, now=False: stopped.append(run.name + " now" * now)
    )
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await shows(pilot, "train loss")
        await pilot.press("s")
        await shows(pilot, "at step 90 of 120?")
        await pilot.press("n")
        await pilot.pause()
        assert not stopped
        await pilot.press("s")
        await shows(pilot, "at step 90 of 120?")
        await pilot.press("y")
        await until(pilot, lambda: stopped == ["dpo-[b]1"])
        await pilot.press("S")
        await shows(pilot, "since its last checkpoint is lost")
        await pilot.press("y")
        await until(pilot, lambda: stopped[1:] == ["dpo-[b]1 now"])
        await pilot.press("j")
        await until(pilot, lambda: "s stop" not in screen_text(app))
        await pilot.press("s")
        await pilot.pause()
        assert len(stopped) == 2


async def test_a_new_run(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """n asks for a recipe and starts it; a recipe that does not exist is told in the dialog."""
    started: list[str] = []

    def start(recipe: Any, ws: Workspace, recipe_file: Path, **more: Any) -> Any:
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
        app.screen.query_one("Input").value = str(recipe)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: started == ["mine"])


async def test_a_finished_run_becomes_a_contestant(runs: Workspace) -> None:
    """A run has finished: without naming it I find it, and its base, among the contestants."""
    async with FtarenaApp(make_desk(runs), "chat").run_test(size=SMALL) as pilot:
        await shows(pilot, "sft-1")
    with Store.open(runs.database) as store:
        assert [row.name for row in store.contestants()] == ["base", "sft-1"]


async def test_the_head_names_the_run_that_has_the_device(runs: Workspace) -> None:
    """While one run trains and newer ones wait, the line on top is about the one that trains."""
    make_run(runs, "dorarun", "queued", step=0, total=0)
    look = Situation(runs=tuple(list_runs(runs)))
    assert look.going[0].name == "dorarun"
    assert look.run_words(with_time=False) == "run dpo-[b]1 75 % (+1)"


async def test_a_recipe_may_be_a_preset(runs: Workspace) -> None:
    """Asked for a recipe I am offered the presets by name, too."""
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "train loss")
        await pilot.press("p")
        await shows(pilot, "Plan which recipe?")
        await shows(pilot, "cpu-tiny")


async def test_words_of_a_log_stay_whole(runs: Workspace) -> None:
    """A line of the log that is too long breaks between its words."""
    folder = runs.runs / "dpo-[b]1-20260102-030405"
    (folder / "log.txt").write_text(" ".join(["antelopes"] * 40) + "\n")
    app = FtarenaApp(make_desk(runs), "runs")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "antelopes")
        await pilot.press("enter")
        await until(pilot, lambda: "antelopes" in screen_text(app))
        words = screen_text(app).replace("│", " ").split()
        assert not [word for word in words if "ante" in word and word != "antelopes"]


def test_whose_adapter_a_run_began_with(runs: Workspace) -> None:
    """The page of a run that went on from another's adapter names it; a foreign status writes no escapes."""
    folder = make_run(runs, "second", "finished", method="d\x1b]52;po", tuning="lo\x1b[31mra")
    first = runs.runs / "sft-1-20260102-030405"
    (folder / "recipe.resolved.yaml").write_text(f"init_from: {first}/checkpoint-60\n")
    out = io.StringIO()
    show(runs, folder.name, out=out)
    assert "the adapter of sft-1-20260102-030405, checkpoint-60" in out.getvalue()
    run = find_run(runs, folder.name)
    drawn = [*run_rows(Standing.of(run), folder, 80), *page(Standing.of(run), 80, 24)]
    cells = [cell if isinstance(cell, str) else cell.text for cell in run_cells(run, ("", ""))]
    text = out.getvalue() + "".join(piece.text for row in drawn for piece in row) + "".join(cells)
    assert "\x1b" not in text
    assert "the adapter of sft-1" in text
