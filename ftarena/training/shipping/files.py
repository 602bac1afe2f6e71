"""What goes into a folder that is shipped besides merged weights: files of the run, of its base, and of ours.

Everything that says where things lay on this machine is left out: folders are cut from paths.
"""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ftarena.errors import FtarenaError
from ftarena.hardware import disk_free
from ftarena.processes import read_json
from ftarena.text import size
from ftarena.training.runs import ADAPTER_WEIGHTS, RESOLVED_RECIPE, Run
from ftarena.training.shipping.model_card import hub_name, public_name
from ftarena.training.shipping.modelfile import write_modelfile

ENVIRONMENT = "environment.json"

_SPARE = 1.05  # what a file system needs besides the bytes themselves

_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
)
_LICENCES = ("LICENSE*", "NOTICE*", "USE_POLICY*")


def copy_small(
    run: Run, folders: Sequence[Path], base: Path, half: Path, name: str, dtype: str | None
) -> None:
    """Copy everything but weights and card: tokenizer, template, configuration, licences, the recipe.

    Args:
        run: The run that is shipped.
        folders: Where to look for the files of its tokenizer, in this order.
        base: The model that it began with, or, of a run that trained whole weights, what it ended with.
        half: The folder that is made.
        name: What it is called when it is whole.
        dtype: How the weights are stored, or `as-base`; `None` where the adapter alone is shipped.
    """
    for file_name in _TOKENIZER:
        for folder in folders:
            if (folder / file_name).is_file():
                shutil.copyfile(folder / file_name, half / file_name)
                break
    for pattern in _LICENCES:
        for file in base.glob(pattern):
            if file.is_file():
                shutil.copyfile(file, half / file.name)
    ends = _end_tokens(run, base)
    generation = read_json(base / "generation_config.json") or _token_ids(read_json(base / "config.json"))
    if ends:
        generation["eos_token_id"] = ends[0] if len(ends) == 1 else ends
    _write(half / "generation_config.json", generation)
    if dtype is not None:
        config = read_json(base / "config.json")
        if dtype != "as-base":
            config.pop("torch_dtype", None)
            config["dtype"] = dtype
        config.pop("_name_or_path", None)  # a path on this machine
        _write(half / "config.json", config)
    _write_recipe(run.directory, half)
    write_modelfile(half, name, merged=dtype is not None, base=public_name(run.base_model), end_ids=ends)


def _end_tokens(run: Run, base: Path) -> list[int]:
    """Return the tokens at which the model stops: those of its base, then those of the run's tokenizer."""
    found: list[int] = []
    for ids in (
        read_json(base / "generation_config.json").get("eos_token_id"),
        read_json(base / "config.json").get("eos_token_id"),
        read_json(run.directory / ENVIRONMENT).get("end_token_ids"),
    ):
        for token in ids if isinstance(ids, list) else [ids]:
            if isinstance(token, int) and token not in found:
                found.append(token)
    return found


def _token_ids(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key.endswith("_token_id") and value is not None}


def _write_recipe(run: Path, half: Path) -> None:
    """Copy the resolved recipe, with files named but not where they lay on this machine."""
    try:
        recipe = yaml.safe_load((run / RESOLVED_RECIPE).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return
    text = yaml.safe_dump(_without_folders(recipe), sort_keys=False, allow_unicode=True)
    (half / RESOLVED_RECIPE).write_text(text, encoding="utf-8")


def _without_folders(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    return public_name(value) if isinstance(value, str) else value


def write_adapter(run: Run, folder: Path, half: Path, scale: float) -> None:
    """Write an adapter as it is, weakened by a factor on its alpha.

    Args:
        run: Its run.
        folder: Where it lies.
        half: The folder that is made.
        scale: The factor.

    Raises:
        FtarenaError: The disk is too small.
    """
    config = read_json(folder / "adapter_config.json")
    config["base_model_name_or_path"] = hub_name(run.base_model)
    if scale != 1:
        config["lora_alpha"] = config["lora_alpha"] * scale
        patterns = config.get("alpha_pattern") or {}
        config["alpha_pattern"] = {name: alpha * scale for name, alpha in patterns.items()}
    _write(half / "adapter_config.json", config)
    _copy(folder / ADAPTER_WEIGHTS, half)


def copy_weights(folder: Path, half: Path) -> None:
    """Put a whole model's weights into the folder that is made.

    Raises:
        FtarenaError: The disk is too small.
    """
    files = [*folder.glob("model*.safetensors"), *folder.glob("model*.safetensors.index.json")]
    for file in files:
        _copy(file, half)


def _copy(file: Path, folder: Path) -> None:
    """Put a file into another folder: a second name for the same bytes where the disk can, else a copy."""
    try:
        os.link(file.resolve(), folder / file.name)
        return
    except OSError:
        pass  # another disk, or a file system without links
    needed, free = file.stat().st_size * _SPARE, disk_free(folder)
    if free < needed:
        raise FtarenaError(
            f"{file.name} takes {size(needed)} and {size(free)} are free in {folder.parent}",
            "free some space, or choose another folder with -o",
        )
    shutil.copyfile(file, folder / file.name)


def _write(file: Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
