"""Curves in a terminal: points to rows of braille with a labelled frame.

A braille sign is 2 dots wide and 4 high, so a pane of 60×10 cells has 120×40 dots. A series may also put a
marker on each of its points, or be dotted: that is how curves are told apart without colour. What is too long
for a pane is thinned so that its peaks stay.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from rich.cells import cell_len

from ftarena.drawing.pieces import Piece, Row
from ftarena.drawing.thinning import thin

_BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of each dot, by row and column (Unicode chapter 21.1, braille patterns)."""

_MARK = "┊"
_GAP = 3
"""Cells between two names of the legend."""

_MOST_DIGITS = 7
"""Of a label, where fewer would be the same on every row."""

SMALLEST = (24, 4)
"""Columns and rows below which there is no room for a curve and its labels."""


class Series(NamedTuple):
    """One curve."""

    name: str
    """What the legend calls it; without a name it is not in the legend."""

    points: Sequence[tuple[float, float]]
    """(x, y); those that are not finite are left out."""

    style: str = ""
    """Style of its pieces."""

    marker: str = ""
    """One character put on each point, over a dotted line."""

    last: bool = True
    """Whether the legend gives the last value."""

    gap: int = 1
    """Every how many dots of the line are drawn: 1 a solid line, 3 a dotted one. Markers have it dotted."""


class Mark(NamedTuple):
    """A place on the horizontal axis that something happened at, drawn as an upright line."""

    x: float
    name: str
    style: str = ""


def plot(
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    x_name: str = "step",
    y_span: tuple[float, float] | None = None,
    marks: Sequence[Mark] = (),
) -> list[Row]:
    """Draw curves with axes and a legend.

    Args:
        series: The curves; one drawn later lies above.
        width: Cells a row.
        height: Rows, axis and legend included.
        x_name: What the horizontal axis counts.
        y_span: Ends of the vertical axis; those of the data if None.
        marks: Places to mark, the most telling first; those outside of the data are left out.

    Returns:
        `height` rows, or a single row that says why there is no curve.
    """
    drawn = [s._replace(points=[p for p in s.points if all(map(math.isfinite, p))]) for s in series]
    drawn = [s for s in drawn if s.points]
    if not drawn:
        return [[Piece("no figures yet", "quiet")]]
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return [[Piece("too little room for a curve", "quiet")]]
    low, high = y_span or _span(y for s in drawn for _, y in s.points)
    first, last = _reach(x for s in drawn for x, _ in s.points)
    labels = _labels(low, high, height - 2)
    gutter = max(map(len, labels.values()))
    columns = width - gutter - 1
    canvas = _Canvas(columns, height - 2)
    marks = [mark for mark in marks if first <= mark.x <= last]
    for mark in reversed(marks):  # so that of two at one place the first is seen
        canvas.mark(round((mark.x - first) / (last - first) * (canvas.width - 1)), mark.style)
    for one in drawn:
        dots = [
            (
                round((x - first) / (last - first) * (canvas.width - 1)),
                round((high - y) / (high - low) * (canvas.height - 1)),
            )
            for x, y in thin(one.points, 2 * canvas.width)
        ]
        canvas.draw(dots, one.style, one.marker, one.gap)
    rows = []
    for number, cells in enumerate(canvas.rows()):
        label = labels.get(number, "")
        rows.append([Piece(label.rjust(gutter) + ("┤" if label else "│"), "quiet"), *cells])
    rows.append(_horizontal_axis(first, last, gutter, columns, x_name))
    rows.append(_legend(drawn, marks, gutter, width))
    return rows


