"""Overfitting: what it was shown gets likelier, what it was not shown gets less likely."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ftarena.recipes.schema import Recipe
from ftarena.scoring.paired import Difference
from ftarena.training.guards import Guard
from ftarena.training.verdicts.remedies import against_overfitting

ALARM_SIGMAS = 3.0
"""How many standard errors of the paired difference count as more than chance."""

ALARM_NATS = 0.02
"""Rise of held-out loss above its minimum that matters to supervised runs, per token: perplexity +2 %."""

ALARM_NATS_PREFERENCES = 0.1
"""The same where the loss of an answer is not what is minimised: learning preferences may cost a little."""

_WINDOW = 20
# Logs on each side of the minimum whose mean says whether the training loss fell.


@dataclass(frozen=True)
class LossCourse:
    """How a run went so far."""

    heldout: Mapping[int, float]
    """Held-out loss by step, 0 being the model before training; nats per token."""

    train: Sequence[tuple[int, float]]
    """Step and training loss of each log, oldest first."""

    rise: Difference | None = None
    """The newest held-out loss against the lowest, example by example; None where only means are known."""


def best_step(heldout: Mapping[int, float]) -> int:
    """Return the step with the lowest held-out loss, the earliest of several.

    Raises:
        ValueError: Nothing was measured.
    """
    return min(heldout, key=lambda step: (heldout[step], step))


def enough(heldout: Mapping[int, float], patience: int | None, threshold: float) -> str:
    """Return why it is better to stop, or nothing.

    It depends on the losses alone, so a resumed run decides as one that was never interrupted. As
    transformers' EarlyStoppingCallback does, a loss counts as better only where it is more than `threshold`
    below the best so far.

    Args:
        heldout: Held-out loss by step.
        patience: How many measurements in a row may be no better; None never stops.
        threshold: Nats.
    """
    best, since, waited = math.inf, 0, 0
    for step in sorted(heldout):
        if heldout[step] < best - threshold:
            best, since, waited = heldout[step], step, 0
        else:
            waited += 1
    if patience is None or waited < patience:
        return ""
    times = "measurement" if waited == 1 else f"{waited} measurements"
    return f"held-out loss is no better since {times}: {best:.3f} at step {since}"


def overfitting_guard(course: LossCourse, recipe: Recipe) -> Guard:
    """Return the guard's finding: is held-out loss above its minimum by more than chance?"""
    heldout = course.heldout
    if len(heldout) < 2:
        why = (
            "neither eval_dataset nor eval_split is set"
            if not (recipe.eval_dataset or recipe.eval_split)
            else "it was measured once so far"
        )
        return Guard(name="overfitting", verdict="unknown", words=f"held-out loss has no course: {why}")
    best, last = best_step(heldout), max(heldout)
    rise = heldout[last] - heldout[best]
    sigmas = course.rise.sigmas if course.rise is not None else None
    matters = ALARM_NATS if recipe.method == "sft" else ALARM_NATS_PREFERENCES
    alarm = last > best and rise >= matters and (sigmas is None or sigmas >= ALARM_SIGMAS)
    figures: dict[str, float | int | str | None] = {
        "step": last,
        "best_step": best,
        "best_nats": heldout[best],
        "last_nats": heldout[last],
        "delta_nats": rise,
        "sigmas": sigmas,
        "since_step": best if alarm else None,
    }
    if not alarm:
        words = f"held-out loss {heldout[min(heldout)]:.2f} → {heldout[last]:.2f}, lowest at step {best}"
        return Guard(name="overfitting", verdict="ok", words=words, figures=figures)
    fell = _fell(course.train, best)
    course_words = f"held-out loss {rise:+.2f} ({heldout[best]:.2f} → {heldout[last]:.2f})"
    if sigmas is not None:
        course_words += f", {sigmas:.1f} σ"
    if fell is False:
        words = f"{course_words} since step {best}, and training loss rose too: it diverges"
    elif recipe.method == "sft":
        words = f"{course_words}, while training loss fell: overfit since step {best}"
    else:
        words = f"{course_words}: learning preferences costs good answers since step {best}"
    return Guard(
        name="overfitting",
        verdict="alarm",
        words=words,
        figures=figures,
        remedies=against_overfitting(recipe, best),
    )


def _fell(train: Sequence[tuple[int, float]], best: int) -> bool | None:
    """Return whether training loss is lower now than around the minimum; None where too little is known."""
    before = [loss for step, loss in train if step <= best][-_WINDOW:]
    after = [loss for step, loss in train if step > best][-_WINDOW:]
    if not before:  # held-out loss was lowest before training: against the first logs, then
        half = len(after) // 2
        before, after = after[:half], after[half:]
    return fmean(after) < fmean(before) if before and after else None
