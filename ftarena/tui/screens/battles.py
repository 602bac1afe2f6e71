"""The battles behind a number: what was asked, what both answered, and how it was decided."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from ftarena.arena.standings.history import VotedBattle
from ftarena.drawing.pieces import Piece
from ftarena.scoring.words import counted
from ftarena.text import clean_line, clean_text, shorten
from ftarena.tui.widgets.key_bar import KeyBar
from ftarena.tui.widgets.row_list import Column, ListRow, RowList
from ftarena.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from ftarena.store import Selection, Store
    from ftarena.tui.desk import Desk

MOST = 500
"""Battles that are listed, the newest; the report and the exports have all."""

_COLUMNS = (
    Column("question", grow=True),
    Column("better"),
    Column("labeler"),
    Column("", width=7),
    Column("time", right=True, from_width=100),
    Column("when", from_width=90),
)

_NO_TEXT = "This vote was imported: its file holds no answers."
_WORDS = {"left": "left", "right": "right", "tie": "equally good", "both_bad": "both bad"}
_EVERY = "all"


async def battles_screen(
    desk: "Desk", title: str, selection: "Selection", *, one: str | None = None, other: str | None = None
) -> "BattlesScreen":
    """Read the battles behind a number and return the screen that shows them.

    Args:
        desk: The project; what its labeler still has to decide is left out.
        title: What the number is of.
        selection: The votes that the number was made of.
        one: Name of a contestant; None is everybody.
        other: Name of the other.
    """
    from ftarena.arena.standings.history import left_out, voted_battles

    def read(store: "Store") -> tuple[list[VotedBattle], int]:
        reader = desk.labeler
        found = voted_battles(store, one, other, reader=reader, selection=selection, most=MOST + 1)
        if len(found) > MOST:
            return found, 0
        return found, left_out(store, one, other, reader=reader, selection=selection)

    found, kept_back = await desk.read(read)
    return BattlesScreen(title, found[:MOST], more=len(found) > MOST, left_out=kept_back)


class BattlesScreen(Screen[None]):
    """A list of decided battles; the chosen one is shown in full, with names."""

    CSS_PATH = "battles.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    ABOUT = (
        "The battles behind a number, newest first, with the names that were hidden while they were decided."
    )
    HELP = (
        ("j k", "choose a battle"),
        ("J K", "scroll both answers"),
        ("o", "only one outcome, then the next: who won, equally good, both bad"),
        ("l", "only one labeler, then the next"),
        ("a", "all again"),
        ("! t c", "marks: an answer gave itself away, trained on this prompt, there is a comment"),
        ("esc", "back"),
    )
    BINDINGS = [
        Binding("escape,q", "app.pop_screen", "back"),
        Binding("J", "scroll(1)", "scroll answers", key_display="J K"),
        Binding("K", "scroll(-1)", "scroll", show=False),
        Binding("o", "narrow('outcome')", "outcome"),
        Binding("l", "narrow('labeler')", "labeler"),
        Binding("a", "widen", "all"),
    ]

    def __init__(
        self, title: str, battles: Sequence[VotedBattle], *, more: bool = False, left_out: int = 0
    ) -> None:
        """Show what was read.

        Args:
            title: What the battles are of.
            battles: Newest first.
            more: Whether there are older ones that were not read.
            left_out: Votes on battles that the reader still has to decide.
        """
        super().__init__()
        self._heading, self._more, self._left_out = clean_line(title), more, left_out
        self._battles = {battle.vote_id: battle for battle in battles}
        self._choices = {
            "outcome": [_EVERY, *sorted({_better(battle) for battle in battles})],
            "labeler": [_EVERY, *sorted({battle.labeler for battle in battles})],
        }
        self._chosen = dict.fromkeys(self._choices, _EVERY)

    def compose(self) -> ComposeResult:
        """List, question, two answers."""
        yield Static("", id="heading", markup=False)
        yield RowList(_COLUMNS, opens=False)
        yield Static("", id="question", markup=False)
        with Horizontal(id="answers"):
            yield Transcript(id="left", tells_more=True)
            yield Transcript(id="right", tells_more=True)
        yield Static("", id="facts", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Fill the list."""
        self._fill()
        self.query_one(RowList).focus()

    def _fill(self) -> None:
        shown = [(key, battle) for key, battle in self._battles.items() if self._meets(battle)]
        words = f"   {len(shown)} decided battle{'' if len(shown) == 1 else 's'}, newest first"
        if self._more:
            words = f"   the newest {counted(MOST, 'battle')}"
        if len(shown) < len(self._battles):
            only = ", ".join(name for name in self._chosen.values() if name != _EVERY)
            words = f"   {len(shown)} of {len(self._battles)} decided battles: {clean_line(only)}"
        if self._left_out:
            kept_back = f"{self._left_out:,} left out: you still have them before you"
            words = f"{words}; {kept_back}" if self._battles else f"   {kept_back}"
        self.query_one("#heading", Static).update(Content.assemble((f" {self._heading}", "bold"), words))
        self.query_one(RowList).show_rows([_row(key, battle) for key, battle in shown])

    def action_narrow(self, by: str) -> None:
        """Show one outcome or labeler only, the next one at each press, and all again after the last."""
        choices = self._choices[by]
        self._chosen[by] = choices[(choices.index(self._chosen[by]) + 1) % len(choices)]
        other = "labeler" if by == "outcome" else "outcome"
        # A pair of filters that leaves nothing is a dead end: the older one gives way.
        if not any(self._meets(battle) for battle in self._battles.values()):
            self._chosen[other] = _EVERY
        self._fill()

    def _meets(self, battle: VotedBattle) -> bool:
        outcome, labeler = self._chosen["outcome"], self._chosen["labeler"]
        return outcome in (_EVERY, _better(battle)) and labeler in (_EVERY, battle.labeler)

    def action_widen(self) -> None:
        """Show all again."""
        self._chosen = dict.fromkeys(self._choices, _EVERY)
        self._fill()

    @on(RowList.Moved)
    def _show(self, event: RowList.Moved) -> None:
        battle = self._battles[event.key]
        self.query_one("#question", Static).update(Content(clean_text(_question(battle))))
        self.query_one("#facts", Static).update(Content(" · ".join(map(clean_line, _facts(battle)))))
        sides = (
            ("left", battle.left, battle.left_text),
            ("right", battle.right, battle.right_text),
        )
        for side, name, text in sides:
            pane = self.query_one(f"#{side}", Transcript)
            won = f"  ● {_WORDS[battle.outcome]}" if battle.winner is None else ""
            won = "  ● better" if battle.winner == name else won
            pane.border_title = Content(f"{clean_line(name)}{won}")
            pane.clear()
            pane.add("note" if text is None else "answer", _NO_TEXT if text is None else text.strip())
            pane.scroll_to(y=0, animate=False)

    def action_scroll(self, by: int) -> None:
        """Scroll both answers."""
        for pane in self.query(Transcript):
            pane.scroll_relative(y=by, animate=False)