def number(value: float) -> str:
    """Return a number with as many digits as a label can use: `2.91`, `0.0123`, `1,204`, `1.2e-05`."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e6 else f"{value:.1e}"
    if abs(value) < 0.001:
        return f"{value:.1e}"
    digits = max(2 - math.floor(math.log10(abs(value))), 0)
    return f"{value:.{min(digits, 4)}f}"


def _reach(values: Iterable[float]) -> tuple[float, float]:
    found = list(values)
    first, last = min(found), max(found)
    return (first, last) if last > first else (first, last + 1)


def _span(values: Iterable[float]) -> tuple[float, float]:
    """Return the ends of the vertical axis: those of the data, with 4 % of air, but none below zero."""
    found = list(values)
    low, high = min(found), max(found)
    air = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return (0.0 if 0 <= low < air else low - air), high + air


def _labels(low: float, high: float, rows: int) -> dict[int, str]:
    """Return a label for the top, the bottom and (with room) the middle row."""
    wanted = {0, rows - 1} | ({(rows - 1) // 2} if rows >= 5 else set())
    ends = {0: high, rows - 1: low}  # not computed: 0 would become 1e-19
    values = {row: ends.get(row, high - (high - low) * row / max(rows - 1, 1)) for row in sorted(wanted)}
    labels = {row: number(value) for row, value in values.items()}
    for digits in range(4, _MOST_DIGITS + 1):  # a flat curve: 1.3863 and 1.3858, not 1.39 twice
        if len(set(labels.values())) == len(labels):
            break
        labels = {row: f"{value:.{digits}g}" for row, value in values.items()}
    return labels


def _horizontal_axis(first: float, last: float, gutter: int, columns: int, name: str) -> Row:
    left, right = f" {first:g} ", f" {name} {last:g} "
    line = "─" * max(columns - len(left) - len(right), 0)
    return [Piece((" " * gutter + "└" + left + line + right)[: gutter + 1 + columns], "quiet")]


def _legend(series: Sequence[Series], marks: Sequence[Mark], gutter: int, width: int) -> Row:
    """Return the names, as many as fit; a narrow pane goes without the values beside them first."""
    room = width - gutter - 2
    row = [Piece(" " * (gutter + 2))]
    entries = _entries(series, marks, values=True)
    if sum(_cells(entry) + _GAP for entry in entries) - _GAP > room:
        entries = _entries(series, marks, values=False)
    for entry in entries:
        gap = _GAP if len(row) > 1 else 0
        if gap + _cells(entry) <= room:
            row += [Piece(" " * gap), *entry]
            room -= gap + _cells(entry)
    return row


def _entries(series: Sequence[Series], marks: Sequence[Mark], *, values: bool) -> list[Row]:
    """Return the entries of a legend, what should not be missed first."""
    curves: list[Row] = []
    for one in filter(lambda one: one.name, series):
        sign = one.marker or ("⠒⠒" if one.gap == 1 else "⠐⠐")
        value = f" {number(one.points[-1][1])}" if values and one.last else ""
        curves.append([Piece(f"{sign} {one.name}", one.style), Piece(value)])
    marked = [[Piece(f"{_MARK} {mark.name}", mark.style)] for mark in marks if mark.name]
    return [*curves[:1], *marked[:1], *curves[1:], *marked[1:]]


def _cells(entry: Row) -> int:
    return sum(cell_len(piece.text) for piece in entry)


class _Canvas:
    """A field of dots with one style a cell."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.lines = columns, rows
        self.width, self.height = columns * 2, rows * 4
        self._dots: dict[tuple[int, int], int] = {}
        self._style: dict[tuple[int, int], str] = {}
        self._marker: dict[tuple[int, int], Piece] = {}
        self._under: dict[tuple[int, int], str] = {}

    def mark(self, x: int, style: str) -> None:
        """Put an upright line where no curve will be."""
        for line in range(self.lines):
            self._under[line, x // 2] = style

    def draw(self, dots: Sequence[tuple[int, int]], style: str, marker: str, gap: int) -> None:
        gap = 3 if marker else gap  # the eye should rest on what was measured
        drawn = 0
        for (x0, y0), (x1, y1) in pairwise(dots):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for i in range(steps + 1):
                # Counted along the whole curve, or one of many short pieces would not look dotted.
                if (drawn + i) % gap == 0:
                    self._set(round(x0 + (x1 - x0) * i / steps), round(y0 + (y1 - y0) * i / steps), style)
            drawn += steps
        for x, y in dots if marker or len(dots) == 1 else ():
            self._set(x, y, style)
            if marker and cell_len(marker) == 1:
                self._marker[y // 4, x // 2] = Piece(marker, style)

    def _set(self, x: int, y: int, style: str) -> None:
        cell = y // 4, x // 2
        self._dots[cell] = self._dots.get(cell, 0) | _DOTS[y % 4][x % 2]
        self._style[cell] = style

    def rows(self) -> list[Row]:
        out: list[Row] = []
        for line in range(self.lines):
            row: Row = []
            for column in range(self.columns):
                cell = line, column
                if cell in self._marker:
                    sign, style = self._marker[cell]
                elif cell in self._dots:
                    sign, style = chr(_BRAILLE + self._dots[cell]), self._style[cell]
                elif cell in self._under:
                    sign, style = _MARK, self._under[cell]
                else:
                    sign, style = " ", ""
                if row and row[-1].style == style:
                    row[-1] = Piece(row[-1].text + sign, style)
                else:
                    row.append(Piece(sign, style))
            out.append(row)
        return out
