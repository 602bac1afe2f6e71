"""What happens between the steps: report, measure, save, stop or pause on request."""

import resource
import time
from typing import Any

import torch
from transformers import TrainerCallback

from ftarena.processes import read_json
from ftarena.training.runs import PLAN, RunState
from ftarena.training.worker.eta import Eta
from ftarena.training.worker.job import Job
from ftarena.training.worker.measuring import Measuring
from ftarena.training.worker.randomness import set_aside

_UNTOLD = ("entropy", "total_flos", "train_loss", "train_runtime")
# The compact head does not compute the entropy; the others are TRL's summary at the end.

_SAVE_EVERY_S = 600.0
# What a crash may cost where `save_steps` says nothing: ten minutes of training.


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
        self._plan = read_json(job.directory / PLAN)
        self._eta = Eta(0, None, False)
        self._began = 0.0
        self._logged = 0.0
        self._saved = 0.0
        self._evaluating_s = 0.0
        self._tokens = 0.0
        self._measured: list[int] = []
        self.trainer: Any = None
        """Set once it is built: what is measured is told to its other callbacks, trackers above all."""

    def state(self) -> dict[str, Any]:
        """Return what has to be known again when the run is resumed."""
        return {"tokens": self._tokens, "measured": list(self._measured)}

    def recall(self, state: dict[str, Any]) -> None:
        """Know it again."""
        self._tokens, self._measured = state["tokens"], list(state["measured"])

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Measure what the model can do before it learns anything, or what a stopped run left unmeasured."""
        step = state.global_step
        measures = self._measuring.measures
        self._eta = Eta(
            state.max_steps,
            self._recipe.eval_steps,
            measures,
            step_s=_seconds(self._plan.get("step_s")),
            evaluation_s=_seconds(self._plan.get("measurement_s")) or 0.0,
        )
        if step not in self._measured and (step == 0 or self._is_due(step, state.max_steps)):
            self._reporter.progress(step, state.max_steps, self._eta.left(step, evaluating=measures))
            self._evaluate(args, state, control, kwargs["model"])
        self._reporter.progress(step, state.max_steps, self._eta.left(step))
        self._logged = self._saved = time.monotonic()
        self._evaluating_s = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report progress; measure, save and stop where it is time to."""
        self._eta.step_took(time.monotonic() - self._began)
        step, last = state.global_step, state.global_step >= state.max_steps
        due = self._is_due(step, state.max_steps)
        if due and not self._stop.requested:
            # Said before, or the estimate of the step before would stand there as long as this takes.
            measures = self._measuring.measures
            self._reporter.progress(step, state.max_steps, self._eta.left(step, evaluating=measures))
            self._evaluate(args, state, control, kwargs["model"])
        self._reporter.progress(step, state.max_steps, self._eta.left(step))
        if last or self._stop.ends or self._measuring.enough:
            control.should_save = True
            control.should_training_stop = True
        elif self._recipe.save_steps is None:
            late = time.monotonic() - self._saved >= _SAVE_EVERY_S
            control.should_save = control.should_save or late or (due and self._measuring.measures)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note when."""
        self._saved = time.monotonic()

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
        values["memory_bytes"] = float(peak_memory_bytes())
        self._reporter.metrics(state.global_step, values)

    def _is_due(self, step: int, last: int) -> bool:
        """Return whether the model is measured after a step."""
        every = self._recipe.eval_steps
        return step >= last or (every is not None and step % every == 0)

    def _evaluate(self, args: Any, state: Any, control: Any, model: Any) -> None:
        if not self._measuring.measures:
            return
        step = state.global_step
        began = time.monotonic()
        self._reporter.doing(RunState.EVALUATING, f"measuring at step {step}")
        with set_aside():
            values = self._measuring.measure(model, step)
        took = time.monotonic() - began
        self._evaluating_s += took
        if not values:
            return
        self._measured.append(step)
        self._eta.evaluation_took(took)
        row = {**values, "eval_runtime": took}
        self._reporter.metrics(step, row)
        if self.trainer is not None:
            logs = control.should_log  # which telling the trackers would reset
            self.trainer.callback_handler.on_log(args, state, control, row)
            control.should_log = logs


def peak_memory_bytes() -> int:
    """Return the most memory this process has had so far: the card's where it has one, else main memory."""
    if torch.cuda.is_initialized():
        return int(torch.cuda.max_memory_reserved())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _seconds(planned: Any) -> float | None:
    """Return a figure of a plan that another version may have written, or None where it is no duration."""
    usable = isinstance(planned, int | float) and not isinstance(planned, bool) and 0 <= planned < 1e9
    return float(planned) if usable else None
