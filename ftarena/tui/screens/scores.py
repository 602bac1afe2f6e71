"""Scores: what the votes say, and how sure one may be."""

from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding

from ftarena.drawing.curves import Series
from ftarena.drawing.pieces import Piece
from ftarena.scoring.words import percent
from ftarena.text import clean_line, shorten
from ftarena.tui.drawing.board import facing, flow, headline, pair_rows, rating_rows
from ftarena.tui.drawing.intervals import Axis, bar
from ftarena.tui.screens.place import FIRST_STEPS, Place
from ftarena.tui.widgets.curve import Curve
from ftarena.tui.widgets.row_list import Column, ListRow, RowList
from ftarena.tui.widgets.rows import Rows
from ftarena.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from ftarena.scoring.pairs import PairScore
    from ftarena.scoring.report import ScoreReport
    from ftarena.store import Store
    from ftarena.tui.desk import Desk

_LOOK_EVERY_S = 2.0

_RATE = Axis(0.0, 1.0, 15)

_COLUMNS = (
    Column("contestants", grow=True),
    Column("won", right=True),
    Column("lost", right=True),
    Column("ties", right=True),
    Column("both bad", right=True),
    Column("win rate", right=True),
    Column("0     50    100", drawn=True, from_width=100),
    Column("verdict"),
)


