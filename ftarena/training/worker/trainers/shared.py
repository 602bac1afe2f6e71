"""What the trainers of all methods have in common."""

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from transformers import PrinterCallback, ProgressCallback

from ftarena.curation.tokens import EncodedPair
from ftarena.training.worker.checkpoints import SafeCheckpoints
from ftarena.training.worker.job import Job
from ftarena.training.worker.speed import hasten


class RunTrainer(SafeCheckpoints):
    """Mixed into every trainer of TRL, before it."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Leave the model card to `artifacts`: TRL would write one at each checkpoint."""


def shared_arguments(job: Job) -> dict[str, Any]:
    """Return what the configuration of every trainer of TRL has in common."""
    recipe, machine = job.recipe, job.machine
    return {
        "output_dir": str(job.directory),
        "max_length": recipe.max_length,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": recipe.lr_scheduler_type,
        # transformers 5 takes a share or a number of steps under the one name.
        "warmup_steps": recipe.warmup_steps if recipe.warmup_steps is not None else recipe.warmup_ratio,
        "num_train_epochs": recipe.num_train_epochs,
        "max_steps": recipe.max_steps,
        "per_device_train_batch_size": recipe.batch_size,
        "per_device_eval_batch_size": recipe.per_device_eval_batch_size,
        "gradient_accumulation_steps": recipe.gradient_accumulation_steps,
        "gradient_checkpointing": machine.gradient_checkpointing,
        "bf16": machine.bf16,
        "use_cpu": machine.device == "cpu",
        "optim": _optimiser(job),
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "use_liger_kernel": machine.liger,
        "seed": recipe.seed,
        "logging_steps": recipe.logging_steps,
        "logging_nan_inf_filter": False,  # transformers would show a NaN as the last good loss
        "eval_strategy": "no",  # held-out loss is measured by the callback, see `heldout`
        "save_strategy": "steps" if recipe.save_steps else "no",
        "save_steps": recipe.save_steps or 500,
        "save_total_limit": recipe.save_total_limit,
        "report_to": [] if recipe.report_to == ["none"] else list(recipe.report_to),
        "disable_tqdm": True,
        "dataloader_pin_memory": machine.device == "cuda",
        # Batches of like length: of 8 demo examples 20 % would be padding otherwise.
        "train_sampling_strategy": "random" if recipe.packing else "group_by_length",
        "length_column_name": "length",
    }


def _optimiser(job: Job) -> str:
    """On a GPU AdamW in one launch for all weights instead of several for each; the result is the same."""
    name = job.recipe.optim
    return "adamw_torch_fused" if name == "adamw_torch" and job.machine.device == "cuda" else name


def pair_rows(pairs: Sequence[EncodedPair]) -> Dataset:
    """Return pairs as the rows that preference trainers take; `length` is what they are grouped by."""
    return Dataset.from_list(
        [
            {
                "prompt_ids": pair.prompt_ids,
                "chosen_ids": pair.chosen_ids,
                "rejected_ids": pair.rejected_ids,
                "length": pair.length,
            }
            for pair in pairs
        ]
    )


def ready(trainer: Any, job: Job) -> Any:
    """Return a trainer that prints nothing by itself and has the quickest head for the machine."""
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    if job.recipe.tuning == "qlora":
        # TRL 1.16 puts the adapter of a 4-bit base into bfloat16, where AdamW's small steps are lost.
        for weight in trainer.model.parameters():
            if weight.requires_grad:
                weight.data = weight.data.float()
    if applied := hasten(trainer, job):
        job.reporter.event("speed", "; ".join(applied))
    return trainer
