"""When a run's figures are an alarm, in which words, and what to do about it.

One file a guard; each takes figures and returns a `Guard`. Nothing here measures anything or knows torch.
"""

from ftarena.training.verdicts.degeneration import Preferring, Said, degeneration_guard
from ftarena.training.verdicts.drift import drift_guard
from ftarena.training.verdicts.forgetting import forgetting_guard
from ftarena.training.verdicts.overfitting import LossCourse, best_step, enough, overfitting_guard

__all__ = [
    "LossCourse",
    "Preferring",
    "Said",
    "best_step",
    "degeneration_guard",
    "drift_guard",
    "enough",
    "forgetting_guard",
    "overfitting_guard",
]
