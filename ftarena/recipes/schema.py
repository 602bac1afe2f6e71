"""What a recipe may say: the keys, their meaning, unit and default.

A recipe is flat and uses the names that Hugging Face and TRL users type. Everything is optional but the model
and the data. Defaults that depend on the method are filled in by `Recipe.resolved`.
"""

import re
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ftarena.recipes.choices import OPTIMISERS, TRACKERS
from ftarena.recipes.data_entries import DataEntry, Entries, split_sample
from ftarena.recipes.scalars import Count, Number, Numbers, Text, Texts, Whole

__all__ = ["DPO_LOSSES", "SFT_LOSSES", "SMOOTHED_LOSSES", "Method", "Recipe", "split_sample"]

Method = Literal["sft", "dpo"]

SFT_LOSSES = ("nll", "dft")
# The losses of TRL 1.16 that compare a chosen with a rejected answer; each is documented at
# https://huggingface.co/docs/trl/dpo_trainer#loss-functions
DPO_LOSSES = (
    *("sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot"),
    *("aot_unpaired", "apo_zero", "apo_down", "discopop", "sft", "sigmoid_norm"),
)
SMOOTHED_LOSSES = ("robust", "exo_pair", "aot", "aot_unpaired")
"""The only losses in TRL 1.16 that look at `label_smoothing`; the others ignore it silently."""