def _row(key: str, battle: VotedBattle) -> ListRow:
    marks = "".join(
        sign for sign, there in (("!", battle.leaked), ("t", battle.trained), ("c", battle.comments)) if there
    )
    return ListRow(
        key,
        (
            shorten(_question(battle), 200),
            _better(battle),
            battle.labeler,
            Piece(marks, "warn"),
            "" if battle.elapsed_ms is None else f"{battle.elapsed_ms / 1000:.1f} s",
            battle.created_at[:16].replace("T", " "),
        ),
    )


def _better(battle: VotedBattle) -> str:
    return battle.winner or _WORDS[battle.outcome]


def _facts(battle: VotedBattle) -> list[str]:
    """Return what else is known of a vote: time, categories, criteria, marks, comments."""
    sides = {"left": battle.left, "right": battle.right}
    facts = [] if battle.elapsed_ms is None else [f"decided in {battle.elapsed_ms / 1000:.1f} s"]
    facts += battle.categories
    for aspect, said in battle.details.items():
        word = f"{said} of 5" if isinstance(said, int) else sides.get(said, _WORDS[said])
        facts.append(f"{aspect}: {word}")
    if battle.leaked:
        facts.append(f"gave itself away: {battle.leaked}")
    if battle.trained:
        facts.append("a run was trained on this prompt")
    if battle.weight != 1:
        facts.append(f"counts {battle.weight:.2g}")
    facts += [f"“{comment}”" for comment in battle.comments]
    return facts


def _question(battle: VotedBattle) -> str:
    """Return the last user turn of the prompt."""
    return battle.question or "(question not in the file)"
