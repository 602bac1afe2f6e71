"""Making a base model ready: the folder of safetensors that training and serving load.

A GGUF file is converted once into the shared cache, a hub model is downloaded into Hugging Face's own. Both
happen in a process of their own, so a front end stays light. Two front ends that ask at once wait for one
conversion; one that is killed half-way leaves nothing that looks like a model.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.recipes.models import ModelRef, is_ready, resolve_model, tokenizer_folder
from ftarena.text import size
from ftarena.training.errands import run_errand
from ftarena.workspace import make_private

# Q4_1 has 5 bits a weight and becomes float32, 6.4 times as much; with room for the scratch copy.
_GROWTH = 8


def prepare_model(ref: ModelRef, on_progress: Callable[[str], None] | None = None) -> Path:
    """Return the folder that transformers and vLLM load for a model, making it first if need be.

    Idempotent, and safe to call from several processes at once.

    Args:
        ref: What `resolve_model` returned.
        on_progress: Called with one line for a human at each step.

    Returns:
        The folder. For a GGUF it holds float32 weights, since it is what adapters are trained on and what
        the engine serves: both must see the very same numbers.

    Raises:
        FtarenaError: The file cannot be converted, the model cannot be downloaded, or the disk is full.
    """
    tell = on_progress or (lambda line: None)
    if ref.path is not None and is_ready(ref):
        return ref.path
    if ref.kind == "hub":
        tell(f"downloading {ref.name}")
        _run_worker(["download", ref.name], tell)
        found = resolve_model(ref.name)
        if found.path is None:
            raise FtarenaError(
                f"{ref.name} was downloaded, but it holds no *.safetensors weights",
                "choose a model that is published as safetensors",
            )
        return found.path
    if ref.path is None or ref.source is None:
        raise FtarenaError(f"{ref.name} cannot be prepared: there is nothing to make it from")
    _convert(ref, ref.source, ref.path, tell)
    return ref.path


def prepare_tokenizer(ref: ModelRef, on_progress: Callable[[str], None] | None = None) -> Path:
    """Return a folder with a model's tokenizer and chat template; of a hub model only these are fetched.

    Args:
        ref: What `resolve_model` returned.
        on_progress: Called with one line for a human at each step.

    Raises:
        FtarenaError: As for `prepare_model`, or the model has no tokenizer.
    """
    if (folder := tokenizer_folder(ref)) is not None:
        return folder
    if ref.kind == "local":
        raise FtarenaError(
            f"{ref.name} holds no tokenizer",
            "give a folder with config.json, tokenizer_config.json and tokenizer.json",
        )
    if ref.kind != "hub":
        return prepare_model(ref, on_progress)
    tell = on_progress or (lambda line: None)
    tell(f"downloading the tokenizer of {ref.name}")
    _run_worker(["tokenizer", ref.name], tell)
    if (folder := tokenizer_folder(ref)) is None:
        raise FtarenaError(f"{ref.name} holds no tokenizer", "choose a model that is published with one")
    return folder


def _convert(ref: ModelRef, source: Path, target: Path, tell: Callable[[str], None]) -> None:
    make_private(target.parent)
    with _lock(target.parent / f".{target.name}.lock", tell):
        if is_ready(ref):  # whoever held the lock made it
            return
        for leftover in (target, *target.parent.glob(f".{target.name}.half-*")):
            shutil.rmtree(leftover, ignore_errors=True)
        needed, free = source.stat().st_size * _GROWTH, shutil.disk_usage(target.parent).free
        if free < needed:
            raise FtarenaError(
                f"converting {source.name} needs about {size(needed)} in {target.parent}, "
                f"where {size(free)} is free",
                "free some space, or choose another place with FTARENA_CACHE",
            )
        half = target.parent / f".{target.name}.half-{os.getpid()}"
        tell(f"converting {source.name} to safetensors (about half a minute, once)")
        try:
            _run_worker(["gguf", str(source), str(half), ref.name], tell)
            half.replace(target)
        finally:
            shutil.rmtree(half, ignore_errors=True)


def _run_worker(arguments: list[str], tell: Callable[[str], None]) -> None:
    run_errand("ftarena.training.worker.convert", arguments, tell, "the model could not be prepared")


@contextmanager
def _lock(path: Path, tell: Callable[[str], None]) -> Iterator[None]:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("waiting for another process that is preparing this model")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
