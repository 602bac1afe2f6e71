"""How long, how fast, and in which portions."""

from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ftarena.recipes.choices import OPTIMISERS
from ftarena.recipes.keys.group import KeyGroup
from ftarena.recipes.scalars import Count, Number, Text, Whole

AUTO_STANDS_FOR = 4
"""Examples a batch that `auto` means before it is decided: with accumulation, what a step learns from."""


class ScheduleKeys(KeyGroup):
    """Steps, batches and the learning rate."""

    learning_rate: Annotated[Number, Field(gt=0, lt=1)] | None = None
    """Peak learning rate. Default by method, see docs/recipes.md; with an adapter about ten times the full
    fine-tuning value (Schulman et al. 2025, "LoRA Without Regret"). DPO at 1e-4 on a few dozen pairs gives
    gibberish."""

    lr_scheduler_type: Literal[
        "linear",
        "cosine",
        "constant",
        "constant_with_warmup",
        "polynomial",
        "inverse_sqrt",
        "cosine_with_min_lr",
    ] = "linear"
    """How the learning rate falls (transformers' names and default)."""

    warmup_ratio: Annotated[Number, Field(ge=0, lt=1)] | None = None
    """Share of the steps in which the learning rate rises from zero. Default 0.03 (QLoRA's)."""

    warmup_steps: Annotated[Whole, Field(ge=0, le=1_000_000_000)] | None = None
    """The same as a number of steps."""

    num_train_epochs: Annotated[Number, Field(gt=0, le=1000)] = 1
    """How often each example is seen. SFT with LoRA: 1 to 3; DPO: 1."""

    max_steps: Annotated[Whole, Field(ge=-1, le=1_000_000_000)] = -1
    """Stop after so many optimiser steps, whatever `num_train_epochs` says; -1 is no limit."""

    per_device_train_batch_size: Count | Literal["auto"] = 4
    """Examples (DPO: pairs) in memory at once. `auto` takes the largest that fits and divides
    `gradient_accumulation_steps` by as much, so that a step learns from as many examples as before: as the
    number says whose place it takes on a command line, else 4 times `gradient_accumulation_steps`."""

    per_device_eval_batch_size: Count = 8
    """The same while measuring held-out loss, which needs no gradients."""

    gradient_accumulation_steps: Count = 4
    """Batches an optimiser step. LoRA suffers from very large products of this and the batch; 16 is usual."""

    optim: Text = "adamw_torch"
    """Optimiser, by transformers' name."""

    weight_decay: Annotated[Number, Field(ge=0)] = 0.0
    """AdamW's weight decay on the adapter."""

    max_grad_norm: Annotated[Number, Field(ge=0)] = 1.0
    """Gradients longer than this are shortened; 0 turns it off."""

    @property
    def batch_size(self) -> int:
        """Examples a micro-batch.

        Raises:
            ValueError: It is still `auto`; the plan of a run decides it.
        """
        if self.per_device_train_batch_size == "auto":
            raise ValueError("per_device_train_batch_size is still auto")
        return self.per_device_train_batch_size

    @field_validator("max_steps")
    @classmethod
    def _some_steps(cls, value: int) -> int:
        if value == 0:
            raise ValueError("expected at least 1, or -1 for no limit")
        return value

    @field_validator("optim")
    @classmethod
    def _known_optimiser(cls, value: str) -> str:
        if value not in OPTIMISERS:
            near = get_close_matches(value, OPTIMISERS, n=3) or ["adamw_torch", "adamw_8bit", "adafactor"]
            raise ValueError(f"expected an optimiser of transformers, such as {', '.join(near)}")
        return value

    @model_validator(mode="after")
    def _one_warmup(self) -> "ScheduleKeys":
        if self.warmup_ratio is not None and self.warmup_steps is not None:
            raise ValueError("warmup_ratio and warmup_steps are both set: keep one")
        return self
