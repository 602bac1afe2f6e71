"""Why two contestants differ: features of their answers against the votes, and the battles that show one."""

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.errors import FtarenaError
from ftarena.scoring.words import percent
from ftarena.text import clean_line, shorten
from ftarena.tui.widgets.key_bar import KeyBar
from ftarena.tui.widgets.row_list import Column, ListRow, RowList
from ftarena.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from ftarena.arena.why.report import FeatureFinding, WhyReport, Word
    from ftarena.store import Selection, Store
    from ftarena.tui.desk import Desk

_HALF = 8
"""Cells of a bar to either side."""

_NAME = 14


class WhyScreen(Screen[None]):
    """Features as bars to the left and right, words and slices below, battles one key away."""

    CSS_PATH = "why.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    ABOUT = (
        "How the answers of two contestants differ, and what of it explains the votes. What goes with "
        "preference need not cause it: answers that differ in one thing usually differ in others."
    )
    HELP = (
        ("j k  ↑ ↓", "choose a feature"),
        ("enter", "the battles that show it best"),
        ("x", "the same seen from the other contestant"),
        ("≠", "the two show it differently; of all that are marked, 5 % may be chance"),
        ("odds *", "what it is worth in votes, told from nothing: there against not there, or twice as much"),
        ("at equal", "the score if both showed it alike, against the score as it is"),
        ("esc", "back to the scores"),
    )
    BINDINGS = [
        Binding("escape,q", "app.pop_screen", "back"),
        Binding("x", "turn", "other side"),
    ]

    def __init__(self, desk: "Desk", one: str, other: str, selection: "Selection | None" = None) -> None:
        """Ask nothing yet.

        Args:
            desk: Whose votes.
            one: Name of a contestant; everything is seen from it.
            other: Name of another one.
            selection: Which votes; `None` is all blind votes of people.
        """
        super().__init__()
        self._desk = desk
        self._names = one, other
        self._selection = selection
        self.report: WhyReport | None = None

    def compose(self) -> ComposeResult:
        """Headline, features, words and slices."""
        yield Static("", id="heading", markup=False)
        yield RowList(
            (
                Column("feature", grow=True),
                Column(shorten(self._names[0], _NAME), right=True),
                Column(" " * (2 * _HALF + 1), drawn=True, from_width=100),
                Column(shorten(self._names[1], _NAME)),
                Column("", width=1),
                Column("odds (95 %)"),
                Column("", width=1),
                Column("at equal", right=True),
            ),
            id="features",
        )
        yield Rows(id="details")
        yield KeyBar()

    def on_mount(self) -> None:
        """Ask in the background: a thousand answers take a second."""
        self.query_one("#heading", Static).update(Content("Reading the answers …"))
        self.query_one(RowList).focus()
        self._explain()

    @work(exclusive=True, group="why", exit_on_error=False)
    async def _explain(self) -> None:
        try:
            self.report = await self._desk.read(lambda store: _asked(store, *self._names, self._selection))
        except FtarenaError as error:
            self.query_one("#heading", Static).update(Content(clean_line(f"{error.message}: {error.hint}")))
            return
        self._show()

    def _show(self) -> None:
        from ftarena.arena.why.saying import findings_said, headline

        report = self.report
        if report is None:
            return
        heading = Content.assemble(
            (f"{clean_line(report.one)} against {clean_line(report.other)}", "bold"),
            f"   {clean_line(headline(report))}\n{clean_line(findings_said(report))}",
        )
        self.query_one("#heading", Static).update(heading)
        listed = self.query_one(RowList)
        columns = list(listed.columns)
        columns[1] = columns[1]._replace(title=shorten(report.one, _NAME))
        columns[3] = columns[3]._replace(title=shorten(report.other, _NAME))
        listed.columns = columns
        listed.show_rows([_row(report, found) for found in report.features])
        self.query_one("#details", Rows).show(lambda width: _details(report, width))

    @on(RowList.Chosen)
    @work(exclusive=True, group="battles", exit_on_error=False)
    async def _open_battles(self, event: RowList.Chosen) -> None:
        from ftarena.arena.standings.history import voted_battles
        from ftarena.store.ballots import EVERYTHING
        from ftarena.tui.screens.battles import BattlesScreen

        report = self.report
        found = next((each for each in report.features if each.key == event.key), None) if report else None
        if report is None or found is None or not found.battles:
            self.app.notify("No vote is on answers that differ in this.", markup=False)
            return
        battles = await self._desk.read(
            lambda store: voted_battles(
                store,
                report.one,
                report.other,
                reader=self._desk.labeler,
                selection=self._selection or EVERYTHING,
                battles=found.battles,
            )
        )
        order = {battle_id: place for place, battle_id in enumerate(found.battles)}
        battles.sort(key=lambda battle: order[battle.battle_id])
        title = f"{found.label}: {report.one} against {report.other}"
        self.app.push_screen(BattlesScreen(title, battles))

    def action_turn(self) -> None:
        """See the same from the other contestant."""
        if self.report is not None:
            self.report = self.report.mirrored()
            self._show()


