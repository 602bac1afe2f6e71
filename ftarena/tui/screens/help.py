"""`?`: what this place is for and what its keys do."""

from collections.abc import Sequence
from functools import partial

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.tui.widgets.rows import Rows

_EVERYWHERE = (
    ("1–5  F1–F5", "go to a place (F-keys also while typing)"),
    ("j k  ↑ ↓", "move or scroll; home, G and the page keys too"),
    ("tab", "next pane"),
    ("F9", "start the engine"),
    ("ctrl+p", "palette: every action by name, theme, settings"),
    ("esc", "back, cancel, stop typing"),
    ("q", "quit; engine, runs and votes are not touched by it"),
)


def key_rows(title: str, keys: Sequence[tuple[str, str]], width: int) -> list[Row]:
    """Return what keys do below a title; what does not fit into a row goes on below itself.

    Args:
        title: Where they work.
        keys: Each with what it does.
        width: Cells a row.
    """
    column = max((len(key) for key, _ in keys), default=0) + 3
    rows: list[Row] = [[Piece(title, "strong")]]
    for key, what in keys:
        first, *others = wrap([Piece(what)], max(width - column, 20))
        rows.append([Piece(key.ljust(column), "strong"), *first])
        rows += [[Piece(" " * column), *row] for row in others]
    return rows


class HelpScreen(ModalScreen[None]):
    """A page of help over the place it is about."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("escape,question_mark,q,enter", "dismiss", "close"),
        Binding("j,down", "scroll(1)", "scroll", show=False),
        Binding("k,up", "scroll(-1)", "scroll", show=False),
    ]

    def __init__(self, about: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._about, self._keys = about, keys

    def compose(self) -> ComposeResult:
        """Show about, keys here, keys everywhere."""
        with VerticalScroll(id="help", classes="dialog") as box:
            box.border_title = Content("help")
            box.border_subtitle = Content("esc closes")
            yield Static(Content(self._about), classes="about")
            for title, keys in (("Here", self._keys), ("Everywhere", _EVERYWHERE)):
                table = Rows()
                table.show(partial(key_rows, title, keys))
                yield table

    def action_scroll(self, by: int) -> None:
        """Scroll the page."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
