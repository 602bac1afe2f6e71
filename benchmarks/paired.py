"""Do the intervals of `ftarena eval` hold the truth as often as they say? Simulated, on few and many items.

    .venv/bin/python benchmarks/paired.py

Items are drawn from a world in which two models have certain shares right, and agree more than chance; each
draw gives an interval of the difference. Printed is how often it holds the true difference (95 % is meant),
and its mean width.
"""

import random
from collections.abc import Sequence

from ftarena.scoring.paired import ShareDifference, score_difference

WORLDS = 4000
SIZES = (20, 50, 120, 500)
SHARES = (
    ("equal, easy", (0.70, 0.10, 0.10, 0.10)),
    ("equal, hard", (0.02, 0.04, 0.04, 0.90)),
    ("5 points", (0.40, 0.05, 0.10, 0.45)),
    ("25 points", (0.16, 0.28, 0.04, 0.52)),
    ("nearly perfect", (0.97, 0.01, 0.02, 0.00)),
)
"""Chances of both right, only the first, only the second, neither."""


def main() -> None:
    """Simulate and print."""
    rng = random.Random(6)
    print(f"{'right or wrong':16} {'items':>5} {'holds':>7} {'mean width':>11}")
    for name, chances in SHARES:
        truth = chances[2] - chances[1]
        for size in SIZES:
            ends = [_shares(rng, chances, size).interval() for _ in range(WORLDS)]
            print(f"{name:16} {size:5} {_held(ends, truth):7.1%} {100 * _width(ends):6.1f} points")
    print(f"\n{'scores':16} {'items':>5} {'holds':>7} {'mean width':>11}")
    for size in SIZES:
        ends = [_scores(rng, size) for _ in range(WORLDS)]
        print(f"{'skewed, +.05':16} {size:5} {_held(ends, 0.05):7.1%} {100 * _width(ends):6.1f} points")


def _shares(rng: random.Random, chances: Sequence[float], size: int) -> ShareDifference:
    drawn = rng.choices(range(4), chances, k=size)
    return ShareDifference(*(drawn.count(kind) for kind in range(4)))


def _scores(rng: random.Random, size: int) -> tuple[float, float]:
    """Return the interval of scores that share an item's hardness; the second is better by .05 on average."""
    before, after = [], []
    for _ in range(size):
        ease = rng.betavariate(2, 1)
        before.append(0.8 * ease * rng.random())
        after.append(0.8 * ease * rng.random() + rng.choice((0.0, 0.1)))
    interval = score_difference(before, after).interval()
    assert interval is not None
    return interval


def _held(ends: Sequence[tuple[float, float]], truth: float) -> float:
    return sum(low <= truth <= high for low, high in ends) / len(ends)


def _width(ends: Sequence[tuple[float, float]]) -> float:
    return sum(high - low for low, high in ends) / len(ends)


if __name__ == "__main__":
    main()
