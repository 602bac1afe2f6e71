"""What the keys of a recipe say together: each contradiction names both keys and the choice.

What one key may hold is checked where it is defined, in `keys`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

from ftarena.recipes.defaults import defaults_of
from ftarena.recipes.keys.losses import DPO_LOSSES, REWARDS, SFT_LOSSES, SMOOTHED_LOSSES
from ftarena.recipes.keys.task import REFERENCED_METHODS, Method

if TYPE_CHECKING:
    from ftarena.recipes.schema import Recipe

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


def disagreements(recipe: "Recipe") -> Iterator[str]:
    """Yield every contradiction between the keys of a recipe, in words."""
    yield from _of_method(recipe)
    yield from _of_losses(recipe)
    yield from _of_measuring(recipe)
    yield from _of_tuning(recipe)
    yield from _of_speed(recipe)
    if recipe.method == "grpo":
        yield from _of_rewards(recipe)


def _of_method(recipe: "Recipe") -> Iterator[str]:
    for key, methods in BELONGS.items():
        if recipe.method not in methods and key in recipe.model_fields_set and getattr(recipe, key):
            yield f"{key} belongs to method {', '.join(methods)}, but method is {recipe.method}"
    if recipe.beta == 0 and recipe.method != "grpo":
        yield f"beta is 0, but method {recipe.method} needs more than that"
    if recipe.method == "kto" and recipe.per_device_train_batch_size == 1:
        yield (
            "per_device_train_batch_size is 1, but method kto compares answers within a batch: "
            "it needs at least 2"
        )
    if recipe.method == "reward" and recipe.init_from is not None:
        yield (
            "init_from is set, but method is reward: a model that scores starts from a base model, since an "
            "adapter that writes answers has no head for it"
        )


def _of_losses(recipe: "Recipe") -> Iterator[str]:
    known = {"sft": SFT_LOSSES, "dpo": DPO_LOSSES}.get(recipe.method, ())
    unfit = [loss for loss in recipe.loss_type if known and loss not in known]
    for loss in unfit:
        if loss in get_args(Method) and loss != recipe.method:
            yield f"loss_type {loss} does not fit method {recipe.method}: write method: {loss}"
        else:
            yield f"loss_type {loss} does not fit method {recipe.method}: it has {', '.join(known)}"
    if recipe.method == "sft" and len(recipe.loss_type) > 1:
        yield "loss_type is a list, but method sft takes one loss"
    if unfit or not known:
        return
    n_losses = len(recipe.loss_type or defaults_of(recipe.method).loss_type)
    if recipe.method == "dpo" and recipe.loss_weights is not None and len(recipe.loss_weights) != n_losses:
        yield f"loss_weights has {len(recipe.loss_weights)} values, but loss_type has {n_losses}"
    if recipe.method == "dpo" and recipe.label_smoothing and not set(recipe.loss_type) & set(SMOOTHED_LOSSES):
        yield (
            f"label_smoothing is set, but loss_type {', '.join(recipe.loss_type) or 'sigmoid, sft'} "
            f"ignores it: choose one of {', '.join(SMOOTHED_LOSSES)} or leave label_smoothing out"
        )


def _of_measuring(recipe: "Recipe") -> Iterator[str]:
    measured = bool(recipe.eval_split or recipe.eval_dataset)
    if recipe.eval_steps and not measured and not recipe.general_dataset:
        yield (
            "eval_steps is set, but there is neither eval_dataset nor eval_split nor general_dataset "
            "to measure on"
        )
    if recipe.early_stopping_patience and not recipe.eval_steps:
        yield "early_stopping_patience is set, but eval_steps is not: nothing is measured on the way"
    elif recipe.early_stopping_patience and not measured:
        yield (
            "early_stopping_patience is set, but there is neither eval_dataset nor eval_split to measure on"
        )
    if recipe.early_stopping_threshold and not recipe.early_stopping_patience:
        yield "early_stopping_threshold is set, but early_stopping_patience is not: nothing stops early"


def _of_tuning(recipe: "Recipe") -> Iterator[str]:
    if recipe.load_in_4bit and recipe.tuning not in ("lora", "qlora"):
        yield f"load_in_4bit is set, but tuning is {recipe.tuning}: a base in 4 bits needs qlora"
    if recipe.init_from is not None and not recipe.has_adapter:
        yield f"init_from names an adapter to go on from, but tuning is {recipe.tuning}: keep one"


def _of_speed(recipe: "Recipe") -> Iterator[str]:
    if recipe.base_precision == "fp8":
        if recipe.tuning == "qlora" or recipe.load_in_4bit:
            yield "base_precision is fp8, but tuning is qlora, whose frozen weights are in 4 bits: keep one"
        elif recipe.tuning == "full":
            yield "base_precision is fp8, but tuning is full: no weights are frozen"
        if recipe.activation_memory_budget is not None and not recipe.packing:
            yield (
                "base_precision is fp8 and activation_memory_budget is set, but packing is not: in 8 bits "
                "only packed rows are compiled, and only compiled layers have a budget"
            )
        if recipe.bf16 is False:
            yield "base_precision is fp8, but bf16 is false: the other products would be in float32"
    if recipe.activation_memory_budget is not None:
        if recipe.torch_compile is False:
            yield "activation_memory_budget is set, but torch_compile is false: only compiled layers have one"
        if recipe.gradient_checkpointing:
            yield (
                "activation_memory_budget and gradient_checkpointing are both set, and one replaces the "
                "other: keep one"
            )


def _of_rewards(recipe: "Recipe") -> Iterator[str]:
    if not recipe.reward_funcs:
        yield f"reward_funcs is not set, but method grpo needs what scores an answer: {', '.join(REWARDS)}"
    own = [name for name in recipe.reward_funcs if name not in REWARDS]
    for name in own:
        if recipe.reward_file is None:
            yield (
                f"reward_funcs names {name}, which is none of {', '.join(REWARDS)}, "
                "and there is no reward_file that could define it"
            )
        elif not name.isidentifier():
            yield f"reward_funcs names {name}, but no function can be called that"
    if recipe.reward_file is not None and recipe.reward_funcs and not own:
        yield "reward_file is set, but reward_funcs names none of its functions: leave it out, or name one"
    patterned = [name for name in recipe.reward_funcs if name in ("regex", "format")]
    if patterned and recipe.reward_pattern is None:
        yield f"reward_funcs names {', '.join(patterned)}, but reward_pattern is not set"
    if recipe.reward_pattern is not None and recipe.reward_funcs and not patterned:
        yield "reward_pattern is set, but reward_funcs names neither regex nor format, which use it"
    if recipe.reward_weights is not None and len(recipe.reward_weights) != len(recipe.reward_funcs):
        yield (
            f"reward_weights has {len(recipe.reward_weights)} values, but reward_funcs has "
            f"{len(recipe.reward_funcs)}"
        )
    if recipe.max_completion_length >= recipe.max_length:
        yield (
            f"max_completion_length is {recipe.max_completion_length}, but max_length is "
            f"{recipe.max_length}: that leaves no room for the question"
        )
    batch = recipe.per_device_train_batch_size
    if isinstance(batch, int) and batch * recipe.gradient_accumulation_steps % recipe.num_generations:
        yield (
            f"per_device_train_batch_size × gradient_accumulation_steps is "
            f"{batch * recipe.gradient_accumulation_steps}, but it must be a multiple of num_generations, "
            f"which is {recipe.num_generations}"
        )
