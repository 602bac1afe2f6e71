"""Curves with axes and a legend, as large as the widget."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from ftarena.drawing.curves import Mark, Series, plot
from ftarena.drawing.pieces import Row
from ftarena.tui.widgets.styling import piece_style


class Curve(Widget):
    """Draws what `show` was given last."""

    COMPONENT_CLASSES = {
        "curve--quiet",
        "curve--first",
        "curve--second",
        "curve--third",
        "curve--fourth",
        "curve--good",
        "curve--bad",
    }

    def __init__(self, *, id: str | None = None, x_name: str = "step") -> None:
        super().__init__(id=id)
        self._series: Sequence[Series] = ()
        self._y_span: tuple[float, float] | None = None
        self._marks: Sequence[Mark] = ()
        self._x_name = x_name
        self._rows: list[Row] = []
        self._drawn_for = (0, 0)

    def show(
        self,
        series: Sequence[Series],
        y_span: tuple[float, float] | None = None,
        marks: Sequence[Mark] = (),
    ) -> None:
        """Draw these curves; styles are `quiet`, `first` to `fourth`, for marks `good` and `bad`."""
        self._series, self._y_span, self._marks, self._drawn_for = series, y_span, marks, (0, 0)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width, height = self.size
        if self._drawn_for != (width, height):
            self._rows = plot(
                self._series, width, height, x_name=self._x_name, y_span=self._y_span, marks=self._marks
            )
            self._drawn_for = (width, height)
        if y >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        segments = [Segment(text, piece_style(self, "curve", names)) for text, names in self._rows[y]]
        return Strip(segments).adjust_cell_length(width, self.rich_style)
