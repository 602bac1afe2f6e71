"""Another shape and another format: FILE… into one file that another tool reads.

What the wanted shape has no place for is never lost in silence: the conversion is refused with the row and
what would be lost, unless losing was asked for; then it is counted.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ftarena.curation.examples import KINDS, Example, Shape, Turn
from ftarena.curation.sets.carrying import row_in_shape
from ftarena.curation.sets.usable import BadRows, Usable, check_targets, dropped_path, usable_rows
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError

_EVERY_ANSWER: tuple[Shape, ...] = ("messages", "sharegpt", "alpaca")


@dataclass
class Conversion:
    """What a conversion did."""

    rows: int = 0
    shapes: Counter[str] = field(default_factory=Counter)
    """Rows by the shape that they had."""

    dropped: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    """Rows that lost something, by what it was."""


def convert(
    sources: Sequence[Source],
    out: Path,
    shape: Shape | None = None,
    *,
    lossy: bool = False,
    drop_bad: bool = False,
    overwrite: bool = False,
) -> Conversion:
    """Write sources as one file.

    Args:
        sources: Where the rows are.
        out: The file to write; its ending says the format.
        shape: How each row is written. None: as it is, where columns were named under our names.
        lossy: Whether what the shape has no place for may be lost.
        drop_bad: Leave rows out that cannot be used, and write them to `OUT.dropped.jsonl`.
        overwrite: Whether `out` may be replaced.

    Raises:
        DataError: Rows cannot be used and may not be dropped; nothing is written.
        FtarenaError: A row does not fit into the shape, or a file cannot be read or written.
    """
    from ftarena.curation.writing import write_rows

    check_targets([out], sources, overwrite=overwrite)
    done = Conversion()

    def rows(bad: BadRows) -> Iterator[dict[str, Any]]:
        for source in sources:
            for usable in usable_rows(source, bad):
                done.shapes[usable.example.shape] += 1
                yield usable.value() if shape is None else fitted(usable, shape, done.lost if lossy else None)

    with BadRows(dropped_path(out) if drop_bad else None) as bad:
        done.rows = write_rows(rows(bad), out, overwrite=overwrite)
        done.dropped = bad.count
    return done


def fitted(usable: Usable, shape: Shape, lost: Counter[str] | None = None) -> dict[str, Any]:
    """Return a row in a shape, and beside it what else was in the row.

    Args:
        usable: What is to be written.
        shape: How.
        lost: Where losses are counted; None: a loss is refused.

    Raises:
        FtarenaError: Something would be lost, or the shape needs what the example has not.
    """
    example, value = usable.example, usable.row.value
    if example.learns_every_answer and shape not in _EVERY_ANSWER and _earlier_answers(example):
        if lost is None:
            raise FtarenaError(
                f"{example.file}:{example.line} cannot be written as {shape}: its earlier answers are "
                f"learned too, and in a row of shape {shape} only the last one is",
                "write it as messages, or lose that knowingly: --lossy",
            )
        lost["that earlier answers are learned"] += 1
    elif shape in _EVERY_ANSWER and not example.learns_every_answer and example.kind != "question":
        example = replace(example, prompt=tuple(_unlearned(turn) for turn in example.prompt))
    try:
        return row_in_shape(value, example, shape, usable.source)
    except FtarenaError as refused:
        if not _can_be_lost(example, shape):
            raise
        if lost is None:
            raise FtarenaError(refused.message, f"{refused.hint}; to lose it knowingly: --lossy") from None
        row = row_in_shape(value, _simplified(example, shape), shape, usable.source)
        lost[refused.message.rpartition(": ")[2].removesuffix(" would be lost")] += 1
        return row


def _can_be_lost(example: Example, shape: Shape) -> bool:
    """Return whether less of an example fits into a shape: no loss makes an answer that is not there."""
    from ftarena.curation.writing import row_of

    try:
        row_of(_simplified(example, shape), shape)
    except FtarenaError:
        return False
    return True


def _earlier_answers(example: Example) -> bool:
    return any(turn.role == "assistant" and turn.learned for turn in example.prompt)


def _unlearned(turn: Turn) -> Turn:
    return replace(turn, learned=False) if turn.role == "assistant" else turn


def _simplified(example: Example, shape: Shape) -> Example:
    """Return an example without what makes conversions fail: the other answer, the label, tools, marks."""
    kind = KINDS[shape]
    if kind == "answer" and example.kind in ("preference", "labelled"):
        example = replace(example, shape="completion", rejected=(), label=None)
    elif kind == "question" and example.kind != "text":
        example = replace(example, shape="prompt", completion=(), rejected=(), label=None)
    if shape in ("messages", "completion", "preference", "kto"):
        return example
    return replace(
        example,
        prompt=tuple(_plain(turn) for turn in example.prompt if turn.role != "tool" and turn.content),
        completion=tuple(_plain(turn) for turn in example.completion),
        rejected=tuple(_plain(turn) for turn in example.rejected),
        tools="",
    )


def _plain(turn: Turn) -> Turn:
    return Turn(turn.role, turn.content)
