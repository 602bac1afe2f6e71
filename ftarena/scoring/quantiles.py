"""Critical values of the normal and of Student's distribution, without scipy."""

from math import pi, sqrt, tan
from statistics import NormalDist


def normal_critical(alpha: float) -> float:
    """The two-sided critical value of the normal distribution.

    Args:
        alpha: Share of mass outside; .05 gives 1.96.

    Returns:
        z with P(|Z| > z) = alpha.
    """
    return NormalDist().inv_cdf(1 - alpha / 2)


def student_critical(alpha: float, degrees: int) -> float:
    """The two-sided critical value of Student's t distribution.

    Exact for one and two degrees of freedom; above, the expansion 26.7.5 of Abramowitz and Stegun (1964): at
    alpha = .05 it gives 3.179 for three degrees (exact 3.182), 2.776 for four, and is exact to a thousandth
    beyond.

    Args:
        alpha: Share of mass outside.
        degrees: Degrees of freedom, at least 1.

    Returns:
        t with P(|T| > t) = alpha; above `normal_critical(alpha)`, and near it for many degrees.
    """
    mass = 1 - alpha / 2
    if degrees == 1:
        return tan(pi * (mass - 0.5))
    if degrees == 2:
        return 2 * (mass - 0.5) * sqrt(2 / (4 * mass * (1 - mass)))
    z = normal_critical(alpha)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(degrees**power) for power, term in enumerate(terms, start=1))
