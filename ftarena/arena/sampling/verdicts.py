"""How near a pair is to its verdict, from its counts alone.

The bet of `ftarena.scoring.sequential` (Robbins 1970) in its closed form, without numpy, which a vote must
not wait for. Only the choice of the next battle rests on it: what is told to people is computed there.
"""

from math import inf, lgamma, log, log1p
from typing import Final

ALPHA: Final = 0.05
"""Probability of a false verdict."""

EQUIVALENCE: Final = (0.45, 0.55)
"""Win rates between which a difference is not worth having."""

_LIMIT = log(1 / ALPHA)
_SMALLEST = 0.02  # from one half; a difference that is smaller takes thousands of votes and can wait


def log_evidence(wins: float, losses: float, rate: float = 0.5) -> float:
    """Return the natural logarithm of the evidence against a win rate.

    Args:
        wins: Units won by the first contestant; need not be whole.
        losses: Units won by the second.
        rate: The win rate under trial, inside (0, 1).
    """
    mixture = lgamma(1 + wins) + lgamma(1 + losses) - lgamma(2 + wins + losses)
    return mixture - wins * log(rate) - losses * log1p(-rate)


def differs(wins: float, losses: float) -> bool:
    """Return whether the evidence for a difference is enough now."""
    return log_evidence(wins, losses) >= _LIMIT


def equivalent(wins: float, losses: float) -> bool:
    """Return whether it is certain that a difference is not worth having."""
    low, high = EQUIVALENCE
    return low * (wins + losses) < wins < high * (wins + losses) and all(
        log_evidence(wins, losses, edge) >= _LIMIT for edge in EQUIVALENCE
    )


def units_needed(wins: float, losses: float) -> float:
    """Return about how many more decisive prompts a verdict for a difference takes, more than 0.

    At the rate q = (wins + 1) / (wins + losses + 2) each adds KL(q ‖ ½) nats, less what the mixture costs.
    """
    rate = (wins + 1) / (wins + losses + 2)
    rate = 0.5 + max(abs(rate - 0.5), _SMALLEST)
    gain = log(2) + rate * log(rate) + (1 - rate) * log1p(-rate) if rate < 1 else log(2)
    lacking = _LIMIT - log_evidence(wins, losses)
    return max(lacking, 0.5) / gain if gain > 0 else inf
