"""The figures of a run as courses over its steps, read as they are written.

`metrics.jsonl` is only appended to, so a reader that remembers where it was reads each row once. What it
keeps is bounded: a metric of a million steps is held as the highest and the lowest point of each of some
thousand stretches, which is more than any picture can show.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from json import loads
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from ftarena.drawing.thinning import Point, thin

MOST_POINTS = 4_096
"""Points of one metric that are kept; above twice as many they are thinned to these."""

_RECENT = 200
"""Latest points that are kept as they came, for the trend."""

_ROWS_KEPT = 1_000
"""Rows of one reading that are handed on as they were written."""

_READ_BYTES = 4_000_000
"""Read at once, so that a file of gigabytes is not held in memory."""


class Course:
    """What one metric was, step by step; thinned where that is long."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        """In the order of steps."""

        self.recent: deque[Point] = deque(maxlen=_RECENT)
        """The latest points, none left out."""

        self.first: Point | None = None

    @property
    def last(self) -> Point | None:
        """The latest point."""
        return self.recent[-1] if self.recent else None

    @property
    def lowest(self) -> Point | None:
        """The point of the lowest value, the earliest of several."""
        return min(self.points, key=lambda point: (point[1], point[0]), default=None)

    def add(self, step: float, value: float) -> None:
        """Add a point. One that lies not behind the last takes the place of what it goes back over.

        A run that was resumed writes the steps since its checkpoint once more.
        """
        if self.recent and step <= self.recent[-1][0]:
            self.points = [point for point in self.points if point[0] < step]
            self.recent = deque((p for p in self.recent if p[0] < step), maxlen=_RECENT)
            if self.first is not None and self.first[0] >= step:
                self.first = None
        point = (step, value)
        self.first = self.first or point
        self.points.append(point)
        self.recent.append(point)
        if len(self.points) > 2 * MOST_POINTS:
            self.points = thin(self.points, MOST_POINTS)


class MetricsTail:
    """Reads a file of metrics as it grows.

    Args:
        path: `metrics.jsonl` of a run; may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._torn = b""
        self.courses: dict[str, Course] = {}
        """By TRL's names; rows' `step` and `time` are none."""

        self.rows: deque[dict[str, Any]] = deque(maxlen=_ROWS_KEPT)
        """The rows that the last `read` brought, as they were written; of very many only the latest."""

    def read(self) -> bool:
        """Read what was written since the last time; return whether there was anything."""
        self.rows.clear()
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, 2)
                if size < self._offset:  # cut back, as after a resume: what was known may no longer hold
                    self._offset, self._torn, self.courses = 0, b"", {}
                file.seek(self._offset)
                while block := file.read(_READ_BYTES):
                    self._offset += len(block)
                    *whole, self._torn = (self._torn + block).split(b"\n")
                    for line in whole:
                        self._take(line)
        except OSError:
            return False
        return bool(self.rows)

    def last(self, key: str) -> float | None:
        """Return the latest value of a metric, or None where it was never measured."""
        course = self.courses.get(key)
        return course.last[1] if course is not None and course.last is not None else None

    def points(self, key: str) -> Sequence[Point]:
        """Return the points of a metric, none where it was never measured."""
        course = self.courses.get(key)
        return course.points if course is not None else ()

    def _take(self, line: bytes) -> None:
        try:
            row = loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):  # torn by a crash, or nested thousands deep
            return
        if not isinstance(row, dict):
            return
        self.rows.append(row)
        self._count(row)

    def _count(self, row: Mapping[str, Any]) -> None:
        step = row.get("step")
        if not _is_number(step):
            return
        for key, value in row.items():
            if key not in ("step", "time") and _is_number(value):
                if (course := self.courses.get(key)) is None:
                    course = self.courses[key] = Course()
                course.add(float(step), float(value))


class Trend(NamedTuple):
    """Where a metric is going."""

    word: str
    """`falling`, `flat` or `rising`."""

    change: float
    """By how much the fitted line changed over the window, in the metric's unit."""

    steps: int
    """How many steps the window spans."""


_FEWEST = 8
"""Points below which a trend is a guess."""

_SURE = 2.0
"""Standard errors from 0 that a slope must lie to be called one."""


def trend_of(course: Course | None) -> Trend | None:
    """Return the trend over the latest points: a straight line through them (least squares).

    The window is the last quarter of what is kept as it came, 8 to 50 points. The slope is called one where
    it lies two standard errors from 0; the noise of single steps is taken as independent.

    Args:
        course: A metric's course, or None.

    Returns:
        None where there are too few points.
    """
    if course is None or len(course.recent) < _FEWEST:
        return None
    window = list(course.recent)[-min(max(len(course.recent) // 4, _FEWEST), 50) :]
    n = len(window)
    x_mean = sum(x for x, _ in window) / n
    y_mean = sum(y for _, y in window) / n
    xx = sum((x - x_mean) ** 2 for x, _ in window)
    if xx == 0:
        return None
    slope = sum((x - x_mean) * (y - y_mean) for x, y in window) / xx
    rest = sum((y - y_mean - slope * (x - x_mean)) ** 2 for x, y in window)
    error = math.sqrt(rest / (n - 2) / xx)
    span = window[-1][0] - window[0][0]
    moving = abs(slope) > _SURE * error and abs(slope) * span > 1e-9
    word = "flat" if not moving else "falling" if slope < 0 else "rising"
    return Trend(word, slope * span, round(span))


def _is_number(value: Any) -> TypeGuard[int | float]:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number of more digits than a float can have
        return False
