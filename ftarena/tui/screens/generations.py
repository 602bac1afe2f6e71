"""The generations: who descends from whom, which votes made which, what each gained and forgot."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from ftarena.drawing.pieces import Piece
from ftarena.scoring.words import counted, percent
from ftarena.text import clean_line, shorten
from ftarena.tui.desk import Desk
from ftarena.tui.screens.improve import fact_rows
from ftarena.tui.widgets.key_bar import KeyBar
from ftarena.tui.widgets.row_list import Column, ListRow, RowList
from ftarena.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from ftarena.arena.improving.tree import Generation
    from ftarena.tui.app import FtarenaApp

_LOOK_EVERY_S = 5.0

_GOES_ON = ("queued", "preparing", "training", "evaluating")

_COLUMNS = (
    Column("generation", grow=True, drawn=True),
    Column("method"),
    Column("made of"),
    Column("against its parent", from_width=70),
    Column("held out", right=True, from_width=100),
    Column("general", right=True, from_width=100),
    Column("guards"),
)


class GenerationsScreen(Screen[None]):
    """The tree of runs above, the chosen one in words below."""

    CSS_PATH = "generations.tcss"
    ABOUT = (
        "Which votes made which model, and what each gained and forgot against its parent. Votes on prompts "
        "that either of the two was trained on are left out of the comparison."
    )
    HELP = (
        ("j k  ↑ ↓", "choose a generation"),
        ("i", "make the next one of the votes"),
        ("enter", "the battles between it and its parent"),
        ("esc", "back to the scores"),
    )
    BINDINGS = [
        Binding("i", "improve", "improve"),
        Binding("escape,q,v", "app.pop_screen", "back"),
    ]

    app: "FtarenaApp"

    def __init__(self, desk: Desk) -> None:
        """Read nothing yet.

        Args:
            desk: The project.
        """
        super().__init__()
        self.desk = desk
        self._found: dict[str, Generation] = {}

    def compose(self) -> ComposeResult:
        """A title, the tree, the chosen generation, the keys."""
        yield Static(Content.styled(" Generations", "bold"), id="title")
        yield RowList(_COLUMNS)
        yield Rows(id="facts")
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the tree, and again while runs go on."""
        self.query_one(RowList).focus()
        self.look()
        self.set_interval(_LOOK_EVERY_S, self._look_again)

    def on_screen_resume(self) -> None:
        """A run may have been started since."""
        self.call_after_refresh(self.look)

    def _look_again(self) -> None:
        # Only while something goes on: reading a million votes takes seconds.
        if self.is_current and any(one.state in _GOES_ON for one in self._found.values()):
            self.look()

    @work(exclusive=True, group="generations", exit_on_error=False)
    async def look(self) -> None:
        """Read runs and votes anew."""
        if self.desk.exists:
            found = await self.desk.read(lambda store: _generations(store, self.desk))
        else:
            found = await self.desk.run(_generations, None, self.desk)
        self._found = {one.run: one for one in found}
        title = f" {counted(len(found), 'generation')}" if found else " No runs yet: d in Runs runs the demo"
        self.query_one("#title", Static).update(Content.styled(title, "bold"))
        self.query_one(RowList).show_rows(
            [_row(one, branch) for one, branch in zip(found, branches(found), strict=True)]
        )

    @on(RowList.Moved)
    def _show(self, event: RowList.Moved) -> None:
        from ftarena.arena.improving.tree import gain_words, loss_words, made_words

        one = self._found.get(event.key)
        if one is None:
            return
        facts = [("run", clean_line(one.run)), ("made of", clean_line(made_words(one.made_of)))]
        if one.made_of is not None:
            doubt = one.made_of.label_smoothing
            facts.append(
                ("doubt", f"label_smoothing {doubt:g}, from: {clean_line(one.made_of.smoothing_from)}")
            )
        if one.parent is not None:
            facts += [("parent", clean_line(one.parent)), ("gained", clean_line(gain_words(one.gain)))]
        if words := loss_words(one):
            facts.append(("loss", words))
        facts += [("alarm", clean_line(alarm)) for alarm in one.alarms]
        self.query_one("#facts", Rows).show(lambda width: fact_rows(facts, width))

    @on(RowList.Chosen)
    @work(exclusive=True, group="battles", exit_on_error=False)
    async def _open_battles(self, event: RowList.Chosen) -> None:
        one = self._found.get(event.key)
        if one is None or one.parent is None or one.gain is None:
            return
        from ftarena.store.ballots import EVERYTHING
        from ftarena.tui.screens.battles import battles_screen

        child, parent = one.gain.child, one.gain.parent
        title = f"{child} against {parent}"
        await self.app.push_screen(
            await battles_screen(self.desk, title, EVERYTHING, one=child, other=parent)
        )

    def action_improve(self) -> None:
        """Make the next one."""
        from ftarena.tui.screens.improve import ImproveScreen

        self.app.push_screen(ImproveScreen(self.desk))

    @on(Worker.StateChanged)
    def _tell_failure(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.app.show_failure(event.worker.name, event.worker.error)


def _generations(store: object, desk: Desk) -> "list[Generation]":
    from ftarena.arena.improving import generations

    return generations(store, desk.workspace)


def branches(found: "Sequence[Generation]") -> list[str]:
    """Return what stands before each name of a tree that is listed depth first: `├─ `, `│  └─ `.

    Args:
        found: Each behind its parent, as `generations` returns them.
    """
    drawn = []
    for place, one in enumerate(found):
        signs = []
        for depth in range(1, one.depth + 1):
            later = next((other.depth for other in found[place + 1 :] if other.depth <= depth), 0)
            goes_on = later == depth
            last = depth == one.depth
            signs.append(("├─ " if goes_on else "└─ ") if last else ("│  " if goes_on else "   "))
        drawn.append("".join(signs))
    return drawn


def _row(one: "Generation", branch: str) -> ListRow:
    made = counted(one.made_of.votes, "vote") if one.made_of is not None else "files"
    return ListRow(
        one.run,
        (
            f"{branch}{shorten(one.name, 60)}",
            one.method,
            made,
            _gain(one),
            "–" if one.held_out is None else f"{one.held_out.change:+.3f}".replace("-", "−"),
            "–" if one.general is None else f"{one.general.change:+.3f}".replace("-", "−"),
            _state(one),
        ),
    )


def _gain(one: "Generation") -> Piece:
    gain = one.gain
    if gain is None:
        return Piece("–" if one.parent is None else "no votes yet", "quiet")
    style = {"better": "good", "worse": "bad", "equivalent": "strong"}.get(gain.verdict, "quiet")
    word = {"equivalent": "no difference"}.get(gain.verdict, gain.verdict)
    sign = "*" if gain.on_trained else ""
    return Piece(f"{percent(gain.rate)} of {gain.wins + gain.losses}{sign}, {word}", style)


def _state(one: "Generation") -> Piece:
    if one.state != "finished":
        return Piece(one.state, "warn")
    return Piece(f"▲ {len(one.alarms)}", "bad") if one.alarms else Piece("✓", "good")
