"""Two models on the same questions, as paired differences: losses, right or wrong, and other scores.

The same questions are put to both, so the hardness of a question cancels out: the standard error is that of
the differences, with the question as the unit (tokens of one answer are not independent). Swapping the two
mirrors every figure exactly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

from ftarena.scoring.quantiles import normal_critical, student_critical


class AnswerLosses(Protocol):
    """How well a model predicts a set of answers."""

    @property
    def per_example(self) -> Sequence[float | None]:
        """Mean loss of each answer, nats per token; `None` for one that could not be measured."""

    @property
    def tokens(self) -> Sequence[int]:
        """Tokens of each answer; 0 for one that could not be measured."""


@dataclass(frozen=True)
class MeasuredLosses:
    """The loss of a model on a set of answers, all of which were measured."""

    per_example: tuple[float, ...]
    """Mean loss of each answer, nats per token."""

    tokens: tuple[int, ...]
    """Tokens of each answer, end of turn included."""

    @property
    def mean_loss(self) -> float:
        """Nats per token, all tokens weighing the same; `nan` where there are none."""
        total = math.fsum(loss * count for loss, count in zip(self.per_example, self.tokens, strict=True))
        return total / sum(self.tokens) if self.tokens else math.nan


@dataclass(frozen=True)
class Difference:
    """The loss of one model minus that of another on the same answers."""

    before: float
    """Mean loss of the first model on the answers that both have, nats per token."""

    after: float
    """That of the second."""

    standard_error: float
    """Of the difference, with the answer as the unit; 0 with a single answer."""

    n_examples: int

    @property
    def delta(self) -> float:
        """`after - before`: positive is worse."""
        return self.after - self.before

    @property
    def sigmas(self) -> float:
        """The difference in standard errors; 0 where that is unknown."""
        return self.delta / self.standard_error if self.standard_error > 0 else 0.0

    def interval(self, alpha: float = 0.05) -> tuple[float, float] | None:
        """Return the interval of the difference, by Student's t with the answer as the unit.

        Args:
            alpha: One minus the coverage.

        Returns:
            Lower and upper end, or None with a single answer.
        """
        if self.n_examples < 2:
            return None
        half = student_critical(alpha, self.n_examples - 1) * self.standard_error
        return self.delta - half, self.delta + half


def paired_difference(before: AnswerLosses, after: AnswerLosses) -> Difference:
    """Compare two models on the same answers.

    The mean loss is a ratio (loss over tokens), so its standard error is the linearised one of a ratio
    estimator, n/(n-1) · Σ (tᵢ (dᵢ - d̄))² / T², with dᵢ the difference per token of answer i, tᵢ its tokens
    (Cochran, *Sampling Techniques*, 3rd ed., 1977, section 6.4).

    Args:
        before: Of the first model.
        after: Of the second, on the same answers in the same order.

    Raises:
        ValueError: They are of different answers, or have none in common.
    """
    pairs = list(zip(before.tokens, after.tokens, strict=False))
    if len(before.tokens) != len(after.tokens) or any(a and b and a != b for a, b in pairs):
        raise ValueError("the two reports are of different examples")
    rows = [
        (first, second, count)
        for first, second, count in zip(before.per_example, after.per_example, before.tokens, strict=True)
        if first is not None and second is not None
    ]
    if not rows:
        raise ValueError("the two reports have no example in common")
    total = sum(count for _, _, count in rows)
    mean_before = math.fsum(first * count for first, _, count in rows) / total
    mean_after = math.fsum(second * count for _, second, count in rows) / total
    delta = mean_after - mean_before
    n = len(rows)
    spread = math.fsum((count * (second - first - delta)) ** 2 for first, second, count in rows)
    error = math.sqrt(spread * n / (n - 1)) / total if n > 1 else 0.0
    return Difference(mean_before, mean_after, error, n)


@dataclass(frozen=True)
class ShareDifference:
    """Right or wrong, of two models on the same items."""

    both: int
    """Items that both have right."""

    lost: int
    """Items that only the first has right."""

    gained: int
    """Items that only the second has right."""

    neither: int

    @property
    def n(self) -> int:
        """Items."""
        return self.both + self.lost + self.gained + self.neither

    @property
    def difference(self) -> float:
        """Share of the second minus that of the first, -1 to 1; positive: the second has more right."""
        return (self.gained - self.lost) / self.n

    @property
    def p_value(self) -> float:
        """Of McNemar's exact test, two-sided: how likely so uneven a split of the items that only one of the
        two has right, were it a fair coin's (McNemar 1947); 1 without such an item."""
        return _fair_coin(self.lost, self.gained)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Return Newcombe's interval of the difference.

        Two Wilson intervals, squared and added, with a continuity-corrected correlation between the two
        (Newcombe, *Statistics in Medicine* 17, 1998, 2635-2650, method 10). It never leaves [-1, 1], and is
        not a point where no item tells the two apart.

        Args:
            alpha: One minus the coverage.

        Returns:
            Lower and upper end of `difference`.
        """
        n = self.n
        first, second = self.both + self.lost, self.both + self.gained
        below_first, above_first = _wilson_arms(first, n, alpha)
        below_second, above_second = _wilson_arms(second, n, alpha)
        phi = self._correlation()
        down = _square_and_add(below_second, above_first, phi)
        up = _square_and_add(above_second, below_first, phi)
        return max(-1.0, self.difference - down), min(1.0, self.difference + up)

    def items_needed(self, difference: float = 0.05, alpha: float = 0.05, power: float = 0.8) -> int:
        """Return how many items it takes to tell a difference from chance (Connor, *Biometrics* 43, 1987).

        The share of items that only one of the two has right is taken from these, as (count + 1) / (n + 2).

        Args:
            difference: Of the two shares, in shares: .05 are 5 points.
            alpha: Of the two-sided test.
            power: How often it should be found.
        """
        split = max((self.lost + self.gained + 1) / (self.n + 2), difference)
        z_alpha, z_power = normal_critical(alpha), NormalDist().inv_cdf(power)
        root = z_alpha * math.sqrt(split) + z_power * math.sqrt(split - difference**2)
        return math.ceil((root / difference) ** 2)

    def _correlation(self) -> float:
        first, second, n = self.both + self.lost, self.both + self.gained, self.n
        spread = math.sqrt(first * (n - first)) * math.sqrt(second * (n - second))
        if spread == 0:
            return 0.0
        product = float(self.both * self.neither - self.lost * self.gained)
        if product > 0:
            product = max(product - n / 2, 0.0)
        return product / spread


def share_difference(before: Sequence[bool], after: Sequence[bool]) -> ShareDifference:
    """Compare which items two models have right.

    Args:
        before: Whether the first model has each item right.
        after: Whether the second has, in the same order.

    Raises:
        ValueError: There is no item, or the two are of different items.
    """
    pairs = list(zip(before, after, strict=True))
    if not pairs:
        raise ValueError("there is no item that both have answered")
    return ShareDifference(
        both=sum(one and two for one, two in pairs),
        lost=sum(one and not two for one, two in pairs),
        gained=sum(two and not one for one, two in pairs),
        neither=sum(not one and not two for one, two in pairs),
    )


@dataclass(frozen=True)
class ScoreDifference:
    """Scores of two models on the same items."""

    difference: float
    """Mean of the second minus that of the first."""

    deviation: float
    """Standard deviation of the items' differences; 0 with a single item."""

    n: int

    @property
    def standard_error(self) -> float:
        """Of the difference, with the item as the unit."""
        return self.deviation / math.sqrt(self.n)

    def interval(self, alpha: float = 0.05) -> tuple[float, float] | None:
        """Return the paired t interval of the difference; None with a single item.

        Args:
            alpha: One minus the coverage.
        """
        if self.n < 2:
            return None
        half = student_critical(alpha, self.n - 1) * self.standard_error
        return self.difference - half, self.difference + half

    def items_needed(self, difference: float = 0.05, alpha: float = 0.05, power: float = 0.8) -> int | None:
        """Return how many items it takes to tell a difference from chance; None where these do not tell.

        Args:
            difference: Of the two means, in their unit.
            alpha: Of the two-sided test.
            power: How often it should be found.
        """
        if self.n < 2 or self.deviation == 0:
            return None
        z = normal_critical(alpha) + NormalDist().inv_cdf(power)
        return math.ceil((z * self.deviation / difference) ** 2)


