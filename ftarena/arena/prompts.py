"""Questions for battles, from a JSONL file: `{"prompt": …, "reference": …}` a line.

`prompt` is a text or a list of turns that ends with the user's; `reference`, the data set's own answer, may
be missing. Other keys are left alone.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ftarena.errors import FtarenaError
from ftarena.store import Store

_FORMAT = '{"prompt": "a question"} or {"prompt": [{"role": "user", "content": "a question"}]}, one a line'
_ROLES = ("system", "user", "assistant")

_Prompt = tuple[list[tuple[str, str]], str | None]


class PromptsReport(NamedTuple):
    """What adding a file of prompts did."""

    added: int
    """Prompts that are new."""

    already: int
    """Prompts that were there already, or twice in the file."""


def add_prompts_from_examples(store: Store, path: Path, source: str = "heldout") -> PromptsReport:
    """Add the prompts of a file; equal prompts are there once, however often they are added.

    Args:
        store: Where to.
        path: JSONL in UTF-8.
        source: A word for where they come from.

    Raises:
        FtarenaError: The file cannot be read, or a line is wrong (`FILE:LINE: what`); then none is added.
    """
    if not source.strip():
        raise FtarenaError("prompts need a word for where they come from", "give one with --source")
    prompts = list(_read(path))
    [(before,)] = store.rows("SELECT count(*) FROM prompts WHERE source <> 'import'")
    store.add_prompts(prompts, source)
    [(after,)] = store.rows("SELECT count(*) FROM prompts WHERE source <> 'import'")
    return PromptsReport(after - before, len(prompts) - (after - before))


def _read(path: Path) -> Iterator[_Prompt]:
    try:
        with path.open("rb") as file:
            for line, raw in enumerate(file, start=1):
                if raw.strip():
                    yield _prompt(f"{path}:{line}", raw)
    except OSError as error:
        raise FtarenaError(f"cannot read {path}: {error.strerror or error}", f"ls -la {path}") from error


def _prompt(where: str, raw: bytes) -> _Prompt:
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FtarenaError(f"{where}: not UTF-8", _FORMAT) from error
    except ValueError as error:
        raise FtarenaError(f"{where}: not JSON ({error})", _FORMAT) from error
    if not isinstance(value, dict) or "prompt" not in value:
        raise FtarenaError(f"{where}: no `prompt`", _FORMAT)
    reference = value.get("reference")
    if reference is not None and not isinstance(reference, str):
        raise FtarenaError(f"{where}: `reference` is not a text", _FORMAT)
    return _turns(where, value["prompt"]), reference


def _turns(where: str, prompt: Any) -> list[tuple[str, str]]:
    if isinstance(prompt, str):
        prompt = [{"role": "user", "content": prompt}]
    if not isinstance(prompt, list) or not prompt:
        raise FtarenaError(f"{where}: `prompt` is neither a text nor a list of turns", _FORMAT)
    turns = []
    for turn in prompt:
        role, content = (turn.get("role"), turn.get("content")) if isinstance(turn, dict) else (None, None)
        if role not in _ROLES or not isinstance(content, str):
            raise FtarenaError(
                f"{where}: a turn needs `role` ({', '.join(_ROLES)}) and `content`, a text", _FORMAT
            )
        turns.append((role, content))
    if turns[-1][0] != "user" or not turns[-1][1].strip():
        raise FtarenaError(f"{where}: `prompt` must end with what the user says", _FORMAT)
    return turns
