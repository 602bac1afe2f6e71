"""What a method minimises, and the figures of its loss."""

import re
from typing import Annotated

from pydantic import Field, field_validator

from ftarena.recipes.keys.group import KeyGroup
from ftarena.recipes.scalars import Count, Number, Numbers, Text, Texts

SFT_LOSSES = ("nll", "dft")
# The losses of TRL 1.16 that compare a chosen with a rejected answer; each is documented at
# https://huggingface.co/docs/trl/dpo_trainer#loss-functions
DPO_LOSSES = (
    *("sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot"),
    *("aot_unpaired", "apo_zero", "apo_down", "discopop", "sft", "sigmoid_norm"),
)
SMOOTHED_LOSSES = ("robust", "exo_pair", "aot", "aot_unpaired")
"""The only losses in TRL 1.16 that look at `label_smoothing`; the others ignore it silently."""
REWARDS = ("exact_match", "regex", "format", "length")
"""Reward functions that come with ftarena."""


class LossKeys(KeyGroup):
    """What is minimised."""

    beta: Annotated[Number, Field(ge=0)] | None = None
    """How strongly to stay near the reference (DPO, IPO, KTO, GRPO), or the weight of the preference term
    (ORPO, SimPO, CPO). Default 0.1 (Rafailov et al. 2023, arXiv 2305.18290); SimPO 2.0 (2405.14734); GRPO
    0 (no reference at all, as in TRL)."""

    loss_type: Texts = []
    """TRL's loss or losses. Default `nll` for SFT and `[sigmoid, sft]` for DPO: the second term keeps the
    chosen answers likely (arXiv 2404.19733), without it both answers' probabilities usually fall."""

    loss_weights: Numbers | None = None
    """One weight a loss; all 1 unless set."""

    label_smoothing: Annotated[Number, Field(ge=0, lt=0.5)] = 0.0
    """Share of pairs believed to be labelled the wrong way round; about 0.1 for noisy votes. Needs
    `loss_type: robust` (arXiv 2403.00409), `exo_pair` or `aot`."""

    precompute_ref_log_probs: bool | None = None
    """DPO, IPO, KTO: compute the reference's log-probabilities once, before training, instead of at every
    step. Default: with more than one epoch, where it saves time; and without an adapter, where the reference
    would be a second model in memory."""

    desirable_weight: Annotated[Number, Field(gt=0)] | None = None
    """KTO: weight of the good answers. Default: where bad ones are more, such that both weigh the same
    (arXiv 2402.01306, eq. 8); else 1."""

    undesirable_weight: Annotated[Number, Field(gt=0)] | None = None
    """KTO: weight of the bad answers. Default: where good ones are more, such that both weigh the same; else
    1."""

    simpo_gamma: Annotated[Number, Field(ge=0)] | None = None
    """SimPO: target margin. Default 0.5 × beta (arXiv 2405.14734)."""

    cpo_alpha: Annotated[Number, Field(ge=0)] | None = None
    """CPO: weight of the SFT term on the chosen answers. Default 1 (arXiv 2401.08417); SimPO has none."""

    reward_funcs: Texts = []
    """GRPO: what scores an answer, one or a list: `exact_match` (1 where it is the row's reference, blanks
    and case aside), `regex` (1 where `reward_pattern` is found in it), `format` (1 where the whole answer
    fits `reward_pattern`), `length` (1 for an empty answer, 0 for one of `max_completion_length` tokens), or
    a function of `reward_file`."""

    reward_weights: Numbers | None = None
    """GRPO: one weight a function; all 1 unless set."""

    reward_pattern: Text | None = None
    """GRPO: the regular expression of `regex` (found anywhere) and `format` (the whole answer)."""

    reward_file: Text | None = None
    """GRPO: a Python file whose functions `reward_funcs` may name. It is run only where the command line says
    `--allow-code`."""

    num_generations: Annotated[Count, Field(ge=2)] = 8
    """GRPO: answers sampled a question (TRL's default, arXiv 2402.03300)."""

    max_completion_length: Count = 256
    """GRPO: longest sampled answer in tokens (TRL's default)."""

    temperature: Annotated[Number, Field(gt=0, le=5)] = 1.0
    """GRPO: sampling temperature (TRL's default)."""

    @field_validator("reward_pattern")
    @classmethod
    def _valid_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"expected a regular expression: {error}") from error
        return value

    @field_validator("reward_file")
    @classmethod
    def _python_file(cls, value: str | None) -> str | None:
        if value is not None and ("\0" in value or not value.endswith(".py")):
            raise ValueError("expected a Python file (.py)")
        return value
