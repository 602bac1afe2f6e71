"""How a verdict came about, as curves: the win rate, and what is not refuted at any look."""

from typing import TYPE_CHECKING

from ftarena.drawing.curves import Mark, Series
from ftarena.scoring.facing import facing
from ftarena.text import shorten

if TYPE_CHECKING:
    from ftarena.scoring.pairs import PairScore

_MOST_POINTS = 400
"""Two a column of the widest terminal."""


def course_series(pair: "PairScore") -> tuple[list[Series], list[Mark]]:
    """Return the curves of a pair in percent, seen from who is ahead, and a mark where the verdict fell."""
    seen = facing(pair)

    def rate(value: float) -> float:
        return 100 * (1 - value if seen.turned else value)

    points = pair.course.points(_MOST_POINTS)
    series = [
        Series("", [(point.votes, 50) for point in points], "quiet"),
        Series("", [(point.votes, rate(point.low)) for point in points], "first"),
        Series(
            "95 %, at all looks together",
            [(point.votes, rate(point.high)) for point in points],
            "first",
            last=False,
        ),
        Series(
            f"win rate of {shorten(seen.first, 24)}, %",
            [(p.votes, rate(p.wins / (p.wins + p.losses))) for p in points],
            "second",
            marker="∙",  # told apart from the band's ends without colour, too
        ),
    ]
    decided = pair.decided_after
    return series, [] if decided is None else [Mark(decided, f"decided after {decided:,}", "good")]
