"""Runs: what is training and what was trained. Only reads what runs write; they go on without it."""

from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical, VerticalScroll

from ftarena.text import clean_line
from ftarena.tui.screens.place import FIRST_STEPS
from ftarena.tui.screens.runs_acting import RunActions
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.curve import Curve
from ftarena.tui.widgets.row_list import Column, ListRow, RowList
from ftarena.tui.widgets.rows import Rows
from ftarena.tui.widgets.scroll_keys import SCROLL_KEYS
from ftarena.tui.widgets.transcript import Transcript
from ftarena.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from ftarena.training.figures.charts import Chart
    from ftarena.training.figures.standing import Standing
    from ftarena.training.runs import Run
    from ftarena.tui.desk import Desk

_COLUMNS = (
    Column("run", grow=True),
    Column("method", from_width=90),
    Column("state"),
    Column("progress", right=True),
    Column("loss", right=True),
    Column("held-out", right=True, from_width=90),
    Column("guards"),
    Column("left", right=True),
)

_LOG_LINES = 40
_LOOK_EVERY_S = 1.0
_MOST_CHARTS = 4


class FactsPane(VerticalScroll, can_focus=True):
    """The facts of a run; scrolls where there are more than rows."""

    BINDINGS = [*SCROLL_KEYS]


