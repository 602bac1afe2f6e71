"""How much longer a run takes, from what its steps and evaluations took so far."""

import statistics
from collections import deque


class Eta:
    """Estimates the seconds left.

    The median of the last steps is used: the first step is slower (caches, allocation), and a neighbour on
    the same cores may slow down a few.

    Args:
        total_steps: Optimiser steps planned.
        eval_every: Steps between two evaluations; None where only one is left, at the end.
        evaluates: Whether there is anything to evaluate on.
    """

    def __init__(self, total_steps: int, eval_every: int | None, evaluates: bool) -> None:
        self._total = total_steps
        self._every = eval_every
        self._evaluates = evaluates
        self._steps: deque[float] = deque(maxlen=20)
        self._evaluation_s = 0.0

    def step_took(self, seconds: float) -> None:
        """Note the duration of a step."""
        self._steps.append(seconds)

    def evaluation_took(self, seconds: float) -> None:
        """Note the duration of an evaluation."""
        self._evaluation_s = seconds

    def left(self, step: int, *, evaluating: bool = False) -> float | None:
        """Return the seconds left after `step` steps, or None before the first one is done.

        Args:
            step: Steps that are done.
            evaluating: Whether the evaluation that belongs to this step is still to be made.
        """
        if not self._steps:
            return None
        recent = list(self._steps)[1:] or list(self._steps)
        evaluations = self._evaluations_left(step) + evaluating
        return max(self._total - step, 0) * statistics.median(recent) + evaluations * self._evaluation_s

    def _evaluations_left(self, step: int) -> int:
        if not self._evaluates or step >= self._total:
            return 0
        if self._every is None:
            return 1
        on_the_way = self._total // self._every - step // self._every
        return on_the_way + (self._total % self._every != 0)
