"""Runs: what is training and what was trained. Only reads what runs write; they go on without it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container

from ftarena.drawing.curves import number
from ftarena.drawing.pieces import Piece
from ftarena.errors import FtarenaError
from ftarena.text import clean_line, duration
from ftarena.tui.drawing.training import SIGNS, curves, fact_rows, progress_words, short_path
from ftarena.tui.screens.place import FIRST_STEPS, Place
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.curve import Curve
from ftarena.tui.widgets.row_list import Column, ListRow, RowList
from ftarena.tui.widgets.rows import Rows
from ftarena.tui.widgets.transcript import Transcript
from ftarena.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from ftarena.training.runs import Run
    from ftarena.tui.desk import Desk

_COLUMNS = (
    Column("run", grow=True),
    Column("method"),
    Column("state"),
    Column("progress", right=True),
    Column("loss", right=True),
    Column("held-out", right=True, from_width=90),
    Column("left", right=True),
)

_LOG_LINES = 40


class RunsScreen(Place):
    """A list of runs, and the chosen one in full."""

    NAME = "runs"
    CSS_PATH = "runs.tcss"
    ABOUT = (
        "What is training and what was trained. A run is a process of its own: it goes on when this window, "
        "or the whole terminal, is closed."
    )
    HELP = (
        ("j k  ↑ ↓", "choose a run"),
        ("n", "a new run from a recipe (a YAML file)"),
        ("s", "stop the chosen run after its current step; its adapter is kept"),
        ("l  enter", "its whole log"),
        ("train loss", "the line; what is being learned by heart falls here first"),
        ("held-out loss", "the ◆: examples it never trains on; rising means overfitting"),
    )
    BINDINGS = [
        Binding("d", "demo", "run the demo"),
        Binding("n", "new", "new"),
        Binding("s", "stop", "stop"),
        Binding("l", "log", "log"),
    ]

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._shown: tuple[object, ...] = ()

    def compose_body(self) -> ComposeResult:
        """List, curve with facts, end of the log."""
        yield RowList(_COLUMNS, id="runs")
        with Container(id="run"):
            yield Curve(id="curve")
            yield Rows(id="facts")
        yield Transcript(id="log", gap=False)
        yield Welcome("No runs yet.", (("n", "trains a model from a recipe"), *FIRST_STEPS[:1]), id="welcome")

    def on_mount(self) -> None:
        """Follow the runs."""
        super().on_mount()
        self.query_one(RowList).focus()

    def situation_changed(self, situation: Situation) -> None:
        """List the runs; the chosen one is read anew where it has moved on."""
        known = situation.looked or not self.desk.workspace.runs.is_dir()
        self.set_class(known and not situation.runs, "-empty")
        if known and not situation.runs:
            self.show_facts()
        self.query_one("#runs", RowList).show_rows([_row(run) for run in situation.runs])
        self.refresh_bindings()

    def _run(self) -> "Run | None":
        key = self.query_one("#runs", RowList).current
        return next((run for run in self.app.situation.runs if run.id == key), None)

    @on(RowList.Moved, "#runs")
    def _show(self) -> None:
        run = self._run()
        if run is None:
            return
        state = (run.id, run.step, str(run.state), run.message)
        if state != self._shown:
            self.show_run(run, state)

    @work(exclusive=True, group="run", exit_on_error=False)
    async def show_run(self, run: "Run", state: tuple[object, ...]) -> None:
        """Read a run's figures and the end of its log, and show them."""
        from ftarena.processes import tail
        from ftarena.training.runs import RESOLVED_RECIPE, read_metrics

        metrics = await self.desk.run(read_metrics, run)
        lines = await self.desk.run(tail, run.directory / "log.txt", _LOG_LINES)
        self._shown = state
        self.query_one("#curve", Curve).show(curves(metrics))
        # Not the recipe as it was written: that one lacks what the command line said.
        command = ["ftarena", "train", short_path(run.directory / RESOLVED_RECIPE)]
        self.query_one("#facts", Rows).show(lambda width: fact_rows(run, command, width))
        pane = self.query_one("#log", Transcript)
        pane.border_title = "log"
        pane.clear()
        pane.add("log", "\n".join(lines) or "(empty)")
        pane.scroll_end(animate=False)

    @work(exclusive=True, group="new", exit_on_error=False)
    async def action_new(self) -> None:
        """Ask for a recipe and start it."""
        from ftarena.tui.screens.ask import AskScreen

        found = await self.desk.run(_recipes)
        path = await self.app.push_screen_wait(
            AskScreen(
                "Which recipe?",
                "A YAML file. → completes. The run starts at once and goes on without this window.",
                suggestions=found,
                text=found[0] if found else "",
            )
        )
        if path is not None:
            run = await self.desk.run(self._start, Path(path).expanduser())
            self.app.notify(clean_line(run.id), title="Started", markup=False)
            self.app.look_around()

    def _start(self, path: Path) -> "Run":
        from ftarena.arena.sharing import start_training
        from ftarena.recipes.load import load_recipe

        return start_training(load_recipe(path, {}), self.desk.workspace.ensure(), recipe_file=path)

    @work(exclusive=True, group="stop", exit_on_error=False)
    async def action_stop(self) -> None:
        """Ask, then stop the chosen run."""
        from ftarena.training.jobs import stop_run
        from ftarena.tui.screens.confirm import ConfirmScreen

        run = self._run()
        if run is None:
            return
        if run.state.ended:
            raise FtarenaError(f"{run.name} has ended already: {run.state}")
        question = f"Stop {clean_line(run.name)} at step {run.step} of {run.total_steps}?"
        if await self.app.push_screen_wait(
            ConfirmScreen(question, "It finishes the step it is in and keeps its adapter.")
        ):
            self.app.notify("It finishes its step first.", title="Stopping", markup=False)
            await asyncio.to_thread(stop_run, run)  # may take minutes: not in the desk's thread
            self.app.look_around()

    def action_log(self) -> None:
        """Open the whole log of the chosen run."""
        from ftarena.tui.screens.log import LogScreen

        run = self._run()
        if run is not None:
            self.app.push_screen(LogScreen(run.directory / "log.txt"))

    @on(RowList.Chosen, "#runs")
    def _chosen(self) -> None:
        self.action_log()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what works."""
        if action == "demo":
            return self.has_class("-empty")
        return not self.has_class("-empty") if action in ("stop", "log") else True


def _row(run: "Run") -> ListRow:
    state = str(run.state)
    style = {"failed": "bad", "died": "bad", "finished": "good"}.get(state, "strong")
    loss, held_out = run.metrics.get("loss"), run.metrics.get("eval_loss")
    return ListRow(
        run.id,
        (
            run.name,
            run.method,
            Piece(f"{SIGNS.get(state, '?')} {state}", style),
            progress_words(run),
            "–" if loss is None else number(loss),
            "–" if held_out is None else number(held_out),
            duration(run.eta_s) if run.eta_s else "–",
        ),
    )


def _recipes() -> list[str]:
    """Return the recipes near here: `configs/*.yaml` of the current folder."""
    folder = Path("configs")
    return sorted(str(path) for path in folder.glob("*.yaml")) if folder.is_dir() else []
