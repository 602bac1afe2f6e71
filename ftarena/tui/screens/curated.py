"""What is said when a curated set has been written: what is in it, and how a recipe points at it."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ftarena.text import clean_line, clean_text


class CuratedScreen(ModalScreen[None]):
    """The figures, the line for a recipe, and a key that copies it."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [Binding("y,c", "copy", "copy"), Binding("escape,enter,q", "dismiss", "close")]

    def __init__(self, facts: Sequence[str], recipe_line: str) -> None:
        super().__init__()
        self._facts, self._line = [clean_line(fact) for fact in facts], clean_text(recipe_line)

    def compose(self) -> ComposeResult:
        """Show figures, line, keys."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled("Written", "bold"))
            yield Static(Content("\n".join(self._facts)))
            yield Static(Content("A recipe trains on it with this line:"), classes="about")
            yield Static(Content.styled(f"  {self._line}", "bold"))
            yield Static("", id="said", classes="about", markup=False)
            yield Static(Content.assemble(("y", "bold"), " copy the line   ", ("esc", "bold"), " close"))

    def action_copy(self) -> None:
        """Send the line to the terminal's clipboard, which may not listen."""
        self.app.copy_to_clipboard(self._line)
        self.query_one("#said", Static).update(
            Content("Sent to the terminal, which may keep it from the clipboard.")
        )
