"""Turning a row's judgement round: the rejected answer becomes the chosen one, a good label a bad one.

Done on the raw row, so that everything else in it stays as it is, and checked on what the row means: where
the meaning is not turned round exactly, nothing is done.
"""

from dataclasses import replace
from typing import Any

from ftarena.curation.examples import BadRow, Example
from ftarena.curation.rows import Row
from ftarena.curation.shapes import SHAPES, example_of
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError

_LABELS = ("label", "kto_tag")
# TRL's name, and the one that LLaMA-Factory's documentation uses.


def relabelled(row: Row, source: Source) -> dict[str, Any]:
    """Return a row's value with its judgement turned round.

    Args:
        row: A preference pair or a labelled answer.
        source: How its columns are read.

    Raises:
        FtarenaError: It is neither, or it cannot be used as it is.
    """
    place = f"{row.file}:{row.line}"
    try:
        before = _understood(row.value, row, source)
    except BadRow as bad:
        raise FtarenaError(
            f"{place}: the row cannot be used, so there is no label to turn round: {bad}",
            f"mend it: ftarena data edit {place}",
        ) from None
    if before.shape == "preference":
        value = _swapped(row.value, source)
    elif before.shape == "kto":
        value = _flipped(row.value, source)
    else:
        raise FtarenaError(
            f"{place}: a row of shape {before.shape} has no label: only preference pairs can be swapped and "
            "labelled answers be flipped",
            f"leave it out: ftarena data exclude {place}",
        )
    try:
        after = _understood(value, row, source)
    except BadRow:
        after = before
    turned = (
        replace(before, completion=before.rejected, rejected=before.completion)
        if before.shape == "preference"
        else replace(before, label=not before.label)
    )
    if after.meaning != turned.meaning:
        raise FtarenaError(
            f"{place}: the label cannot be turned round in this spelling", f"ftarena data edit {place}"
        )
    return value


def _understood(value: Any, row: Row, source: Source) -> Example:
    shapes = (source.shape,) if source.shape else tuple(SHAPES)
    return example_of(row.file, row.line, value, shapes, source.columns)


def _swapped(value: dict[str, Any], source: Source) -> dict[str, Any]:
    """Return a copy with the two answers exchanged, the keys in their order."""
    names = source.columns.names
    for ours in (("chosen", "rejected"), ("chosen_messages", "rejected_messages")):
        one, other = (names.get(name, name) for name in ours)
        if one in value and other in value:
            exchange = {one: value[other], other: value[one]}
            return {key: exchange.get(key, item) for key, item in value.items()}
    return value


def _flipped(value: dict[str, Any], source: Source) -> dict[str, Any]:
    """Return a copy with the label turned round, in the spelling that it has."""
    names = source.columns.names
    name = next((names.get(ours, ours) for ours in _LABELS if names.get(ours, ours) in value), "label")
    label = value.get(name)
    if isinstance(label, str):  # CSV knows no other way to write it
        other = "false" if label.casefold() == "true" else "true"
        other = other.upper() if label.isupper() else other.title() if label.istitle() else other
        return {**value, name: other}
    return {**value, name: not label}
