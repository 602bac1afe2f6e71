"""What happens between the steps: report, measure held-out loss, stop on request, refuse nonsense."""

import math
import time
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

from ftarena.errors import FtarenaError
from ftarena.recipes.schema import Recipe
from ftarena.training.runs import RunState
from ftarena.training.worker.eta import Eta
from ftarena.training.worker.reporter import Reporter
from ftarena.training.worker.stopping import StopFlag

_UNTOLD = ("entropy", "total_flos", "train_loss", "train_runtime")
# The compact head does not compute the entropy; the others are TRL's summary at the end.

_ZEROS_ALLOWED = 3
_REFERENCE_TOLERANCE = 1e-2


class RunCallback(TrainerCallback):  # type: ignore[misc]  # transformers is not followed by mypy
    """Connects TRL's trainer with the run's files.

    Args:
        reporter: Where everything is written.
        recipe: Resolved recipe.
        stop: Set when someone asked to stop.
        measure: Returns the held-out loss of the model as it is, or None where it was interrupted. None:
            there is nothing to measure on.
    """

    def __init__(
        self,
        reporter: Reporter,
        recipe: Recipe,
        stop: StopFlag,
        measure: Callable[[], float | None] | None,
    ) -> None:
        self._reporter = reporter
        self._recipe = recipe
        self._stop = stop
        self._measure = measure
        self._eta = Eta(0, None, False)
        self._began = 0.0
        self._logged = 0.0
        self._evaluating_s = 0.0
        self._tokens = 0.0
        self._zeros = 0
        self._checked_reference = False
        self.losses: dict[int, float] = {}
        """Held-out loss by step, 0 being the model before training."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Measure what the model can do before it learns anything."""
        self._eta = Eta(state.max_steps, self._recipe.eval_steps, self._measure is not None)
        self._evaluate(0)
        self._reporter.progress(0, state.max_steps, None)
        self._logged = time.monotonic()

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report progress; measure, save and stop where it is time to."""
        self._eta.step_took(time.monotonic() - self._began)
        step, last = state.global_step, state.global_step >= state.max_steps
        every = self._recipe.eval_steps
        if not self._stop.requested and (last or (every and step % every == 0)):
            # Said before, or the estimate of the step before would stand there as long as this takes.
            measures = self._measure is not None
            self._reporter.progress(step, state.max_steps, self._eta.left(step, evaluating=measures))
            self._evaluate(step)
        self._reporter.progress(step, state.max_steps, self._eta.left(step))
        if last or self._stop.requested:
            control.should_save = True
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Write a row of metrics under TRL's names."""
        values = {
            key: float(value)
            for key, value in logs.items()
            if key not in _UNTOLD and not key.startswith("train_") and isinstance(value, int | float)
        }
        if "loss" not in values:
            return
        now = time.monotonic()
        tokens = values.get("num_tokens", 0.0)
        seconds = now - self._logged - self._evaluating_s
        if seconds > 0 and tokens > self._tokens:
            values["tokens_per_s"] = (tokens - self._tokens) / seconds
        self._tokens, self._logged, self._evaluating_s = tokens, now, 0.0
        self._reporter.metrics(state.global_step, values)
        self._refuse_nonsense(state.global_step, values)

    def _evaluate(self, step: int) -> None:
        if self._measure is None:
            return
        began = time.monotonic()
        self._reporter.doing(RunState.EVALUATING, f"measuring held-out loss at step {step}")
        loss = self._measure()
        took = time.monotonic() - began
        self._evaluating_s += took
        if loss is not None:
            self._eta.evaluation_took(took)
            self.losses[step] = loss
            self._reporter.metrics(step, {"eval_loss": loss, "eval_runtime": took})

    def _refuse_nonsense(self, step: int, values: dict[str, float]) -> None:
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
        margin = values.get("rewards/margins")
        if margin is not None and not self._checked_reference and self._recipe.logging_steps == 1:
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
