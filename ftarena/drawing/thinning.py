"""Fewer points that look the same in a picture."""

from collections.abc import Sequence

Point = tuple[float, float]
"""x and y; of a run, a step and a value."""


def thin(points: Sequence[Point], most: int) -> list[Point]:
    """Return at most so many points that look the same: of each stretch of steps the lowest and the highest.

    Args:
        points: In the order of steps.
        most: How many; the first and the last point are always kept.
    """
    if len(points) <= most or most < 4:
        return list(points)
    first, last = points[0], points[-1]
    stretches = (most - 2) // 2
    width = (last[0] - first[0]) / stretches or 1.0
    kept = [first]
    low = high = points[1]
    stretch = -1
    for point in points[1:-1]:
        now = min(int((point[0] - first[0]) / width), stretches - 1)
        if now != stretch:
            if stretch >= 0:
                kept += sorted({low, high})
            stretch, low, high = now, point, point
        elif point[1] < low[1]:
            low = point
        elif point[1] > high[1]:
            high = point
    kept += sorted({low, high})
    return [*kept, last]
