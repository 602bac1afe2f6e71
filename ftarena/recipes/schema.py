"""What a recipe may say: the keys of `ftarena.recipes.keys` together, and the checks between them.

A recipe is flat and uses the names that Hugging Face and TRL users type. Everything is optional but the
method, the model and the data. Defaults that depend on the method are filled in by `Recipe.resolved`.
"""

from pydantic import model_validator

from ftarena.recipes.data_entries import split_sample
from ftarena.recipes.defaults import defaults_of
from ftarena.recipes.keys.data import DataKeys
from ftarena.recipes.keys.guards import GuardKeys
from ftarena.recipes.keys.losses import DPO_LOSSES, REWARDS, SFT_LOSSES, SMOOTHED_LOSSES, LossKeys
from ftarena.recipes.keys.running import RunningKeys
from ftarena.recipes.keys.schedule import ScheduleKeys
from ftarena.recipes.keys.speed import SpeedKeys
from ftarena.recipes.keys.task import PAIR_METHODS, REFERENCED_METHODS, Method, TaskKeys
from ftarena.recipes.keys.tuning import TuningKeys

__all__ = [
    "BELONGS",
    "DPO_LOSSES",
    "PAIR_METHODS",
    "REFERENCED_METHODS",
    "SFT_LOSSES",
    "SMOOTHED_LOSSES",
    "Method",
    "Recipe",
    "split_sample",
]


