"""Why is this battle skipped? One key says it."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

OTHER = "other"
"""What the dialog closes with where the reason is to be written."""


class SkipReasonScreen(ModalScreen[str | None]):
    """Closes with a reason, with `OTHER`, or with None if nothing is to be skipped."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("1", "choose(1)", "reason"),
        Binding("2", "choose(2)", "reason"),
        Binding("3", "choose(3)", "reason"),
        Binding("4,o", "choose(4)", "another reason"),
        Binding("escape,q", "choose(0)", "do not skip"),
    ]

    def compose(self) -> ComposeResult:
        """Show the reasons with their keys."""
        from ftarena.arena.ballot_words import SKIP_REASONS

        self._reasons = (*SKIP_REASONS, OTHER)
        with Vertical(classes="dialog"):
            yield Static(Content.styled("Why do you skip it?", "bold"))
            lines = [
                Content.assemble((str(number), "bold"), f"  {reason}")
                for number, reason in enumerate((*SKIP_REASONS, "another reason …"), 1)
            ]
            yield Static(Content("\n").join(lines))
            yield Static(Content.assemble(("esc", "bold"), " do not skip"))

    def action_choose(self, number: int) -> None:
        """Close with a reason."""
        self.dismiss(self._reasons[number - 1] if number else None)
