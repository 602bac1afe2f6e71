"""What a model's files say about it, read without loading it."""

import json
import math
import struct
from pathlib import Path
from typing import Any

# Linear layers of dense decoders, as Hugging Face names them. Mixtures of experts and state-space models have
# others, which vLLM packs in ways of its own.
_DENSE = frozenset(
    {
        *("q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "query_key_value", "out_proj", "c_attn"),
        *("gate_proj", "up_proj", "down_proj", "gate_up_proj", "fc1", "fc2", "c_proj", "c_fc"),
        *("dense", "dense_h_to_4h", "dense_4h_to_h"),
    }
)


def weights_bytes(model_path: Path) -> int:
    """Return the size of a model's weight files in bytes."""
    return sum(file.stat().st_size for file in model_path.glob("*.safetensors"))


def whole_models(runs: Path) -> list[Path]:
    """Return the folders of runs that left a whole model: config and weights, not an adapter."""
    folders = runs.iterdir() if runs.is_dir() else ()
    return [
        folder
        for folder in folders
        if (folder / "config.json").is_file() and any(folder.glob("model*.safetensors"))
    ]


def float32_bytes(model_path: Path) -> int:
    """Return what a model's weights take in float32, in bytes; else the size of its files."""
    try:
        tensors = [value for file in model_path.glob("*.safetensors") for value in _header(file).values()]
    except (OSError, ValueError, struct.error):
        return weights_bytes(model_path)
    return sum(4 * math.prod(value.get("shape", ())) for value in tensors)


def context_length(model_path: Path) -> int | None:
    """Return how many tokens a model was made for, as its `config.json` says, or `None` where it does not."""
    try:
        config = json.loads((model_path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    inner = config.get("text_config")  # models that also see or hear keep the decoder's settings there
    value = config.get("max_position_embeddings")
    if value is None and isinstance(inner, dict):
        value = inner.get("max_position_embeddings")
    return value if isinstance(value, int) else None


def linear_layers(model_path: Path) -> list[str] | None:
    """Return the names of the linear layers in a dense decoder's blocks, sorted.

    Args:
        model_path: Folder with `*.safetensors`.

    Returns:
        Such as `["down_proj", "gate_proj", …]`; `None` where the model is not a plain dense decoder, or its
        files cannot be read.
    """
    names: set[str] = set()
    for file in model_path.glob("*.safetensors"):
        try:
            header = _header(file)
        except (OSError, ValueError, struct.error):
            return None
        for tensor, value in header.items():
            parts = tensor.split(".")
            in_block = any(part.isdecimal() for part in parts)
            if in_block and parts[-1] == "weight" and len(value.get("shape", ())) == 2:
                names.add(parts[-2])
    return sorted(names) if names and names <= _DENSE else None


def _header(file: Path) -> dict[str, Any]:
    """Return the table of tensors at the start of a safetensors file (8 bytes of length, then JSON)."""
    with file.open("rb") as source:
        (length,) = struct.unpack("<Q", source.read(8))
        if length > 100_000_000:  # the format's own limit
            raise ValueError("not a safetensors header")
        header = json.loads(source.read(length))
    if not isinstance(header, dict):
        raise ValueError("not a safetensors header")
    return {name: value for name, value in header.items() if name != "__metadata__"}
