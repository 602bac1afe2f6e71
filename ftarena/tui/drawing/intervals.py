"""Intervals as bars on a common axis: `├──●────┤`."""

from typing import NamedTuple


class Axis(NamedTuple):
    """What a column of a bar means."""

    low: float
    high: float
    width: int
    """Cells."""

    def column(self, value: float) -> int:
        """Return the cell of a value; values beyond the ends lie on the ends."""
        if self.high <= self.low:
            return 0
        share = (value - self.low) / (self.high - self.low)
        return min(max(round(share * (self.width - 1)), 0), self.width - 1)


def bar(
    axis: Axis, low: float | None, point: float | None, high: float | None, mark: float | None = None
) -> str:
    """Draw one interval with its point, exactly `axis.width` cells wide.

    Args:
        axis: The common axis.
        low: Lower end; None where there is none (an open end is drawn as `‹`).
        point: The estimate; None draws an empty row.
        high: Upper end; None where there is none (`›`).
        mark: A value to compare with (such as 50 %), drawn as `┊` where the bar leaves it free.
    """
    cells = [" "] * axis.width
    if point is not None and axis.width > 0:
        first = 0 if low is None else axis.column(low)
        last = axis.width - 1 if high is None else axis.column(high)
        for i in range(first, last + 1):
            cells[i] = "─"
        cells[first] = "‹" if low is None or low < axis.low else "├"
        cells[last] = "›" if high is None or high > axis.high else "┤"
        cells[axis.column(point)] = "●"
    if mark is not None and axis.width > 0 and cells[axis.column(mark)] == " ":
        cells[axis.column(mark)] = "┊"
    return "".join(cells)
