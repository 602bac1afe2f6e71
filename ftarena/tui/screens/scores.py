"""Scores: what the votes say, and how sure one may be."""

from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding

from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.scoring.facing import facing
from ftarena.scoring.words import summary
from ftarena.text import clean_line, shorten
from ftarena.tui.drawing.board import (
    beside_facts,
    board_rows,
    equal_row,
    flow,
    headline,
    judge_facts,
    judged_row,
    pair_rows,
)
from ftarena.tui.drawing.course import course_series
from ftarena.tui.drawing.matrix import matrix_rows
from ftarena.tui.screens.place import FIRST_STEPS, Place
from ftarena.tui.screens.scores_list import COLUMNS, best_first, pair_columns, pair_key, pair_row
from ftarena.tui.screens.scores_reading import Seen, read_scores
from ftarena.tui.widgets.curve import Curve
from ftarena.tui.widgets.row_list import RowList
from ftarena.tui.widgets.rows import Rows
from ftarena.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from ftarena.scoring.pairs import PairScore
    from ftarena.scoring.report import ScoreReport
    from ftarena.tui.desk import Desk

_LOOK_EVERY_S = 2.0

_LOW_SHARE, _TALL_SHARE = 0.3, 0.4
"""Part of the screen's rows that ratings take at most; the list and the chosen pair need the rest."""

