"""One pair of contestants, looked at after every vote: is one better, are they equal, is it still open?

People look at the board after every vote, so a test that is right only when it is read once is wrong here:
between equals, |z| > 1.96 is true at some look in half of all runs. This module bets instead. The mixture
sign test (Robbins 1970; Ville 1939 for the bound) starts with a stake of 1 against "both are equally likely
to win", and holds after W wins and L losses, n = W + L,

    E = 2ⁿ · B(1 + W, 1 + L) = 2ⁿ / ((n + 1) · C(n, W)).

If the two are equal, E ever reaches 1/α with probability α at most, however often and for whatever reason one
looks. So the smallest 1/E of all looks is a p-value that may be read at any time, and the win rates p that
the same bet cannot refute, {p : B(1 + W, 1 + L) / (pᵂ (1 − p)ᴸ) < 1/α}, form a confidence sequence.

**The unit is the prompt.** Votes on one prompt share its answers and are not independent: between equals on
40 prompts with tastes of their own, counting every vote stops falsely in 27 to 45 % of runs instead of 5 %.
So a prompt counts once, with its *first decisive vote* (2 %). A prompt's majority would use more, but
majorities turn back and forth while one looks, and the bound is lost: 12 % with 30 prompts and 3,000 votes.
(All simulated: `benchmarks/scoring.py false-stops`.) The hypothesis is: whatever was seen before, the first
decisive vote on a prompt is as likely for either side. More votes on the same prompt make ratings and
agreement better, not this verdict: that takes new prompts.

Where votes weigh differently, because a sampler preferred some prompts, `betting` holds the same bet with
stakes cut to the weights.

Everything here is symmetric: exchange wins and losses, and every result is mirrored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil, exp, lgamma, log, log1p, sqrt
from sys import float_info
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from ftarena.scoring.betting import log_evidence, shares
from ftarena.scoring.coding import Floats
from ftarena.scoring.quantiles import normal_critical

Decision = Literal["first", "second", "equivalent", "undecided"]

EQUIVALENCE: Final = (0.45, 0.55)
"""Win rates between which a difference is not worth having."""

MAX_FORESEEN: Final = 100_000
"""Votes beyond which no need is foretold."""


@dataclass(frozen=True)
class SignTest:
    """What the bet says after a course of wins and losses."""

    wins: int
    """Units won by the first contestant."""

    losses: int
    """Units won by the second."""

    log_e: float
    """Natural logarithm of E at the end."""

    p_value: float
    """Always-valid: the smallest 1/E over all looks, at most 1."""

    decision: Decision
    """See `sign_test`."""

    decided_at: int | None
    """Number of units after which the decision fell, counted from 1."""

    effective_wins: float
    """`wins`; with weights, the weighted win rate times the effective number of units (Σw)²/Σw² (Kish
    1965)."""

    effective_losses: float
    """Likewise."""

    contradicted: bool
    """The bet was won on one side and later on the other: preferences have changed, nothing is decided."""

    @property
    def e_value(self) -> float:
        """E at the end; held at the largest finite number where it would overflow (1,034 wins in a row)."""
        return exp(min(self.log_e, log(float_info.max)))


def wilson(wins: float, losses: float, alpha: float = 0.05) -> tuple[float, float] | None:
    """The interval of a win rate (Wilson 1927), for a number of votes that was fixed beforehand.

    Args:
        wins: Votes for the first contestant; with weights, the effective number (see `effective`).
        losses: Votes for the second.
        alpha: One minus the coverage.

    Returns:
        Lower and upper end, or None without a decisive vote.
    """
    votes = wins + losses
    if votes == 0:
        return None
    square = normal_critical(alpha) ** 2
    centre = (wins + square / 2) / (votes + square)
    half = sqrt(square * (wins * losses / votes + square / 4)) / (votes + square)
    return (max(0.0, centre - half) if wins else 0.0), (min(1.0, centre + half) if losses else 1.0)


def effective(won: npt.NDArray[np.bool_], weight: Floats | None) -> tuple[float, float]:
    """Wins and losses whose rate is the weighted one and whose number is the effective one, (Σw)²/Σw².

    That many votes of equal weight would estimate the rate as well (Kish 1965, *Survey Sampling*, 11.7).

    Args:
        won: (n_votes,) bool, whether the first contestant won.
        weight: (n_votes,) float64; None where all weigh 1.

    Returns:
        Wins and losses; the plain numbers where all weights are equal.
    """
    wins = int(np.count_nonzero(won))
    if weight is None or len(won) == 0 or bool((weight == weight[0]).all()):
        return wins, len(won) - wins
    total = float(weight.sum())
    number = total**2 / float(weight @ weight)
    for_first, for_second = float(weight[won].sum()), float(weight[~won].sum())
    return number * for_first / total, number * for_second / total


def log_e_value(wins: float, losses: float, rate: float = 0.5) -> float:
    """Natural logarithm of the evidence against a win rate.

    Args:
        wins: Units won by the first contestant; fractions are allowed where a course is foretold.
        losses: Units won by the second.
        rate: The win rate under trial, inside (0, 1).

    Returns:
        log( B(1 + wins, 1 + losses) / (rateʷⁱⁿˢ (1 − rate)ˡᵒˢˢᵉˢ) ).
    """
    mixture = lgamma(1 + wins) + lgamma(1 + losses) - lgamma(2 + wins + losses)
    return mixture - wins * log(rate) - losses * log1p(-rate)


def confidence_sequence(wins: int, losses: int, alpha: float = 0.05) -> tuple[float, float]:
    """The win rates that cannot be refuted, valid at all looks together.

    Args:
        wins: Units won by the first contestant.
        losses: Units won by the second.
        alpha: Probability that the sequence ever misses the true rate.

    Returns:
        Lower and upper end, found by bisection to 1e-12.
    """
    return _lower_end(wins, losses, alpha), 1 - _lower_end(losses, wins, alpha)


def _lower_end(wins: int, losses: int, alpha: float) -> float:
    if wins == 0:
        return 0.0
    mixture = lgamma(1 + wins) + lgamma(1 + losses) - lgamma(2 + wins + losses)
    limit = log(1 / alpha)
    # Below the observed rate the evidence falls as the rate under trial rises: one crossing.
    low, high = 0.0, wins / (wins + losses)
    for _ in range(40):
        middle = (low + high) / 2
        against = losses * log1p(-middle) if losses else 0.0
        if mixture - wins * log(middle) - against >= limit:
            low = middle
        else:
            high = middle
    return low


def sign_test(won: npt.NDArray[np.bool_], alpha: float = 0.05, *, weight: Floats | None = None) -> SignTest:
    """Bet through a course of units and look after every one.

    The decision is `first` or `second` once E has reached 1/α, for who leads at that moment: the confidence
    sequence then lies wholly on the leader's side of ½, so the direction is as safe as the difference. It
    stands if the lead shrinks or turns later, because stopping there is what the guarantee is about. Only if
    the bet is won on the other side too (which happens to unchanging preferences with probability α at most)
    the two contradict each other and nothing is decided. Without a difference the decision is `equivalent`
    once the sequence has lain inside `EQUIVALENCE` at some look.

    Args:
        won: (n_units,) bool, whether the first contestant won the unit, in the order of time.
        alpha: Probability of a false decision for a difference.
        weight: (n_units,) float64, how much each unit counts; None where all weigh 1.

    Returns:
        The test at the end of the course.
    """
    units = len(won)
    if units == 0:
        return SignTest(0, 0, 0.0, 1.0, "undecided", None, 0, 0, False)
    share = shares(weight)
    against = _plain_evidence(won) if share is None else partial(log_evidence, won, share)
    log_e = against(0.5)
    counted = np.ones(units) if share is None else share
    total, wins = np.cumsum(counted), np.cumsum(counted * won)
    rate = wins / total
    limit = log(1 / alpha)
    # Rounding must not cost the vote that reaches the limit exactly.
    decisive = log_e >= limit - 1e-12
    first = _first(decisive & (rate > 0.5))
    second = _first(decisive & (rate < 0.5))
    decision: Decision = "undecided"
    decided_at = None
    if first is not None and second is None:
        decision, decided_at = "first", first
    elif second is not None and first is None:
        decision, decided_at = "second", second
    elif first is None and second is None:
        low, high = EQUIVALENCE
        inside = (rate > low) & (rate < high)
        for edge in EQUIVALENCE:
            inside &= against(edge) >= limit
        decided_at = _first(inside)
        decision = "undecided" if decided_at is None else "equivalent"
    effective_wins, effective_losses = effective(won, weight)
    return SignTest(
        wins=int(np.count_nonzero(won)),
        losses=units - int(np.count_nonzero(won)),
        log_e=float(log_e[-1]),
        p_value=exp(-max(0.0, float(log_e.max()))),
        decision=decision,
        decided_at=decided_at,
        effective_wins=effective_wins,
        effective_losses=effective_losses,
        contradicted=first is not None and second is not None,
    )


def _plain_evidence(won: npt.NDArray[np.bool_]) -> Callable[[float], Floats]:
    """The evidence against a win rate after every unit, all units weighing the same."""
    wins = np.cumsum(won, dtype=np.int64)
    total = np.arange(1, len(won) + 1)
    losses = total - wins
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, len(won) + 2)))])
    mixture = log_factorial[wins] + log_factorial[losses] - log_factorial[total + 1]

    def against(rate: float) -> Floats:
        if rate == 0.5:
            return np.asarray(mixture + total * log(2))
        return np.asarray(mixture - wins * log(rate) - losses * log1p(-rate))

    return against


def _first(looks: npt.NDArray[np.bool_]) -> int | None:
    """Number of the first look that is true, counted from 1."""
    place = int(np.argmax(looks))
    return place + 1 if looks[place] else None


def votes_needed(
    wins: float,
    losses: float,
    alpha: float = 0.05,
    *,
    rate: float | None = None,
    votes_per_unit: float = 1.0,
) -> int | None:
    """How many more votes until a verdict, if they go on falling as they did.

    The course is continued without chance: after m more units there are W + qm wins and L + (1 − q)m losses,
    and the answer is the smallest m at which log E(W + qm, L + (1 − q)m) reaches log 1/α, or at which the
    confidence sequence lies inside `EQUIVALENCE`, whichever comes first. For large n the former solves n ·
    KL(q ‖ ½) − ½ log n + ½ log(2π q (1 − q)) = log 1/α. The rate q is the bet's own forecast of the next
    unit, (W + 1)/(W + L + 2), which does not promise much after few votes. Chance makes the true stopping
    time vary widely: from a third of it to double is common.

    Args:
        wins: Units won so far by the first contestant; with weights, the effective number.
        losses: Units won so far by the second.
        alpha: Probability of a false decision.
        rate: A win rate to assume instead of q, for example an end of its interval.
        votes_per_unit: Votes cast for every unit so far (ties, both bad, repeated prompts).

    Returns:
        Votes still needed, at least 1; None beyond `MAX_FORESEEN`.
    """
    forecast = (wins + 1) / (wins + losses + 2) if rate is None else rate
    limit = log(1 / alpha)
    low, high = EQUIVALENCE

    def settled(units: int) -> bool:
        won, lost = wins + forecast * units, losses + (1 - forecast) * units
        if log_e_value(won, lost) >= limit:
            return True
        return (
            low < won / (won + lost) < high
            and min(log_e_value(won, lost, edge) for edge in EQUIVALENCE) >= limit
        )

    before, after = 0, 1
    while not settled(after):
        if after * votes_per_unit > MAX_FORESEEN:
            return None
        before, after = after, 2 * after
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if settled(middle) else (middle, after)
    needed = ceil(after * votes_per_unit)
    return needed if needed <= MAX_FORESEEN else None
