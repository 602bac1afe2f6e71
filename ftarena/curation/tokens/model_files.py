"""What the small files of a model's folder say about its tokens, read as transformers reads them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftarena.errors import FtarenaError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
"""The special tokens that have a name, and that templates know as variables."""


def read_json_file(path: Path) -> dict[str, Any]:
    """Return what a file of the model says; nothing where there is no such file.

    Raises:
        FtarenaError: It cannot be read, or holds no JSON.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise FtarenaError(
            f"{path} cannot be read: {error}", "download the model again; the file may be incomplete"
        ) from error
    return value if isinstance(value, dict) else {}


def special_tokens(folder: Path, config: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the special tokens by name (`bos_token` → `<s>`), and those that have none.

    Args:
        folder: The model's folder.
        config: Its `tokenizer_config.json`.
    """
    entries = dict(config)
    if "added_tokens_decoder" not in config:  # older folders keep them in a file of their own
        entries |= read_json_file(folder / "special_tokens_map.json")
    named = {name: text for name in _NAMED if (text := _text(entries.get(name)))}
    extra: list[str] = []
    for key in ("additional_special_tokens", "extra_special_tokens"):
        value = entries.get(key) or []
        extra += filter(None, map(_text, value.values() if isinstance(value, dict) else value))
    return named, extra


def complete(backend: "Tokenizer", config: Mapping[str, Any], special: Sequence[str]) -> None:
    """Add the tokens that stand beside `tokenizer.json` but not in it, as transformers does.

    Args:
        backend: What `tokenizer.json` gave; it is changed.
        config: The model's `tokenizer_config.json`.
        special: Special tokens that must be there.
    """
    from tokenizers import AddedToken

    known = {entry.content for entry in backend.get_added_tokens_decoder().values()}
    tokens = []
    for _, entry in sorted((config.get("added_tokens_decoder") or {}).items(), key=lambda pair: int(pair[0])):
        if isinstance(entry, dict) and _text(entry) and entry["content"] not in known:
            keys = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")
            tokens.append(AddedToken(**{key: entry[key] for key in keys if key in entry}))
            known.add(entry["content"])
    tokens += [AddedToken(text, special=True) for text in dict.fromkeys(special) if text not in known]
    if tokens:
        backend.add_tokens(tokens)


def end_ids_of(folder: Path) -> frozenset[int]:
    """Return the tokens at which the model stops, as its generation config says, or else its config."""
    for name in ("generation_config.json", "config.json"):
        ids = _setting(read_json_file(folder / name), "eos_token_id")
        if ids is not None:
            return frozenset(one for one in (ids if isinstance(ids, list) else [ids]) if isinstance(one, int))
    return frozenset()


def embedding_rows(folder: Path) -> int | None:
    """Return how many tokens the model has an embedding for; None where its config does not say."""
    rows = _setting(read_json_file(folder / "config.json"), "vocab_size")
    return rows if isinstance(rows, int) else None


def _setting(config: Mapping[str, Any], key: str) -> Any:
    """Return a setting of a model; one that also sees pictures keeps those of its text apart."""
    text = config.get("text_config")
    return config.get(key, text.get(key) if isinstance(text, dict) else None)


def _text(token: Any) -> str | None:
    """Return how a special token is written, given as text or as an object with `content`."""
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) and content else None
