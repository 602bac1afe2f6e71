"""A pair seen from the side that is ahead: `dpo-1 against base 82 %` reads better than its mirror.

Loads no numpy, so that a screen may import it for its first frame.
"""

from typing import TYPE_CHECKING, NamedTuple

from ftarena.scoring.words import summary

if TYPE_CHECKING:
    from ftarena.scoring.pairs import PairScore


class Facing(NamedTuple):
    """What a pair's numbers are for who is ahead."""

    first: str
    """Name of who is ahead (of equals, the first by name)."""

    second: str
    won: int
    """Votes for `first`."""

    lost: int
    rate: float | None
    low: float | None
    high: float | None
    """The win rate of `first` with its interval."""

    sequence_low: float
    sequence_high: float
    """What is not refuted of it, at all looks together."""

    difference: float
    """Rating of `first` minus rating of `second`."""

    difference_low: float | None
    difference_high: float | None
    turned: bool
    """Whether `first` is the pair's `b`."""


def facing(pair: "PairScore") -> Facing:
    """Turn a pair so that who is ahead comes first."""
    if pair.win_rate is None or pair.win_rate >= 0.5:
        return Facing(
            pair.a, pair.b, pair.wins, pair.losses, pair.win_rate, pair.low, pair.high,
            pair.sequence_low, pair.sequence_high,
            pair.difference, pair.difference_low, pair.difference_high, False,
        )  # fmt: skip
    rate, low, high = (None if x is None else 1 - x for x in (pair.win_rate, pair.high, pair.low))
    below, above = (None if x is None else -x for x in (pair.difference_high, pair.difference_low))
    return Facing(
        pair.b, pair.a, pair.losses, pair.wins, rate, low, high,
        1 - pair.sequence_high, 1 - pair.sequence_low,
        -pair.difference, below, above, True,
    )  # fmt: skip


def sentence(pair: "PairScore") -> str:
    """Return the one line that people want: `sft-1 is better than base: decided after 52 votes`.

    Names are as they are; a front end cleans what it shows.
    """
    said = summary(pair)
    if pair.verdict in ("a", "b"):
        better, worse = (pair.a, pair.b) if pair.verdict == "a" else (pair.b, pair.a)
        return f"{better} is better than {worse}{said.removeprefix(f'{better} is better')}"
    seen = facing(pair)
    return f"{seen.first} against {seen.second}: {said}"
