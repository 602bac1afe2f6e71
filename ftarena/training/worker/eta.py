"""How much longer a run takes, from what its steps and evaluations took so far; at first, from its plan.

It is the time to the run's own end. The exam comes afterwards, when nothing trains or waits to.
"""

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
        step_s: How long a step was planned to take; None where nothing was planned.
        evaluation_s: The same of an evaluation, answers to probe included.
    """

    def __init__(
        self,
        total_steps: int,
        eval_every: int | None,
        evaluates: bool,
        *,
        step_s: float | None = None,
        evaluation_s: float = 0.0,
    ) -> None:
        self._total = total_steps
        self._every = eval_every
        self._evaluates = evaluates
        self._steps: deque[float] = deque(maxlen=20)
        self._evaluation_s = evaluation_s
        self._planned_step_s = step_s

    def step_took(self, seconds: float) -> None:
        """Note the duration of a step."""
        self._steps.append(seconds)

    def evaluation_took(self, seconds: float) -> None:
        """Note the duration of an evaluation."""
        self._evaluation_s = seconds

    def left(self, step: int, *, evaluating: bool = False) -> float | None:
        """Return the seconds left after `step` steps; None before the first one if nothing was planned.

        Args:
            step: Steps that are done.
            evaluating: Whether the evaluation that belongs to this step is still to be made.
        """
        if self._steps:
            a_step = statistics.median(list(self._steps)[1:] or list(self._steps))
        elif self._planned_step_s is not None:
            a_step = self._planned_step_s
        else:
            return None
        evaluations = self._evaluations_left(step) + evaluating
        return max(self._total - step, 0) * a_step + evaluations * self._evaluation_s

    def _evaluations_left(self, step: int) -> int:
        if not self._evaluates or step >= self._total:
            return 0
        if self._every is None:
            return 1
        on_the_way = self._total // self._every - step // self._every
        return on_the_way + (self._total % self._every != 0)
