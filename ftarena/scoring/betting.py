"""The verdict where votes weigh differently: the same bet, with stakes cut to each vote's weight.

A sampler that shows some prompts more often than others (a boost of b) weighs each vote by w = 1/b, so that
what is estimated is still the win rate on prompts drawn uniformly. The hypothesis is then that the *weighted*
mean is even: whatever was seen before, E[w (y − m)] = 0, with y = 1 for a win, 0 for a loss, and m the win
rate under trial. For a known bound B of the weights, every λ in [−1/(B(1 − m)), 1/(B m)] gives a bet
Π (1 + λ wᵢ (yᵢ − m)) that never goes below nothing and gains nothing on average (Waudby-Smith and Ramdas
2024,
"Estimating means of bounded random variables by betting", JRSS B 86). Mixed over that interval uniformly,
with v = w/B,

    E(m) = ∫₀¹ Π_wins ((1 − v) + v u/m) · Π_losses ((1 − v) + v (1 − u)/(1 − m)) du.

With equal weights v = 1, and E is B(1 + W, 1 + L)/(mᵂ (1 − m)ᴸ), the bet of `sequential`; at m = ½ this is
½ ∫₋₁¹ Π (1 + λ vᵢ sᵢ) dλ with sᵢ = ±1.

B has to be known before the votes are: it is `BOUND`, because no sampler's boost is below ½. Weights beyond
it (from elsewhere) raise it to the next power of two.

The integral is a Gauss rule of 16 nodes on panels that are equally wide in θ, u = (1 − cos θ)/2: a panel is
then about three standard deviations of the integrand wide wherever its peak lies, and the logarithm is
right to 1e-12 (`tests/scoring/test_betting.py` compares with exact fractions).
"""

from functools import lru_cache
from math import ceil, log, pi, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from ftarena.scoring.coding import Floats

BOUND: Final = 2.0
"""The largest weight that is foreseen: 1 over the smallest boost."""

NUMBERS_AT_ONCE: Final = 1_000_000
"""Logarithms worked out in one block: 8 MB."""

Won = npt.NDArray[np.bool_]


def shares(weight: Floats | None) -> Floats | None:
    """Weights as shares of their bound.

    Args:
        weight: (n_units,) float64, more than 0; None where all weigh 1.

    Returns:
        (n_units,) float64 in (0, 1], or None where all are equal and the closed form of `sequential` holds.
    """
    if weight is None or len(weight) == 0 or bool((weight == weight[0]).all()):
        return None
    bound = BOUND
    while bound < weight.max():
        bound *= 2
    return np.asarray(weight / bound)


