"""Fitted strengths as ratings, with intervals that hold up: what `bradley_terry` and `davidson` hand back.

A rating is 1000 + 400·θ/ln 10: 400 points are odds of ten to one. Ratings are centred on the mean of every
connected part of the board, or on a named anchor. No number here is ever infinite or NaN: where the votes
bound a value on one side only, the other end is None, and where they do not bound it at all, both are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log, sqrt
from typing import Final, Literal, NamedTuple

import numpy as np

from ftarena.scoring.coding import Floats
from ftarena.scoring.quantiles import student_critical

Clustering = Literal["prompt", "labeler", "both"]
"""Votes that share this are not taken as independent of each other."""

POINTS: Final = 400 / log(10)
"""Rating points per unit of θ (173.7)."""

CENTRE: Final = 1000.0


class Estimate(NamedTuple):
    """A value and its interval."""

    value: float
    """Best value."""

    low: float | None
    """Lower end; None where the votes do not bound it."""

    high: float | None
    """Upper end; None where the votes do not bound it."""


@dataclass(frozen=True)
class Strengths:
    """Strengths of all contestants, after the fit."""

    names: tuple[str, ...]
    """Contestants, sorted."""

    theta: Floats
    """(n,) float64, strengths in logits, mean zero in every connected part."""

    covariances: tuple[Floats, ...]
    """(n, n) float64 each; the variance of a difference is the largest that any of them gives."""

    part: tuple[int, ...]
    """The connected part of the board of every contestant. Between parts nothing can be compared."""

    clusters: tuple[int, ...]
    """Number of clusters (prompts, labelers) with informative votes, by part."""

    met: tuple[int, ...]
    """Informative votes (all but both bad) by contestant."""

    bounds: dict[int, float]
    """For contestants that never lost or never won half a point: the θ that bounds them, the others held."""

    never_lost: frozenset[int]
    """Contestants that did not lose half a point: nothing bounds them above."""

    never_won: frozenset[int]
    """Contestants that did not win half a point: nothing bounds them below."""

    alpha: float
    """One minus the coverage of every interval."""

    cluster: Clustering
    """What the intervals take as one cluster."""

    ridge: tuple[str, ...]
    """What a ridge of 1 (a normal prior of standard deviation 1 logit) was put on; empty for none."""

    terms: dict[str, Estimate]
    """Common terms in logits: `side` (γ, positive where the left wins), `ties` (log ν)."""

    @cached_property
    def variances(self) -> Floats:
        """(n, n) float64: variance of θᵢ − θⱼ."""
        widest = np.zeros((len(self.names),) * 2)
        for covariance in self.covariances:
            own = np.diag(covariance)
            widest = np.maximum(widest, own[:, None] + own[None, :] - 2 * covariance)
        np.fill_diagonal(widest, 0.0)
        return widest

    def critical(self, part: int) -> float | None:
        """The critical value for a connected part: Student's t, because few prompts are few observations.

        Args:
            part: Number of the part.

        Returns:
            The value, or None where there are fewer than two clusters and so no interval.
        """
        clusters = self.clusters[part]
        return student_critical(self.alpha, clusters - 1) if clusters > 1 else None

    def anchored(self, contestant: int, anchor: int | None) -> bool:
        """Whether an anchor reaches a contestant (they are in the same connected part)."""
        return anchor is not None and self.part[anchor] == self.part[contestant]

    def rating(self, contestant: int, anchor: int | None = None) -> Estimate:
        """A contestant's rating.

        Args:
            contestant: Its code.
            anchor: Code of the contestant whose rating is 1000; for other parts of the board, and if None,
                the mean of the part is.

        Returns:
            Rating points, `low` ≤ `value` ≤ `high` where there are ends. After some hundred straight wins the
            ridge, which keeps the value finite, draws it inside the one-sided bound; the bound then gives way
            to the value, which only makes the interval wider.
        """
        if anchor is not None and self.anchored(contestant, anchor):
            if contestant == anchor:
                return Estimate(CENTRE, CENTRE, CENTRE)
            offset = float(self.theta[contestant] - self.theta[anchor])
            variance = float(self.variances[contestant, anchor])
        else:
            offset = float(self.theta[contestant])
            variance = max(float(covariance[contestant, contestant]) for covariance in self.covariances)
        critical = self.critical(self.part[contestant])
        value = CENTRE + POINTS * offset
        if critical is None or self.met[contestant] == 0:
            return Estimate(value, None, None)
        if contestant in self.bounds:
            bound = CENTRE + POINTS * self._bound(contestant, anchor)
            return (
                Estimate(value, min(bound, value), None)
                if contestant in self.never_lost
                else Estimate(value, None, max(bound, value))
            )
        half = POINTS * critical * sqrt(max(variance, 0.0))
        return Estimate(value, value - half, value + half)

    def difference(self, first: int, second: int) -> Estimate:
        """How much stronger one contestant is than another.

        Args:
            first: Its code.
            second: The other's code.

        Returns:
            Rating points; both ends are None between parts of the board that never met.
        """
        value = POINTS * float(self.theta[first] - self.theta[second])
        critical = self.critical(self.part[first])
        if self.part[first] != self.part[second] or critical is None:
            return Estimate(value, None, None)
        half = POINTS * critical * sqrt(max(float(self.variances[first, second]), 0.0))
        open_below = first in self.never_won or second in self.never_lost
        open_above = first in self.never_lost or second in self.never_won
        return Estimate(value, None if open_below else value - half, None if open_above else value + half)

    def ranks(self) -> list[int]:
        """One plus the number of contestants that are significantly better, for every contestant."""
        critical = np.array([np.inf if (t := self.critical(part)) is None else t for part in self.part])
        part = np.array(self.part)
        ahead = self.theta[None, :] - self.theta[:, None]
        with np.errstate(invalid="ignore"):  # inf · 0 on the diagonal, where nothing is ahead of itself
            margin = critical[:, None] * np.sqrt(np.maximum(self.variances, 0.0))
            better = (ahead > margin) & (part[None, :] == part[:, None])
        return [int(rank) for rank in 1 + better.sum(axis=1)]

    def strangers(self, contestant: int) -> list[int]:
        """Contestants of other parts of the board, with which this one cannot be compared."""
        return [other for other, part in enumerate(self.part) if part != self.part[contestant]]

    def _bound(self, contestant: int, anchor: int | None) -> float:
        bound = self.bounds[contestant]
        if anchor is not None and self.anchored(contestant, anchor):
            return bound - float(self.theta[anchor])
        # Moving one contestant moves the mean of its part, on which ratings are centred.
        fellows = self.part.count(self.part[contestant])
        return (bound * (fellows - 1) + float(self.theta[contestant])) / fellows


def one_sided_bound(opponents: Sequence[float], units: Sequence[float], alpha: float) -> float:
    """The smallest strength at which winning everything is not a surprise.

    With one opponent of strength 0 and n units it is the exact bound of Clopper and Pearson (1934):
    σ(θ)ⁿ = alpha. The opponents' own uncertainty is not in it.

    Args:
        opponents: Strengths in logits.
        units: Independent units (prompts) won against each.
        alpha: Probability below which a clean sweep is a surprise.

    Returns:
        θ with Σ units · log σ(θ − opponent) = log alpha.
    """
    strength = np.asarray(opponents, dtype=np.float64)
    weight = np.asarray(units, dtype=np.float64)
    low, high = float(strength.min()) - 50.0, float(strength.max()) + 50.0
    for _ in range(80):
        middle = (low + high) / 2
        if -float(weight @ np.logaddexp(0.0, strength - middle)) < log(alpha):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def term(value: float, variance: float, alpha: float, clusters: int) -> Estimate:
    """A common term with its interval.

    Args:
        value: Best value in logits.
        variance: Its variance.
        alpha: One minus the coverage.
        clusters: Number of clusters behind it.

    Returns:
        The estimate; without an interval below two clusters.
    """
    if clusters < 2:
        return Estimate(value, None, None)
    half = student_critical(alpha, clusters - 1) * sqrt(max(variance, 0.0))
    return Estimate(value, value - half, value + half)