_CONTROLS: tuple[tuple[str, ...], ...] = ((), ("length",), ("style",))
"""What `l` holds equal, in turn."""


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
        ("h", "head to head: everybody against everybody (again: the ratings)"),
        ("l", "hold equal what else might have won: length, then looks, then nothing again"),
        ("c", "the pair by category, labeler, week"),
        ("a", "who voted: times, evenness, agreement, flags"),
        ("w", "why the two differ: what tells their answers apart, and what it explains"),
        ("J", "what judges say beside people; it is in no number of people's"),
        ("r", "score by the next criterion (helpful, correct …) instead of the vote itself"),
        ("e", "export: preference pairs for DPO, or the votes"),
        ("i", "improve: train the next model from these votes"),
        ("v", "generations: which votes made which model, what each gained and forgot"),
        (
            "win rate",
            "won / (won + lost), with its interval; ties and both bad have columns of their own",
        ),
        ("evidence", "what a stake of 1 against equality would have become; it decides at 20 : 1"),
        ("rating", "Bradley-Terry; 400 points are odds of ten to one; intervals clustered by prompt"),
    )
    BINDINGS = [
        Binding("d", "demo", "run the demo"),
        Binding("g", "course", "course"),
        Binding("w", "why", "why"),
        Binding("i", "improve", "improve"),
        Binding("e", "export", "export"),
        Binding("l", "control", "length"),
        Binding("c", "breakdown", "categories"),
        Binding("a", "labelers", "labelers"),
        Binding("h", "matrix", "head to head"),
        Binding("v", "generations", "generations"),
        Binding("J", "judges", "judge"),
        Binding("r", "criterion", "criterion"),
    ]

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self.seen: Seen | None = None
        self.control: tuple[str, ...] = ()
        self.criterion: str | None = None
        self.shows_judges = False
        self.shows_matrix = False
        self._read: tuple[object, ...] = ()

    @property
    def report(self) -> "ScoreReport | None":
        """The scores that are shown."""
        return None if self.seen is None else self.seen.told.report

    def compose_body(self) -> ComposeResult:
        """Headline, ratings, pairs, the chosen pair and its course."""
        yield Rows(id="headline")
        yield Rows(id="ratings")
        yield RowList(COLUMNS, id="pairs")
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
        """Score anew if anything has been written since, or something else is asked for."""
        wanted = (await self.desk.version(), self.control, self.shows_judges, self.criterion)
        if wanted == self._read and self.seen is not None:
            return
        if not self.desk.exists:
            self.set_class(True, "-empty")
            self.refresh_bindings()
            self.show_facts()
            return
        _, control, judges, criterion = wanted
        self.seen = await self.desk.read(
            lambda store: read_scores(store, self.desk, control, judges, criterion)
        )
        self._read = wanted
        told = self.seen.told
        self.set_class(not told.report.votes, "-empty")
        self.refresh_bindings()
        if not told.report.votes:
            self.show_facts()
        facts = [*([f"by {shorten(criterion, 20)}:"] if criterion else []), *headline(told)]
        if judges:
            facts += judge_facts(told) or ["no judge has voted: ftarena judge"]
        self.query_one("#headline", Rows).show(lambda width: flow(facts, width, "quiet"))
        self._show_ratings()
        listed = self.query_one("#pairs", RowList)
        listed.columns = pair_columns(control)
        seen = self.seen
        listed.show_rows(
            [pair_row(pair, control, seen.held_equal(pair.a, pair.b)) for pair in best_first(told.report)]
        )

    def _show_ratings(self) -> None:
        report = self.report
        if report is None:
            return
        draw = matrix_rows if self.shows_matrix else board_rows
        room = max(int(self.size.height * (_TALL_SHARE if self.has_class("-tall") else _LOW_SHARE)), 4)

        def rows(width: int) -> list[Row]:
            drawn = draw(report, width)
            if len(drawn) <= room:
                return drawn
            return [
                *drawn[: room - 1],
                [Piece("     … the rest on a taller terminal, or: ftarena score", "quiet")],
            ]

        self.query_one("#ratings", Rows).show(rows)

    def on_resize(self) -> None:
        """There may be room for more ratings, or for fewer."""
        super().on_resize()
        self._show_ratings()

    def _pair(self, key: str | None) -> "PairScore | None":
        if self.report is None or key is None:
            return None
        return next((pair for pair in self.report.pairs if pair_key(pair) == key), None)

    @property
    def current(self) -> "PairScore | None":
        """The chosen pair."""
        return self._pair(self.query_one("#pairs", RowList).current)

    @on(RowList.Moved, "#pairs")
    def _show_pair(self, event: RowList.Moved) -> None:
        pair = self._pair(event.key)
        if pair is None:
            return
        self.query_one("#pair", Rows).show(lambda width: self._in_full(pair, width))
        series, marks = course_series(pair)
        self.query_one(Curve).show(series, y_span=(0, 100), marks=marks)

    def _in_full(self, pair: "PairScore", width: int) -> list[Row]:
        """Return the chosen pair in rows: the votes, what is held equal, judges, what was measured beside."""
        assert self.seen is not None
        rows = pair_rows(pair, summary(pair), width)
        if self.control:
            equal = self.seen.held_equal(pair.a, pair.b)
            words = f"with {' and '.join(self.control)} held equal: no texts to tell it from"
            row = [Piece(words, "quiet")] if equal is None else equal_row(pair, equal, self.control)
            rows += wrap(row, width)
        judged = None if self.seen.judged is None else self.seen.judged.report.pair(pair.a, pair.b)
        if judged is not None:
            rows += wrap(judged_row(judged), width)
        elif self.seen.judged is not None:
            rows.append([Piece("judges: no judge vote counts yet for this pair", "quiet")])
        return rows + flow(beside_facts(facing(pair), self.seen.beside), width, "quiet")

    def action_course(self) -> None:
        """Show the course of the verdict in the place of the ratings, or the ratings again."""
        self.toggle_class("-course")

    def action_matrix(self) -> None:
        """Show everybody against everybody, or the ratings again."""
        self.shows_matrix = not self.shows_matrix
        self.remove_class("-course")
        self._show_ratings()

    def action_control(self) -> None:
        """Hold equal what comes next: length, looks, nothing."""
        self.control = _CONTROLS[(_CONTROLS.index(self.control) + 1) % len(_CONTROLS)]
        self.look()

    def action_judges(self) -> None:
        """Show what judges say beside people, or no longer."""
        self.shows_judges = not self.shows_judges
        self.look()

    def action_criterion(self) -> None:
        """Score by the next criterion, and by the vote itself after the last."""
        if self.seen is not None:
            choices = [None, *self.seen.criteria]
            place = choices.index(self.criterion) if self.criterion in choices else 0
            self.criterion = choices[(place + 1) % len(choices)]
            self.look()

    @work(exclusive=True, group="battles", exit_on_error=False)
    async def action_breakdown(self) -> None:
        """Take the chosen pair apart."""
        from ftarena.tui.screens.scores_by import BreakdownScreen

        if self.seen is not None and (pair := self.current) is not None:
            await self.app.push_screen(BreakdownScreen(self.desk, self.seen.told.asked, pair))

    @work(exclusive=True, group="battles", exit_on_error=False)
    async def action_labelers(self) -> None:
        """Show who voted."""
        from ftarena.tui.screens.scores_labelers import LabelersScreen

        if self.seen is not None:
            await self.app.push_screen(LabelersScreen(self.desk, self.seen.told.asked.selection))

    @work(exclusive=True, group="battles", exit_on_error=False)
    async def action_why(self) -> None:
        """Show what tells the answers of the two apart."""
        from ftarena.tui.screens.why import WhyScreen

        if self.seen is not None and (pair := self.current) is not None:
            facts = facing(pair)
            selection = self.seen.told.asked.selection
            await self.app.push_screen(WhyScreen(self.desk, facts.first, facts.second, selection))

    @work(exclusive=True, group="battles", exit_on_error=False)
    async def action_improve(self) -> None:
        """Train the next model from these votes."""
        from ftarena.tui.screens.improve import ImproveScreen

        await self.app.push_screen(ImproveScreen(self.desk))

    @work(exclusive=True, group="battles", exit_on_error=False)
    async def action_generations(self) -> None:
        """Show which votes made which model."""
        from ftarena.tui.screens.generations import GenerationsScreen

        await self.app.push_screen(GenerationsScreen(self.desk))

    @on(RowList.Chosen, "#pairs")
    @work(exclusive=True, group="battles", exit_on_error=False)
    async def _open_battles(self, event: RowList.Chosen) -> None:
        from ftarena.tui.screens.battles import battles_screen

        pair = self._pair(event.key)
        if pair is None or self.seen is None:
            return
        selection = self.seen.told.asked.selection
        seen = facing(pair)
        title = f"{seen.first} against {seen.second}"
        await self.app.push_screen(
            await battles_screen(self.desk, title, selection, one=pair.a, other=pair.b)
        )

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
        """Offer the demo where there is nothing, the rest where there is something to show."""
        empty = self.has_class("-empty")
        if action == "demo":
            return empty
        if action == "course":
            return not empty and not self.has_class("-tall")
        if action == "matrix":
            return not empty and self.report is not None and len(self.report.contestants) > 2
        if action == "criterion":
            return self.seen is not None and bool(self.seen.criteria)
        if action == "judges":
            return not empty and self.seen is not None and bool(self.seen.told.judges)
        return not empty if action in _NEED_VOTES else True


_NEED_VOTES = {"control", "breakdown", "labelers", "why", "improve", "export", "generations"}
