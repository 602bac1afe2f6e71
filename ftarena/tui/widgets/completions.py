"""What a `/` command being typed could become."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from ftarena.tui.drawing.slash import COMMANDS

_MOST = 9


class Completions(Static):
    """A short list above the prompt box; hidden while there is nothing to complete."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)

    def show(self, lines: Sequence[str]) -> None:
        """List these lines; the first is what tab completes to."""
        meanings = {f"/{command.name}": (command.argument, command.meaning) for command in COMMANDS}
        shown = []
        for line in lines[:_MOST]:
            argument, meaning = meanings.get(line.strip(), ("", ""))
            shown.append(Content.assemble((f"{line.strip()} {argument}".ljust(18), "bold"), meaning))
        if shown:
            shown.append(Content.styled("tab completes", "italic"))
        self.set_class(bool(shown), "-shown")
        self.update(Content("\n").join(shown))
