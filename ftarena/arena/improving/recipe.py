"""The recipe of a run that learns from votes: a small step from the parent, and why each key is so."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ftarena.arena.improving.record import ImproveMethod
from ftarena.recipes.data_entries import split_sample
from ftarena.recipes.keys.losses import SMOOTHED_LOSSES
from ftarena.recipes.names import ALIASES
from ftarena.training.runs import Run

KEPT = (
    *("tuning", "lora_r", "lora_alpha", "lora_dropout", "lora_target_modules"),
    *("base_precision", "attn_implementation", "bf16", "gradient_checkpointing", "max_length"),
)
"""Keys that a child takes from its parent: what its weights are, and how the machine holds them."""


class Pace(NamedTuple):
    """How far so many pairs may move the model."""

    learning_rate: float
    epochs: int
    pairs_a_step: int


def pace_of(pairs: int) -> Pace:
    """Return learning rate, epochs and pairs a step for a number of pairs.

    Some dozens of pairs make a handful of steps, which at DPO's usual 5e-6 would change nothing: they are
    seen twice in small batches, at 4e-5. DPO's ceiling with LoRA is about 5e-5; at 1e-4 the margin still
    rises while the answers become gibberish. Not three times: with 34 pairs for shorter answers all of them
    were ranked right by then, and the general loss had risen by 0.11 nats (SmolLM2-135M). From some thousand
    pairs on it is the usual rate, and once.

    Args:
        pairs: What is trained on.
    """
    if pairs < 100:
        return Pace(4e-5, 2, 4 if pairs < 32 else 8)
    if pairs < 500:
        return Pace(2e-5, 2, 8)
    return Pace(1e-5, 1, 16) if pairs < 2000 else Pace(5e-6, 1, 16)


def recipe_text(
    *,
    method: ImproveMethod,
    name: str,
    parent: Run,
    inherited: Mapping[str, Any],
    pairs: int,
    data: Path,
    heldout: Path | None,
    label_smoothing: float,
    why_smoothing: str,
    overrides: Mapping[str, str],
) -> str:
    """Return a recipe as YAML with a comment beside what is not obvious.

    Args:
        method: What is learned from.
        name: What the run is called.
        parent: What it goes on from.
        inherited: The parent's resolved recipe.
        pairs: What is trained on, counted.
        data: The file of the pairs.
        heldout: The file that is measured on, if there is one.
        label_smoothing: The mean chance that a pair is the wrong way round.
        why_smoothing: Where that is from, one line.
        overrides: Keys that the user gave; they are put on top when the recipe is loaded, and only decide
            here which keys must not be said.
    """
    given = {
        ALIASES.get(key.replace("-", "_"), key.replace("-", "_")): text for key, text in overrides.items()
    }
    pace = pace_of(pairs)
    lines = [
        f"# Learn from {pairs} {'pairs' if method == 'dpo' else 'labelled answers'} that people voted for.",
        f"# Made by: ftarena improve {parent.id}",
        "",
        f"method: {method}",
        f"name: {_yaml(name)}",
    ]
    if parent.adapter is not None:
        lines += [
            f"model_name_or_path: {_yaml(parent.base_model)}",
            f"init_from: {_yaml(parent.id)}   # which is also the reference to stay near",
        ]
    else:
        lines.append(f"model_name_or_path: {_yaml(str(parent.model))}   # the whole model that the run left")
    lines += ["", f"dataset: {_yaml(str(data))}"]
    if heldout is not None:
        lines.append(
            f"eval_dataset: {_yaml(str(heldout))}   # never trained on: did it cost what was learned before?"
        )
    if general := _general(inherited):
        lines.append(f"general_dataset: {_yaml(general)}   # nor what the base knew")
    lines += [
        "too_long: drop   # one answer of a thousand tokens must not keep the others from being learned"
    ]
    kept = [key for key in KEPT if inherited.get(key) is not None and parent.adapter is not None]
    lines += ["", "# as the parent", *(f"{key}: {_yaml(inherited[key])}" for key in kept)] if kept else []
    lines += ["", *_loss_lines(method, label_smoothing, why_smoothing, given)]
    batch = min(4, pace.pairs_a_step)
    lines += [
        "",
        f"learning_rate: {pace.learning_rate:g}   # for so few; above 5e-5 DPO breaks answers",
        f"num_train_epochs: {pace.epochs}",
        "lr_scheduler_type: linear",
        "warmup_steps: 0   # with so few steps each one counts" if pairs < 500 else "warmup_ratio: 0.03",
        f"per_device_train_batch_size: {batch}",
        f"gradient_accumulation_steps: {pace.pairs_a_step // batch}",
        "",
    ]
    return "\n".join(lines)


def _loss_lines(method: ImproveMethod, smoothing: float, why: str, given: Mapping[str, str]) -> Sequence[str]:
    if method == "kto":
        return (
            "beta: 0.1   # how near to stay to the parent; KTO's value function saturates for doubtful votes",
        )
    lines = ["beta: 0.1   # how near to stay to the parent"]
    if "loss_type" in given:
        knows = any(loss in given["loss_type"] for loss in SMOOTHED_LOSSES)
        if smoothing and knows and "label_smoothing" not in given:
            lines.append(f"label_smoothing: {smoothing:g}")
        return lines
    own = _number(given.get("label_smoothing"))
    smoothing = smoothing if own is None else own
    if not smoothing:
        return [
            *lines,
            f"# {why}",
            "loss_type: [sigmoid, sft]   # sft keeps the better answers likely (arXiv 2404.19733)",
        ]
    lines += [f"# {why}", f"label_smoothing: {smoothing:g}", "loss_type: [robust, sft]   # arXiv 2403.00409"]
    if "loss_weights" not in given:
        lines += [
            "# robust divides by 1 - 2 × label_smoothing: taken back, so that doubt does not outweigh sft",
            f"loss_weights: [{1 - 2 * smoothing:.4g}, 1.0]",
        ]
    return lines


def _general(inherited: Mapping[str, Any]) -> list[Any]:
    """Return what the parent measured forgetting on, as far as it is still there."""
    entries = inherited.get("general_dataset")
    return [entry for entry in entries if _is_there(entry)] if isinstance(entries, list) else []


def _is_there(entry: Any) -> bool:
    path = entry.get("path") if isinstance(entry, Mapping) else entry
    if not isinstance(path, str):
        return False
    name = split_sample(path)[0]
    return name.startswith("builtin:") or Path(name).exists()


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None  # the recipe's schema says what is wrong with it


def _yaml(value: Any) -> str:
    """Return a value as YAML on one line: JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)
