"""Do labelers agree, beyond what chance would make them?

Krippendorff's α = 1 − D_o/D_e (Krippendorff 2011, "Computing Krippendorff's alpha-reliability"): 1 is perfect
agreement, 0 is what shuffled votes would show. It takes any number of labelers and votes that are missing. In
real arenas α is about 0.3 with half of all pairs of votes agreeing, so a low value is normal for matters of
taste and no reason to throw votes away; it is a reason to collect more.

For votes, a *unit* is one prompt with one pair of contestants. Sides are translated to contestants first, and
the disagreement expected by chance is that of votes shuffled among the units of the same pair: a vote for X
can never land on a unit where Y met Z. The interval comes from resampling prompts, because prompts are what
we have a sample of.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ftarena.errors import FtarenaError
from ftarena.scoring.coding import BOTH_BAD, TIE, CodedVotes, Floats, Ints

Metric = Literal["nominal", "interval"]
"""How far two values are apart: equal or not; or the square of their difference."""

RESAMPLES: Final = 1000
SEED: Final = 20_240_607
"""Resampling starts from the same seed every time: the same votes give the same interval."""

WORTH: Final = (0.0, 2.0, 1.0)
"""Values of the interval metric: won by the second, won by the first, tie. Both bad is missing there."""


@dataclass(frozen=True)
class Agreement:
    """How far labelers agree who voted on the same battles."""

    alpha: float | None
    """Krippendorff's α over the four outcomes; None where everybody always said the same."""

    low: float | None
    high: float | None
    """The interval of `alpha` by resampling prompts; never without `alpha` itself."""

    alpha_interval: float | None
    """The same with second < tie < first as numbers, without both bad."""

    raw: float
    """Share of pairs of votes on the same unit that are equal; a unit weighs as many as it has votes."""

    units: int
    """Units with votes of at least two labelers."""

    labelers: int
    """Labelers who share a unit with another."""


