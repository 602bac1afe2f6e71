"""Numbers that go wrong stop a run with a reason, instead of a night of training on spoilt weights."""

import math
from typing import Any

from transformers import TrainerCallback

from ftarena.errors import FtarenaError
from ftarena.training.worker.job import Job

_ZEROS_ALLOWED = 3
_REFERENCE_TOLERANCE = 1e-2


class Watchdog(TrainerCallback):  # type: ignore[misc]  # transformers is not followed by mypy
    """Looks at every row of metrics.

    Args:
        job: The run.
    """

    def __init__(self, job: Job) -> None:
        self._reporter = job.reporter
        self._recipe = job.recipe
        self._zeros = 0
        self._checked_reference = False

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Refuse nonsense.

        Raises:
            FtarenaError: A number went wrong; the message says which, at which step, and what to do.
        """
        values = {key: float(value) for key, value in logs.items() if isinstance(value, int | float)}
        if "loss" not in values:
            return
        step = state.global_step
        loss, norm = values["loss"], values.get("grad_norm", 0.0)
        if not math.isfinite(loss) or not math.isfinite(norm):
            what = "loss" if not math.isfinite(loss) else "gradient"
            raise FtarenaError(
                f"the {what} is {loss if what == 'loss' else norm} at step {step}: the weights are spoilt",
                f"lower learning_rate (it was {self._recipe.learning_rate:g}) or warm up longer",
            )
        self._zeros = self._zeros + 1 if loss == 0.0 else 0
        if self._zeros >= _ZEROS_ALLOWED:
            raise FtarenaError(
                f"the loss was exactly 0 in {_ZEROS_ALLOWED} logs up to step {step}: nothing is learned",
                "look at the data with ftarena check, and at max_length",
            )
        self._check_reference(values)

    def _check_reference(self, values: dict[str, float]) -> None:
        """Hold the first margin of a DPO run against 0: the reference is the model at the start."""
        margin = values.get("rewards/margins")
        if margin is None or self._checked_reference or self._recipe.logging_steps != 1:
            return
        if self._recipe.method != "dpo":
            return
        self._checked_reference = True
        if abs(margin) > _REFERENCE_TOLERANCE:
            raise FtarenaError(
                f"the reference is not the model at the start: the first margin is {margin:.3g}, not 0",
                "this is a defect; please report it with the run's log.txt",
            )
        self._reporter.event(
            "reference-checked",
            f"the reference is the model at the start: first margin {margin:.1e}, DPO loss ln 2",
            margin=margin,
        )
