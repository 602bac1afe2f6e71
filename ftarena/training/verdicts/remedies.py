"""What to do about an alarm, the least harm first; each a line with the key or the command to use."""

from ftarena.recipes.schema import PAIR_METHODS, Recipe

_REPLAY_RATIO = 0.05


def against_forgetting(recipe: Recipe, run: str) -> tuple[str, ...]:
    """Return what keeps general knowledge."""
    return (*_replay(recipe), *_gentler(recipe), *_scale(recipe, run), *_smaller(recipe))


def against_drift(recipe: Recipe, run: str) -> tuple[str, ...]:
    """Return what keeps a model near what it was."""
    return (*_replay(recipe), *_nearer(recipe), *_gentler(recipe), *_scale(recipe, run))


def against_overfitting(recipe: Recipe, best: int) -> tuple[str, ...]:
    """Return what keeps a model from learning its examples by heart.

    Args:
        recipe: Of the run.
        best: The step with the lowest held-out loss.
    """
    kept = (
        f"use checkpoint-{best}, where held-out loss was lowest (`best` in the run's folder)"
        if best
        else "held-out loss was lowest before training: does eval_dataset ask what dataset teaches?"
    )
    patience = (
        () if recipe.early_stopping_patience else ("early_stopping_patience: 2, so that it stops by itself",)
    )
    return (kept, *patience, *_gentler(recipe), "more examples, or fewer alike", *_smaller(recipe))


def against_degeneration(recipe: Recipe, run: str) -> tuple[str, ...]:
    """Return what keeps preference learning from ruining the answers."""
    anchored = "sft" in recipe.loss_type
    term = ("loss_type: [sigmoid, sft], which keeps the better answers likely",)
    return (
        *(term if recipe.method == "dpo" and not anchored else ()),
        *_gentler(recipe),
        *_nearer(recipe),
        *_scale(recipe, run),
        "more pairs, whose two answers differ in what matters",
    )


def _replay(recipe: Recipe) -> tuple[str, ...]:
    if recipe.method in PAIR_METHODS or recipe.method in ("kto", "grpo"):
        return ()
    if not recipe.replay_dataset:
        return (
            f"replay_dataset: self with replay_ratio: {_REPLAY_RATIO:g}, "
            "the base model's own answers mixed in (made by ftarena data replay)",
        )
    ratio = recipe.replay_ratio or _REPLAY_RATIO
    return (f"replay_ratio: {min(2 * ratio, 0.5):g} instead of {ratio:g}",)


def _gentler(recipe: Recipe) -> tuple[str, ...]:
    rate = recipe.learning_rate
    slower = f"learning_rate: {rate / 3:.1g} instead of {rate:g}" if rate else "a lower learning_rate"
    if recipe.max_steps > 0:
        fewer = f"max_steps: {max(recipe.max_steps // 2, 1)} instead of {recipe.max_steps}"
    elif recipe.num_train_epochs > 1:
        epochs = recipe.num_train_epochs
        fewer = f"num_train_epochs: {max(epochs / 2, 1):g} instead of {epochs:g}"
    else:
        fewer = "fewer steps: num_train_epochs below 1, or an earlier checkpoint"
    return (slower, fewer)


def _nearer(recipe: Recipe) -> tuple[str, ...]:
    if recipe.method in ("dpo", "ipo", "kto", "grpo"):
        beta = recipe.beta or 0.05
        return (f"beta: {2 * beta:g} instead of {recipe.beta or 0:g}, to stay nearer the reference",)
    return ()


def _scale(recipe: Recipe, run: str) -> tuple[str, ...]:
    return (f"ftarena runs scale {run}: part of the adapter, measured",) if recipe.has_adapter else ()


def _smaller(recipe: Recipe) -> tuple[str, ...]:
    if recipe.has_adapter and recipe.init_from is None and recipe.lora_r > 8:
        return (f"lora_r: {recipe.lora_r // 2} instead of {recipe.lora_r}",)
    return () if recipe.has_adapter else ("tuning: lora, which forgets less (arXiv 2405.09673)",)