class RunsScreen(RunActions):
    """A list of runs, and the chosen one in full."""

    NAME = "runs"
    CSS_PATH = "runs.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (150, "-broad")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high"), (42, "-tall")]
    """With room there are two charts or four, and the end of the log."""

    ABOUT = (
        "What is training and what was trained. A run is a process of its own: it goes on when this window, "
        "or the whole terminal, is closed."
    )
    HELP = (
        ("j k  ↑ ↓", "choose a run"),
        ("[ ]  m", "the chart before or after: loss, general loss, KL, margin, accuracy, rate, gradient, …"),
        ("o", "lay another run over this one, dotted; again: take it away"),
        ("n", "a new run from a recipe (a YAML file)"),
        ("p", "the plan of a recipe: memory, time, disk, whether it fits; enter there starts it"),
        ("s", "stop the chosen run after its current step; what it has learned is kept"),
        ("S", "stop it now: what it learned since its last checkpoint is lost"),
        ("z", "pause it: it saves, and gives the device back"),
        ("r", "resume one that was paused, stopped, failed or died, from its newest whole checkpoint"),
        ("x", "examine: does it stop, does it recite, does it still know? By the engine, in minutes"),
        ("c", "compare its checkpoints: they take part in votes"),
        ("e", "export its figures: CSV, PNG, SVG"),
        ("l  enter", "its whole log"),
        ("train loss", "the line; what is being learned by heart falls here first"),
        ("held-out loss", "the ◆: examples it never trains on; rising means overfitting"),
        ("▲ ✓ ·", "a guard's alarm, all well, and what could not be measured"),
    )
    BINDINGS = [
        Binding("right_square_bracket,m", "chart(1)", "next chart", key_display="m"),
        Binding("left_square_bracket", "chart(-1)", "chart before", show=False),
        Binding("o", "overlay", "overlay"),
    ]

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._standing: Standing | None = None
        self._over: Standing | None = None
        self._over_id: str | None = None
        self._charts: list[Chart] = []
        self._chart = "loss"
        self._drawn: tuple[object, ...] = ()
        self._reading = self._again = False
        self._guards: dict[str, tuple[object, tuple[str, str]]] = {}

    def compose_body(self) -> ComposeResult:
        """List, charts with facts, end of the log."""
        yield RowList(_COLUMNS, id="runs")
        with Container(id="run"):
            with Vertical(id="pictures"):
                yield Rows(id="tabs")
                with Container(id="curves"):
                    for number in range(_MOST_CHARTS):
                        yield Curve(id=f"curve-{number}")
            with FactsPane(id="pane"):
                yield Rows(id="facts")
        yield Transcript(id="log", gap=False)
        yield Welcome("No runs yet.", (("n", "trains a model from a recipe"), *FIRST_STEPS[:1]), id="welcome")

    def on_mount(self) -> None:
        """Follow the runs."""
        super().on_mount()
        self.query_one(RowList).focus()
        self.set_interval(_LOOK_EVERY_S, self._look)

    def situation_changed(self, situation: Situation) -> None:
        """List the runs; the chosen one is read anew where it has moved on."""
        known = situation.looked or not self.desk.workspace.runs.is_dir()
        self.set_class(known and not situation.runs, "-empty")
        if known and not situation.runs:
            self.show_facts()
        self._list()
        self.refresh_bindings()

    def _list(self) -> None:
        from ftarena.tui.drawing.training import run_cells

        unknown = (None, ("–", "quiet"))
        self.query_one("#runs", RowList).show_rows(
            [
                ListRow(run.id, run_cells(run, self._guards.get(run.id, unknown)[1]))
                for run in self.app.situation.runs
            ]
        )

    def chosen_run(self) -> "Run | None":
        """Return the run that the list's cursor is on."""
        key = self.query_one("#runs", RowList).current
        return next((run for run in self.app.situation.runs if run.id == key), None)

    def shown_runs(self) -> "list[Standing]":
        """Return what is drawn: the chosen run, and the one laid over it."""
        return [one for one in (self._standing, self._over) if one is not None]

    # Following

    @on(RowList.Moved, "#runs")
    def _moved(self) -> None:
        self.refresh_bindings()
        self.follow()

    def _look(self) -> None:
        if self.is_current and not self.has_class("-empty"):
            self.follow()

    @work(group="run", exit_on_error=False)
    async def follow(self) -> None:
        """Read what the chosen run wrote since, and show it."""
        # Not an exclusive worker: the figures of a long run take more than a second to be read the first
        # time, and each look would throw away what the one before it was reading.
        self._again = True
        if self._reading:
            return
        self._reading = True
        try:
            while self._again:
                self._again = False
                await self._bring_up()
        finally:
            self._reading = False

    async def _bring_up(self) -> None:
        run = self.chosen_run()
        if run is None:
            return
        over = next((one for one in self.app.situation.runs if one.id == self._over_id), None)
        runs = self.app.situation.runs
        standing, other, short, log = await self.desk.run(self._read, run, over, runs)
        self._standing, self._over = standing, other
        if short != self._guards:
            self._guards = short
            self._list()
        drawn = (run, len(log), log[-1:], tuple(standing.guards), over, _figures(standing), _figures(other))
        if drawn != self._drawn:
            self._drawn = drawn
            self._show(log)

    def _read(
        self, run: "Run", over: "Run | None", runs: "tuple[Run, ...]"
    ) -> "tuple[Standing, Standing | None, dict[str, tuple[object, tuple[str, str]]], list[str]]":
        """Read from disk, in the desk's thread; what is known of the same run already is not read again."""
        from ftarena.processes import tail

        standing = _brought_up(self._standing, run)
        other = None if over is None or over.id == run.id else _brought_up(self._over, over)
        guards = {one.id: _short(one, self._guards.get(one.id)) for one in runs}
        return standing, other, guards, tail(run.directory / "log.txt", _LOG_LINES)

    # Showing

    def _show(self, log: list[str]) -> None:
        from ftarena.training.figures.charts import charts_of
        from ftarena.training.runs import RESOLVED_RECIPE
        from ftarena.tui.drawing.training import run_rows

        standing = self._standing
        assert standing is not None
        self._charts = charts_of(standing.metrics)
        self._draw_charts()
        recipe = standing.run.directory / RESOLVED_RECIPE
        self.query_one("#facts", Rows).show(lambda width: run_rows(standing, recipe, width))
        pane = self.query_one("#log", Transcript)
        pane.border_title = "log"
        pane.clear()
        pane.add("log", "\n".join(log) or "(empty)")
        pane.scroll_end(animate=False)

    def _draw_charts(self) -> None:
        from ftarena.training.figures.charts import CHARTS, marks_of, series_of
        from ftarena.training.figures.exporting import run_label
        from ftarena.tui.drawing.training import tab_row

        standing, over = self._standing, self._over
        if standing is None:
            return
        charts = self._charts or [CHARTS[0]]
        names = [chart.name for chart in charts]
        first = names.index(self._chart) if self._chart in names else 0
        title = "" if over is None else over.run.name
        self.query_one("#tabs", Rows).show(lambda width: [tab_row(charts, first, title, width)])
        shown = [*charts[first:], *charts[:first]][:_MOST_CHARTS]
        both = self.shown_runs()
        for number in range(_MOST_CHARTS):
            curve = self.query_one(f"#curve-{number}", Curve)
            curve.set_class(number >= len(shown), "-none")
            if number >= len(shown):
                continue
            chart = shown[number]
            series = []
            for at, one in enumerate(both):
                label = run_label(one.run, both) if over is not None else ""
                planned = one.planned_bytes
                series += series_of(chart, one.metrics, label=label, over=at > 0, planned_bytes=planned)
            curve.show(
                series, marks=marks_of(chart, standing.metrics, standing.guards) if over is None else ()
            )

    def action_chart(self, by: int) -> None:
        """Show the next chart, or the one before."""
        names = [chart.name for chart in self._charts]
        if names:
            now = names.index(self._chart) if self._chart in names else 0
            self._chart = names[(now + by) % len(names)]
            self._draw_charts()

    @work(exclusive=True, group="overlay", exit_on_error=False)
    async def action_overlay(self) -> None:
        """Ask which run to lay over the chosen one; or take it away."""
        from ftarena.tui.screens.ask import AskScreen

        run = self.chosen_run()
        if self._over_id is not None:
            self._over_id = None
        elif run is not None:
            others = [one for one in self.app.situation.runs if one.id != run.id]
            others.sort(key=lambda one: one.method != run.method)  # the newest of the same method first
            ids = [clean_line(one.id) for one in others]
            question = f"Lay which run over {clean_line(run.name)}?"
            text = ids[0] if ids else ""
            self._over_id = await self.ask(AskScreen(question, suggestions=ids, text=text, check=self._find))
        self.follow()

    def _find(self, key: str) -> None:
        from ftarena.training.runs import find_run

        find_run(self.desk.workspace, key)

    @on(RowList.Chosen, "#runs")
    def _chosen(self) -> None:
        self.action_log()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what works."""
        if action in ("chart", "overlay"):
            return not self.has_class("-empty")
        return super().check_action(action, parameters)


def _brought_up(known: "Standing | None", run: "Run") -> "Standing":
    from ftarena.training.figures.standing import Standing

    if known is None or known.run.id != run.id:
        return Standing.of(run)
    known.look(run)
    return known


def _figures(standing: "Standing | None") -> tuple[object, ...]:
    """Return what changes when a run has written new figures."""
    if standing is None:
        return ()
    courses = standing.metrics.courses
    return tuple((key, course.last, len(course.points)) for key, course in courses.items())


def _short(run: "Run", known: tuple[object, tuple[str, str]] | None) -> tuple[object, tuple[str, str]]:
    """Return the guards of a run in short, with the times of their files; read only where those changed."""
    from ftarena.training.figures.standing import guards_in_short
    from ftarena.training.guards import EXAM, GUARDS, read_guards

    times = tuple(_changed(run.directory / name) for name in (GUARDS, EXAM))
    if known is not None and known[0] == times:
        return known
    return times, guards_in_short(read_guards(run))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # not there: nothing was found yet
        return 0
