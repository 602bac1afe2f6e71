"""A Modelfile, so that `ollama create NAME -f Modelfile` finds a folder that was shipped.

Ollama reads safetensors of the architectures it knows and recognises common chat templates by itself. A
template in Go's language is not made up here: one that renders a blank differently costs accuracy silently.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from ftarena.processes import read_json

MODELFILE = "Modelfile"


def write_modelfile(folder: Path, name: str, *, merged: bool, base: str, end_ids: Sequence[int]) -> None:
    """Write the Modelfile of a folder.

    Args:
        folder: Has `tokenizer.json`.
        name: What it is called when it is whole.
        merged: Whether whole weights lie there; else it is an adapter, and Ollama needs its base beside it.
        base: What the base model is called.
        end_ids: Tokens at which the model stops.
    """
    lines = [f"# ollama create {name} -f {MODELFILE}"]
    if merged:
        lines += ["FROM ."]
    else:
        lines += [
            f"# The adapter needs its base, {base}, as a folder of safetensors: ln -s /path/to/it base",
            "FROM ./base",
            "ADAPTER .",
        ]
    lines += [f"PARAMETER stop {json.dumps(text)}" for text in _texts(folder, end_ids)]
    lines += [
        "# No TEMPLATE: Ollama recognises common chat templates in the tokenizer's files by itself.",
        f"# Compare what it took, before you rely on it: ollama show --template {name}; chat_template.jinja.",
        "# ftarena has not run this file: it needs Ollama, and an architecture that Ollama reads.",
    ]
    (folder / MODELFILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _texts(folder: Path, ids: Sequence[int]) -> list[str]:
    """Return the texts of special tokens by their ids; those that are ordinary words are left out."""
    added = read_json(folder / "tokenizer.json").get("added_tokens")
    known = {
        token.get("id"): token.get("content")
        for token in (added if isinstance(added, list) else [])
        if isinstance(token, dict)
    }
    return [text for number in ids if isinstance(text := known.get(number), str)]
