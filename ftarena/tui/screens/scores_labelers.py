"""Who voted: how fast, how evenly, how much like themselves and like each other."""

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.scoring.words import counted, percent
from ftarena.text import clean_line
from ftarena.tui.drawing.board import flow
from ftarena.tui.widgets.key_bar import KeyBar
from ftarena.tui.widgets.row_list import Column, ListRow, RowList
from ftarena.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from ftarena.arena.standings.labelers import LabelerReport
    from ftarena.store import Selection
    from ftarena.tui.desk import Desk

_COLUMNS = (
    Column("labeler", grow=True),
    Column("votes", right=True),
    Column("skipped", right=True, from_width=90),
    Column("median", right=True),
    Column("left", right=True),
    Column("ties", right=True, from_width=90),
    Column("with self", right=True),
    Column("with others", right=True),
    Column(""),
)


class LabelersScreen(Screen[None]):
    """Everybody who voted; below, what looks wrong with the chosen one's votes."""

    CSS_PATH = "scores_by.tcss"
    ABOUT = (
        "Who voted and how. What looks wrong is flagged with its number and counts all the same: leave "
        "somebody out with ftarena score --labeler and the names of the others."
    )
    HELP = (
        ("median", "time from the first token shown to the vote"),
        ("left", "share of decisive votes for the left side; an even labeler is near 50 %"),
        ("with self", "the same verdict again when a battle was repeated with its sides swapped"),
        ("with others", "votes that are what most others said of the same two answers"),
        ("enter", "the battles this labeler decided"),
        ("esc", "back to the scores"),
    )
    BINDINGS = [Binding("escape,q", "app.pop_screen", "back")]

    def __init__(self, desk: "Desk", selection: "Selection") -> None:
        super().__init__()
        self._desk, self._selection = desk, selection
        self._reports: dict[str, LabelerReport] = {}

    def compose(self) -> ComposeResult:
        """Title, labelers, the chosen one in words."""
        yield Static("", id="title", markup=False)
        yield RowList(_COLUMNS)
        yield Rows(id="labeler")
        yield KeyBar()

    def on_mount(self) -> None:
        """Read who voted."""
        self.query_one(RowList).focus()
        self.read()

    @work(exclusive=True, group="labelers", exit_on_error=False)
    async def read(self) -> None:
        """Look at everybody's votes, people's first."""
        from ftarena.arena.standings.labelers import labeler_reports

        reports = await self._desk.read(
            lambda store: [
                report
                for voters in ("people", "judges")
                for report in labeler_reports(store, replace(self._selection, voters=voters))
            ]
        )
        self._reports = {report.name: report for report in reports}
        people = sum(report.kind == "human" for report in reports)
        title = counted(people, "labeler")
        if people < len(reports):
            title += f" and {counted(len(reports) - people, 'judge')}, who are not counted"
        flagged = sum(bool(report.flags) for report in reports)
        if flagged:
            title += f"; {flagged} to look at"
        self.query_one("#title", Static).update(Content.styled(f" {title}", "bold"))
        self.query_one(RowList).show_rows([_row(report) for report in reports])

    @on(RowList.Moved)
    def _show(self, event: RowList.Moved) -> None:
        report = self._reports[event.key]
        self.query_one("#labeler", Rows).show(lambda width: _in_words(report, width))

    @on(RowList.Chosen)
    @work(exclusive=True, group="battles", exit_on_error=False)
    async def _open(self, event: RowList.Chosen) -> None:
        from ftarena.tui.screens.battles import battles_screen

        report = self._reports[event.key]
        voters = "judges" if report.kind == "judge" else "people"
        chosen = replace(self._selection, labelers=(report.name,), voters=voters)
        await self.app.push_screen(await battles_screen(self._desk, f"by {report.name}", chosen))

    @on(Worker.StateChanged)
    def _tell_failure(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.app.show_failure(event.worker.name, event.worker.error)


def _row(report: "LabelerReport") -> ListRow:
    flag = f"▲ {len(report.flags)}" if report.flags else "judge" if report.kind == "judge" else ""
    return ListRow(
        report.name,
        (
            Piece(report.name, "strong"),
            f"{report.votes:,}",
            f"{report.skipped:,}",
            "–" if report.median_s is None else f"{report.median_s:.1f} s",
            percent(report.left_share),
            percent(report.ties),
            percent(report.self_agreement),
            percent(report.agreement_with_others),
            Piece(flag, "warn" if report.flags else "quiet"),
        ),
    )


def _in_words(report: "LabelerReport", width: int) -> list[Row]:
    rows: list[Row] = [
        wrapped for flag in report.flags for wrapped in wrap([Piece(f"▲ {clean_line(flag)}", "warn")], width)
    ]
    facts = [f"{counted(report.votes, 'vote')}, {report.skipped:,} skipped"]
    if report.n_repeats:
        facts.append(
            f"{counted(report.n_repeats, 'repeated battle')}: {percent(report.self_agreement)} the same"
        )
    if report.n_shared:
        agreed = percent(report.agreement_with_others)
        facts.append(f"{counted(report.n_shared, 'battle')} shared with others: {agreed} as most")
    if not report.flags:
        facts.append("nothing to remark")
    return rows + flow(facts, width, "quiet")
