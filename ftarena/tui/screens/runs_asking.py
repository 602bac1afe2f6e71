"""What the place Runs asks before it does something: a file's kind, and what is seen of a plan."""

import re
from typing import Literal

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.text import clean_line, clean_text
from ftarena.tui.widgets.rows import Rows

_COLUMN = re.compile(r" +|\w+ {2,}")
"""What stands before the text of a plan's line: an indent, or a name and the gap behind it."""

Kind = Literal[".csv", ".png", ".svg"]


class ChartFileScreen(ModalScreen[Kind | None]):
    """Asks what a run's curves are written as; closes with the ending of the file, or None."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("c", "choose('.csv')", "CSV"),
        Binding("p", "choose('.png')", "PNG"),
        Binding("v", "choose('.svg')", "SVG"),
        Binding("escape", "choose('')", "cancel"),
    ]

    def compose(self) -> ComposeResult:
        """List what there is."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled("Export the figures of this run", "bold"))
            yield Static(
                Content.assemble(
                    ("c", "bold"), "    a table of every figure: CSV\n",
                    ("p", "bold"), "    all charts as a picture: PNG\n",
                    ("v", "bold"), "    the same, to be scaled: SVG\n",
                    ("esc", "bold"), "  nothing",
                )
            )  # fmt: skip

    def action_choose(self, kind: str) -> None:
        """Close with a choice."""
        self.dismiss(kind or None)  # type: ignore[arg-type]  # the bindings above give kinds only


def hung(text: str, width: int) -> list[Row]:
    """Return lines as rows of so many cells; what is wrapped goes on below its own column."""
    rows: list[Row] = []
    for line in text.split("\n"):
        column = _COLUMN.match(line)
        indent = min(column.end() if column else 2, width // 2)
        if cell_len(line) <= width:
            rows.append([Piece(line)])
            continue
        head = line[:indent] if column else ""
        first, *rest = wrap([Piece(line[len(head) :])], width - indent)
        rows.append([Piece(head), *first])
        rows += [[Piece(" " * indent), *row] for row in rest]
    return rows


class PlanScreen(ModalScreen[bool]):
    """Shows the plan of a recipe; closes with whether to start it."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = [
        Binding("enter", "answer(True)", "start it"),
        Binding("escape,q,p", "answer(False)", "close"),
        Binding("j,down", "scroll(1)", "scroll", show=False),
        Binding("k,up", "scroll(-1)", "scroll", show=False),
    ]

    def __init__(self, recipe: str, lines: str, fits: bool) -> None:
        """Prepare the page.

        Args:
            recipe: Its file, as the title says it.
            lines: The plan in words.
            fits: Whether it can be started.
        """
        super().__init__()
        self._recipe, self._lines, self._fits = clean_line(recipe), clean_text(lines), fits

    def compose(self) -> ComposeResult:
        """Show the plan and the keys."""
        with VerticalScroll(id="plan", classes="dialog") as box:
            box.border_title = Content(f"plan of {self._recipe}")
            page = Rows()
            page.show(lambda width: hung(self._lines, width))
            yield page
            keys = [("esc", "bold"), " close"]
            yield Static(
                Content.assemble(*([("enter", "bold"), " start it   ", *keys] if self._fits else keys))
            )

    def action_answer(self, start: bool) -> None:
        """Close with the answer."""
        self.dismiss(start and self._fits)

    def action_scroll(self, by: int) -> None:
        """Scroll the page."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
