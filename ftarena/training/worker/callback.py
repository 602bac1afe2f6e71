"""What happens between the steps: report, measure, stop on request."""

import time
from typing import Any

from transformers import TrainerCallback

from ftarena.training.runs import RunState
from ftarena.training.worker.eta import Eta
from ftarena.training.worker.job import Job
from ftarena.training.worker.measuring import Measuring

_UNTOLD = ("entropy", "total_flos", "train_loss", "train_runtime")
# The compact head does not compute the entropy; the others are TRL's summary at the end.


class RunCallback(TrainerCallback):  # type: ignore[misc]  # transformers is not followed by mypy
    """Connects TRL's trainer with the run's files.

    Args:
        job: The run.
        measuring: Measures the model before, during and after.
    """

    def __init__(self, job: Job, measuring: Measuring) -> None:
        self._reporter = job.reporter
        self._recipe = job.recipe
        self._stop = job.stop
        self._measuring = measuring
        self._eta = Eta(0, None, False)
        self._began = 0.0
        self._logged = 0.0
        self._evaluating_s = 0.0
        self._tokens = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Measure what the model can do before it learns anything."""
        self._eta = Eta(state.max_steps, self._recipe.eval_steps, self._measuring.measures)
        self._evaluate(kwargs["model"], 0)
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
            measures = self._measuring.measures
            self._reporter.progress(step, state.max_steps, self._eta.left(step, evaluating=measures))
            self._evaluate(kwargs["model"], step)
        self._reporter.progress(step, state.max_steps, self._eta.left(step))
        if last or self._stop.requested or self._measuring.enough:
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

    def _evaluate(self, model: Any, step: int) -> None:
        if not self._measuring.measures:
            return
        began = time.monotonic()
        self._reporter.doing(RunState.EVALUATING, f"measuring held-out loss at step {step}")
        values = self._measuring.measure(model, step)
        took = time.monotonic() - began
        self._evaluating_s += took
        if values:
            self._eta.evaluation_took(took)
            self._reporter.metrics(step, {**values, "eval_runtime": took})
