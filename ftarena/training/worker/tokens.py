"""The tokenizer of a run: that of `check`, held against the one that transformers builds."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ftarena.curation.examples import Example
from ftarena.curation.tokens import ChatTokenizer
from ftarena.curation.tokens.chat_template import TEMPLATE_ERRORS, TemplateRefusal
from ftarena.errors import FtarenaError

_COMPARED = 8


def chat_tokenizer(
    folder: Path, tokenizer: Any, end_ids: frozenset[int], name: str, examples: Sequence[Example]
) -> ChatTokenizer:
    """Return the tokenizer that encodes the examples of a run.

    It is the one whose masks `ftarena check` and `ftarena data show` print. The engine loads the model with
    transformers, so both must give the same tokens, which is tried on the first examples and the last.

    Args:
        folder: The base model's folder.
        tokenizer: What transformers made of it, which goes into the checkpoints.
        end_ids: Tokens at which the loaded model stops when it generates.
        name: What the model is called, for errors.
        examples: What is trained on.

    Raises:
        FtarenaError: The two differ.
    """
    light = ChatTokenizer.load(folder, name, end_ids=end_ids)
    half = _COMPARED // 2
    for example in [*examples[:half], *examples[half:][-half:]]:
        ours, theirs = _ids(light, example), _ids_of_transformers(tokenizer, example)
        if ours != theirs:
            raise FtarenaError(
                f"{example.file}:{example.line}: tokenizer.json of {name} and what transformers "
                "makes of the folder give different tokens, so a server may read others than training",
                f'write the tokenizer anew: python -c "from transformers import AutoTokenizer as A; '
                f"A.from_pretrained('{folder}').save_pretrained('{folder}')\"",
            )
    return light


def _ids(tokenizer: ChatTokenizer, example: Example) -> list[int] | None:
    """Return the tokens of an example; None where the template refuses it, which is told elsewhere."""
    turns = (*example.prompt, *example.completion)
    if example.kind == "text" or not tokenizer.template:
        text = "\n".join(turn.content for turn in turns)
    else:
        try:
            text = tokenizer.render(turns, asks=False, tools=example.tools)
        except TemplateRefusal:
            return None
    return list(tokenizer.tokenise([text])[0].ids)


def _ids_of_transformers(tokenizer: Any, example: Example) -> list[int] | None:
    turns = (*example.prompt, *example.completion)
    if example.kind == "text" or not tokenizer.chat_template:
        text = "\n".join(turn.content for turn in turns)
    else:
        try:
            text = tokenizer.apply_chat_template(
                [turn.to_message() for turn in turns],
                tools=json.loads(example.tools) if example.tools else None,
                tokenize=False,
            )
        except TEMPLATE_ERRORS:
            return None
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
