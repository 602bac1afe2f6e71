"""A model's weights with an adapter's changes in them, written tensor by tensor.

    W' = W + s·B·A                                  LoRA (arXiv 2106.09685), s = alpha / r; rsLoRA alpha / √r
    W' = m · (W + s·B·A) / ‖W + s·B·A‖ (by row)      DoRA (arXiv 2402.09353, equation 5)

Computed in float32 whatever the base is stored as, and always into the base as it was published, never into
one that was loaded in 4 bits. Only one tensor is in memory at a time: the base is read through a memory map
and the result is written as it comes.

Only plain LoRA on linear layers, whose names are the same in the files and in memory, is done here. Whatever
else PEFT can train is PEFT's to merge (`is_plain` says which it is).
"""

import json
import math
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from ftarena.errors import FtarenaError

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"

_CODES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""How the safetensors format calls a number's type."""

_DTYPES = {code: dtype for dtype, code in _CODES.items()}

_PREFIX = "base_model.model."
_PARTS = {
    ".lora_A.weight": "a",
    ".lora_B.weight": "b",
    ".lora_magnitude_vector": "magnitude",
    ".lora_magnitude_vector.weight": "magnitude",
}


@dataclass
class Change:
    """What an adapter does to one weight matrix of shape (out, in)."""

    a: torch.Tensor | None = None
    """`(r, in)`"""

    b: torch.Tensor | None = None
    """`(out, r)`"""

    magnitude: torch.Tensor | None = None
    """`(out,)`, with DoRA only."""


@dataclass(frozen=True)
class Adapter:
    """An adapter's changes by the name of the weight in the base's files, such as `model.….q_proj.weight`."""

    changes: dict[str, Change]
    scaling: float
    """Factor of B·A: alpha / r, or alpha / √r."""

    @property
    def learned(self) -> bool:
        """Whether it changes anything at all: B is zero before the first step."""
        return any(bool(change.b.any()) for change in self.changes.values() if change.b is not None)

    def apply(self, name: str, weight: torch.Tensor) -> torch.Tensor:
        """Return a weight as the adapter makes it, in float32; one that it leaves alone as it is."""
        change = self.changes.get(name)
        if change is None or change.a is None or change.b is None:
            return weight
        merged = torch.addmm(weight.float(), change.b.float(), change.a.float(), alpha=self.scaling)
        if change.magnitude is not None:
            merged *= (change.magnitude.float() / torch.linalg.vector_norm(merged, dim=1)).unsqueeze(1)
        return merged


@dataclass
class Count:
    """What became of the weights."""

    tensors: int = 0
    changed: int = 0
    """Tensors that are not, bit by bit, what the base has in this number format."""

    bytes: int = 0


def weight_files(folder: Path) -> list[Path]:
    """Return the files that hold a model's weights, as transformers finds them.

    Raises:
        FtarenaError: There are none, or one of them is missing.
    """
    if (folder / INDEX).is_file():
        names = sorted(set(_index(folder)["weight_map"].values()))
    elif (folder / SINGLE).is_file():
        names = [SINGLE]
    else:
        raise FtarenaError(f"{folder} holds neither {SINGLE} nor {INDEX}", "give the folder of a model")
    files = [folder / name for name in names]
    for file in files:
        if file.parent != folder or not file.is_file():
            raise FtarenaError(f"{folder} lacks {file.name}, which its index names", "fetch the model again")
    return files


