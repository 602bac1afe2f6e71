"""Many questions asked of the same votes: p-values, and which of them stand when all are asked at once."""

from collections.abc import Sequence
from math import exp, lgamma, log, sqrt
from statistics import NormalDist

FALSE_DISCOVERIES = 0.05
"""Share of findings, of those told, that may be chance."""


def standing_findings(p_values: Sequence[float | None], rate: float = FALSE_DISCOVERIES) -> list[bool]:
    """Return which findings stand at a false discovery rate (Benjamini and Hochberg 1995).

    Args:
        p_values: One a question; None was not asked.
        rate: Share of false ones that is allowed among those that stand.
    """
    asked = sorted(p for p in p_values if p is not None)
    bound = -1.0
    for place, p in enumerate(asked, start=1):
        if p <= rate * place / len(asked):
            bound = p
    return [p is not None and p <= bound for p in p_values]


def student_p(t: float, degrees: int) -> float:
    """Return P(|T| > |t|) of Student's distribution: the incomplete beta I_x(ν/2, 1/2) at x = ν/(ν+t²).

    Args:
        t: The statistic.
        degrees: Degrees of freedom, at least 1.
    """
    return _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def normal_p(z: float) -> float:
    """Return P(|Z| > |z|) of the normal distribution."""
    return 2 * NormalDist().cdf(-abs(z))


def wilson_of(share: float, observations: float, alpha: float = 0.05) -> tuple[float, float]:
    """Return Wilson's interval (1927) of a share, of a number of observations that need not be whole."""
    z = NormalDist().inv_cdf(1 - alpha / 2)
    middle = (share + z * z / (2 * observations)) / (1 + z * z / observations)
    half = z / (1 + z * z / observations)
    half *= sqrt(max(share * (1 - share), 0.0) / observations + z * z / (4 * observations**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised, by Lentz's continued fraction (Numerical Recipes, 6.4)."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x))
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _fraction(b, a, 1 - x) / b
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / max(1 - (a + b) * x / (a + 1), tiny)
    value = d
    for m in range(1, 300):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + step * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + step / c
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return value
