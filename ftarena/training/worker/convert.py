"""Make a folder of safetensors out of a GGUF file, or fetch one, or its tokenizer alone, from the hub.

    python -m ftarena.training.worker.convert gguf FILE.gguf NEW_FOLDER NAME
    python -m ftarena.training.worker.convert download HUB_ID
    python -m ftarena.training.worker.convert tokenizer HUB_ID

Prints `progress: …` and, where it fails, `error: …` and perhaps `hint: …` on one line each. It does not know
the cache: the caller chooses the folder, holds the lock and renames the folder when it is whole.
"""

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ftarena import __version__
from ftarena.errors import FtarenaError
from ftarena.processes import write_json
from ftarena.recipes.models import MARKER


def convert_gguf(source: Path, target: Path, name: str) -> None:
    """Write the model and the tokenizer of a GGUF file as an ordinary folder of float32 safetensors.

    Args:
        source: The GGUF file, of any quantisation that transformers can read.
        target: The folder to create; its marker is written last.
        name: What the model is called in recipes; noted in the marker.

    Raises:
        FtarenaError: The file cannot be read as a model with a tokenizer.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    print("progress: loading libraries", flush=True)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    print(f"progress: reading {source.name}", flush=True)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
        model = AutoModelForCausalLM.from_pretrained(
            source.parent, gguf_file=source.name, dtype=torch.float32
        )
    except (ValueError, KeyError, OSError, NotImplementedError) as error:
        raise FtarenaError(f"{source.name} cannot be read as a GGUF model: {error}") from error
    # transformers 5.19 remembers the quantisation and refuses to save; the weights are plain float32 by now.
    if hasattr(model, "hf_quantizer"):
        del model.hf_quantizer
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    print("progress: writing safetensors", flush=True)
    target.mkdir(mode=0o700, parents=True)
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    write_json(
        target / MARKER,
        {"name": name, "source": source.name, "source_sha256": _sha256(source), "ftarena": __version__},
    )


_SMALL = ("*.json", "*.model", "*.jinja", "*.txt")  # no *.py and no pickles: their code is never run
_WEIGHTS = ("*.safetensors",)


def download(name: str, patterns: Sequence[str]) -> None:
    """Fetch files of a hub model into Hugging Face's cache.

    Raises:
        FtarenaError: There is no such model, it needs a token, or the hub is out of reach.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        snapshot_download(name, allow_patterns=list(patterns))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise FtarenaError(
            f"{name} cannot be fetched from the hub: {why}",
            "without a network, give a folder that holds config.json, the tokenizer and, to train, the "
            "weights: --model FOLDER",
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: list[str]) -> int:
    """Run one of the verbs; return the exit code."""
    try:
        match arguments:
            case ["gguf", source, target, name]:
                convert_gguf(Path(source), Path(target), name)
            case ["download", name]:
                download(name, (*_SMALL, *_WEIGHTS))
            case ["tokenizer", name]:
                download(name, _SMALL)
            case _:
                print(__doc__)
                return 2
    except FtarenaError as error:
        print(f"error: {' '.join(error.message.split())}", flush=True)
        if error.hint:
            print(f"hint: {' '.join(error.hint.split())}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
