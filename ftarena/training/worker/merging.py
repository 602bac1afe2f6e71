"""Write a model's weights into a folder, an adapter merged into them, and check what was written.

    python -m ftarena.training.worker.merging --base DIR --target DIR [--adapter DIR] [--scale 0.5]
        [--dtype float32|bfloat16|as-base] [--verify]

The target is a folder that holds everything but the weights already, so that what was written can be loaded
as a user would. Prints `progress: …`, at the end `result: {…}` (JSON), and where it fails `error: …` and
`hint: …`, each on one line.
"""

import argparse
import json
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError, from_os_error
from ftarena.hardware import disk_free, memory
from ftarena.text import clean_line, size

_SPARE = 1.02  # what a file system needs besides the bytes themselves
_PROGRAM_BYTES = 1_000_000_000
"""What Python, torch and transformers take beside the weights."""


def merge(
    base: Path, target: Path, *, adapter: Path | None, scale: float, dtype_name: str, verifies: bool
) -> dict[str, Any]:
    """Write the weights and return what became of them: counts, figures of the check, memory.

    Args:
        base: Folder of the model that is changed or converted.
        target: Folder with everything but the weights.
        adapter: Folder of what is merged; `None` only converts.
        scale: Factor on what the adapter learned.
        dtype_name: `as-base`, `float32` or `bfloat16`.
        verifies: Whether to load and compare the result.

    Raises:
        FtarenaError: Too little disk or memory, something does not fit, or the result is not the same.
        OSError: The disk refuses.
    """
    print("progress: loading libraries", flush=True)
    import torch

    from ftarena.training.worker.merged_weights import is_plain, read_adapter, stored_bytes, write_merged

    dtype = None if dtype_name == "as-base" else getattr(torch, dtype_name)
    needed, in_float32 = stored_bytes(base, dtype), stored_bytes(base, torch.float32)
    if (free := disk_free(target)) < needed * _SPARE:
        raise FtarenaError(
            f"the model takes {size(needed)} and {size(free)} are free in {target.parent}",
            "free some space, or choose another folder with -o",
        )
    plain = adapter is None or is_plain(adapter, base)
    if verifies or not plain:
        _check_memory(in_float32)
    if plain:
        changes = None if adapter is None else read_adapter(adapter, scale)
        count = write_merged(base, target, adapter=changes, dtype=dtype, on_progress=_tell)
        result: dict[str, Any] = asdict(count)
        if changes is not None and not changes.learned:
            raise FtarenaError(
                "the adapter is as it was before the first step: it changes nothing",
                "ship a later checkpoint: --checkpoint STEP",
            )
        if changes is not None and not count.changed:
            raise FtarenaError(
                "merged, the weights are still the base's: what was learned is lost in this number format",
                "store it with --dtype float32, or ship the adapter alone with --adapter",
            )
    else:
        result = _merge_by_peft(base, target, adapter, scale, dtype)
    result["written_peak_bytes"] = _peak_bytes()
    if verifies:
        from ftarena.training.worker.verifying import verify

        result["agreement"] = asdict(verify(target, base, adapter, scale, _tell))
    result["peak_bytes"] = _peak_bytes()
    return result


def _merge_by_peft(
    base: Path, target: Path, adapter: Path | None, scale: float, dtype: Any
) -> dict[str, Any]:
    """Merge what is more than plain LoRA, or named otherwise in memory: all at once, in float32."""
    from ftarena.training.worker.merged_weights import stored_bytes, stored_types
    from ftarena.training.worker.verifying import load_with_adapter

    if adapter is None:
        raise FtarenaError("there is no adapter to merge")
    _tell("loading the whole model: this adapter is merged by PEFT")
    model = load_with_adapter(base, adapter, scale).merge_and_unload(safe_merge=True)
    types = list(stored_types(base).values())
    kept = {
        file: file.read_bytes()
        for name in ("config.json", "generation_config.json")
        if (file := target / name).is_file()
    }
    _tell("writing")
    model.to(dtype or max(set(types), key=types.count)).save_pretrained(target)
    for file, content in kept.items():  # as its maker wrote them, not as this version of transformers does
        file.write_bytes(content)
    return {"tensors": len(stored_types(target)), "bytes": stored_bytes(target, None)}


def _check_memory(in_float32: int) -> None:
    needed, available = in_float32 + _PROGRAM_BYTES, memory().available
    if needed > available:
        raise FtarenaError(
            f"comparing the result with the adapter takes about {size(needed)} of memory and "
            f"{size(available)} are free",
            "close something, or leave the comparison out with --no-verify",
        )


def _peak_bytes() -> int:
    """Return the most memory this process has had, in bytes; mapped files count while they are read."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _tell(line: str) -> None:
    print(f"progress: {line}", flush=True)


def main(arguments: list[str]) -> int:
    """Do it; return the exit code."""
    parser = argparse.ArgumentParser(prog="ftarena.training.worker.merging", description=__doc__)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--dtype", choices=("as-base", "float32", "bfloat16"), default="as-base")
    parser.add_argument("--verify", action="store_true")
    given = parser.parse_args(arguments)
    try:
        try:
            result = merge(
                given.base,
                given.target,
                adapter=given.adapter,
                scale=given.scale,
                dtype_name=given.dtype,
                verifies=given.verify,
            )
        except OSError as error:
            raise from_os_error(error, str(given.target)) or error from error
    except FtarenaError as error:
        print(f"error: {clean_line(error.message)}\nhint: {clean_line(error.hint)}", flush=True)
        return 1
    print(f"result: {json.dumps(result)}", flush=True)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.exit(main(sys.argv[1:]))
