"""A row as anybody reads it who was told nothing about its columns, with everything else that was in it.

Columns that were named get our names and keep what they hold: a text stays a text. What the spelling of a
shape has no column for (`id`, `source`, `margin` …) is carried along. A column that would be taken for what
it is not is called `original_NAME`. Whatever is done, the row means what it meant: that is checked.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ftarena.curation.examples import BadRow, Example, Shape
from ftarena.curation.shapes import SHAPES, example_of
from ftarena.curation.shapes.columns import NAMES
from ftarena.curation.shapes.recognition import PROMPTS
from ftarena.curation.shapes.values import is_table
from ftarena.curation.sources import Columns, Source

_BESIDE = ("system", "tools", "functions")
_INSTRUCTION = ("instruction", "input", "history")
_READ: Mapping[Shape, tuple[str, ...]] = {
    "messages": ("messages", *_BESIDE),
    "sharegpt": ("conversations", *_BESIDE),
    "alpaca": (*_INSTRUCTION, "output", *_BESIDE),
    "completion": ("prompt", "history", "completion", *_BESIDE),
    "preference": ("chosen", "rejected", "chosen_messages", "rejected_messages", *_BESIDE),
    "kto": ("label", "kto_tag", "completion", "output", *_BESIDE),
    "reference": ("prompt", "reference"),
    "prompt": ("prompt",),
    "text": ("text",),
}
"""Which of a row's columns are in its example; of pairs and labelled answers also the one with the prompt."""

# Stands for any file without cells, where a text is never read as JSON.
_LINES = Path("rows.jsonl")


def plain_row(value: Mapping[str, Any], example: Example, source: Source) -> dict[str, Any]:
    """Return a row so that it is read without knowing its source: the same keys, ours where they were named.

    Args:
        value: The row as it was read.
        example: What it means.
        source: Where it was read.
    """
    # Cells may hold lists as text, which mean lists in a table only.
    nested = is_table(source.path) and any(
        isinstance(item, list | dict) or (isinstance(item, str) and item[:1] in ("[", "{"))
        for item in value.values()
    )
    if source.columns == Columns() and source.shape is None and not nested:
        return dict(value)
    row = _renamed(value, source.columns)
    return row if _says(row, example) else _with_the_rest(row, example, example.shape, example)


def row_in_shape(value: Mapping[str, Any], example: Example, shape: Shape, source: Source) -> dict[str, Any]:
    """Return a row in the plain spelling of a shape.

    Args:
        value: The row as it was read.
        example: What it is to say; it may say less than the row does, where that may be lost.
        shape: The shape.
        source: Where it was read.

    Raises:
        FtarenaError: The shape has no place for what the example says.
    """
    row = _renamed(value, source.columns)
    spelled = all(name in row for name in SHAPES[shape])
    texts = all(isinstance(row.get(name), str | bool | None) for name in _read(row, shape))
    if example.shape == shape and spelled and texts and _says(row, example):
        return row
    return _with_the_rest(row, example, shape, example)


def _with_the_rest(row: Mapping[str, Any], written: Example, shape: Shape, was: Example) -> dict[str, Any]:
    """Return what an example says in a shape, and after it what of its row is not in it."""
    from ftarena.curation.writing import row_of

    said = row_of(written, shape)
    meant = example_of(_LINES, written.line, said)
    rest = {key: item for key, item in row.items() if key not in said and key not in _read(row, was.shape)}
    together = said | rest
    if _says(together, meant):
        return together
    for key, item in rest.items():
        if key in NAMES:
            del together[key]
            together[_free(f"original_{key}", (*row, *together))] = item
    return together


def _renamed(value: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Return a row under our names; a column that was said to mean nothing here keeps no name of ours."""
    if not columns.names:
        return dict(value)
    ours: dict[str, list[str]] = {}
    for name, theirs in columns.names.items():
        ours.setdefault(theirs, []).append(name)
    row: dict[str, Any] = {}
    for key, item in value.items():
        if key in ours and key:
            row.update(dict.fromkeys(ours[key], item))
        elif key in columns.names:
            row[_free(f"original_{key}", value)] = item
        else:
            row[key] = item
    return row


def _read(row: Mapping[str, Any], shape: Shape) -> tuple[str, ...]:
    """Return which columns of a row under our names are in its example."""
    names = _READ[shape]
    if shape in ("preference", "kto"):
        asked = next((name for name in PROMPTS if row.get(name) is not None), "")
        return (*names, *(_INSTRUCTION if asked == "instruction" else (asked, "history")))
    return names


def _says(row: dict[str, Any], example: Example) -> bool:
    """Return whether a row, read without knowing anything about it, means what an example does."""
    try:
        found = example_of(_LINES, example.line, row)
    except BadRow:
        return False
    same = found.meaning == example.meaning and found.kind == example.kind
    return same and found.learns_every_answer == example.learns_every_answer


def _free(name: str, taken: Any) -> str:
    while name in taken:
        name = f"original_{name}"
    return name