def is_plain(adapter: Path, base: Path) -> bool:
    """Return whether an adapter only adds to (or, with DoRA, scales) matrices that the base's files hold."""
    config = _config(adapter)
    special: tuple[str, ...] = (
        "rank_pattern",
        "alpha_pattern",
        "modules_to_save",
        "layer_replication",
        "target_parameters",
    )
    special += ("trainable_token_indices", "lora_bias", "fan_in_fan_out", "arrow_config")
    if config.get("peft_type", "LORA") != "LORA" or config.get("bias", "none") != "none":
        return False
    if any(config.get(key) for key in special):
        return False
    shapes: dict[str, dict[str, tuple[int, ...]]] = {}
    for key, shape in _shapes(adapter / "adapter_model.safetensors").items():
        found = _target(key)
        if found is None:
            return False
        shapes.setdefault(found[0], {})[found[1]] = shape
    here: dict[str, tuple[int, ...]] = {}
    for path in weight_files(base):
        here |= _shapes(path)
    return all(
        {"a", "b"} <= parts.keys() and here.get(name) == (parts["b"][0], parts["a"][1])
        for name, parts in shapes.items()
    )


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    with safe_open(path, framework="pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def stored_bytes(folder: Path, dtype: torch.dtype | None) -> int:
    """Return how many bytes a model's weights take in a number format.

    Args:
        folder: Folder of the model.
        dtype: The format; `None` is as they are stored.

    Raises:
        FtarenaError: A weight is of a kind that cannot be written.
    """
    total = 0
    for path in weight_files(folder):
        with safe_open(path, framework="pt") as file:
            total += sum(math.prod(shape) * kind.itemsize for _, shape, kind in _plan(path, file, dtype))
    return total


def stored_types(folder: Path) -> dict[str, torch.dtype]:
    """Return the number format of each weight in a model's files, by its name there."""
    found: dict[str, torch.dtype] = {}
    for path in weight_files(folder):
        with safe_open(path, framework="pt") as file:
            found |= {name: kind for name, _, kind in _plan(path, file, None)}
    return found


def read_adapter(adapter: Path, scale: float = 1.0) -> Adapter:
    """Return a plain adapter (`is_plain`), weakened or strengthened by a factor.

    Args:
        adapter: Folder with `adapter_config.json` and `adapter_model.safetensors`.
        scale: Factor on what was learned: 0 is the base, 1 the adapter.
    """
    config = _config(adapter)
    rank, alpha = int(config["r"]), float(config["lora_alpha"])
    changes: dict[str, Change] = {}
    with safe_open(adapter / "adapter_model.safetensors", framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 - no mapping: it cannot be iterated over
            if found := _target(key):
                setattr(changes.setdefault(found[0], Change()), found[1], file.get_tensor(key))
    divisor = math.sqrt(rank) if config.get("use_rslora") else rank
    return Adapter(changes, scale * alpha / divisor)


def write_merged(
    base: Path,
    target: Path,
    *,
    adapter: Adapter | None = None,
    dtype: torch.dtype | None = None,
    on_progress: Callable[[str], None] = lambda line: None,
) -> Count:
    """Write a model's weights into another folder, changed by an adapter, in as many files as the base has.

    Args:
        base: Folder of the model as it was published.
        target: Folder that is there already.
        adapter: What is merged; `None` only converts.
        dtype: What floating-point numbers are stored as; `None` is as the base stores each.
        on_progress: Called with one line a file.

    Returns:
        What became of the weights.

    Raises:
        FtarenaError: A weight cannot be written as it is, or the adapter names one that is not there.
        OSError: The disk refuses.
    """
    files, count = weight_files(base), Count()
    met: set[str] = set()
    for number, source in enumerate(files, 1):
        on_progress(f"writing {source.name} ({number} of {len(files)})")
        met |= _write_file(source, target / source.name, adapter, dtype, count)
    if adapter is not None and (missing := sorted(adapter.changes.keys() - met)):
        raise FtarenaError(f"the base has no {missing[0]}, which the adapter changes", "is it another base?")
    if (base / INDEX).is_file():
        index = _index(base)
        index["metadata"] = {**(index.get("metadata") or {}), "total_size": count.bytes}
        (target / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    return count


def _write_file(
    source: Path, target: Path, adapter: Adapter | None, dtype: torch.dtype | None, count: Count
) -> set[str]:
    """Write one file of weights, a tensor at a time; return the names in it."""
    with safe_open(source, framework="pt") as file:
        plan = list(_plan(source, file, dtype))
        header: dict[str, Any] = {"__metadata__": {**(file.metadata() or {}), "format": "pt"}}
    with target.open("wb") as out:
        position = 0
        for name, shape, kind in plan:
            end = position + math.prod(shape) * kind.itemsize
            header[name] = {"dtype": _CODES[kind], "shape": shape, "data_offsets": [position, end]}
            position = end
        table = json.dumps(header, separators=(",", ":")).encode()
        table += b" " * (-len(table) % 8)  # tensors begin at a multiple of 8 bytes, as the format wants
        out.write(struct.pack("<Q", len(table)) + table)
        for name, _, kind in plan:
            with safe_open(source, framework="pt") as file:  # anew: the pages of the last tensor are let go
                before = file.get_tensor(name)
            after = before if adapter is None else adapter.apply(name, before)
            if after is not before and not torch.isfinite(after).all():
                raise FtarenaError(f"{name} is not finite when merged", "take an earlier checkpoint")
            stored = after.to(kind).contiguous()
            if after is not before:
                count.changed += not torch.equal(stored, before.to(kind))
            out.write(memoryview(stored.flatten().view(torch.uint8).numpy()))
            count.tensors += 1
        count.bytes += position
        out.flush()
        os.fsync(out.fileno())
    return {name for name, _, _ in plan}


def _plan(source: Path, file: Any, dtype: torch.dtype | None) -> Iterator[tuple[str, list[int], torch.dtype]]:
    """Yield name, shape and number format of what is written, the widest numbers first so that all align."""
    found = []
    for name in file.keys():  # noqa: SIM118
        part = file.get_slice(name)
        kind = _DTYPES.get(part.get_dtype())
        if kind is None:
            raise FtarenaError(
                f"{source.name} holds {name} as {part.get_dtype()}: the base is quantised itself",
                "give the base as it was before, in bfloat16 or float32",
            )
        if dtype is not None and kind.is_floating_point:
            kind = dtype
        found.append((name, list(part.get_shape()), kind))
    yield from sorted(found, key=lambda row: -row[2].itemsize)


def _target(key: str) -> tuple[str, str] | None:
    """Return which weight of the base a tensor of an adapter belongs to, and as what; None where to none."""
    for ending, part in _PARTS.items():
        if key.startswith(_PREFIX) and key.endswith(ending):
            return f"{key[len(_PREFIX) : -len(ending)]}.weight", part
    return None


def _index(folder: Path) -> dict[str, Any]:
    index: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    return index


def _config(adapter: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    return config