def log_evidence(won: Won, share: Floats, rate: float = 0.5) -> Floats:
    """The evidence against a win rate after every unit.

    Args:
        won: (n_units,) bool, whether the first contestant won the unit, in the order of time.
        share: (n_units,) float64, see `shares`.
        rate: The weighted win rate under trial, inside (0, 1).

    Returns:
        (n_units,) float64, natural logarithms.
    """
    nodes, log_weights = _rule(len(won))
    found = np.empty(len(won))
    reached = log_weights
    block = max(1, NUMBERS_AT_ONCE // len(nodes))
    for first in range(0, len(won), block):
        part = slice(first, first + block)
        courses = np.cumsum(_logs(won[part], share[part], rate, nodes), axis=0) + reached
        found[part] = _log_sum(courses)
        reached = courses[-1]
    return found


def log_evidence_at_end(won: Won, share: Floats, rate: float) -> float:
    """The evidence against a win rate after the last unit.

    Args:
        won: As in `log_evidence`.
        share: Likewise.
        rate: Likewise.

    Returns:
        Its natural logarithm.
    """
    nodes, total = _rule(len(won))
    block = max(1, NUMBERS_AT_ONCE // len(nodes))
    for first in range(0, len(won), block):
        part = slice(first, first + block)
        total = total + _logs(won[part], share[part], rate, nodes).sum(axis=0)
    return float(_log_sum(total[None, :])[0])


def weighted_sequence(won: Won, share: Floats, alpha: float = 0.05) -> tuple[float, float]:
    """The weighted win rates that the bet cannot refute, valid at all looks together.

    Args:
        won: As in `log_evidence`.
        share: Likewise.
        alpha: Probability that the sequence ever misses the true rate.

    Returns:
        Lower and upper end, by bisection to 1e-7.
    """
    return _lower_end(won, share, alpha), 1 - _lower_end(~won, share, alpha)


def sequence_course(
    won: Won, share: Floats, looks: npt.NDArray[np.int64], alpha: float
) -> list[tuple[float, float]]:
    """The confidence sequence at some looks, for a drawing: to about a thousandth.

    Shares are taken to the nearest 64th, so that a look costs what the different shares cost and not what the
    units cost; the evidence is worked out at 201 win rates, and its crossings are interpolated.

    Args:
        won: As in `log_evidence`.
        share: Likewise.
        looks: (n_looks,) int64, places of units, ascending.
        alpha: As in `weighted_sequence`.

    Returns:
        Lower and upper end at every look.
    """
    levels, level = np.unique(np.maximum(np.rint(share * 64), 1) / 64, return_inverse=True)
    column = np.where(won, level, len(levels) + level)
    times = np.zeros((len(looks), 2 * len(levels)))
    for place, (start, stop) in enumerate(zip([0, *(looks[:-1] + 1)], looks + 1, strict=True)):
        times[place] = np.bincount(column[start:stop], minlength=2 * len(levels))
    times = np.cumsum(times, axis=0)
    nodes, log_weights = _rule(len(won))
    rates = np.linspace(0, 1, 203)[1:-1]
    sides = np.repeat([True, False], len(levels)), np.tile(levels, 2)
    evidence = np.array([_log_sum(times @ _logs(*sides, rate, nodes) + log_weights) for rate in rates]).T
    limit = log(1 / alpha)
    return [
        (_crossing(rates, row, limit), 1 - _crossing(1 - rates[::-1], row[::-1], limit)) for row in evidence
    ]


def _crossing(rates: Floats, evidence: Floats, limit: float) -> float:
    """The win rate below which the evidence first falls under the limit; 0 where it never reaches it."""
    held = int(np.argmax(evidence < limit))
    if held == 0:
        return 0.0
    high, low = evidence[held - 1], evidence[held]
    return float(rates[held - 1] + (rates[held] - rates[held - 1]) * (high - limit) / (high - low))


def _lower_end(won: Won, share: Floats, alpha: float) -> float:
    if not won.any():
        return 0.0
    limit = log(1 / alpha)
    # Below the observed rate the evidence falls as the rate under trial rises: one crossing.
    low, high = 0.0, float(share[won].sum() / share.sum())
    for _ in range(24):
        middle = (low + high) / 2
        if log_evidence_at_end(won, share, middle) >= limit:
            low = middle
        else:
            high = middle
    return low


@lru_cache(maxsize=16)  # a bisection asks 24 times for the same one, which took four fifths of its time
def _rule(units: int) -> tuple[Floats, Floats]:
    """Nodes in (0, 1) and the logarithms of their weights, both (n_nodes,) float64."""
    panels = ceil(0.75 * sqrt(units)) + 1
    inner, weight = np.polynomial.legendre.leggauss(16)
    half = pi / panels / 2
    angle = (np.arange(panels)[:, None] * 2 + 1 + inner[None, :]).reshape(-1) * half
    return (1 - np.cos(angle)) / 2, np.log(np.tile(weight, panels) * half * np.sin(angle) / 2)


def _logs(won: Won, share: Floats, rate: float, nodes: Floats) -> Floats:
    """(n_units, n_nodes) float64: the logarithm of what each bet gains in each unit."""
    against = np.where(won[:, None], nodes / rate, (1 - nodes) / (1 - rate))
    return np.asarray(np.log(1 - share[:, None] + share[:, None] * against))


def _log_sum(values: Floats) -> Floats:
    """(n_rows,) float64: log Σ exp along the rows."""
    highest = values.max(axis=1)
    return np.asarray(highest + np.log(np.exp(values - highest[:, None]).sum(axis=1)))