class Recipe(BaseModel):
    """Everything that decides what a training run does."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, protected_namespaces=()
    )

    method: Method
    """`sft` learns from answers; `dpo` learns from pairs of a better and a worse answer."""

    model_name_or_path: Text
    """Base model: `demo:smollm2`, a folder, a .gguf file, or a Hugging Face id."""

    dataset: Annotated[Entries, Field(min_length=1)]
    """What to train on, one or a list: files (JSONL, JSON, CSV, TSV, Parquet, Arrow; `.gz`, `.zst`), folders,
    a hub's data sets, `dataset_info.json:NAME`. `file.jsonl#500` takes 500 rows of it at random (by `seed`).
    An entry may also be an object, such as `{path: file.jsonl, weight: 2}`: see docs/recipes.md."""

    name: Text = "run"
    """What the run is called; its id is this and the time. Default: the recipe's file name."""

    init_from: Text | None = None
    """Adapter to go on from: a run's id or name, or a folder. DPO then has that adapter as its reference."""

    eval_dataset: Entries = []
    """What is never trained on, written as for `dataset`; its loss is measured before, during and after."""

    eval_split: Annotated[Number, Field(ge=0)] = 0
    """Hold out part of `dataset` instead of a file: a share below 1, or a number of rows; by content."""

    replay_dataset: Entries = []
    """General examples that are mixed in so that the model keeps what it knew; written as for `dataset`."""

    replay_ratio: Annotated[Number, Field(gt=0, lt=1)] | None = None
    """Share of all training rows that comes from `replay_dataset`. Default 0.05; 0.01 to 0.1 are usual."""

    bad_rows: Literal["error", "drop"] = "error"
    """What happens to a row that cannot be used. `drop` leaves it out, counts it and writes it to the run's
    `dropped.jsonl`."""

    max_length: Annotated[Whole, Field(ge=8, le=1_048_576)] = 1024
    """Longest example, prompt and answer, in tokens (TRL's default). Memory grows with it."""

    too_long: Literal["error", "drop", "truncate"] = "error"
    """What happens to an example above `max_length`. `truncate` cuts the end off, so it unlearns stopping."""

    learning_rate: Annotated[Number, Field(gt=0, lt=1)] | None = None
    """Peak learning rate. Default 1e-4 for SFT and 5e-6 for DPO: about ten times the full fine-tuning values
    of TRL (2e-5, 1e-6), as LoRA wants (Schulman et al. 2025, "LoRA Without Regret"). DPO at 1e-4 on a few
    dozen pairs gives gibberish."""

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

    per_device_train_batch_size: Count = 4
    """Examples (DPO: pairs) in memory at once. Halve it when memory runs out, double the next key."""

    per_device_eval_batch_size: Count = 8
    """The same while measuring held-out loss, which needs no gradients."""

    gradient_accumulation_steps: Count = 4
    """Batches an optimiser step. LoRA suffers from very large products of this and the batch; 16 is usual."""

    lora_r: Annotated[Whole, Field(ge=1, le=512)] = 16
    """Rank of the adapter. 16 is plenty for style and format; 64 and more for new knowledge. The engine must
    be started for at least this rank."""

    lora_alpha: Annotated[Number, Field(gt=0)] | None = None
    """Scale of the adapter, usually 2 × rank (the default), so that the learning rate need not follow it."""

    lora_dropout: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    """Share of the adapter's inputs dropped (PEFT's default 0). DPO always trains without."""

    lora_target_modules: Annotated[Texts, Field(min_length=1)] = ["all-linear"]
    """Layers that get an adapter; all linear ones learn best (Schulman et al. 2025). Never the head or the
    embeddings: vLLM could not serve them."""

    beta: Annotated[Number, Field(gt=0)] = 0.1
    """DPO: how strongly to stay near the reference (Rafailov et al. 2023, arXiv 2305.18290)."""

    loss_type: Texts = []
    """TRL's loss or losses. Default `nll` for SFT and `[sigmoid, sft]` for DPO: the second term keeps the
    chosen answers likely (arXiv 2404.19733), without it both answers' probabilities usually fall."""

    loss_weights: Numbers | None = None
    """One weight a loss; all 1 unless set."""

    label_smoothing: Annotated[Number, Field(ge=0, lt=0.5)] = 0.0
    """Share of pairs believed to be labelled the wrong way round; about 0.1 for noisy votes. Needs
    `loss_type: robust` (arXiv 2403.00409), `exo_pair` or `aot`."""

    packing: bool = False
    """SFT: put several examples into one row of `max_length`. Needs a GPU and `attn_implementation:
    flash_attention_2`, or the examples would see each other."""

    attn_implementation: Text | None = None
    """Which attention transformers uses; its own choice (sdpa) unless set."""

    gradient_checkpointing: bool | None = None
    """Save memory by computing activations twice (about 25 % slower). Default: on a GPU yes, on a CPU no."""

    bf16: bool | None = None
    """Compute in bfloat16. Default: on a GPU that can, yes; on a CPU no, since without AMX or AVX512-bf16 a
    step takes ten times as long."""

    load_in_4bit: bool = False
    """QLoRA: keep the base in 4 bits (GPU and bitsandbytes). The adapter is served on the full base."""

    use_liger_kernel: bool = False
    """Liger's fused GPU kernels for the layers, where `liger-kernel` is installed: about 1.8 × the speed."""

    optim: Text = "adamw_torch"
    """Optimiser, by transformers' name."""

    weight_decay: Annotated[Number, Field(ge=0)] = 0.0
    """AdamW's weight decay on the adapter."""

    max_grad_norm: Annotated[Number, Field(ge=0)] = 1.0
    """Gradients longer than this are shortened; 0 turns it off."""

    seed: Annotated[Whole, Field(ge=0, lt=2**32)] = 42
    """Order of the data, samples, and the adapter's start."""

    logging_steps: Count = 1
    """Steps between two rows of metrics."""

    eval_steps: Count | None = None
    """Steps between two measurements of held-out loss; unset, it is measured before and after only."""

    save_steps: Count | None = None
    """Steps between two checkpoints; unset, one is saved at the end (and whenever the run is stopped)."""

    save_total_limit: Count = 3
    """Checkpoints kept; older ones are removed."""

    report_to: Texts = ["none"]
    """Trackers to tell as well, by transformers' names (`tensorboard`, `wandb`, `trackio` …)."""

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
            raise ValueError("expected letters, digits, dots, dashes and underscores, at most 64")
        return value

    @field_validator("model_name_or_path", "init_from")
    @classmethod
    def _possible_path(cls, value: str | None) -> str | None:
        # 255 bytes is the limit of Linux' file systems; beyond it even asking whether a file exists fails.
        if value and ("\0" in value or any(len(part.encode()) > 255 for part in value.split("/"))):
            raise ValueError("expected a name that a file or folder could have")
        return value

    @field_validator("lora_target_modules")
    @classmethod
    def _servable_modules(cls, value: list[str]) -> list[str]:
        for module in value:
            if module.rpartition(".")[2] in ("lm_head", "embed_tokens", "wte"):
                raise ValueError(f"expected linear layers: vLLM cannot serve an adapter with {module}")
        return value

    @field_validator("max_steps")
    @classmethod
    def _some_steps(cls, value: int) -> int:
        if value == 0:
            raise ValueError("expected at least 1, or -1 for no limit")
        return value

    @field_validator("eval_split")
    @classmethod
    def _share_or_rows(cls, value: float) -> float:
        if value >= 1 and not value.is_integer():
            raise ValueError("expected a share below 1, or a whole number of rows")
        return value

    @field_validator("optim")
    @classmethod
    def _known_optimiser(cls, value: str) -> str:
        if value not in OPTIMISERS:
            near = get_close_matches(value, OPTIMISERS, n=3) or ["adamw_torch", "adamw_8bit", "adafactor"]
            raise ValueError(f"expected an optimiser of transformers, such as {', '.join(near)}")
        return value

    @field_validator("report_to")
    @classmethod
    def _known_trackers(cls, value: list[str]) -> list[str]:
        for tracker in value:
            if tracker not in (*TRACKERS, "all", "none"):
                raise ValueError(f"expected none, all, or some of {', '.join(TRACKERS)}")
        if "none" in value and len(value) > 1:
            raise ValueError("expected none alone, or trackers without it")
        return value

    @model_validator(mode="after")
    def _agree(self) -> "Recipe":
        given = self.model_fields_set
        losses = SFT_LOSSES if self.method == "sft" else DPO_LOSSES
        for loss in self.loss_type:
            if loss not in losses:
                raise ValueError(
                    f"loss_type {loss} does not fit method {self.method}: it has {', '.join(losses)}"
                )
        if self.method == "sft":
            if len(self.loss_type) > 1:
                raise ValueError("loss_type is a list, but method sft takes one loss")
            for key in ("beta", "loss_weights", "label_smoothing"):
                if key in given and getattr(self, key):
                    raise ValueError(f"{key} belongs to method dpo, but method is sft")
        elif self.packing:
            raise ValueError("packing belongs to method sft, but method is dpo")
        n_losses = len(self.loss_type or _DEFAULT_LOSSES[self.method])
        if self.loss_weights is not None and len(self.loss_weights) != n_losses:
            raise ValueError(
                f"loss_weights has {len(self.loss_weights)} values, but loss_type has {n_losses}"
            )
        if self.label_smoothing and not set(self.loss_type) & set(SMOOTHED_LOSSES):
            raise ValueError(
                f"label_smoothing is set, but loss_type {', '.join(self.loss_type) or 'sigmoid, sft'} "
                f"ignores it: choose one of {', '.join(SMOOTHED_LOSSES)} or leave label_smoothing out"
            )
        if self.warmup_ratio is not None and self.warmup_steps is not None:
            raise ValueError("warmup_ratio and warmup_steps are both set: keep one")
        if self.eval_split and self.eval_dataset:
            raise ValueError("eval_split and eval_dataset are both set: keep one")
        if self.replay_ratio is not None and not self.replay_dataset:
            raise ValueError("replay_ratio is set, but there is no replay_dataset to take rows from")
        for entry in self.eval_dataset:
            if isinstance(entry, DataEntry) and entry.weight is not None:
                raise ValueError(
                    "eval_dataset has an entry with a weight, but held-out rows are not mixed: "
                    "use max_samples, or leave it out"
                )
        if self.eval_steps and not (self.eval_split or self.eval_dataset):
            raise ValueError(
                "eval_steps is set, but there is neither eval_dataset nor eval_split to measure on"
            )
        return self

    def resolved(self) -> "Recipe":
        """Return the recipe with every default that depends on the method filled in.

        What depends on the machine (`bf16`, `gradient_checkpointing`) stays open: the worker decides it and
        writes it to the run's `environment.json`.
        """
        warmup = 0.03 if self.warmup_ratio is None and self.warmup_steps is None else self.warmup_ratio
        losses = self.loss_type or list(_DEFAULT_LOSSES[self.method])
        replay = self.replay_ratio or (_DEFAULT_REPLAY if self.replay_dataset else None)
        return self.model_copy(
            update={
                "learning_rate": self.learning_rate or _DEFAULT_LEARNING_RATE[self.method],
                "lora_alpha": self.lora_alpha or 2.0 * self.lora_r,
                "loss_type": losses,
                "loss_weights": self.loss_weights or ([1.0] * len(losses) if self.method == "dpo" else None),
                "replay_ratio": replay,
                "warmup_ratio": warmup,
            }
        )


_DEFAULT_LEARNING_RATE: dict[Method, float] = {"sft": 1e-4, "dpo": 5e-6}
_DEFAULT_LOSSES: dict[Method, tuple[str, ...]] = {"sft": ("nll",), "dpo": ("sigmoid", "sft")}
_DEFAULT_REPLAY = 0.05
# What continued pre-training usually takes (1 to 10 %); a start, not a finding.
