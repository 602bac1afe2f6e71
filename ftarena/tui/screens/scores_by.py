"""One pair taken apart: by category, by labeler, by week."""

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from ftarena.drawing.pieces import Piece
from ftarena.scoring.facing import facing
from ftarena.scoring.words import percent
from ftarena.text import clean_line
from ftarena.tui.drawing.board import pair_rows
from ftarena.tui.drawing.intervals import Axis, bar
from ftarena.tui.screens.scores_list import verdict_piece
from ftarena.tui.widgets.key_bar import KeyBar
from ftarena.tui.widgets.row_list import Column, ListRow, RowList
from ftarena.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from ftarena.arena.standings.scoreboard import Asked, Standing
    from ftarena.scoring.pairs import PairScore
    from ftarena.tui.desk import Desk

_RATE = Axis(0.0, 1.0, 15)
_KINDS = ("category", "labeler", "week")
_NONE = {
    "category": "No prompt of these votes has a category: ftarena prompts add FILE --category NAME",
    "labeler": "Nobody has voted.",
    "week": "Nobody has voted.",
}

_COLUMNS = (
    Column("slice", grow=True),
    Column("won", right=True),
    Column("lost", right=True),
    Column("ties", right=True),
    Column("both bad", right=True),
    Column("win rate", right=True),
    Column("0     50    100", drawn=True, from_width=90),
    Column("verdict"),
)


class BreakdownScreen(Screen[None]):
    """The same pair in every slice; enter opens the battles of a slice."""

    CSS_PATH = "scores_by.tcss"
    ABOUT = (
        "One pair, slice by slice, always seen from who is ahead over all. Slices have few votes and there "
        "are many of them, so one that stands out may do so by chance: its interval says how far to trust it."
    )
    HELP = (
        ("c a w", "by category, by labeler, by week"),
        ("j k", "choose a slice"),
        ("enter", "the battles in it"),
        ("esc", "back to the scores"),
    )
    BINDINGS = [
        Binding("escape,q", "app.pop_screen", "back"),
        Binding("c", "by('category')", "category"),
        Binding("a", "by('labeler')", "labeler"),
        Binding("w", "by('week')", "week"),
        Binding("tab", "next", "next", show=False),
    ]

    kind: reactive[str] = reactive("category", init=False)

    def __init__(self, desk: "Desk", asked: "Asked", whole: "PairScore", kind: str = "category") -> None:
        """Read nothing yet.

        Args:
            desk: The project.
            asked: What the numbers on the board were asked with.
            whole: The pair over all votes.
            kind: What it is taken apart by first.
        """
        super().__init__()
        self._desk, self._asked, self._whole = desk, asked, whole
        self._slices: dict[str, Standing] = {}
        self.set_reactive(BreakdownScreen.kind, kind)

    def compose(self) -> ComposeResult:
        """Title, slices, the chosen one in full."""
        yield Static("", id="title", markup=False)
        yield RowList(_COLUMNS)
        yield Rows(id="slice")
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the slices."""
        self.query_one(RowList).focus()
        self.read()

    def watch_kind(self) -> None:
        """Take it apart by something else."""
        self.read()

    def action_by(self, kind: str) -> None:
        """Take it apart by this."""
        self.kind = kind

    def action_next(self) -> None:
        """Take it apart by the next thing."""
        self.kind = _KINDS[(_KINDS.index(self.kind) + 1) % len(_KINDS)]

    @work(exclusive=True, group="slices", exit_on_error=False)
    async def read(self) -> None:
        """Score every slice of the pair."""
        from ftarena.arena.standings.scoreboard import by

        chosen = replace(self._asked.selection, contestants=(self._whole.a, self._whole.b))
        asked = replace(self._asked, selection=chosen, control=())
        self._slices = await self._desk.read(lambda store: by(store, asked, self.kind))
        seen = facing(self._whole)
        self.query_one("#title", Static).update(
            Content.assemble(
                (f" {clean_line(seen.first)} against {clean_line(seen.second)}", "bold"),
                f"   by {self.kind}" if self._slices else f"   {_NONE[self.kind]}",
            )
        )
        listed = self.query_one(RowList)
        listed.show_rows([self._row("", "all", self._whole)] + [
            self._row(f"={name}", name, pair)
            for name, told in self._slices.items()
            for pair in told.report.pairs
        ])  # fmt: skip

    def _row(self, key: str, name: str, pair: "PairScore") -> ListRow:
        turned = facing(self._whole).turned
        won, lost = (pair.losses, pair.wins) if turned else (pair.wins, pair.losses)
        rate, low, high = pair.win_rate, pair.low, pair.high
        if turned and rate is not None and low is not None and high is not None:
            rate, low, high = 1 - rate, 1 - high, 1 - low
        return ListRow(
            key,
            (
                name,
                Piece(str(won), "good"),
                Piece(str(lost), "bad"),
                str(pair.ties),
                str(pair.both_bad),
                Piece(percent(rate), "strong"),
                bar(_RATE, low, rate, high, mark=0.5),
                verdict_piece(pair),
            ),
        )

    def _chosen(self, key: str) -> "tuple[Asked, PairScore]":
        if not key:
            return self._asked, self._whole
        told = self._slices[key.removeprefix("=")]
        return told.asked, told.report.pairs[0]

    @on(RowList.Moved)
    def _show(self, event: RowList.Moved) -> None:
        from ftarena.scoring.words import summary

        _, pair = self._chosen(event.key)
        self.query_one("#slice", Rows).show(lambda width: pair_rows(pair, summary(pair), width))

    @on(RowList.Chosen)
    @work(exclusive=True, group="battles", exit_on_error=False)
    async def _open(self, event: RowList.Chosen) -> None:
        from ftarena.tui.screens.battles import battles_screen

        asked, pair = self._chosen(event.key)
        seen = facing(self._whole)
        title = f"{seen.first} against {seen.second}"
        if event.key:
            title += f", {self.kind} {event.key.removeprefix('=')}"
        await self.app.push_screen(
            await battles_screen(self._desk, title, asked.selection, one=pair.a, other=pair.b)
        )

    @on(Worker.StateChanged)
    def _tell_failure(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.app.show_failure(event.worker.name, event.worker.error)