# Pydantic takes the fields of the last base first: in this order they stand in the docs and in dumps.
class Recipe(RunningKeys, GuardKeys, SpeedKeys, LossKeys, TuningKeys, ScheduleKeys, DataKeys, TaskKeys):
    """Everything that decides what a training run does."""

    @model_validator(mode="after")
    def _agree(self) -> "Recipe":
        self._check_losses()
        self._check_method()
        measured = bool(self.eval_split or self.eval_dataset)
        if self.eval_steps and not measured and not self.general_dataset:
            raise ValueError(
                "eval_steps is set, but there is neither eval_dataset nor eval_split nor general_dataset "
                "to measure on"
            )
        if self.early_stopping_patience and not self.eval_steps:
            raise ValueError(
                "early_stopping_patience is set, but eval_steps is not: nothing is measured on the way"
            )
        if self.early_stopping_patience and not measured:
            raise ValueError(
                "early_stopping_patience is set, but there is neither eval_dataset nor eval_split "
                "to measure on"
            )
        if self.load_in_4bit and self.tuning not in ("lora", "qlora"):
            raise ValueError(
                f"load_in_4bit is set, but tuning is {self.tuning}: a base in 4 bits needs qlora"
            )
        if self.init_from is not None and not self.has_adapter:
            raise ValueError(
                f"init_from names an adapter to go on from, but tuning is {self.tuning}: keep one"
            )
        return self

    def _check_losses(self) -> None:
        given = self.model_fields_set
        known = {"sft": SFT_LOSSES, "dpo": DPO_LOSSES}.get(self.method, ())
        for loss in self.loss_type:
            if known and loss not in known:
                raise ValueError(
                    f"loss_type {loss} does not fit method {self.method}: it has {', '.join(known)}"
                )
        if self.method == "sft" and len(self.loss_type) > 1:
            raise ValueError("loss_type is a list, but method sft takes one loss")
        for key, methods in BELONGS.items():
            if self.method not in methods and key in given and getattr(self, key):
                raise ValueError(f"{key} belongs to method {', '.join(methods)}, but method is {self.method}")
        if self.beta == 0 and self.method != "grpo":
            raise ValueError(f"beta is 0, but method {self.method} needs more than that")
        n_losses = len(self.loss_type or defaults_of(self.method).loss_type)
        if self.loss_weights is not None and len(self.loss_weights) != n_losses:
            raise ValueError(
                f"loss_weights has {len(self.loss_weights)} values, but loss_type has {n_losses}"
            )
        if self.label_smoothing and not set(self.loss_type) & set(SMOOTHED_LOSSES):
            raise ValueError(
                f"label_smoothing is set, but loss_type {', '.join(self.loss_type) or 'sigmoid, sft'} "
                f"ignores it: choose one of {', '.join(SMOOTHED_LOSSES)} or leave label_smoothing out"
            )

    def _precomputes(self) -> bool | None:
        if self.precompute_ref_log_probs is not None or self.method not in REFERENCED_METHODS:
            return self.precompute_ref_log_probs
        return not self.has_adapter or (self.max_steps < 0 and self.num_train_epochs > 1)

    def _check_method(self) -> None:
        """Refuse what a method could not do, before anything is read or loaded."""
        batch = self.per_device_train_batch_size
        if self.method == "kto" and batch == 1:
            raise ValueError(
                "per_device_train_batch_size is 1, but method kto compares answers within a batch: "
                "it needs at least 2"
            )
        if self.method != "grpo":
            return
        if not self.reward_funcs:
            raise ValueError(
                f"reward_funcs is not set, but method grpo needs what scores an answer: {', '.join(REWARDS)}"
            )
        for name in self.reward_funcs:
            if name not in REWARDS and self.reward_file is None:
                raise ValueError(
                    f"reward_funcs names {name}, which is none of {', '.join(REWARDS)}, "
                    "and there is no reward_file that could define it"
                )
            if name in ("regex", "format") and self.reward_pattern is None:
                raise ValueError(f"reward_funcs names {name}, but reward_pattern is not set")
        if self.reward_weights is not None and len(self.reward_weights) != len(self.reward_funcs):
            raise ValueError(
                f"reward_weights has {len(self.reward_weights)} values, but reward_funcs has "
                f"{len(self.reward_funcs)}"
            )
        if self.max_completion_length >= self.max_length:
            raise ValueError(
                f"max_completion_length is {self.max_completion_length}, but max_length is "
                f"{self.max_length}: that leaves no room for the question"
            )
        if isinstance(batch, int) and batch * self.gradient_accumulation_steps % self.num_generations:
            raise ValueError(
                f"per_device_train_batch_size × gradient_accumulation_steps is "
                f"{batch * self.gradient_accumulation_steps}, but it must be a multiple of num_generations, "
                f"which is {self.num_generations}"
            )

    def resolved(self) -> "Recipe":
        """Return the recipe with every default that depends on the method filled in.

        What depends on the machine (`bf16`, `gradient_checkpointing` …) stays open: the worker decides it and
        writes it to the run's `environment.json`.
        """
        usual = defaults_of(self.method)
        losses = self.loss_type or list(usual.loss_type)
        beta = self.beta if self.beta is not None else usual.beta
        tuning = "qlora" if self.load_in_4bit else self.tuning
        return self.model_copy(
            update={
                "tuning": tuning,
                "load_in_4bit": False,
                "learning_rate": self.learning_rate or usual.learning_rate(has_adapter=self.has_adapter),
                "lora_alpha": self.lora_alpha or 2.0 * self.lora_r,
                "beta": beta,
                "loss_type": losses,
                "precompute_ref_log_probs": self._precomputes(),
                "loss_weights": self.loss_weights or ([1.0] * len(losses) if self.method == "dpo" else None),
                "simpo_gamma": (
                    0.5 * (beta or 0)
                    if self.method == "simpo" and self.simpo_gamma is None
                    else self.simpo_gamma
                ),
                "replay_ratio": self.replay_ratio or (_DEFAULT_REPLAY if self.replay_dataset else None),
                "warmup_ratio": (
                    0.03 if self.warmup_ratio is None and self.warmup_steps is None else self.warmup_ratio
                ),
            }
        )


BELONGS: dict[str, tuple[Method, ...]] = {
    "packing": ("sft",),
    "loss_type": ("sft", "dpo"),
    "beta": ("dpo", "ipo", "kto", "orpo", "simpo", "cpo", "grpo"),
    "loss_weights": ("dpo",),
    "label_smoothing": ("dpo",),
    "precompute_ref_log_probs": REFERENCED_METHODS,
    "desirable_weight": ("kto",),
    "undesirable_weight": ("kto",),
    "simpo_gamma": ("simpo",),
    "cpo_alpha": ("cpo",),
    **dict.fromkeys(
        (
            *("reward_funcs", "reward_weights", "reward_pattern", "reward_file"),
            *("num_generations", "max_completion_length", "temperature"),
        ),
        ("grpo",),
    ),
}
"""Keys that only some methods have."""

_DEFAULT_REPLAY = 0.05
# What continued pre-training usually takes (1 to 10 %); a start, not a finding.
