"""What a place shows while it has nothing to show: what to do first, and what was found on this machine."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ftarena.text import clean_line


class Welcome(Vertical):
    """A headline, the next steps with their keys, and facts about this machine. No empty tables."""

    def __init__(self, headline: str, steps: Sequence[tuple[str, str]], *, id: str | None = None) -> None:
        """Say what to do.

        Args:
            headline: What is missing, in one sentence.
            steps: (key or command, what it does).
            id: Its id.
        """
        super().__init__(id=id)
        self._headline, self._steps = headline, steps

    def compose(self) -> ComposeResult:
        """Show headline and steps; the facts come when they are known."""
        yield Static(Content.styled(clean_line(self._headline), "bold"), classes="headline")
        yield Static(self._listed(self._steps), classes="steps")
        yield Static("", classes="facts", markup=False)

    @staticmethod
    def _listed(steps: Sequence[tuple[str, str]]) -> Content:
        width = max((len(key) for key, _ in steps), default=0)
        return Content("\n").join(
            Content.assemble((clean_line(key).ljust(width + 2), "bold"), clean_line(what))
            for key, what in steps
        )

    def say(self, headline: str, steps: Sequence[tuple[str, str]]) -> None:
        """Say something else."""
        self._headline, self._steps = headline, steps
        if self.is_mounted:
            self.query_one(".headline", Static).update(Content.styled(clean_line(headline), "bold"))
            self.query_one(".steps", Static).update(self._listed(steps))

    def show_facts(self, facts: Sequence[str]) -> None:
        """Show what was found on this machine, one fact a line."""
        self.query_one(".facts", Static).update(Content("\n".join(map(clean_line, facts))))