class ScoresScreen(Place):
    """Ratings, pairs, and the chosen pair in full."""

    NAME = "scores"
    CSS_PATH = "scores.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-tall")]
    """On a tall terminal the course of the verdict stands below everything else."""

    ABOUT = (
        "Who is better, and whether that is known yet. The verdict may be read after every vote: it is made "
        "so that looking often does not make it wrong. Intervals cover 95 %."
    )
    HELP = (
        ("j k  ↑ ↓", "choose a pair"),
        ("enter", "the battles behind it, with answers and names"),
        ("g", "the course of the verdict, vote by vote (again: the ratings); always there on tall terminals"),
        ("e", "export: preference pairs for DPO, or the votes"),
        (
            "win rate",
            "won / (won + lost), with Wilson's interval; ties and both bad have columns of their own",
        ),
        ("evidence", "what a stake of 1 against equality would have become; it decides at 20 : 1"),
        ("rating", "Bradley-Terry; 400 points are odds of ten to one; intervals clustered by prompt"),
    )
    BINDINGS = [
        Binding("d", "demo", "run the demo"),
        Binding("g", "course", "course"),
        Binding("e", "export", "export"),
    ]

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self.report: ScoreReport | None = None
        self._version = -1

    def compose_body(self) -> ComposeResult:
        """Headline, ratings, pairs, the chosen pair and its course."""
        yield Rows(id="headline")
        yield Rows(id="ratings")
        yield RowList(_COLUMNS, id="pairs")
        yield Rows(id="pair")
        yield Curve(id="course", x_name="vote")
        yield Welcome("No votes yet.", (("2", "vote on the first battle"), *FIRST_STEPS), id="welcome")

    def on_mount(self) -> None:
        """Look at the votes again whenever there are new ones."""
        super().on_mount()
        self.set_class(not self.desk.exists, "-empty")
        self.set_interval(_LOOK_EVERY_S, self._look_again)
        self.query_one(RowList).focus()

    def come_back(self) -> None:
        """Votes may have been cast since."""
        self.look()

    def _look_again(self) -> None:
        if self.is_current:
            self.look()

    @work(exclusive=True, group="scores", exit_on_error=False)
    async def look(self) -> None:
        """Score anew if anything has been written since."""
        version = await self.desk.version()
        if version == self._version and self.report is not None:
            return
        if not self.desk.exists:
            self.set_class(True, "-empty")
            self.refresh_bindings()
            self.show_facts()
            return
        report, prompts, labelers, not_blind = await self.desk.read(self._score)
        self._version = version
        self.report = report
        self.set_class(not report.votes, "-empty")
        self.refresh_bindings()
        if not report.votes:
            self.show_facts()
        facts = headline(report, prompts, labelers, not_blind)
        self.query_one("#headline", Rows).show(lambda width: flow(facts, width, "quiet"))
        self.query_one("#ratings", Rows).show(lambda width: rating_rows(report.contestants, width))
        self.query_one(RowList).show_rows([_pair_row(pair) for pair in report.pairs])

    def _score(self, store: "Store") -> "tuple[ScoreReport, int, int, int]":
        from ftarena.scoring import Vote, score
        from ftarena.store import Selection

        votes = [Vote(*row) for row in store.standing_votes(Selection(contestants=self.desk.chosen))]
        prompts, labelers = {vote.prompt for vote in votes}, {vote.labeler for vote in votes}
        not_blind = store.ballots.not_blind(contestants=self.desk.chosen)
        return score(votes), len(prompts), len(labelers), not_blind

    def _pair(self, key: str | None) -> "PairScore | None":
        if self.report is None or key is None:
            return None
        return next((pair for pair in self.report.pairs if _key(pair) == key), None)

    @on(RowList.Moved, "#pairs")
    def _show_pair(self, event: RowList.Moved) -> None:
        pair = self._pair(event.key)
        if pair is None:
            return
        from ftarena.scoring import summary

        verdict = summary(pair)
        self.query_one("#pair", Rows).show(lambda width: pair_rows(pair, verdict, width))
        self._show_course(pair)

    def _show_course(self, pair: "PairScore") -> None:
        ahead = facing(pair).first
        turned = ahead != pair.a

        def rate(value: float) -> float:
            return 100 * (1 - value if turned else value)

        points = pair.course.points(400)
        self.query_one(Curve).show(
            [
                Series("", [(point.votes, 50) for point in points], "quiet"),
                Series("", [(point.votes, rate(point.low)) for point in points], "first"),
                Series(
                    "95 %, at all looks together",
                    [(point.votes, rate(point.high)) for point in points],
                    "first",
                    last=False,
                ),
                Series(
                    f"win rate of {shorten(ahead, 24)}, %",
                    [(p.votes, rate(p.wins / (p.wins + p.losses))) for p in points],
                    "second",
                    marker="∙",  # told apart from the band's ends without colour, too
                ),
            ],
            y_span=(0, 100),
        )

    def action_course(self) -> None:
        """Show the course of the verdict in the place of the ratings, or the ratings again."""
        self.toggle_class("-course")

    @on(RowList.Chosen, "#pairs")
    @work(exclusive=True, group="battles", exit_on_error=False)
    async def _open_battles(self, event: RowList.Chosen) -> None:
        from ftarena.arena.history import voted_battles
        from ftarena.tui.screens.battles import BattlesScreen

        pair = self._pair(event.key)
        if pair is None:
            return
        battles = await self.desk.read(
            lambda store: voted_battles(store, pair.a, pair.b, reader=self.desk.labeler)
        )
        self.app.push_screen(BattlesScreen(f"{pair.a} against {pair.b}", battles))

    @work(exclusive=True, group="export", exit_on_error=False)
    async def action_export(self) -> None:
        """Ask what to export, write it and say where."""
        from ftarena.tui.screens.export import ExportScreen, export

        kind = await self.app.push_screen_wait(ExportScreen())
        if kind is not None:
            workspace = self.desk.workspace
            said = await self.desk.read(lambda store: export(store, workspace, kind))
            self.app.notify(clean_line(said), title="Exported", timeout=15, markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the demo where there is nothing, the rest where there is something."""
        empty = self.has_class("-empty")
        if action == "demo":
            return empty
        if action == "course":
            return not empty and not self.has_class("-tall")
        return not empty if action == "export" else True


def _key(pair: "PairScore") -> str:
    return f"{pair.a}\0{pair.b}"


def _pair_row(pair: "PairScore") -> ListRow:
    seen = facing(pair)
    return ListRow(
        _key(pair),
        (
            f"{seen.first} against {seen.second}",
            Piece(str(seen.won), "good"),
            Piece(str(seen.lost), "bad"),
            str(pair.ties),
            str(pair.both_bad),
            Piece(percent(seen.rate), "strong"),
            bar(_RATE, seen.low, seen.rate, seen.high, mark=0.5),
            _verdict(pair),
        ),
    )


def _verdict(pair: "PairScore") -> Piece:
    """Return the verdict in a word or two; the sentence stands below the list."""
    if pair.verdict == "equivalent":
        return Piece("no difference", "strong")
    if pair.verdict == "undecided":
        return Piece("undecided", "quiet")
    return Piece(f"{pair.a if pair.verdict == 'a' else pair.b} better", "good")
