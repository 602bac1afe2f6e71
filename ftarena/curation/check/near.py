"""Near duplicates: rows that share at least 80 % of their word 5-grams, found by MinHash.

The measure is the Jaccard index of the sets of word 5-grams of two rows: those both have, by those either
has. A MinHash signature of 96 numbers stands for a row's set; two sets agree in a number with a probability
that is their Jaccard index (Broder 1997), so the share of equal numbers estimates it with a standard error of
at most 0.05. Rows that agree in all six numbers of any of 16 bands are candidates: 99 % of the pairs that are
80 % alike, 23 % of those that are half alike. What is shown is then measured on the texts themselves.

A row is 224 bytes here, however long it is: a key for each band, and one byte of each number for the estimate
(Li & König 2010: b-bit minwise hashing), in columns on disk.

What is compared is what was asked and answered, without the system prompt, which many rows share by design.
For the same reason n-grams that many rows have (the words of a template that is filled in) do not count.
Short rows are near duplicates only when the same words stand in both: fewer than 13 words have fewer than
nine 5-grams, and one that differs is too much. Rows of fewer than eight words are compared for equality
alone.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ftarena.curation.check.growing import GrowingColumns
from ftarena.curation.check.words import Hashes, HashSet, WordRows, mixed

THRESHOLD = 0.8
"""Rows at least this alike are reported, as a Jaccard index of their word 5-grams."""

GRAM = 5
"""Words to an n-gram."""

FEWEST_GRAMS = 4
"""Rows with fewer are not compared: eight words are the fewest that tell more than their form."""

BANDS = 16
BAND_NUMBERS = 6
PERMUTATIONS = BANDS * BAND_NUMBERS
_SEED = 20
_DOUBTED = 0.1  # two standard errors below the threshold a candidate is still measured on the texts
_SLICE = 65_536

Indices: TypeAlias = NDArray[np.int64]


def near_columns() -> GrowingColumns:
    """Return empty columns for what `signatures` makes."""
    keys = {f"key{band}": np.uint64 for band in range(BANDS)}
    return GrowingColumns({"row": np.int64, **keys, "bytes": np.uint8}, {"bytes": PERMUTATIONS})


def signatures(grams: WordRows, groups: Hashes) -> dict[str, NDArray[Any]]:
    """Return what is kept of each row that can be compared.

    Args:
        grams: Hashes of the rows' n-grams, without those that many rows have.
        groups: (rows,): only rows of the same group are compared.

    Returns:
        `row`: (kept,), numbers within `grams`; `key0` …: (kept,), equal for rows that agree in that band;
        `bytes`: (kept, 96), the lowest byte of each number.
    """
    lengths = np.diff(grams.offsets)
    kept = np.flatnonzero(lengths >= FEWEST_GRAMS)
    if not len(kept):
        numbers = np.empty((0, PERMUTATIONS), dtype=np.uint64)
    else:
        from rensa import RMinHash

        hashes = grams.hashes[np.repeat(lengths >= FEWEST_GRAMS, lengths)]
        offsets = np.concatenate(([0], np.cumsum(lengths[kept])))
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(
            hashes, offsets.astype(np.uint64), PERMUTATIONS, _SEED
        )
        numbers = np.array(matrix.to_rows(), dtype=np.uint64)
    columns: dict[str, NDArray[Any]] = {"row": kept, "bytes": (numbers & np.uint64(0xFF)).astype(np.uint8)}
    for band in range(BANDS):
        key = groups[kept]
        for number in range(band * BAND_NUMBERS, (band + 1) * BAND_NUMBERS):
            key = mixed(key ^ numbers[:, number])
        columns[f"key{band}"] = key
    return columns


@dataclass(frozen=True)
class Candidates:
    """Rows that look like an earlier one, in the order of the rows."""

    rows: Indices
    twins: Indices
    """For each the earlier row that it is most like."""

    alike: NDArray[np.float64]
    """Estimates of the Jaccard index."""


def candidates(columns: GrowingColumns, passed_over: NDArray[np.bool_]) -> Candidates:
    """Return the rows that are probably near duplicates of an earlier row, each once, with its best twin.

    Needs about 50 bytes of memory a row.

    Args:
        columns: What `signatures` made, with `row` numbered over all rows.
        passed_over: (all rows,): those that are not compared, because they are exact duplicates.
    """
    rows: Indices = np.asarray(columns.column("row"))
    low_bytes = columns.column("bytes")
    alive = np.flatnonzero(~passed_over[rows])
    agreed = np.zeros(len(rows), dtype=np.uint8)
    best = np.full(len(rows), -1, dtype=np.int64)
    for band in range(BANDS):
        keys = columns.column(f"key{band}")[alive]
        order = np.argsort(keys, kind="stable")  # within a bucket the order of the rows stays
        keys = keys[order]
        new = np.concatenate(([True], keys[1:] != keys[:-1]))[: len(keys)]
        later = np.flatnonzero(~new)
        if not len(later):
            continue
        first = np.maximum.accumulate(np.where(new, np.arange(len(keys)), 0))[later]
        order = alive[order]
        # The one before it and the first of its bucket: all pairs of a large bucket would be too many.
        for earlier in (order[first], order[later - 1]):
            _improve(order[later], earlier, low_bytes, agreed, best)
    # Two strangers' bytes are equal by chance once in 256.
    alike = np.maximum((agreed / PERMUTATIONS - 1 / 256) / (1 - 1 / 256), 0)
    found = np.flatnonzero((best >= 0) & (alike >= THRESHOLD - _DOUBTED))
    return Candidates(rows[found], rows[best[found]], alike[found])


def _improve(
    later: Indices,
    earlier: Indices,
    low_bytes: NDArray[np.uint8],
    agreed: NDArray[np.uint8],
    best: Indices,
) -> None:
    for begin in range(0, len(later), _SLICE):
        row, twin = later[begin : begin + _SLICE], earlier[begin : begin + _SLICE]
        equal = (low_bytes[row] == low_bytes[twin]).sum(axis=1, dtype=np.uint8)
        better = equal > agreed[row]
        agreed[row[better]] = equal[better]
        best[row[better]] = twin[better]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two rows are, measured on their texts."""

    all: float
    """Jaccard index of all their word 5-grams."""

    own: float
    """The same without the n-grams that many rows have: by this it is decided."""


def likeness(first: Hashes, second: Hashes, common: HashSet) -> Likeness:
    """Measure how alike two rows are.

    Args:
        first: Hashes of the word 5-grams of one, in any order.
        second: Those of the other.
        common: N-grams that many rows have.
    """
    whole_first, whole_second = np.unique(first), np.unique(second)
    return Likeness(
        _jaccard(whole_first, whole_second),
        _jaccard(whole_first[~common.contains(whole_first)], whole_second[~common.contains(whole_second)]),
    )


def _jaccard(first: Hashes, second: Hashes) -> float:
    shared = len(np.intersect1d(first, second, assume_unique=True))
    either = len(first) + len(second) - shared
    return shared / either if either else 0.0


def twins_message(alike: float) -> str:
    """Return how alike a row is to its twin, in words; {} stands for where the twin is.

    Args:
        alike: Jaccard index of all word 5-grams.
    """
    if alike == 1:
        return "the same words as {}, whatever the case, the punctuation and the system prompt"
    return f"{alike:.0%} the same as ".replace("%", " %") + "{}, by its sequences of five words"
