"""The four choices over a blind chat: which answer is better?"""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ftarena.tui.ballot_words import Outcome


class VoteCard(ModalScreen[Outcome | None]):
    """Closes with the outcome, or None if it was cancelled. Lies at the bottom, the answers stay in view."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("left,a", "decide('left')", "A is better"),
        Binding("right,b", "decide('right')", "B is better"),
        Binding("down,t", "decide('tie')", "equally good"),
        Binding("up,x", "decide('both_bad')", "both bad"),
        Binding("escape", "decide('')", "not yet"),
    ]

    def compose(self) -> ComposeResult:
        """Show the question and its keys."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled("Which answer is better?", "bold"))
            yield Static(
                Content.assemble(
                    ("← a", "bold"), " A is better    ", ("→ b", "bold"), " B is better    ",
                    ("↓ t", "bold"), " equally good    ", ("↑ x", "bold"), " both bad\n",
                    ("esc", "bold"), " not yet",
                )
            )  # fmt: skip

    def action_decide(self, outcome: str) -> None:
        """Close with an outcome."""
        self.dismiss(outcome or None)  # type: ignore[arg-type]  # the bindings above give outcomes only
