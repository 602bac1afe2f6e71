"""Logs, checkpoints and who else is told."""

from pydantic import field_validator

from ftarena.recipes.choices import TRACKERS
from ftarena.recipes.keys.group import KeyGroup
from ftarena.recipes.scalars import Count, Texts


class RunningKeys(KeyGroup):
    """What a run writes down, and how often."""

    logging_steps: Count = 1
    """Steps between two rows of metrics."""

    save_steps: Count | None = None
    """Steps between two checkpoints, from which an interrupted run is resumed; unset, one is saved at the
    end, at each measurement of held-out loss, and whenever the run is stopped."""

    save_total_limit: Count = 3
    """Checkpoints kept: the newest ones, and the best on top."""

    report_to: Texts = ["none"]
    """Trackers to tell as well, by transformers' names (`tensorboard`, `wandb`, `trackio` …)."""

    @field_validator("report_to")
    @classmethod
    def _known_trackers(cls, value: list[str]) -> list[str]:
        for tracker in value:
            if tracker not in (*TRACKERS, "all", "none"):
                raise ValueError(f"expected none, all, or some of {', '.join(TRACKERS)}")
        if "none" in value and len(value) > 1:
            raise ValueError("expected none alone, or trackers without it")
        return value