def _asked(store: "Store", one: str, other: str, selection: "Selection | None") -> "WhyReport":
    from ftarena.arena.why import why
    from ftarena.store.ballots import EVERYTHING

    return why(store, one, other, selection or EVERYTHING)


def _row(report: "WhyReport", found: "FeatureFinding") -> ListRow:
    from ftarena.arena.why.saying import held_equal, shown, worth

    odds = worth(found, found.alone)
    style = "" if not found.counts else "good" if found.alone and found.alone.value > 0 else "bad"
    return ListRow(
        found.key,
        (
            found.label,
            shown(found.one, found.kind),
            _bars(found.one, found.other),
            shown(found.other, found.kind),
            Piece("≠" if found.differs else " ", "strong"),
            Piece(odds, style),
            Piece("*" if found.counts else " ", "strong"),
            held_equal(report, found),
        ),
    )


def _bars(one: float, other: float) -> str:
    """Draw one side's amount to the left of the middle and the other's to the right, on one scale."""
    most = max(one, other)
    left, right = (round(_HALF * value / most) if most else 0 for value in (one, other))
    return f"{'━' * left:>{_HALF}}│{'━' * right:<{_HALF}}"


def _details(report: "WhyReport", width: int) -> list[Row]:
    from ftarena.arena.why.saying import between, judge_said, slice_said

    rows: list[Row] = []
    for name, words in _sides(report.one, report.other, report.words):
        rows.append(_words(f"words of {name}", words, width))
    turning = [part for part in report.slices if part.turns]
    if report.slices and not turning:
        rows.append([Piece(f"no slice of {len(report.slices)} turns the verdict", "quiet")])
    for part in turning[:6]:
        rest = "" if part.rest is None else f", elsewhere {percent(part.rest)}"
        said = f": {percent(part.score.value)}{between(part.score)}{rest}; {part.prompts} prompts"
        rows.append([Piece("turns on "), Piece(clean_line(slice_said(part)), "strong"), Piece(said)])
    for said_by in report.judges:
        rows.append([Piece(clean_line(f"reasons of {judge_said(report, said_by)}"), "strong")])
        for name, words in _sides(f"for {report.one}", f"for {report.other}", said_by.words):
            rows.append(_words(name, words, width))
        rows += [[Piece(f"  “{shorten(quote, max(width - 6, 20))}”", "quiet")] for quote in said_by.quotes]
    return [wrapped for row in rows for wrapped in wrap(row, width)]


def _sides(one: str, other: str, words: "tuple[Word, ...]") -> "list[tuple[str, list[Word]]]":
    both = [(one, [word for word in words if word.z > 0]), (other, [word for word in words if word.z < 0])]
    return [(name, side) for name, side in both if side]


def _words(title: str, words: "list[Word]", width: int) -> Row:
    """Return as many words as fit on a row."""
    from ftarena.arena.why.saying import word_said

    row = [Piece(f"{shorten(title, 30)}  ", "strong")]
    left = width - cell_len(row[0].text)
    for word in words:
        said = f"{clean_line(word_said(word))}  "
        left -= cell_len(said)
        if left < 0:
            break
        row.append(Piece(said))
    return row
