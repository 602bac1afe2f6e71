"""Rows that repeat an earlier one, and prompts that are answered in two ways, found by digests alone.

A row is 64 bits for all that it says and 64 bits for its prompt; two rows that differ get the same by a
chance of 1 in 2^64, among ten million rows once in 370,000 files. White space does not count, case does: it
may matter to a command.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ftarena.curation.check.words import Hashes, digest
from ftarena.curation.examples import Example, Turns


def digests(example: Example, group: str) -> tuple[int, int]:
    """Return what a row is compared by: the digest of all it says, and that of its prompt.

    Args:
        example: Any kind of example.
        group: Only rows of the same group are equal.
    """
    prompt = f"{group}\0{example.tools}\0{_told(example.prompt)}"
    whole = f"{prompt}\0\0{_told(example.completion)}\0\0{_told(example.rejected)}\0\0{example.label}"
    return digest(whole), digest(prompt)


def _told(turns: Turns) -> str:
    return "\0".join(
        f"{turn.role}\1{' '.join(turn.content.split())}"
        + "".join(f"\1{call.name}\1{call.arguments}" for call in turn.tool_calls)
        + (f"\2{' '.join(turn.reasoning.split())}" if turn.reasoning else "")
        for turn in turns
    )


@dataclass(frozen=True)
class Repeats:
    """Rows that have an earlier twin, in the order of the rows."""

    rows: NDArray[np.int64]
    twins: NDArray[np.int64]
    """For each the first row that is like it."""


def repeats(values: Hashes, among: NDArray[np.int64] | None = None) -> Repeats:
    """Return the rows whose value an earlier row has.

    Needs about 30 bytes of memory a row.

    Args:
        values: (rows,): what is compared.
        among: Only these rows are looked at, in ascending order. None: all.
    """
    if among is not None:
        values = values[among]
    order = np.argsort(values, kind="stable")  # equal ones stay in the order of the rows
    values = values[order]
    again = np.flatnonzero(values[1:] == values[:-1]) + 1
    begins = np.ones(len(values), dtype=bool)
    begins[again] = False
    first = np.maximum.accumulate(np.where(begins, np.arange(len(values)), 0))[again]
    rows, twins = order[again], order[first]
    in_order = np.argsort(rows)
    rows, twins = rows[in_order], twins[in_order]
    return Repeats(rows, twins) if among is None else Repeats(among[rows], among[twins])
