"""What a recipe may say: the keys of `ftarena.recipes.keys` together, and the checks between them.

A recipe is flat and uses the names that Hugging Face and TRL users type. Everything is optional but the
method, the model and the data. Defaults that depend on the method are filled in by `Recipe.resolved`.
"""

from pydantic import model_validator

from ftarena.recipes.agreement import BELONGS, disagreements
from ftarena.recipes.data_entries import split_sample
from ftarena.recipes.defaults import defaults_of
from ftarena.recipes.keys.data import DataKeys
from ftarena.recipes.keys.guards import GuardKeys
from ftarena.recipes.keys.losses import DPO_LOSSES, SFT_LOSSES, SMOOTHED_LOSSES, LossKeys
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
        if found := list(disagreements(self)):
            raise ValueError("\n".join(found))
        return self

    def _precomputes(self) -> bool | None:
        if self.precompute_ref_log_probs is not None or self.method not in REFERENCED_METHODS:
            return self.precompute_ref_log_probs
        return not self.has_adapter or (self.max_steps < 0 and self.num_train_epochs > 1)

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


_DEFAULT_REPLAY = 0.05
# What continued pre-training usually takes (1 to 10 %); a start, not a finding.
