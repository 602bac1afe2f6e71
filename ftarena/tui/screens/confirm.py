"""A question that is answered with y or n."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ftarena.text import clean_text


class ConfirmScreen(ModalScreen[bool]):
    """Asks before something that cannot be taken back; closes with whether to do it."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape", "answer(False)", "no"),
    ]

    def __init__(self, question: str, consequence: str) -> None:
        super().__init__()
        self._question, self._consequence = clean_text(question), clean_text(consequence)

    def compose(self) -> ComposeResult:
        """Show the question, what would happen, and the two keys."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self._question, "bold"))
            yield Static(Content(self._consequence), classes="about")
            yield Static(Content.assemble(("y", "bold"), " yes   ", ("n", "bold"), " no"))

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)
