"""Holding rows out: by what they ask, so that the same question is never on both sides.

Which side a row is on depends on its question alone (and on how many are to be held out), so sorting a file
moves no row across. Questions that differ only in case, punctuation or spacing are the same question.
"""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftarena.curation.examples import Example
from ftarena.curation.sets.usable import BadRows, check_targets, dropped_path, usable_rows
from ftarena.curation.sources import Source
from ftarena.errors import UsageError

NONE = -1
"""A cut below every question: nothing is held out."""


def question_key(example: Example) -> int:
    """Return 64 bits of what an example asks, the same on every machine.

    Of an example that asks nothing (plain text) it is what the text says.
    """
    # Inside: the words of a text need numpy, which a front end that only looks around never loads.
    from ftarena.curation.check.words import digest, normalised

    asked = example.question
    if not asked.strip():
        asked = "\n".join(turn.content for turn in (*example.prompt, *example.completion))
    return digest(normalised(asked))


def cut(keys: Iterable[int], amount: float) -> int:
    """Return the key up to which questions are held out.

    Args:
        keys: One a row, of all rows; 8 bytes each are kept.
        amount: A share below 1, or a number of rows. Where a question stands in several rows, it may be more.

    Returns:
        The largest key that is held out, or `NONE`.
    """
    import numpy as np  # inside: a front end that only looks around never loads it

    every = np.frombuffer(array("Q", keys), dtype=np.uint64)  # (n_rows,)
    wanted = min(round(amount * len(every)) if amount < 1 else int(amount), len(every))
    return int(np.partition(every, wanted - 1)[wanted - 1]) if wanted else NONE


def hold_out(examples: Sequence[Example], amount: float) -> tuple[list[Example], list[Example]]:
    """Split examples into those to train on and those to measure on, each in the order given.

    Args:
        examples: All of them.
        amount: A share below 1, or a number of rows.
    """
    keys = [question_key(example) for example in examples]
    last = cut(keys, amount)
    return (
        [example for example, key in zip(examples, keys, strict=True) if key > last],
        [example for example, key in zip(examples, keys, strict=True) if key <= last],
    )


@dataclass(frozen=True)
class Split:
    """How many rows a split put on each side."""

    train: int
    heldout: int
    dropped: int


def split_files(
    sources: Sequence[Source],
    train: Path,
    heldout: Path,
    amount: float,
    *,
    drop_bad: bool = False,
    overwrite: bool = False,
) -> Split:
    """Write the rows of some sources into two files that share no question. Larger than memory is no trouble.

    Args:
        sources: Where the rows are; they are read three times.
        train: The file to train on; its ending says the format.
        heldout: The file to measure on.
        amount: What to hold out: a share below 1, or a number of rows.
        drop_bad: Leave rows out that cannot be used, and write them to `TRAIN.dropped.jsonl`.
        overwrite: Whether the files may be replaced.

    Raises:
        UsageError: One side would be empty, or the amount is neither a share nor a number of rows.
        DataError: Rows cannot be used and may not be dropped; nothing is written.
        FtarenaError: A file cannot be read or written.
    """
    from ftarena.curation.writing import write_rows

    if not math.isfinite(amount) or (amount > 1 and amount != int(amount)):
        raise UsageError(
            f"--share is {amount:g}, which is neither a share below 1 nor a number of rows",
            "say 0.1 for a tenth, or 50 for fifty rows",
        )
    check_targets([train, heldout], sources, overwrite=overwrite)
    if train.resolve() == heldout.resolve():
        raise UsageError(f"both sides cannot be written to {train}", "name two files")
    with BadRows(dropped_path(train) if drop_bad else None) as bad:
        keys = array("Q")
        for source in sources:
            keys.extend(question_key(usable.example) for usable in usable_rows(source, bad))
        last = cut(keys, amount)
        aside = sum(key <= last for key in keys)
        check_sides("--share", "the data have", amount, len(keys), aside)

        def side(held: bool) -> Iterator[dict[str, Any]]:
            numbers = iter(keys)
            for source in sources:
                for usable, key in zip(usable_rows(source), numbers):  # noqa: B905 - keys go on in the next
                    if (key <= last) == held:
                        yield usable.value()

        write_rows(side(True), heldout, overwrite=overwrite)
        try:
            write_rows(side(False), train, overwrite=overwrite)
        except BaseException:
            heldout.unlink(missing_ok=True)
            raise
    return Split(len(keys) - aside, aside, bad.count)


def check_sides(name: str, data: str, amount: float, rows: int, aside: int) -> None:
    """Refuse a split with an empty side.

    Args:
        name: What the user calls the amount.
        data: What the user calls the data, with a verb: "dataset has".
        amount: What was to be held out: a share below 1, or a number of rows.
        rows: Rows in all.
        aside: Rows that would be held out.

    Raises:
        UsageError: It has one.
    """
    has = f"{data} {rows:,} row{'' if rows == 1 else 's'}"
    asked = f"{name} is {amount:,.12g}"
    if amount >= rows:
        raise UsageError(
            f"{asked}, but {has}: none would be left to train on",
            "hold out fewer rows, or a share such as 0.1",
        )
    if aside == rows:
        raise UsageError(
            f"{asked}, and {has}: none would be left to train on",
            "hold out less; rows that ask the same question stay on one side",
        )
    if not aside:
        raise UsageError(
            f"{asked}, and {has}: nothing would be held out", f"hold out more, or leave {name} out"
        )
