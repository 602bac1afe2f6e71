"""What is measured of the model itself: before training, at intervals, and after."""

from collections.abc import Sequence
from typing import Any

from ftarena.curation.tokens import Encoded
from ftarena.training.worker.heldout import heldout_loss
from ftarena.training.worker.job import Job


class Measuring:
    """Measures the model and remembers the figures.

    Args:
        job: The run.
        heldout: Examples that are never trained on, encoded; may be empty.
        general: General questions with reference answers, encoded; may be empty.
        pad_id: Token that fills up shorter examples.
    """

    def __init__(self, job: Job, heldout: Sequence[Encoded], general: Sequence[Encoded], pad_id: int) -> None:
        self._job = job
        self._heldout = heldout
        self._general = general
        self._pad_id = pad_id
        self.losses: dict[int, float] = {}
        """Held-out loss by step, 0 being the model before training."""

        self.enough = ""
        """Why it is better to stop here, or empty."""

    def state(self) -> dict[str, Any]:
        """Return what has to be known again when the run is resumed; plain values."""
        return {"losses": dict(self.losses), "enough": self.enough}

    def recall(self, state: dict[str, Any]) -> None:
        """Know again what `state` returned when the checkpoint was saved."""
        self.losses, self.enough = dict(state["losses"]), state["enough"]

    @property
    def measures(self) -> bool:
        """Whether there is anything to measure on."""
        return bool(self._heldout)

    def measure(self, model: Any, step: int) -> dict[str, float]:
        """Return metrics by name (`eval_loss` …); empty where someone asked to stop meanwhile.

        Args:
            model: The one in training; its mode is restored.
            step: Optimiser steps done.
        """
        loss = heldout_loss(
            model,
            self._heldout,
            batch_size=self._job.recipe.per_device_eval_batch_size,
            pad_id=self._pad_id,
            bf16=self._job.machine.bf16,
            stop=lambda: self._job.stop.requested,
        )
        if loss is None:
            return {}
        self.losses[step] = loss
        return {"eval_loss": loss}
