"""Folders of small models, with a tokenizer that can be read: one token for each byte, and some words."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from ftarena.curation.examples import Example, Shape, Turn

CHATML = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}|\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
"""`|` ends a turn; what is after it belongs to no answer."""

NO_SYSTEM = "{% set messages = messages | rejectattr('role', 'equalto', 'system') | list %}" + CHATML
"""Leaves the system prompt out without a word."""

THOUGHTFUL = CHATML.replace("<assistant>{% endif %}", "<assistant><think>{% endif %}")
"""Opens a thought in every question, and has none in the answers it is given."""

FORGETFUL = (
    "{% for m in messages %}{% if m['role'] != 'assistant' or loop.last %}"
    "<{{ m['role'] }}>{{ m['content'] }}|{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
"""Leaves earlier answers out, as templates of reasoning models leave out earlier thoughts."""

ENDLESS = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
"""Ends nothing."""

STRICT = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system prompts') }}{% endif %}" + CHATML
)
"""Takes no system prompt."""

BEGINNING = "{{ bos_token }}{% for m in messages %}{{ m['content'] }}|\n{% endfor %}"
"""Begins with `^`, and writes a message as it is."""


def byte_tokenizer(special: Sequence[str] = ("|",), merges: Sequence[tuple[str, str]] = ()) -> Tokenizer:
    """Return a tokenizer with one token for each byte, apart from `special` and `merges`."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: at for at, letter in enumerate([*letters, *("".join(pair) for pair in merges)])}
    tokenizer = Tokenizer(models.BPE(vocabulary, list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in special])
    return tokenizer


def write_model(
    folder: Path,
    template: str = CHATML,
    *,
    special: Mapping[str, str] | None = None,
    rows: int | None = None,
    tokenizer: Tokenizer | None = None,
    config: Mapping[str, Any] | None = None,
) -> Path:
    """Lay down what a check reads of a model.

    Args:
        folder: Where; made if need be.
        template: Its chat template; empty for none.
        special: Special tokens by name; else `|` ends and `~` pads.
        rows: Rows of its embedding; else as many as there are tokens.
        tokenizer: Its tokenizer; else one that has the special tokens.
        config: More for `tokenizer_config.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    special = {"eos_token": "|", "pad_token": "~"} if special is None else special
    tokenizer = tokenizer or byte_tokenizer(list(special.values()))
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **special, **(config or {})}
    if template:
        settings.setdefault("chat_template", template)
    write_json(folder / "tokenizer_config.json", settings)
    end = tokenizer.token_to_id(special.get("eos_token", ""))
    size = tokenizer.get_vocab_size()
    write_json(folder / "config.json", {"model_type": "llama", "vocab_size": rows or size})
    write_json(folder / "generation_config.json", {} if end is None else {"eos_token_id": end})
    return folder


def write_json(path: Path, value: Any) -> None:
    """Write one of a model's files."""
    path.write_text(json.dumps(value))


def example(*texts: str, shape: Shape = "messages", rejected: str = "", line: int = 7) -> Example:
    """Return a conversation in turns of user and assistant."""
    turns = tuple(Turn("assistant" if index % 2 else "user", text) for index, text in enumerate(texts))
    worse = (Turn("assistant", rejected),) if rejected else ()
    return Example(Path("file.jsonl"), line, shape, turns[:-1], turns[-1:], worse)
