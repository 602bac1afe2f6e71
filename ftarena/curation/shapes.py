"""One row of training data or questions, understood: which shape it has and what is in it.

Five shapes are recognised by their keys (other keys are left alone):

    {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}, …]}
    {"prompt": …, "completion": …}
    {"prompt": …, "chosen": …, "rejected": …}
    {"prompt": …, "reference": …}
    {"prompt": …}

A prompt is a list of messages or a text, which means one message of the user; an answer is a list with one
message of the assistant or a text. Nothing is repaired. This knows no files: `reading` does.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ftarena.curation.examples import BadRow, Example, Shape, Turn, Turns
from ftarena.text import shorten

SHAPES: Mapping[Shape, tuple[str, ...]] = {
    "messages": ("messages",),
    "preference": ("prompt", "chosen", "rejected"),
    "completion": ("prompt", "completion"),
    "reference": ("prompt", "reference"),
    "prompt": ("prompt",),
}
"""The keys of each shape, most telling first: a preference pair may carry a `reference` as well."""

ANSWERED: tuple[Shape, ...] = ("messages", "preference", "completion", "reference")
"""Shapes with an answer to learn, or to measure a loss on."""

QUESTIONS: tuple[Shape, ...] = ("reference", "prompt")
"""Shapes of what is asked: whatever else is in a row, its prompt and, where there is one, its reference."""

_ROLES = ("system", "user", "assistant")


def example_of(file: Path, line: int, value: Any, shapes: Sequence[Shape] = tuple(SHAPES)) -> Example:
    """Return what a parsed line says.

    Args:
        file: Where it comes from.
        line: Its number there, from 1.
        value: What `json.loads` made of it.
        shapes: What it may be. Keys of other shapes are left alone like any unknown key.

    Raises:
        BadRow: It is none of these, or its texts and turns are not as they must be.
    """
    if not isinstance(value, dict):
        raise BadRow("type", f"expected an object, found {_kind(value)}")
    # Table libraries write null where a column has no value.
    value = {key: item for key, item in value.items() if key != "reference" or item is not None}
    shape = _shape(value, shapes)
    if shape == "messages":
        turns = _turns(value["messages"], "messages")
        if turns[-1].role != "assistant":
            raise BadRow(
                "order",
                f"messages end with a turn of the {turns[-1].role}: the assistant's answer is missing",
            )
        if len(turns) < 2 or turns[-2].role != "user":
            raise BadRow("order", "messages have no turn of the user before the last answer")
        return Example(file, line, shape, turns[:-1], turns[-1:])
    prompt = _prompt(value["prompt"])
    if shape == "prompt":
        return Example(file, line, shape, prompt, ())
    if shape == "preference":
        chosen, rejected = _answer(value["chosen"], "chosen"), _answer(value["rejected"], "rejected")
        return Example(file, line, shape, prompt, chosen, rejected)
    return Example(file, line, shape, prompt, _answer(value[shape], shape))


def _shape(value: dict[str, Any], shapes: Sequence[Shape]) -> Shape:
    # A prompt with half a preference pair is a broken pair, not a bare prompt.
    begun = any(_begun(value, shape) for shape in shapes)
    for shape, keys in SHAPES.items():
        if shape in shapes and all(key in value for key in keys) and not (shape == "prompt" and begun):
            return shape
    raise _none_of(value, shapes, begun)


def _begun(value: dict[str, Any], shape: Shape) -> bool:
    """Return whether a row has any key of a shape besides the prompt, which several have."""
    return any(key in value for key in SHAPES[shape] if key != "prompt")


def _none_of(value: dict[str, Any], shapes: Sequence[Shape], begun: bool) -> BadRow:
    found = ", ".join(shorten(str(key), 20) for key in list(value)[:6]) or "nothing"
    if "prompt" in value and len(shapes) > 1 and not begun:
        return BadRow(
            "no-answer",
            f"a prompt without an answer is nothing to train on or to measure (found: {found}): "
            "add completion or reference, or chosen and rejected",
        )
    if "prompt" not in value and "messages" not in shapes:
        return BadRow("shape", f"prompt is missing (found: {found})")
    partly = [
        (len(absent) - len(SHAPES[shape]), absent)  # the shape that most is there of
        for shape in shapes
        if (absent := [key for key in SHAPES[shape] if key not in value]) and len(absent) < len(SHAPES[shape])
    ]
    if partly:
        _, absent = min(partly)
        are = "is" if len(absent) == 1 else "are"
        return BadRow("shape", f"{' and '.join(absent)} {are} missing (found: {found})")
    if "conversations" in value:
        return BadRow(
            "shape", 'ShareGPT\'s "conversations" is not read: write "messages" with role and content'
        )
    if "instruction" in value:
        return BadRow("shape", 'Alpaca\'s "instruction" is not read: write "prompt" and "completion"')
    return BadRow(
        "shape", f"none of the known shapes (found: {found}): needed are messages, or prompt and an answer"
    )


def _turns(value: Any, key: str) -> Turns:
    if not isinstance(value, list):
        wanted = "a list of messages" if key == "messages" else "text or a list of messages"
        raise BadRow("type", f"{key} must be {wanted}, found {_kind(value)}")
    if not value:
        raise BadRow("empty", f"{key} is an empty list")
    turns: list[Turn] = []
    for index, item in enumerate(value):
        where = f"{key}[{index}]"
        if not isinstance(item, dict):
            raise BadRow("type", f"{where} must be an object with role and content, found {_kind(item)}")
        for field in ("role", "content"):
            if field not in item:
                raise BadRow("field", f"{where} has no {field}")
            if not isinstance(item[field], str):
                raise BadRow("type", f"{where}.{field} must be text, found {_kind(item[field])}")
        if item["role"] not in _ROLES:
            role = shorten(item["role"], 20)
            raise BadRow("role", f"{where}.role is {role!r}, expected system, user or assistant")
        if item["role"] == "system" and index > 0:
            raise BadRow("role", f"{where} is a system message; it may only come first")
        turns.append(Turn(item["role"], _text(item["content"], f"{where}.content")))
    return tuple(turns)


def _prompt(value: Any) -> Turns:
    if isinstance(value, str):
        return (Turn("user", _text(value, "prompt")),)
    turns = _turns(value, "prompt")
    if turns[-1].role != "user":
        raise BadRow("order", f"prompt ends with a turn of the {turns[-1].role}, expected the user's")
    return turns


def _answer(value: Any, key: str) -> Turns:
    if isinstance(value, str):
        return (Turn("assistant", _text(value, key)),)
    turns = _turns(value, key)
    if len(turns) != 1 or turns[0].role != "assistant":
        raise BadRow(
            "order",
            f"{key} must be one message of the assistant, found {len(turns)}: put the rest into prompt",
        )
    return turns


def _text(value: str, where: str) -> str:
    if not value.strip():
        raise BadRow("empty", f"{where} is empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # JSON can write it, but no tokenizer, server or database takes it
        half = f"\\u{ord(value[error.start]):04x}"
        raise BadRow(
            "surrogate", f"{where} has half of a surrogate pair ({half}), which is no character"
        ) from None
    return value


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
