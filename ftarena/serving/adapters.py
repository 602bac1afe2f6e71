"""Whether an adapter can be served on a base, said before vLLM is asked.

vLLM's own refusals come as tracebacks or, for another chat template, not at all: a template that the model
was not trained with costs accuracy silently (26 % against 57 % in one report, hiyouga/LlamaFactory#2509).
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError


def check_adapter(adapter: Path, base: Path, max_rank: int) -> None:
    """Check that an engine for `base` can serve `adapter` as it was trained.

    Args:
        adapter: Folder with `adapter_config.json` and `adapter_model.safetensors`.
        base: Folder of the base model.
        max_rank: Largest rank the engine was started for.

    Raises:
        FtarenaError: It is no adapter, cannot be served as LoRA, has too large a rank, or was trained with
            another chat template than the engine would use.
    """
    config = _config(adapter)
    if not (adapter / "adapter_model.safetensors").is_file():
        raise FtarenaError(
            f"{adapter} has no adapter_model.safetensors",
            "its run has not ended, or wrote pickled weights, which are not loaded",
        )
    kind = str(config.get("peft_type", "LORA")).upper()
    if kind != "LORA" or config.get("use_dora"):
        name = "DoRA" if config.get("use_dora") else kind
        raise FtarenaError(
            f"{adapter.name} is a {name} adapter, and the engine serves LoRA only",
            "merge it (ftarena export model RUN -o DIR), then: ftarena contestants add NAME --model DIR",
        )
    if config.get("modules_to_save"):
        names = ", ".join(config["modules_to_save"])
        raise FtarenaError(
            f"{adapter.name} carries whole trained layers ({names}), which cannot be served as LoRA",
            "merge it into its base, or train without new tokens and modules_to_save",
        )
    if "lm_head" in (config.get("target_modules") or ()):
        raise FtarenaError(
            f"{adapter.name} was trained on the output layer (lm_head), which vLLM serves with wrong "
            "log-probabilities",
            "train without it: lora_target_modules: all-linear leaves it out",
        )
    rank = adapter_rank(config)
    if rank > max_rank:
        raise FtarenaError(
            f"{adapter.name} has rank {rank}, and the engine was started for ranks up to {max_rank}",
            f"ftarena engine stop && ftarena engine start --max-lora-rank {rank}",
        )
    _check_template(adapter, base)


def adapter_rank(config: dict[str, Any]) -> int:
    """Return the largest rank in an adapter's configuration, patterns by module included."""
    return max(
        [int(config.get("r") or 0), *(int(rank) for rank in (config.get("rank_pattern") or {}).values())]
    )


def largest_rank(folders: Iterable[Path]) -> int:
    """Return the largest rank among the adapters in some folders; 0 where none holds one that can be read."""
    ranks = [0]
    for folder in folders:
        try:
            ranks.append(adapter_rank(_config(folder)))
        except (
            FtarenaError,
            ValueError,
            AttributeError,
        ):  # no adapter (yet), or one that `check_adapter` names
            continue
    return max(ranks)


def chat_template(folder: Path) -> str | None:
    """Return the chat template that lies with a model or an adapter, or `None` where there is none.

    A `chat_template.jinja` wins over an entry in `tokenizer_config.json`, as in transformers; of a list of
    named templates it is the one called `default`.
    """
    try:
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    except OSError:
        pass
    try:
        value = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get(
            "chat_template"
        )
    except (OSError, ValueError):
        return None
    if isinstance(value, list):
        named = {entry.get("name"): entry.get("template") for entry in value if isinstance(entry, dict)}
        value = named.get("default")
    return value if isinstance(value, str) else None


def template_hash(template: str) -> str:
    """Return the first 12 hex digits of a template's SHA-256; white space at its end does not count."""
    return hashlib.sha256(template.rstrip().encode()).hexdigest()[:12]


def _check_template(adapter: Path, base: Path) -> None:
    trained, served = chat_template(adapter), chat_template(base)
    if trained is None:  # an adapter from elsewhere, saved without its tokenizer: nothing to compare
        return
    if served is None or template_hash(trained) != template_hash(served):
        ours = template_hash(served) if served is not None else "none"
        raise FtarenaError(
            f"{adapter.name} was trained with another chat template ({template_hash(trained)}) than its base "
            f"would be served with ({ours}), so its answers would be worse than it is",
            f"compare the chat_template.jinja in {adapter} with the one in {base}; train with the base's",
        )


def _config(adapter: Path) -> dict[str, Any]:
    try:
        config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FtarenaError(
            f"there is no adapter in {adapter}", "see what was trained: ftarena runs"
        ) from None
    except (OSError, ValueError) as error:
        raise FtarenaError(f"{adapter / 'adapter_config.json'} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise FtarenaError(f"{adapter / 'adapter_config.json'} is not an adapter's configuration")
    return config
