"""Forgetting: general questions are answered worse than before."""

from enum import StrEnum

from ftarena.recipes.schema import Recipe
from ftarena.scoring.paired import Difference
from ftarena.training.guards import Guard
from ftarena.training.verdicts.remedies import against_forgetting

ALARM_SIGMAS = 3.0
"""How many standard errors count as more than chance. The question is asked a few times a run, not after
every step."""

ALARM_NATS = 0.1
"""Loss per token that matters, when it is more than chance: perplexity rises by a tenth."""


SLIGHT_NATS = 0.01
"""Below this no difference is worth a word, however certain: perplexity rises by a hundredth."""


class Verdict(StrEnum):
    """What a difference in general loss means."""

    NO_ALARM = "no alarm"
    SLIGHT = "slightly worse"
    FORGOT = "it forgot"


def verdict(difference: Difference) -> Verdict:
    """Say what a difference in general loss means: more than chance, and enough to matter?"""
    if difference.sigmas < ALARM_SIGMAS or difference.delta < SLIGHT_NATS:
        return Verdict.NO_ALARM
    return Verdict.FORGOT if difference.delta >= ALARM_NATS else Verdict.SLIGHT


def words(difference: Difference) -> str:
    """Return the finding in one line: `general loss +0.31 (2.60 → 2.91), 4.0 σ: it forgot`."""
    digits = 2 if abs(difference.delta) >= 0.005 else 4  # "-0.00" would say nothing
    loss = f"{difference.delta:+.{digits}f} ({difference.before:.{digits}f} → {difference.after:.{digits}f})"
    if difference.sigmas <= -ALARM_SIGMAS:
        return f"general loss {loss}, better by {-difference.sigmas:.1f} σ: {verdict(difference)}"
    return f"general loss {loss}, {difference.sigmas:.1f} σ: {verdict(difference)}"


def forgetting_guard(difference: Difference | None, recipe: Recipe, *, run: str, step: int) -> Guard:
    """Return the guard's finding.

    Args:
        difference: General loss now against before; None where it was not measured.
        recipe: Of the run.
        run: Its id, for the commands in the remedies.
        step: Optimiser steps done.
    """
    if difference is None:
        return Guard(
            name="forgetting",
            verdict="unknown",
            words="general loss was not measured: "
            + ("general_dataset is empty" if not recipe.general_dataset else "not yet"),
        )
    alarm = verdict(difference) is Verdict.FORGOT
    return Guard(
        name="forgetting",
        verdict="alarm" if alarm else "ok",
        words=words(difference),
        figures={
            "step": step,
            "before_nats": difference.before,
            "after_nats": difference.after,
            "delta_nats": difference.delta,
            "standard_error_nats": difference.standard_error,
            "sigmas": difference.sigmas,
            "questions": difference.n_examples,
        },
        remedies=against_forgetting(recipe, run) if alarm else (),
    )
