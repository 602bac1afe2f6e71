"""How many rows of each source a mix takes, and which.

Weights are shares relative to each other. Rows are taken at random and none twice, so the mix ends when the
scarcest source is used up; with repetition the most plentiful one is used up and the others are taken again.
The same sources and seed give the same rows on every machine.

*Replay* is a mix of its own: general examples, so that a model keeps what it knew, as a share of the result.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ftarena.errors import FtarenaError, UsageError


@dataclass(frozen=True)
class Part:
    """What one source brings to a mix."""

    name: str
    rows: int
    """Rows in it that can be used."""

    weight: float | None = None
    """Its share, relative to the others' (1 where only others have one)."""

    most: int | None = None
    """At most so many of its rows."""

    @property
    def available(self) -> int:
        """Rows that may be taken without taking one twice."""
        return self.rows if self.most is None else min(self.rows, self.most)


def shares(parts: Sequence[Part], *, rows: int | None = None, repeat: bool = False) -> list[int]:
    """Return how many rows to take of each part.

    Without weights everything is taken; where `rows` is given, of each part in proportion to its size. With
    weights each count is within one row of its exact share of the result (largest remainders).

    Args:
        parts: The sources, at least one.
        rows: Rows of the result. None: as many as there are.
        repeat: Whether rows of a scarce source may be taken again.

    Returns:
        One number a part; more than its `available` only where rows are repeated.

    Raises:
        UsageError: A part has no row, or fewer rows can be taken than were asked for.
    """
    for part in parts:
        if not part.available:
            raise UsageError(f"{part.name} holds no row that could be mixed in", "leave it out of the mix")
    weighted = any(part.weight is not None for part in parts)
    if not weighted and rows is None:
        return [part.available for part in parts]
    weights = [
        Fraction(part.weight if part.weight is not None else 1) if weighted else Fraction(part.available)
        for part in parts
    ]
    whole = sum(weights, Fraction(0))
    # The size at which each part would be used up.
    ends = [part.available * whole / weight for part, weight in zip(parts, weights, strict=True)]
    total = int(max(ends) if repeat else min(ends))
    if rows is not None:
        if rows > total and not repeat:
            scarce = parts[ends.index(min(ends))]
            raise UsageError(
                f"{rows:,} rows were asked for, but {scarce.name} is used up at {total:,}",
                "ask for fewer rows, give it a smaller weight, or take rows again: --repeat",
            )
        total = rows
    return _apportioned([weight / whole * total for weight in weights], total)


def replay_rows(rows: int, ratio: float, available: int) -> int:
    """Return how many replayed rows to add, so that they are a given share of everything.

    Args:
        rows: Rows without them.
        ratio: Their share of the result, above 0 and below 1.
        available: How many there are; fewer than wanted are all taken.
    """
    exact = Fraction(ratio)
    return min(round(rows * exact / (1 - exact)), available)


def chosen(rows: int, count: int, seed: int, most: int | None = None) -> Sequence[int]:
    """Return which rows to take: their numbers from 0, in order, none twice unless there are too few.

    Args:
        rows: How many there are.
        count: How many to take; above what there is, all are taken several times and a sample once more.
        seed: The same seed, rows and count give the same numbers on every machine.
        most: Take so many different rows at most.
    """
    pool: Sequence[int] = range(rows)
    if most is not None and most < rows and count > most:
        pool = chosen(rows, most, seed)
    if count == len(pool) or not pool:
        return pool
    passes, rest = divmod(count, len(pool))
    picked = random.Random(f"{seed}/{len(pool)}/{rest}").sample(pool, rest)
    return sorted([number for number in pool for _ in range(passes)] + picked)


def parse_part(spec: str) -> tuple[str, float | None, int | None]:
    """Split what a command line says about a source: `FILE`, `FILE=2` (weight), `FILE#500` (at most).

    Args:
        spec: The words; both may be given, in either order: `FILE#500=2`.

    Returns:
        The source's name, its weight and the most rows to take.

    Raises:
        FtarenaError: A weight that is no number above 0.
    """
    name, weight, most = spec, None, None
    for _ in range(2):
        stem, mark, number = name.rpartition("=")
        if mark and stem and weight is None and _is_number(number):
            name, weight = stem, float(number)
            continue
        stem, mark, number = name.rpartition("#")
        if mark and stem and most is None and number.isascii() and number.isdigit():
            name, most = stem, int(number)
    if (weight is not None and not 0 < weight < 1e12) or most == 0:
        raise FtarenaError(
            f"{spec}: a weight must be above 0, and so must a number of rows", "such as FILE=2"
        )
    return name, weight, most


def _apportioned(exact: Sequence[Fraction], total: int) -> list[int]:
    """Round shares to whole rows that add up to the total: the largest remainders are rounded up."""
    counts = [int(share) for share in exact]
    order = sorted(range(len(exact)), key=lambda index: (counts[index] - exact[index], index))
    for index in order[: total - sum(counts)]:
        counts[index] += 1
    return counts


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
