"""What a run leaves behind besides its logs: the adapter, what it was made with, and a card that says so."""

import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from ftarena import __version__
from ftarena.curation.tokens import ChatTokenizer
from ftarena.processes import write_json
from ftarena.recipes.schema import Recipe
from ftarena.training.runs import ADAPTER_WEIGHTS
from ftarena.training.worker.machine import Machine

ENVIRONMENT = "environment.json"

_PACKAGES = ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "tokenizers", "safetensors")


def save_environment(
    directory: Path, *, base: Path, machine: Machine, tokenizer: ChatTokenizer, end_ids: frozenset[int]
) -> None:
    """Write what the result depends on besides recipe and data."""
    versions = {"ftarena": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        versions[package] = metadata.version(package)
    write_json(
        directory / ENVIRONMENT,
        {
            "versions": versions,
            "machine": machine.to_json(),
            "platform": platform.platform(),
            "base_model_path": str(base),
            "chat_template_sha256": tokenizer.template_digest if tokenizer.template else None,
            "end_token_ids": sorted(end_ids),
        },
    )


def save_model(directory: Path, model: Any, tokenizer: Any, recipe: Recipe) -> None:
    """Write what was learned and the tokenizer with its chat template at the top of the run's folder.

    Of adapters only `default` is saved: DPO's frozen copy `ref` is not part of the result.

    Args:
        directory: The run's folder.
        model: The trained model, unwrapped.
        tokenizer: The model's.
        recipe: Says which weights learned.
    """
    if recipe.method == "reward":
        model = _merged(model)
    if hasattr(model, "peft_config"):
        model.save_pretrained(str(directory), selected_adapters=["default"])
    else:
        _as_the_base(model).save_pretrained(str(directory))
    tokenizer.save_pretrained(str(directory))


def _merged(model: Any) -> Any:
    """Return a reward model as one whole: its head is no part of an adapter that any engine could load.

    A base in 4 bits stays as it is, since merging would round what was learned to 4 bits: PEFT loads the
    adapter together with the head that lies in it.
    """
    if not hasattr(model, "peft_config") or getattr(model, "is_loaded_in_4bit", False):
        return model
    return model.merge_and_unload()


def _as_the_base(model: Any) -> Any:
    """Return a model in the number format of its base's files, whatever it was trained in."""
    stored = AutoConfig.from_pretrained(model.name_or_path, local_files_only=True).dtype
    return model if stored is None else model.to(stored)


def link_best(directory: Path, losses: Mapping[int, float]) -> int | None:
    """Let `best` point to the checkpoint with the lowest held-out loss; return its step, if there is one.

    Args:
        directory: The run's folder.
        losses: Held-out loss by step.
    """
    kept = {step: loss for step, loss in losses.items() if (directory / f"checkpoint-{step}").is_dir()}
    if not kept:
        return None
    best = min(kept, key=lambda step: (kept[step], step))
    link = directory / "best"
    link.unlink(missing_ok=True)
    link.symlink_to(f"checkpoint-{best}", target_is_directory=True)
    return best


def save_card(directory: Path, recipe: Recipe, lock: Mapping[str, Any], losses: Mapping[int, float]) -> None:
    """Write the model card: what the model is made of, what it learned from, and how well it did."""
    files = [
        f"- `{Path(entry['path']).name}`: {entry['used']} of {entry['rows']} rows"
        + (" (replay: general examples against forgetting)" if entry.get("replay") else "")
        for entry in lock["train"]
    ]
    adapter = (directory / ADAPTER_WEIGHTS).is_file()
    rank = f", rank {recipe.lora_r}" if recipe.has_adapter else ""
    lines = [
        "---",
        f"base_model: {recipe.model_name_or_path}",
        f"library_name: {'peft' if adapter else 'transformers'}",
        f"pipeline_tag: {'text-classification' if recipe.method == 'reward' else 'text-generation'}",
        f"tags: [{recipe.tuning}, {recipe.method}, trl, ftarena]",
        "---",
        "",
        f"# {directory.name}",
        "",
        f"{_what(recipe, adapter=adapter)} `{recipe.model_name_or_path}`, trained with "
        f"{recipe.method.upper()} by ftarena {__version__} (TRL {metadata.version('trl')}).",
        "",
        "## Trained on",
        "",
        *files,
        "",
        f"Learning rate {recipe.learning_rate:g}{rank}; everything else is in "
        "`recipe.resolved.yaml`, `data.lock.json` and `environment.json`.",
        "",
    ]
    if losses:
        lines += ["## Held-out loss (nats per answer token)", "", "| step | loss |", "|---|---|"]
        lines += [f"| {step} | {loss:.3f} |" for step, loss in sorted(losses.items())]
        lines += [""]
    (directory / "README.md").write_text("\n".join(lines), encoding="utf-8")


_KINDS = {"lora": "LoRA", "dora": "DoRA", "rslora": "rank-stabilised LoRA", "qlora": "QLoRA"}


def _what(recipe: Recipe, *, adapter: bool) -> str:
    """Return what a run has made, as the beginning of a sentence that goes on with the base's name."""
    if recipe.method == "reward":
        return "A model that scores answers, made of"
    if adapter:
        return f"A {_KINDS[recipe.tuning]} adapter of"
    which = f"the last {recipe.last_layers} layers" if recipe.last_layers else "all weights"
    return f"A model of its own, {which} tuned, made of"
