"""Newton's method for concave likelihoods, and what it does when there is no best value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ftarena.scoring.coding import Floats

Likelihood = Callable[[Floats], tuple[float, Floats, Floats]]
"""From β: the log-likelihood, its gradient (width,), and the information −∂²/∂β² (width, width)."""

STEPS: Final = 100
TOLERANCE: Final = 1e-11
"""Largest last step, in units of the logit; quadratic convergence makes the error its square."""

DIVERGED: Final = 20.0
"""A logit of one cell that no finite best value reaches: it would take 5·10⁸ votes on the cell. Beyond 35,
rounding would drown what curvature is left."""


@dataclass(frozen=True)
class Solution:
    """Where the likelihood is highest."""

    beta: Floats
    """(width,) float64."""

    information: Floats
    """(width, width) float64, at `beta`, without the ridge."""

    converged: bool
    """False where the steps went on growing: the likelihood has no highest point."""


def maximise(
    likelihood: Likelihood, extent: Callable[[Floats], float], start: Floats, ridge: Floats, fixed: Floats
) -> Solution:
    """Climb to the top of a penalised log-likelihood ℓ(β) − ½ βᵀ R β.

    Args:
        likelihood: ℓ with its derivatives; concave.
        extent: The largest logit on the board at some β; beyond `DIVERGED` the climb is given up.
        start: (width,) float64, a point that satisfies the constraints.
        ridge: (width, width) float64, R; zeros for none.
        fixed: (width, n_fixed) float64, directions in which ℓ and R are constant (the mean of every connected
            part); β does not move along them.

    Returns:
        The top, or the last point if there is none.
    """
    beta = start
    value, gradient, information = likelihood(beta)
    value -= float(beta @ ridge @ beta) / 2
    hold = fixed @ fixed.T
    for _ in range(STEPS):
        curvature = information + ridge
        scale = max(float(np.trace(curvature)) / len(beta), 1e-3)
        try:
            step = np.linalg.solve(curvature + scale * hold, gradient - ridge @ beta)
        except np.linalg.LinAlgError:
            return Solution(beta, information, False)
        longest = float(np.abs(step).max(initial=0.0))
        if longest > 5.0:
            step, longest = step * (5.0 / longest), 5.0
        for _ in range(40):
            ahead, ahead_gradient, ahead_information = likelihood(beta + step)
            ahead -= float((beta + step) @ ridge @ (beta + step)) / 2
            # The slack is rounding: near the top a good step changes the value by less than its last digits.
            if ahead >= value - 1e-10 * max(1.0, abs(value)):
                break
            step, longest = step / 2, longest / 2
        beta, value, gradient, information = beta + step, ahead, ahead_gradient, ahead_information
        if longest < TOLERANCE:
            return Solution(beta, information, True)
        if extent(beta) > DIVERGED:
            return Solution(beta, information, False)
    return Solution(beta, information, False)


def inverse(information: Floats, fixed: Floats) -> Floats:
    """Invert an information matrix on the space that the constraints leave.

    Args:
        information: (width, width) float64, singular exactly along `fixed`.
        fixed: (width, n_fixed) float64, orthonormal columns.

    Returns:
        (width, width) float64, the inverse, zero along `fixed`.
    """
    scale = max(float(np.trace(information)) / max(len(information), 1), 1e-3)
    full = np.linalg.inv(information + scale * (fixed @ fixed.T))
    keep = np.eye(len(information)) - fixed @ fixed.T
    return np.asarray(keep @ full @ keep)