def krippendorff_alpha(units: Sequence[Sequence[float | None]], metric: Metric = "nominal") -> float | None:
    """Krippendorff's α of a table of values.

    Args:
        units: One row a unit, one value a labeler; None where a labeler gave none. Nominal values are any
            numbers.
        metric: How far two values are apart.

    Returns:
        α, or None where it is not defined: no unit has two values, or all values are equal.
    """
    values = sorted({value for row in units for value in row if value is not None})
    place = {value: column for column, value in enumerate(values)}
    counts = np.zeros((len(units), len(values)))
    for row, given in enumerate(units):
        for value in given:
            if value is not None:
                counts[row, place[value]] += 1
    distance = _distances(np.asarray(values, dtype=np.float64), metric)
    alpha = _alpha(counts, distance, np.zeros(len(units), dtype=np.int64), np.ones((1, len(units))))[0]
    return None if np.isnan(alpha) else float(alpha)


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Cohen's κ (1960): agreement of two labelers beyond chance, for example of a judge with people.

    Args:
        first: One's values.
        second: The other's, in the same order.

    Returns:
        κ, or None where both always gave one and the same value, or there is nothing to compare.

    Raises:
        FtarenaError: The two are not equally long.
    """
    if len(first) != len(second):
        raise FtarenaError(
            f"{len(first)} values cannot be compared with {len(second)}",
            "Give both labelers' values for the same units.",
        )
    if not first:
        return None
    observed = sum(one == other for one, other in zip(first, second, strict=True)) / len(first)
    # In the order of the values: a set's order differs from process to process, and with it the last digit.
    expected = sum(
        (first.count(value) / len(first)) * (second.count(value) / len(second))
        for value in dict.fromkeys(first)
    )
    return None if expected == 1 else (observed - expected) / (1 - expected)


def agreement(coded: CodedVotes, alpha: float = 0.05) -> Agreement | None:
    """How far labelers agree on the battles that they share.

    A labeler who voted more than once on a unit counts once there, with the outcome chosen most often; with
    none if two were chosen equally often.

    Args:
        coded: Votes as columns.
        alpha: One minus the coverage of the interval.

    Returns:
        The agreement, or None where no two labelers share a unit.
    """
    table = _table(coded)
    if table is None:
        return None
    counts, stratum, prompt, labelers = table
    nominal = _distances(np.arange(4, dtype=np.float64), "nominal")
    once = np.ones((1, len(counts)))
    value = _alpha(counts, nominal, stratum, once)[0]
    ordered = _alpha(counts[:, :BOTH_BAD], _distances(np.asarray(WORTH), "interval"), stratum, once)[0]
    votes = counts.sum(axis=1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (votes - 1)
    low, high = _interval(counts, nominal, stratum, prompt, alpha)
    if low is not None and high is not None and not np.isnan(value):
        # Of a handful of prompts a resample leaves out a third, so that α itself may lie outside (in 3 of 60
        # boards of 5 prompts); widened, the interval is never too sure.
        low, high = min(low, float(value)), max(high, float(value))
    return Agreement(
        alpha=None if np.isnan(value) else float(value),
        low=low,
        high=high,
        alpha_interval=None if np.isnan(ordered) else float(ordered),
        raw=float(agreeing.sum() / votes.sum()),
        units=len(counts),
        labelers=labelers,
    )


def _table(coded: CodedVotes) -> tuple[Floats, Ints, Ints, int] | None:
    """Units with two votes or more.

    Returns:
        Their votes (n_units, 4) for second, first, tie, both bad; their pairs (n_units,); their prompts
        (n_units,); and the number of labelers behind them.
    """
    if len(coded.labelers) < 2:
        return None
    first, second = np.minimum(coded.left, coded.right), np.maximum(coded.left, coded.right)
    swapped = coded.left > coded.right
    value = np.choose(coded.outcome, [np.where(swapped, 0, 1), np.where(swapped, 1, 0), TIE, BOTH_BAD])
    unit = (first * len(coded.names) + second) * len(coded.prompts) + coded.prompt
    triples, times = np.unique((unit * len(coded.labelers) + coded.labeler) * 4 + value, return_counts=True)
    judgement = triples // 4
    start = np.flatnonzero(np.concatenate([[True], judgement[1:] != judgement[:-1]]))
    most = np.maximum.reduceat(times, start)
    length = np.diff(np.append(start, len(triples)))
    chosen = times == most.repeat(length)
    clear = np.add.reduceat(chosen.astype(np.int64), start) == 1
    kept = triples[chosen & clear.repeat(length)]

    unit_of, place = np.unique(kept // 4 // len(coded.labelers), return_inverse=True)
    counts = np.bincount(place.reshape(-1) * 4 + kept % 4, minlength=4 * len(unit_of)).reshape(-1, 4)
    shared = counts.sum(axis=1) > 1
    if not shared.any():
        return None
    labelers = len(np.unique((kept // 4 % len(coded.labelers))[shared[place.reshape(-1)]]))
    unit_of = unit_of[shared]
    stratum = np.unique(unit_of // len(coded.prompts), return_inverse=True)[1].reshape(-1)
    # Prompts by their ids, so that neither the order of the votes nor names of contestants touch the
    # resampling.
    ids = [coded.prompts[code] for code in (unit_of % len(coded.prompts)).tolist()]
    rank = {name: order for order, name in enumerate(sorted(set(ids)))}
    prompt = np.array([rank[name] for name in ids])
    return counts[shared].astype(np.float64), stratum, prompt, labelers


def _distances(values: Floats, metric: Metric) -> Floats:
    """(n_values, n_values) float64: δ² between values."""
    apart = values[:, None] - values[None, :]
    return (apart != 0).astype(np.float64) if metric == "nominal" else apart**2


def _alpha(counts: Floats, distance: Floats, stratum: Ints, weight: Floats) -> Floats:
    """α for several weightings of the units at once.

    Args:
        counts: (n_units, n_values) float64.
        distance: (n_values, n_values) float64.
        stratum: (n_units,) int64; chance shuffles votes inside a stratum.
        weight: (n_weightings, n_units) float64.

    Returns:
        (n_weightings,) float64, NaN where α is not defined.
    """
    votes = counts.sum(axis=1)
    pairable = votes > 1
    counts, stratum, weight, votes = counts[pairable], stratum[pairable], weight[:, pairable], votes[pairable]
    if len(counts) == 0:
        return np.full(len(weight), np.nan)
    within = ((counts @ distance) * counts).sum(axis=1) / (votes - 1)
    observed = weight @ within
    expected = np.zeros(len(weight))
    for own in range(int(stratum.max()) + 1):
        members = stratum == own
        marginal = weight[:, members] @ counts[members]
        total = marginal.sum(axis=1)
        expected += ((marginal @ distance) * marginal).sum(axis=1) / np.maximum(total - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - observed / expected, np.nan)


def _interval(
    counts: Floats, distance: Floats, stratum: Ints, prompt: Ints, alpha: float
) -> tuple[float, float] | tuple[None, None]:
    n_prompts = int(prompt.max()) + 1
    if n_prompts < 2:
        return None, None
    chance = np.random.default_rng(SEED)
    drawn = chance.multinomial(n_prompts, np.full(n_prompts, 1 / n_prompts), size=RESAMPLES)
    # In blocks, because a resample over all units of a large arena is a row of its own.
    block = max(1, 4_000_000 // len(counts))
    values = np.concatenate(
        [
            _alpha(counts, distance, stratum, drawn[first : first + block][:, prompt].astype(np.float64))
            for first in range(0, RESAMPLES, block)
        ]
    )
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return None, None
    low, high = np.quantile(values, [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)