def score_difference(before: Sequence[float], after: Sequence[float]) -> ScoreDifference:
    """Compare the scores of two models.

    Args:
        before: The first model's score of each item.
        after: The second's, in the same order.

    Raises:
        ValueError: There is no item, or the two are of different items.
    """
    steps = [two - one for one, two in zip(before, after, strict=True)]
    if not steps:
        raise ValueError("there is no item that both have answered")
    mean = math.fsum(steps) / len(steps)
    spread = math.fsum((step - mean) ** 2 for step in steps)
    return ScoreDifference(mean, math.sqrt(spread / (len(steps) - 1)) if len(steps) > 1 else 0.0, len(steps))


def _wilson_arms(right: int, n: int, alpha: float) -> tuple[float, float]:
    """Return how far Wilson's interval of a share reaches below and above it."""
    square = normal_critical(alpha) ** 2
    half = math.sqrt(square * (right * (n - right) / n + square / 4)) / (n + square)
    # Written from the two ends alike, so that swapping right and wrong mirrors to the last bit.
    above = half + (square / 2 - right * square / n) / (n + square)
    below = half + (square / 2 - (n - right) * square / n) / (n + square)
    return (below if right else 0.0), (above if right < n else 0.0)


def _square_and_add(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(one * one + other * other - 2 * correlation * (one * other), 0.0))


def _fair_coin(heads: int, tails: int) -> float:
    """Return how likely a split at least as uneven is under a fair coin."""
    n = heads + tails
    if n == 0:
        return 1.0
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
        for k in range(min(heads, tails) + 1)
    ]
    return min(1.0, 2 * math.fsum(map(math.exp, logs)))
