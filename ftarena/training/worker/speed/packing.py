"""Packed batches of one size: many examples in one row, filled up to the same length every time.

The same shape at every step is what lets layers be compiled once. TRL's best-fit packing leaves a percent or
two free; that is filled with padding that is an example of its own and learns nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ftarena.curation.tokens import IGNORED

_EXAMPLES_STEP = 128
# Their number is rounded up to this with empty ones, or every count would be a new shape to compile for.


class PackedCollator:
    """Turns packed rows into one batch.

    Args:
        row_length: Tokens a row has room for.
        pad_id: Fills what is left over.
    """

    def __init__(self, row_length: int, pad_id: int) -> None:
        self._row_length = row_length
        self._pad_id = pad_id

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return `input_ids`, `labels`, `position_ids` (all (1, n)), and where examples begin.

        Args:
            rows: With `input_ids`, `labels` and `seq_lengths` (tokens of each example in the row).
        """
        ids: list[int] = []
        labels: list[int] = []
        positions: list[int] = []
        lengths: list[int] = []
        for row in rows:
            left = self._row_length - len(row["input_ids"])
            ids += [*row["input_ids"], *([self._pad_id] * left)]
            labels += [*row["labels"], *([IGNORED] * left)]
            for length in [*row["seq_lengths"], *([left] if left else [])]:
                labels[len(positions)] = IGNORED  # or the example before would learn how this one begins
                positions += range(length)
                lengths.append(length)
        starts = [0]
        for length in lengths:
            starts.append(starts[-1] + length)
        room = -len(starts) % _EXAMPLES_STEP
        starts += [starts[-1]] * room
        return {
            "input_ids": torch.tensor([ids]),
            "labels": torch.tensor([labels]),
            "position_ids": torch.tensor([positions]),
            "cu_seq_lens_q": torch.tensor(starts, dtype=torch.int32),
            "max_length_q": self._row_length,
        }
