"""Which figures of a run are nonsense, so that it is stopped with a reason. No torch here."""

import math
import statistics
from collections import deque
from collections.abc import Mapping
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.recipes.schema import Recipe
from ftarena.training.worker.reporter import Reporter

_IN_A_ROW = 3
_SETTLING = 10
_WINDOW = 20
_REFERENCE_TOLERANCE = 1e-2

_POSITIVE = ("sft", "orpo", "reward", "cpo", "simpo", "dpo", "ipo", "kto")
# Methods whose loss is above 0, so that a multiple of its median means something; grpo's is around 0.

_CAN_BE_DONE = ("dpo", "ipo", "kto", "cpo", "simpo", "reward")
# Methods that have nothing left to learn once every pair is told apart widely; the gradient is 0 then.


class Alarms:
    """Looks at row after row of metrics.

    Args:
        recipe: Of the run.
        reporter: Told what is worth knowing, but no reason to stop.
    """

    def __init__(self, recipe: Recipe, reporter: Reporter) -> None:
        self._recipe = recipe
        self._reporter = reporter
        self._logs = 0
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._high = 0
        self._zeros = 0
        self._flat = 0
        self._still = True
        self._told_flat = False
        self._checked_reference = False

    def state(self) -> dict[str, Any]:
        """Return what has to be known again when the run is resumed."""
        return {
            "logs": self._logs,
            "recent": list(self._recent),
            "high": self._high,
            "zeros": self._zeros,
            "flat": self._flat,
            "still": self._still,
            "told_flat": self._told_flat,
            "checked_reference": self._checked_reference,
        }

    def recall(self, state: dict[str, Any]) -> None:
        """Know it again."""
        self._logs, self._high, self._zeros = state["logs"], state["high"], state["zeros"]
        self._recent = deque(state["recent"], maxlen=_WINDOW)
        self._flat, self._still, self._told_flat = state["flat"], state["still"], state["told_flat"]
        self._checked_reference = state["checked_reference"]

    def look(self, step: int, values: Mapping[str, float], *, warmup_steps: int) -> None:
        """Refuse nonsense.

        Args:
            step: Optimiser steps done.
            values: A row of TRL's metrics, with a `loss`.
            warmup_steps: In which the learning rate rises from zero.

        Raises:
            FtarenaError: A number went wrong; the message says which, at which step, and what to do.
        """
        self._logs += 1
        loss, norm = values["loss"], values.get("grad_norm")
        self._check_finite(step, loss, norm)
        self._check_spike(step, loss)
        self._check_zeros(step, loss, norm)
        self._check_learning_rate(step, values.get("learning_rate"), warmup_steps)
        self._check_reference(values)

    def _check_finite(self, step: int, loss: float, norm: float | None) -> None:
        for what, value in (("loss", loss), ("gradient", norm)):
            if value is not None and not math.isfinite(value):
                raise FtarenaError(
                    f"the {what} is {value} at step {step}: the weights are spoilt",
                    f"lower learning_rate (it was {self._recipe.learning_rate:g}) or warm up longer",
                )

    def _check_spike(self, step: int, loss: float) -> None:
        usual = statistics.median(self._recent) if self._recent else 0.0
        high = self._logs > _SETTLING and usual > 0 and loss > self._recipe.loss_spike * usual
        if self._recipe.method not in _POSITIVE or not high:
            self._high = 0
            self._recent.append(loss)  # a spike is no part of what is usual
            return
        self._high += 1
        if self._high >= _IN_A_ROW:
            raise FtarenaError(
                f"the loss is {loss:.3g} at step {step}, {loss / usual:.1f} times its median of {usual:.3g}, "
                f"for {_IN_A_ROW} logs in a row: it has diverged",
                f"lower learning_rate (it was {self._recipe.learning_rate:g}), start from an earlier "
                f"checkpoint, or raise loss_spike (it is {self._recipe.loss_spike:g})",
            )

    def _check_zeros(self, step: int, loss: float, norm: float | None) -> None:
        self._flat = self._flat + 1 if norm == 0.0 else 0
        self._zeros = self._zeros + 1 if loss == 0.0 and norm in (None, 0.0) else 0
        method = self._recipe.method
        if max(self._flat, self._zeros) < _IN_A_ROW:
            return
        if method == "grpo" or (method in _CAN_BE_DONE and self._logs > _SETTLING):
            if not self._told_flat:
                self._told_flat = True
                why = (
                    "the answers to each question get the same reward, so there is nothing to prefer"
                    if method == "grpo"
                    else "every pair is told apart already"
                )
                self._reporter.event(
                    "nothing-learned",
                    f"the gradient was exactly 0 in {_IN_A_ROW} logs up to step {step}: {why}",
                    step=step,
                )
            return
        what = "gradient" if self._flat >= _IN_A_ROW else "loss"
        raise FtarenaError(
            f"the {what} was exactly 0 in {_IN_A_ROW} logs up to step {step}: nothing is learned",
            "look at the data with ftarena check, at max_length, and at which weights learn",
        )

    def _check_learning_rate(self, step: int, rate: float | None, warmup_steps: int) -> None:
        self._still = self._still and rate == 0.0
        if self._still and self._logs >= _IN_A_ROW and step > warmup_steps + 1:
            raise FtarenaError(
                f"the learning rate was 0 in every log up to step {step}: nothing is learned",
                "look at learning_rate, warmup_steps and lr_scheduler_type",
            )

    def _check_reference(self, values: Mapping[str, float]) -> None:
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
