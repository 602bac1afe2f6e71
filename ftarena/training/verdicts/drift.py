"""Drift: how far the model has moved from what it was, over text that it was not asked to change on."""

from ftarena.recipes.schema import Recipe
from ftarena.training.guards import Guard
from ftarena.training.verdicts.remedies import against_drift

ALARM_NATS = 0.1
"""KL divergence per token that is an alarm. Of preference runs of the demo's model those that were fine had
0.0003, those that had become useless for anything else 0.08 to 0.21 (docs/guards.md)."""


def drift_guard(kl: float | None, recipe: Recipe, *, run: str, step: int) -> Guard:
    """Return the guard's finding.

    Args:
        kl: Divergence from the model at the start in nats per token; None where it was not measured.
        recipe: Of the run.
        run: Its id, for the commands in the remedies.
        step: Optimiser steps done.
    """
    if kl is None:
        return Guard(
            name="drift", verdict="unknown", words="drift was not measured: general_dataset is empty"
        )
    alarm = kl >= ALARM_NATS
    return Guard(
        name="drift",
        verdict="alarm" if alarm else "ok",
        words=f"{kl:.3f} nats per token from the model at the start, over general answers"
        + (": it has become another model" if alarm else ""),
        figures={"step": step, "kl_nats": kl},
        remedies=against_drift(recipe, run) if alarm else (),
    )
