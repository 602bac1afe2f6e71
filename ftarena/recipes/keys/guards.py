"""What is watched so that a run does not get worse while its loss gets better."""

from typing import Annotated

from pydantic import Field

from ftarena.recipes.data_entries import Entries
from ftarena.recipes.keys.group import KeyGroup
from ftarena.recipes.keys.task import Method
from ftarena.recipes.scalars import Count, Number

PROBED_METHODS: tuple[Method, ...] = ("dpo", "ipo", "kto", "orpo", "simpo", "cpo", "grpo")
"""Methods whose answers are looked at while they train, unless `probe_answers` says otherwise."""


class GuardKeys(KeyGroup):
    """Overfitting, forgetting, answers that never stop."""

    general_dataset: Entries = ["builtin:general"]
    """General questions with reference answers, on which forgetting is measured, written as for `dataset`;
    `builtin:general` comes with ftarena. An empty list turns it off."""

    eval_steps: Count | None = None
    """Steps between two measurements of held-out and general loss; unset, before and after only."""

    early_stopping_patience: Count | None = None
    """Stop after so many measurements in a row without a better held-out loss. Needs `eval_steps`."""

    early_stopping_threshold: Annotated[Number, Field(ge=0)] = 0.0
    """How much better a held-out loss must be to count as better, in nats."""

    loss_spike: Annotated[Number, Field(gt=1)] = 5.0
    """Stop where the training loss is so many times the median of the last logs for three logs in a row."""

    probe_answers: bool | None = None
    """Let the model answer eight held-out questions (32 tokens at most) at each measurement, and look whether
    the answers loop, never end or have become gibberish. Default: for methods that learn from preferences or
    rewards, whose own figures do not show it."""

    examine: bool = True
    """After training, let the engine answer held-out and general questions: does it stop, does it recite
    training answers, is general knowledge still there?"""
