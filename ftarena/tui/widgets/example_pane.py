"""A pane that scrolls rows of styled pieces: an example as a chat, as JSON, as tokens."""

from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ftarena.drawing.pieces import Row
from ftarena.tui.widgets.scroll_keys import SCROLL_KEYS
from ftarena.tui.widgets.styling import piece_style

Draw = Callable[[int], Sequence[Row]]
"""From a width in cells to rows."""


class ExamplePane(ScrollView, can_focus=True):
    """Draws what it was given for its width; its lower edge says whether there is more.

    What is drawn must have been cleaned or written out by whoever draws it.
    """

    BINDINGS = [*SCROLL_KEYS]

    COMPONENT_CLASSES = {
        "example--quiet",
        "example--good",
        "example--bad",
        "example--strong",
        "example--role",
        "example--code",
        "example--fence",
        "example--changed",
        "example--learned",
        "example--special",
        "example--tick",
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw: Draw = lambda width: []
        self._rows: Sequence[Row] = []
        self._drawn_for = 0

    def show(self, draw: Draw, *, stay: bool = False) -> None:
        """Draw this from now on.

        Args:
            draw: Makes the rows for a width.
            stay: Keep the place that is being read, since it is the same thing again.
        """
        self._draw, self._drawn_for = draw, 0
        self._fit()
        if not stay:
            self.scroll_to(y=0, animate=False)
        self._tell_more()
        self.refresh()

    @property
    def plain(self) -> str:
        """Everything that is shown, as it is wrapped: for tests."""
        return "\n".join("".join(piece.text for piece in row) for row in self._rows)

    def _fit(self) -> None:
        width = self.scrollable_content_region.width
        if width > 0 and width != self._drawn_for:
            self._rows, self._drawn_for = list(self._draw(width)), width
            self.virtual_size = Size(width, len(self._rows))

    def on_resize(self, event: Resize) -> None:
        """Wrap everything to a new width."""
        self._fit()
        self._tell_more()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Say whether there is more below."""
        super().watch_scroll_y(old_value, new_value)
        self._tell_more()

    def _tell_more(self) -> None:
        left = len(self._rows) - self.scroll_offset.y - self.scrollable_content_region.height
        self.border_subtitle = "↓ more" if left > 0 else None

    def render_line(self, y: int) -> Strip:
        """Draw one row of what is in view."""
        number = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if number >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        segments = [Segment(text, piece_style(self, "example", names)) for text, names in self._rows[number]]
        return Strip(segments).adjust_cell_length(width, self.rich_style)
