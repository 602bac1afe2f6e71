"""`?`: what this place is for and what its keys do."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

_EVERYWHERE = (
    ("1–5  F1–F5", "go to a place (F-keys also while typing)"),
    ("j k  ↑ ↓", "move or scroll; home, G and the page keys too"),
    ("tab", "next pane"),
    ("F9", "start the engine"),
    ("ctrl+p", "palette: every action by name, theme, settings"),
    ("esc", "back, cancel, stop typing"),
    ("q", "quit; engine, runs and votes are not touched by it"),
)


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
            yield Static(self._table("Here", self._keys))
            yield Static(self._table("Everywhere", _EVERYWHERE))

    @staticmethod
    def _table(title: str, keys: Sequence[tuple[str, str]]) -> Content:
        width = max((len(key) for key, _ in keys), default=0)
        lines = [Content.styled(title, "bold underline")]
        lines += [Content.assemble((key.ljust(width + 3), "bold"), what) for key, what in keys]
        return Content("\n").join(lines)

    def action_scroll(self, by: int) -> None:
        """Scroll the page."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
