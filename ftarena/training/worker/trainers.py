"""TRL's trainers as ftarena uses them: examples come tokenised, nothing is dropped behind one's back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PrinterCallback, ProgressCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from ftarena.curation.tokens import Encoded, EncodedPair
from ftarena.recipes.schema import Recipe
from ftarena.training.worker.compact_head import add_compact_head
from ftarena.training.worker.loading import Plan


class AnswerTrainer(SFTTrainer):  # type: ignore[misc]  # TRL has no types
    """Supervised fine-tuning on examples that are already tokenised and labelled."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Leave the model card to `artifacts`: TRL would write one at each checkpoint."""


class PairTrainer(DPOTrainer):  # type: ignore[misc]  # TRL has no types
    """Direct preference optimisation on pairs that are already tokenised."""

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        # SFTTrainer of TRL 1.16 takes tokenised rows as they are, DPOTrainer renders them a second time. With
        # rows of our own both methods end an answer at the very same token.
        return dataset

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        # TRL leaves only the columns of its collator; the sampler needs the length to group pairs by it.
        if "length" not in self._signature_columns:
            self._signature_columns += ["length"]

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Leave the model card to `artifacts`: TRL would write one at each checkpoint."""


def sft_trainer(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Encoded],
    recipe: Recipe,
    machine: Plan,
    output: Path,
    callback: TrainerCallback,
) -> SFTTrainer:
    """Return the trainer of a supervised run.

    Args:
        model: PEFT model with a trainable adapter.
        tokenizer: Saved beside checkpoints, and the source of the padding token.
        examples: What to learn.
        recipe: Resolved recipe.
        machine: What the machine decided.
        output: Folder for checkpoints.
        callback: Is told about steps, logs and evaluations.
    """
    rows = [{"input_ids": one.input_ids, "labels": one.labels} for one in examples]
    config = SFTConfig(
        **_shared(recipe, machine, output),
        loss_type=recipe.loss_type[0],
        packing=recipe.packing,
    )
    trainer = AnswerTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=[callback],
    )
    return _quiet(trainer, machine)


def dpo_trainer(
    model: Any,
    tokenizer: Any,
    pairs: Sequence[EncodedPair],
    recipe: Recipe,
    machine: Plan,
    output: Path,
    callback: TrainerCallback,
) -> DPOTrainer:
    """Return the trainer of a preference run.

    The reference is what the model was at the start. TRL 1.16 keeps a frozen copy of the adapter under the
    name `ref` when it is given a PEFT model; a new adapter starts as zero, so its copy is the base itself.

    Args:
        model: PEFT model with a trainable adapter.
        tokenizer: Saved beside checkpoints, and the source of the padding token.
        pairs: What to learn from.
        recipe: Resolved recipe.
        machine: What the machine decided.
        output: Folder for checkpoints.
        callback: Is told about steps and logs.
    """
    rows = [
        {
            "prompt_ids": pair.prompt_ids,
            "chosen_ids": pair.chosen_ids,
            "rejected_ids": pair.rejected_ids,
            "length": pair.length,
        }
        for pair in pairs
    ]
    config = DPOConfig(
        **_shared(recipe, machine, output),
        loss_type=list(recipe.loss_type),
        loss_weights=recipe.loss_weights,
        beta=recipe.beta,
        label_smoothing=recipe.label_smoothing,
    )
    trainer = PairTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=[callback],
    )
    return _quiet(trainer, machine)


def _shared(recipe: Recipe, machine: Plan, output: Path) -> dict[str, Any]:
    return {
        "output_dir": str(output),
        "max_length": recipe.max_length,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": recipe.lr_scheduler_type,
        # transformers 5 takes a share or a number of steps under the one name.
        "warmup_steps": recipe.warmup_steps if recipe.warmup_steps is not None else recipe.warmup_ratio,
        "num_train_epochs": recipe.num_train_epochs,
        "max_steps": recipe.max_steps,
        "per_device_train_batch_size": recipe.per_device_train_batch_size,
        "per_device_eval_batch_size": recipe.per_device_eval_batch_size,
        "gradient_accumulation_steps": recipe.gradient_accumulation_steps,
        "gradient_checkpointing": machine.gradient_checkpointing,
        "bf16": machine.bf16,
        "use_cpu": machine.device == "cpu",
        "optim": recipe.optim,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "use_liger_kernel": recipe.use_liger_kernel,
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


def _quiet(trainer: Any, machine: Plan) -> Any:
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    if machine.device == "cpu":
        add_compact_head(trainer.model.get_base_model())
    return trainer
