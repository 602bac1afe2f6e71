"""What a worker will decide by itself on a device, foreseen: the counterpart of `worker.machine`."""

from dataclasses import dataclass

from ftarena.recipes.schema import Recipe
from ftarena.training.plan.cards import Card
from ftarena.training.plan.constants import COMPILE_PAYS_FLOP


@dataclass(frozen=True)
class Choices:
    """How a run computes."""

    cuda: bool
    bf16: bool
    checkpointing: bool
    compiled: bool
    budget: float | None
    """Share of a compiled layer's activations that is kept."""

    short_lora: bool
    """Whether LoRA's product is computed in fewer passes."""

    float32_weights: bool
    """Whether the weights that learn are in float32; an adapter's always are."""

    fused_optimiser: bool
    """Whether AdamW works in place, in one kernel."""

    liger: bool
    fp8: bool


def choices_for(recipe: Recipe, card: Card, flop: float) -> Choices:
    """Return what the worker will do where a recipe leaves it open.

    Args:
        recipe: Resolved.
        card: Where it runs.
        flop: Multiplications and additions of the run, four a weight and token.
    """
    cuda = card.device == "cuda"
    budget = recipe.activation_memory_budget if cuda else None
    compiled = recipe.torch_compile if budget is None else True
    fp8 = cuda and recipe.base_precision == "fp8"
    checkpointing = recipe.gradient_checkpointing
    return Choices(
        cuda=cuda,
        bf16=recipe.bf16 if recipe.bf16 is not None else cuda and card.bf16,
        checkpointing=checkpointing if checkpointing is not None else cuda and budget is None,
        compiled=cuda
        and not (fp8 and not recipe.packing)
        and (compiled if compiled is not None else flop > COMPILE_PAYS_FLOP[recipe.packing]),
        budget=budget,
        short_lora=cuda and recipe.tuning in ("lora", "rslora") and not recipe.lora_dropout,
        float32_weights=recipe.has_adapter or not recipe.pure_bf16,
        fused_optimiser=cuda and recipe.optim in ("adamw_torch", "adamw_torch_fused"),
        liger=cuda and bool(recipe.use_liger_kernel),
        fp8=fp8,
    )
