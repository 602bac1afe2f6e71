"""Checkpoints as they lie in a run's folder, and whether one of them is whole. Reads only; no torch here.

A worker writes a checkpoint into a hidden folder, lists every file of it in a manifest, and renames the
folder as the last act. So a crash leaves no half checkpoint under a checkpoint's name; what a power cut or a
careless hand does to one later, the manifest tells.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from ftarena.processes import read_json, write_json

MANIFEST = "manifest.json"
"""In each checkpoint: of every file its size in bytes and, up to `HASHED_BYTES`, its SHA-256."""

BEST = "best"
"""Link in a run's folder to the checkpoint with the lowest held-out loss."""

HASHED_BYTES = 64_000_000
# An adapter and its optimiser are hashed in a tenth of a second; 60 GB of a full fine-tuning are not.

_NAME = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True, order=True)
class Checkpoint:
    """A checkpoint, whole or not."""

    step: int
    """Optimiser steps done when it was saved."""

    folder: Path


def checkpoint_name(step: int) -> str:
    """Return what the folder of a checkpoint is called."""
    return f"checkpoint-{step}"


def checkpoints_of(directory: Path) -> list[Checkpoint]:
    """Return what bears a checkpoint's name in a run's folder, the oldest first."""
    try:
        folders = [folder for folder in directory.iterdir() if _NAME.fullmatch(folder.name)]
    except OSError:
        return []
    return sorted(Checkpoint(int(folder.name.partition("-")[2]), folder) for folder in folders)


def newest_whole(directory: Path, *, thorough: bool = False) -> Checkpoint | None:
    """Return the newest checkpoint of a run to which nothing is missing, judged by the sizes of its files.

    Args:
        directory: The run's folder.
        thorough: Judge by their hashes as well, as its worker does before it goes on.
    """
    found = reversed(checkpoints_of(directory))
    return next((one for one in found if not why_torn(one, thorough=thorough)), None)


def read_best(directory: Path) -> Checkpoint | None:
    """Return the checkpoint with the lowest held-out loss, or None where nothing was measured."""
    folder = (directory / BEST).resolve()
    return next((one for one in checkpoints_of(directory) if one.folder.resolve() == folder), None)


def why_torn(checkpoint: Checkpoint, *, thorough: bool = False) -> str:
    """Return what is wrong with a checkpoint, or an empty text where it is whole.

    Args:
        checkpoint: Which.
        thorough: Compare hashes as well, not the sizes alone.
    """
    manifest = read_json(checkpoint.folder / MANIFEST)
    files = manifest.get("files")
    if not isinstance(files, dict) or not files or manifest.get("step") != checkpoint.step:
        return f"its {MANIFEST} is missing or broken"
    for name, said in files.items():
        path = checkpoint.folder / str(name)
        try:
            size = path.stat().st_size
        except OSError:
            return f"{name} is missing"
        if not isinstance(said, dict) or size != said.get("bytes"):
            return f"{name} has {size} bytes, not {said.get('bytes') if isinstance(said, dict) else said}"
        if thorough and said.get("sha256") not in (None, _sha256(path)):
            return f"{name} is not what was written"
    return ""


def write_manifest(folder: Path, step: int) -> None:
    """List the files of a checkpoint that is complete; written last.

    Raises:
        OSError: The disk refuses.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            size = path.stat().st_size
            files[str(path.relative_to(folder))] = {
                "bytes": size,
                "sha256": _sha256(path) if size <= HASHED_BYTES else None,
            }
    write_json(folder / MANIFEST, {"step": step, "files": files})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
