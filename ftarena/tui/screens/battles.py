"""The battles behind a number: what was asked, what both answered, and how it was decided."""

import json
from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from ftarena.arena.history import VotedBattle
from ftarena.text import clean_line, clean_text, shorten
from ftarena.tui.widgets.key_bar import KeyBar
from ftarena.tui.widgets.row_list import Column, ListRow, RowList
from ftarena.tui.widgets.transcript import Transcript

_COLUMNS = (
    Column("question", grow=True),
    Column("better"),
    Column("labeler"),
    Column("when", from_width=90),
)

_NO_TEXT = "This vote was imported: its file holds no answers."


class BattlesScreen(Screen[None]):
    """A list of decided battles; the chosen one is shown in full, with names."""

    CSS_PATH = "battles.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    ABOUT = (
        "The battles behind a number, newest first, with the names that were hidden while they were decided."
    )
    HELP = (("j k", "choose a battle"), ("J K", "scroll both answers"), ("esc", "back to the scores"))
    BINDINGS = [
        Binding("escape,q", "app.pop_screen", "back"),
        Binding("J", "scroll(1)", "scroll answers", key_display="J K"),
        Binding("K", "scroll(-1)", "scroll", show=False),
    ]

    def __init__(self, title: str, battles: Sequence[VotedBattle]) -> None:
        super().__init__()
        self._heading = clean_line(title)
        self._battles = {battle.battle_id + battle.labeler: battle for battle in battles}

    def compose(self) -> ComposeResult:
        """List, question, two answers."""
        count = len(self._battles)
        yield Static(
            Content.assemble((f" {self._heading}", "bold"), f"   {count} decided battles, newest first")
        )
        yield RowList(_COLUMNS, opens=False)
        yield Static("", id="question", markup=False)
        with Horizontal(id="answers"):
            yield Transcript(id="left", tells_more=True)
            yield Transcript(id="right", tells_more=True)
        yield KeyBar()

    def on_mount(self) -> None:
        """Fill the list."""
        listed = self.query_one(RowList)
        listed.show_rows(
            [
                ListRow(
                    key,
                    (
                        shorten(_question(b), 200),
                        b.winner or _WORDS[b.outcome],
                        b.labeler,
                        b.created_at[:16].replace("T", " "),
                    ),
                )
                for key, b in self._battles.items()
            ]
        )
        listed.focus()

    @on(RowList.Moved)
    def _show(self, event: RowList.Moved) -> None:
        battle = self._battles[event.key]
        self.query_one("#question", Static).update(Content(clean_text(_question(battle))))
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


_WORDS = {"left": "left", "right": "right", "tie": "equally good", "both_bad": "both bad"}


def _question(battle: VotedBattle) -> str:
    """Return the last user turn of the prompt."""
    turns = json.loads(battle.turns_json) if battle.turns_json else []
    users = [turn["content"] for turn in turns if turn["role"] == "user"]
    return users[-1] if users else "(question not in the file)"
