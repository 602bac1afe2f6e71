"""Rows that repeat an earlier one, and rows that contradict one, found by digests alone.

A row is 64 bits for all that it says; two rows that differ get the same by a chance of 1 in 2^64, among ten
million rows once in 370,000 files. White space does not count, case does: it may matter to a command. What
contradicts is compared as questions are everywhere, without case and punctuation (`saying.Said.matter`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ftarena.curation.check.words import Hashes, digest, mixed
from ftarena.curation.examples import Example, Turns


def whole_digest(example: Example, group: str) -> int:
    """Return the digest of all that a row says.

    Args:
        example: Any kind of example.
        group: Only rows of the same group are equal.
    """
    parts = (example.prompt, example.completion, example.rejected)
    told = "\0\0".join(_told(turns) for turns in parts)
    return digest(f"{group}\0{example.tools}\0{told}\0\0{example.label}")


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


def contradictions(matter: Hashes, stand: Hashes, among: NDArray[np.int64]) -> Repeats:
    """Return the rows that say otherwise than an earlier row in the same matter.

    A row that repeats what any earlier one says is none.

    Args:
        matter: (rows,): what each row is about.
        stand: (rows,): what it says about it.
        among: The rows to look at, in ascending order.
    """
    again = repeats(matter, among)
    both = mixed(matter) ^ stand
    agreeing = np.zeros(len(matter), dtype=bool)
    agreeing[repeats(both, among).rows] = True
    other = ~agreeing[again.rows]
    return Repeats(again.rows[other], again.twins[other])
