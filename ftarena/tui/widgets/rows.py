"""Rows of styled pieces as a widget: for what is drawn, not chosen or scrolled."""

from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from ftarena.drawing.pieces import Row
from ftarena.tui.widgets.styling import piece_style

Draw = Callable[[int], Sequence[Row]]
"""From a width in cells to rows."""


class Rows(Widget):
    """Draws rows for its width; as high as they are."""

    COMPONENT_CLASSES = {
        "rows--quiet",
        "rows--first",
        "rows--strong",
        "rows--good",
        "rows--bad",
        "rows--warn",
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw: Draw = lambda width: []
        self._rows: Sequence[Row] = []
        self._drawn_for = -1

    def show(self, draw: Draw) -> None:
        """Draw this from now on."""
        self._draw, self._drawn_for = draw, -1
        self.refresh(layout=True)

    def _for(self, width: int) -> Sequence[Row]:
        if self._drawn_for != width:
            self._rows, self._drawn_for = list(self._draw(width)), width
        return self._rows

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many rows there are at a width."""
        return len(self._for(width))

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width = self.size.width
        rows = self._for(width)
        if y >= len(rows):
            return Strip.blank(width, self.rich_style)
        segments = [Segment(text, piece_style(self, "rows", names)) for text, names in rows[y]]
        return Strip(segments).adjust_cell_length(width, self.rich_style)
