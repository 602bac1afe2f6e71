"""One row of data, understood: which shape it has and what is in it. This knows no files: `reading` does.

Recognised by their keys (other keys are left alone):

    {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}, …]}      OpenAI
    {"conversations": [{"from": "human", "value": …}, {"from": "gpt", "value": …}, …]}          ShareGPT
    {"instruction": …, "input": …, "output": …, "history": [[…, …], …]}                         Alpaca
    {"prompt": …, "completion": …}
    {"prompt": …, "chosen": …, "rejected": …}                                                   preference
    {"prompt": …, "completion": …, "label": true}                                               KTO
    {"prompt": …, "reference": …}
    {"prompt": …}
    {"text": …}

A prompt is a list of messages or a text, which means one message of the user; an answer is a list with one
message of the assistant or a text. `system` and `tools` may stand beside any of them. Nothing is repaired.

`recognition` tells shapes by keys, `turns` reads messages and `calls` tools, `parts` and `pairs` put them
together, `suggestions` says which columns would make an unknown row readable, `columns` what columns can be
called.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ftarena.curation.examples import BadRow, Example, Shape, Turn, Turns
from ftarena.curation.shapes.columns import check_columns
from ftarena.curation.shapes.pairs import pair_of
from ftarena.curation.shapes.parts import Parts
from ftarena.curation.shapes.recognition import (
    ANSWERED,
    QUESTIONS,
    SHAPES,
    label_column,
    recognise,
    row_view,
    shape_of,
)
from ftarena.curation.shapes.values import checked_text, kind_of
from ftarena.curation.sources import Columns

__all__ = ["ANSWERED", "QUESTIONS", "SHAPES", "check_columns", "example_of", "recognise"]

_ALL = tuple(SHAPES)
_USUAL = Columns()
_LABELS = {"true": True, "false": False}


def example_of(
    file: Path, line: int, value: Any, shapes: Sequence[Shape] = _ALL, columns: Columns = _USUAL
) -> Example:
    """Return what a parsed row says.

    Args:
        file: Where it comes from.
        line: Its number there, from 1.
        value: What `json.loads` made of it, or the cells of a table by their names.
        shapes: What it may be. Keys of other shapes are left alone like any unknown key.
        columns: What the file's own names mean.

    Raises:
        BadRow: It is none of these, or its texts and turns are not as they must be.
    """
    if not isinstance(value, dict):
        raise BadRow("type", f"expected an object, found {kind_of(value)}")
    row = row_view(value, columns)
    shape = shape_of(row, shapes, columns, value)
    parts = Parts(row, file, columns)
    if shape == "text":
        text = checked_text(row["text"], parts.named("text"))
        return Example(file, line, shape, (), (Turn("assistant", text),))
    if shape in QUESTIONS:
        # A system column belongs to training data; a contestant of the arena has its own.
        asked = Parts({key: item for key, item in row.items() if key == "prompt"}, file, columns).prompt(
            "prompt"
        )
        return Example(file, line, shape, asked, parts.answer(shape) if shape == "reference" else ())
    parts.check_media()
    tools = parts.tools()
    if shape == "preference":
        prompt, chosen, rejected = pair_of(parts)
        return Example(file, line, shape, prompt, chosen, rejected, tools)
    if shape == "kto":
        prompt, answer = _labelled(parts)
        return Example(file, line, shape, prompt, answer, (), tools, _label(parts))
    if shape == "completion":
        return Example(file, line, shape, parts.prompt("prompt"), parts.answer("completion"), (), tools)
    if shape == "alpaca":
        return Example(file, line, shape, parts.prompt("instruction"), parts.answer("output"), (), tools)
    turns = parts.conversation("messages" if shape == "messages" else "conversations")
    return Example(file, line, shape, turns[:-1], turns[-1:], (), tools)


def _labelled(parts: Parts) -> tuple[Turns, Turns]:
    """Return prompt and answer of a KTO row, which is any row with one answer and a label."""
    row = parts.row
    if "completion" in row:
        if "prompt" in row:
            return parts.prompt("prompt"), parts.answer("completion")
        turns = parts.conversation("completion")
    elif "instruction" in row and "output" in row:
        return parts.prompt("instruction"), parts.answer("output")
    else:
        turns = parts.conversation("messages" if "messages" in row else "conversations")
    return turns[:-1], turns[-1:]


def _label(parts: Parts) -> bool:
    name = label_column(parts.row) or "label"
    label = parts.row[name]
    if isinstance(label, bool):
        return label
    # CSV knows no other way to write it.
    if isinstance(label, str) and label.lower() in _LABELS:
        return _LABELS[label.lower()]
    shown = str(label) if isinstance(label, int | float | str) and len(str(label)) < 20 else kind_of(label)
    raise BadRow(
        "type",
        f"{parts.named(name)} must be true (a good answer) or false (a bad one), found {shown}; "
        "if it is no verdict on the answer, name the shape of the rows",
    )
