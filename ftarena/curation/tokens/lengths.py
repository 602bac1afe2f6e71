"""How long things are, in tokens: counts that can be merged, and percentiles and a histogram from them."""

from bisect import bisect_right
from collections import Counter
from typing import Any

PERCENTILES = (5, 25, 50, 75, 95, 99)

_EXACT = 131_072
# Longer ones are counted with ten binary digits, 0.2 % too short at most: 512 counts for each doubling.

_EDGES = (0, 8, 16, 24, *(2**power * quarter // 4 for power in range(5, 21) for quarter in (4, 5, 6, 7)))
# Four bins for each doubling, so that a file of chats and one of books both show their shape.


class Lengths:
    """Counts of lengths; small, picklable, and the sum of two is that of both."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._longest = 0

    def add(self, length: int) -> None:
        """Count one."""
        if length > _EXACT:
            self._longest = max(self._longest, length)
            blurred = length.bit_length() - 10
            length = length >> blurred << blurred
        self._counts[length] += 1

    def merge(self, other: "Lengths") -> None:
        """Count all of another's."""
        self._counts.update(other._counts)
        self._longest = max(self._longest, other._longest)

    @property
    def count(self) -> int:
        """How many were counted."""
        return self._counts.total()

    def percentiles(self) -> dict[str, int]:
        """Return `p5` to `p99` and `max`, each a length that occurs; nothing where none was counted.

        The p-th percentile is the smallest length that at least p % do not exceed (nearest rank).
        """
        total = self.count
        if not total:
            return {}
        found: dict[str, int] = {}
        reached = 0
        waiting = list(PERCENTILES)
        for length in sorted(self._counts):
            reached += self._counts[length]
            while waiting and reached * 100 >= waiting[0] * total:
                found[f"p{waiting.pop(0)}"] = length
        return {**found, "max": max(self._longest, *self._counts)}

    def histogram(self) -> list[dict[str, Any]]:
        """Return how many are in each bin, from the first to the last that holds one.

        Returns:
            Objects with `from` (inclusive), `to` (exclusive, None for the last bin) and `count`.
        """
        bins = [0] * len(_EDGES)
        for length, count in self._counts.items():
            bins[bisect_right(_EDGES, length) - 1] += count
        held = [at for at, count in enumerate(bins) if count]
        if not held:
            return []
        ends = [*_EDGES[1:], None]
        return [
            {"from": _EDGES[at], "to": ends[at], "count": bins[at]} for at in range(held[0], held[-1] + 1)
        ]
