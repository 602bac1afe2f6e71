"""How long the examples of a run are in tokens, by the very code that encodes them for training."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from ftarena.curation.examples import Example
from ftarena.curation.tokens import ChatEncoder, ChatTokenizer
from ftarena.errors import FtarenaError
from ftarena.recipes.schema import PAIR_METHODS, Recipe
from ftarena.training.data import RunData

SAMPLE = 20_000
"""Examples that are looked at in a file of more: 20,000 take some ten seconds, and their mean length is
known within 1 %."""


@dataclass(frozen=True)
class Lengths:
    """What a run's data come to, in tokens."""

    lengths: tuple[int, ...]
    """Of each training example that is used, in the order of the data; of a pair its longer conversation."""

    trained: int
    """Tokens of all of them that are learned."""

    tokens: int
    """Tokens of all of them, both conversations of a pair counted, no padding."""

    heldout: tuple[int, ...]
    """Of each example that is measured on."""

    left_out: int
    """Training examples above `max_length` that are dropped."""

    sampled: int | None = None
    """How many examples were looked at where that is not all; `lengths` then repeats them."""

    @property
    def longest(self) -> int:
        """Tokens of the longest training example."""
        return max(self.lengths)


def measure_lengths(recipe: Recipe, data: RunData, folder: Path) -> Lengths:
    """Tokenise what a run would learn from and return how long it is.

    Args:
        recipe: Resolved.
        data: What `load_data` returned for it.
        folder: Where the model's tokenizer is.

    Raises:
        FtarenaError: What the run itself would stop at: an example that cannot be learned from, or one above
            `max_length` where the recipe does not say what to do.
    """
    encoder = ChatEncoder(ChatTokenizer.load(folder, recipe.model_name_or_path))
    train, sampled = data.train, None
    if len(train) > SAMPLE:
        chosen = sorted(random.Random(recipe.seed).sample(range(len(train)), SAMPLE))
        train, sampled = [train[number] for number in chosen], SAMPLE
    kept, left_out = _training(recipe, encoder, train)
    heldout, _ = _fitting([_Row(len(one.input_ids), 0, 0) for one in encoder.encode(data.heldout)], recipe)
    if not kept:
        raise FtarenaError(
            f"no training example fits into max_length {recipe.max_length}", "raise max_length"
        )
    lengths = [row.length for row in kept]
    scale = len(data.train) / len(train)
    if sampled:
        wanted = round(len(lengths) * scale)
        lengths = (lengths * (wanted // len(lengths) + 1))[:wanted]
    return Lengths(
        tuple(lengths),
        trained=round(scale * sum(row.trained for row in kept)),
        tokens=round(scale * sum(row.tokens for row in kept)),
        heldout=tuple(row.length for row in heldout),
        left_out=round(scale * left_out),
        sampled=sampled,
    )


@dataclass(frozen=True, slots=True)
class _Row:
    length: int
    trained: int
    tokens: int


class _Cuttable(Protocol):
    def cut(self, limit: int) -> "_Cuttable | None": ...


_T = TypeVar("_T", bound=_Cuttable)


def _training(recipe: Recipe, encoder: ChatEncoder, examples: Sequence[Example]) -> tuple[list[_Row], int]:
    """Return the rows that are used, and how many are left out for being too long."""
    rows: list[_Row] = []
    left_out = 0
    if recipe.method in PAIR_METHODS:
        for pair in encoder.encode_pairs(examples):
            kept = pair if pair.length <= recipe.max_length else _shortened(recipe, pair.length, pair)
            if kept is None:
                left_out += 1
                continue
            answers = len(kept.chosen_ids) + len(kept.rejected_ids)
            rows.append(_Row(kept.length, answers, 2 * len(kept.prompt_ids) + answers))
        return rows, left_out
    for one in encoder.encode(examples):
        length = len(one.input_ids)
        fits = one if length <= recipe.max_length else _shortened(recipe, length, one)
        if fits is None:
            left_out += 1
            continue
        rows.append(_Row(len(fits.input_ids), fits.trained, len(fits.input_ids)))
    return rows, left_out


def _shortened(recipe: Recipe, length: int, item: _T) -> _T | None:
    """Return what is left of an example above `max_length`, or None where it is dropped.

    Raises:
        FtarenaError: The recipe wants neither.
    """
    if recipe.too_long == "error":
        raise FtarenaError(
            f"an example has {length} tokens, but max_length is {recipe.max_length}",
            "raise max_length, or set too_long: drop (or truncate)",
        )
    return item.cut(recipe.max_length) if recipe.too_long == "truncate" else None  # type: ignore[return-value]  # each kind cuts to its own


def _fitting(rows: list[_Row], recipe: Recipe) -> tuple[list[_Row], int]:
    limit = recipe.max_length
    if recipe.too_long == "truncate":
        return [row if row.length <= limit else _Row(limit, 0, 0) for row in rows], 0
    kept = [row for row in rows if row.length <= limit]
    return kept, len(rows) - len(kept)
