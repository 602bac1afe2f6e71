"""Which shape a row has, told by its keys; and for a row that has none, what is missing.

Only keys are looked at. What they must hold is known to the modules that understand each shape.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ftarena.curation.examples import BadRow, Shape
from ftarena.curation.shapes.suggestions import suggestion
from ftarena.curation.sources import Columns
from ftarena.text import shorten

SHAPES: Mapping[Shape, tuple[str, ...]] = {
    "preference": ("prompt", "chosen", "rejected"),
    "kto": ("prompt", "completion", "label"),
    "messages": ("messages",),
    "sharegpt": ("conversations",),
    "completion": ("prompt", "completion"),
    "alpaca": ("instruction", "output"),
    "reference": ("prompt", "reference"),
    "prompt": ("prompt",),
    "text": ("text",),
}
"""The keys of each shape, most telling first: a preference pair may carry a `reference` as well.

Of a preference pair and of KTO these are TRL's; the prompt may be `messages`, `conversations` or
`instruction` there, too.
"""

ANSWERED: tuple[Shape, ...] = (
    "preference",
    "kto",
    "messages",
    "sharegpt",
    "completion",
    "alpaca",
    "reference",
    "text",
)
"""Shapes with something to learn, or to measure a loss on."""

QUESTIONS: tuple[Shape, ...] = ("reference", "prompt")
"""Shapes of what is asked: whatever else is in a row, its prompt and, where there is one, its reference."""

PROMPTS = ("prompt", "messages", "conversations", "instruction")
"""Columns that a prompt can be in."""

_BEGUN = ("completion", "chosen", "rejected")
_PROMPTS = frozenset(PROMPTS)
_PROMPTS_OR_BEGUN = _PROMPTS.union(_BEGUN)
_NEEDED = {shape: frozenset(keys) for shape, keys in SHAPES.items()}


def row_view(value: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """Return a row under our names, without the columns that hold null.

    Table libraries write null where a column has no value, so null and absent are the same.
    """
    if columns.names:
        taken = set(columns.names.values()) | set(columns.names)
        view = {key: item for key, item in value.items() if key not in taken and item is not None}
        for ours, theirs in columns.names.items():
            if theirs and value.get(theirs) is not None:
                view[ours] = value[theirs]
        return view
    if None in value.values():
        return {key: item for key, item in value.items() if item is not None}
    return value


def recognise(value: dict[str, Any], shapes: Sequence[Shape], columns: Columns) -> Shape:
    """Return which of some shapes a row has.

    Args:
        value: The row, as it stands in its file.
        shapes: What it may be. Keys of other shapes are left alone like any unknown key.
        columns: What the file's names mean.

    Raises:
        BadRow: It has none of these shapes; the message says what is missing.
    """
    return shape_of(row_view(value, columns), shapes, columns, value)


def shape_of(
    row: Mapping[str, Any], shapes: Sequence[Shape], columns: Columns, value: Mapping[str, Any]
) -> Shape:
    """Return which of some shapes a row has that is under our names already; see `recognise`."""
    if columns.ranking and "preference" in shapes:
        shapes = ("preference",)
    for shape in SHAPES:
        if shape in shapes and _is(row, shape, shapes):
            return shape
    raise _none_of(row, shapes, columns, value)


def label_column(row: Mapping[str, Any]) -> str | None:
    """Return the column that holds a KTO label: TRL's name, or that of LLaMA-Factory's documentation."""
    return "label" if "label" in row else "kto_tag" if "kto_tag" in row else None


def _is(row: Mapping[str, Any], shape: Shape, shapes: Sequence[Shape]) -> bool:
    if shape == "preference":
        return ("chosen" in row and "rejected" in row and (_asked(row) or _whole(row["chosen"]))) or (
            "chosen_messages" in row and "rejected_messages" in row
        )
    if shape == "kto":
        if label_column(row) is None:
            return False
        return (
            "messages" in row
            or "conversations" in row
            or ("completion" in row and ("prompt" in row or _whole(row["completion"])))
            or ("instruction" in row and "output" in row)
        )
    if shape == "prompt":
        # A prompt with half a preference pair is a broken pair, not a bare prompt.
        return "prompt" in row and not any(
            key in row for other in shapes for key in SHAPES[other] if key in _BEGUN
        )
    if shape == "text":
        # Beside a prompt it may be its answer under another name; where the shape was named, it is the text.
        return "text" in row and (len(shapes) == 1 or _PROMPTS_OR_BEGUN.isdisjoint(row))
    return _NEEDED[shape] <= row.keys()


def _asked(row: Mapping[str, Any]) -> bool:
    return not _PROMPTS.isdisjoint(row)


def _whole(value: Any) -> bool:
    """Return whether an answer may be a whole conversation that has its prompt inside."""
    return isinstance(value, list) or (isinstance(value, str) and value[:2] == "[{")


def _none_of(
    row: Mapping[str, Any], shapes: Sequence[Shape], columns: Columns, value: Mapping[str, Any]
) -> BadRow:
    named = columns.names
    there = [key for key, item in value.items() if item is not None]  # also what the mapping hides
    found = ", ".join(shorten(str(key), 20) for key in there[:6]) or "nothing"
    hint = suggestion(row, shapes) if not named else ""
    begun = any(key in row for key in _BEGUN)
    if "prompt" in row and len(shapes) > 1 and not begun:
        return BadRow(
            "no-answer",
            f"a prompt without an answer is nothing to train on or to measure (found: {found}): "
            + (hint or "add completion or reference, or chosen and rejected"),
        )
    partly = []
    for shape in SHAPES:
        if shape not in shapes:
            continue
        needed = SHAPES[shape]
        absent = [
            named.get(key) or key
            for key in needed
            if key not in row and not (key == "prompt" and shape in ("preference", "kto") and _asked(row))
        ]
        if absent and (len(absent) < len(needed) or len(shapes) == 1):
            partly.append((len(absent) - len(needed), len(absent), absent))
    if partly and not hint:
        absent = min(partly)[2]
        are = "is" if len(absent) == 1 else "are"
        return BadRow("shape", f"{' and '.join(absent)} {are} missing (found: {found})")
    if "messages" not in shapes and "prompt" not in row:
        return BadRow("shape", f"prompt is missing (found: {found})" + (f": {hint}" if hint else ""))
    return BadRow(
        "shape",
        f"none of the known shapes (found: {found}): "
        + (hint or "needed are messages, or prompt and an answer"),
    )
