"""What every part of a worker needs to know of the run it works for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftarena.recipes.schema import Recipe
from ftarena.training.checkpoints import Checkpoint
from ftarena.training.worker.machine import Machine
from ftarena.training.worker.reporter import Reporter
from ftarena.training.worker.stopping import StopFlag


@dataclass
class Job:
    """A run while its worker lives."""

    directory: Path
    """The run's folder; only this worker writes there."""

    recipe: Recipe
    """Resolved: no default is open, `init_from` is a folder, the batch size is a number."""

    reporter: Reporter
    stop: StopFlag
    machine: Machine
    resumed_from: Checkpoint | None = None
    """Where it goes on, if it was interrupted."""

    lock: dict[str, Any] = field(default_factory=dict)
    """What `data.lock.json` says."""
