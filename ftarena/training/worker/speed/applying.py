"""Which of the measures a run takes; all are decided here, from what `Machine` says."""

from typing import Any

from ftarena.training.plan.constants import COMPILE_PAYS_FLOP
from ftarena.training.worker.compact_head import add_compact_head
from ftarena.training.worker.job import Job
from ftarena.training.worker.speed import varlen
from ftarena.training.worker.speed.compiling import compile_layers, decoder_layers
from ftarena.training.worker.speed.head import add_piecewise_head
from ftarena.training.worker.speed.lora import shorten_lora
from ftarena.training.worker.speed.packing import PackedCollator


def hasten(trainer: Any, job: Job) -> list[str]:
    """Apply to a trainer what makes its steps faster; return what was applied, in words for the log.

    Args:
        trainer: With its model, head and data, before `train`.
        job: The run.
    """
    machine = job.machine
    model = trainer.model.get_base_model() if hasattr(trainer.model, "get_base_model") else trainer.model
    if machine.device == "cpu":
        return ["compact head"] if _has_fused_head(model) and add_compact_head(model) else []
    done: list[str] = []
    if machine.short_lora and (count := shorten_lora(trainer.model, fp8=machine.fp8)):
        done.append(f"{'8-bit' if machine.fp8 else 'short'} LoRA products in {count} layers")
    if machine.fused_head and _has_fused_head(model) and add_piecewise_head(model):
        done.append("log-probabilities in pieces")
    packed = bool(job.recipe.packing)
    if packed and machine.varlen and decoder_layers(model):
        varlen.register()
        model.set_attn_implementation(varlen.NAME)
        varlen.watch(model.base_model)
        pad = trainer.processing_class.pad_token_id
        trainer.data_collator = PackedCollator(job.recipe.max_length, pad)
        done.append("attention over packed rows")
    if (
        not (machine.fp8 and not packed)  # torch 2.11 cannot compile 8-bit products for rows of all lengths
        and (machine.compile or (machine.compile is None and _worth_compiling(trainer, model, job)))
        and (count := compile_layers(model, budget=machine.activation_budget, dynamic=not packed))
    ):
        budget = machine.activation_budget
        kept = f", {budget:.0%} of activations kept" if budget is not None else ""
        done.append(f"{count} compiled layers{kept}")
    return done


def _has_fused_head(model: Any) -> bool:
    """Return whether TRL has given the model its fused head; other trainers compute the loss themselves."""
    return "forward" in vars(model)


def _worth_compiling(trainer: Any, model: Any, job: Job) -> bool:
    """Return whether compiled layers win back the time that compiling takes."""
    tokens = _tokens(trainer, job)
    weights = sum(weight.numel() for weight in model.parameters())
    return bool(4 * weights * tokens > COMPILE_PAYS_FLOP[job.recipe.packing])


def _tokens(trainer: Any, job: Job) -> float:
    recipe = job.recipe
    rows = trainer.train_dataset
    columns = [name for name in rows.column_names if name.endswith("ids")]
    sample = rows.select(range(min(len(rows), 500)))
    mean = sum(len(row[name]) for row in sample for name in columns) / max(len(sample), 1)
    seen = len(rows) * recipe.num_train_epochs
    if recipe.max_steps > 0:
        seen = recipe.max_steps * recipe.batch_size * recipe.gradient_accumulation_steps
    return float(mean * seen)
