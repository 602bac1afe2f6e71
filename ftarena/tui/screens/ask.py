"""One line of text, asked for: a comment, a recipe's path."""

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester, SuggestFromList
from textual.widgets import Input, Static

from ftarena.text import clean_text


class AskScreen(ModalScreen[str | None]):
    """Asks for a line; closes with it, or with None if it was cancelled."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [Binding("escape", "cancel", "cancel")]

    def __init__(
        self,
        question: str,
        note: str = "",
        *,
        suggestions: Sequence[str] = (),
        text: str = "",
        suggester: Suggester | None = None,
        empty: str | None = None,
    ) -> None:
        """Prepare the question.

        Args:
            question: What is asked for.
            note: A second line below it.
            suggestions: What the text could be; completed with the right arrow key, listed below.
            text: What the line begins with.
            suggester: Completes the line; None: from the suggestions.
            empty: What an empty line means; None: cancelled.
        """
        super().__init__()
        self._suggester, self._empty = suggester, empty
        self._question, self._note = clean_text(question), clean_text(note)
        self._suggestions, self._text = [clean_text(s) for s in suggestions], clean_text(text)

    def compose(self) -> ComposeResult:
        """Show question, line and suggestions."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self._question, "bold"))
            if self._note:
                yield Static(Content(self._note), classes="about")
            suggester = self._suggester
            if suggester is None and self._suggestions:
                suggester = SuggestFromList(self._suggestions)
            yield Input(value=self._text, suggester=suggester, compact=True)
            if self._suggestions:
                listed = "\n".join(f"  {s}" for s in self._suggestions[:8])
                yield Static(Content(listed), classes="about")
            yield Static(Content.assemble(("enter", "bold"), " ok   ", ("esc", "bold"), " cancel"))

    @on(Input.Submitted)
    def _close(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or self._empty)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
