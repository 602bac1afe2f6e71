"""How long the examples of a run are in tokens, by the very code that encodes them for training."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ftarena.curation.examples import Example
from ftarena.curation.sets.mixing import replay_rows
from ftarena.curation.tokens import (
    ChatEncoder,
    ChatTokenizer,
    Encoded,
    EncodedLabelled,
    EncodedPair,
    EncodedQuestion,
)
from ftarena.errors import FtarenaError
from ftarena.recipes.data_entries import path_of
from ftarena.recipes.schema import PAIR_METHODS, Recipe
from ftarena.training.data import RunData, drawn_later
from ftarena.training.plan.constants import OWN_ANSWER

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

    general: tuple[int, ...]
    """Of each general question and its answer, on which forgetting is measured."""

    left_out: int
    """Training examples above `max_length` that are dropped."""

    sampled: int | None = None
    """How many examples were looked at where that is not all; `lengths` then repeats them."""

    drawn: int = 0
    """How many of `lengths` are guessed: answers that the base is still to give (`replay_dataset: self`)."""

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
    items = list(_items(recipe, encoder, train))
    kept = [row for item in items if (row := _fitting(recipe, item)) is not None]
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
        heldout=_measured_on(recipe, encoder, data.heldout),
        general=_measured_on(recipe, encoder, data.general),
        left_out=round(scale * (len(items) - len(kept))),
        sampled=sampled,
    )


def with_own_answers(recipe: Recipe, lengths: Lengths, rows: int, replayed: int = 0) -> Lengths:
    """Return lengths that count the answers which the base is still to give for `replay_dataset: self`.

    Args:
        recipe: Resolved.
        lengths: Of what is there.
        rows: How many training examples are there, what is replayed from files left out.
        replayed: How many are replayed from files.
    """
    own = [entry for entry in recipe.replay_dataset if drawn_later(entry)]
    if not own or recipe.replay_ratio is None:
        return lengths
    named = [path_of(entry)[1] for entry in own]
    most = sum(count for count in named if count) if all(named) else UNLIMITED
    extra = max(replay_rows(rows, recipe.replay_ratio, most + replayed) - replayed, 1)
    each = min(OWN_ANSWER, recipe.max_length)
    return replace(
        lengths,
        lengths=(*lengths.lengths, *([each] * extra)),
        trained=lengths.trained + round(0.8 * each) * extra,
        tokens=lengths.tokens + each * extra,
        drawn=extra,
    )


UNLIMITED = 1 << 40
# Rows: the base answers as many prompts as are asked for.


@dataclass(frozen=True, slots=True)
class _Row:
    """One example as it counts."""

    length: int
    trained: int
    tokens: int


_Item = Encoded | EncodedPair | EncodedLabelled | EncodedQuestion


def _items(recipe: Recipe, encoder: ChatEncoder, examples: Sequence[Example]) -> Iterator[_Item]:
    if recipe.method in PAIR_METHODS:
        return encoder.encode_pairs(examples)
    if recipe.method == "kto":
        return encoder.encode_labelled(examples)
    if recipe.method == "grpo":
        return encoder.encode_questions(examples)
    return encoder.encode(examples)


def _fitting(recipe: Recipe, item: _Item) -> _Row | None:
    """Return what of an example is learned from, or None where it is left out.

    Raises:
        FtarenaError: It is too long, and the recipe does not say what to do.
    """
    limit = recipe.max_length
    length = _row(item).length
    room = recipe.max_completion_length if recipe.method == "grpo" else 0
    if length + room <= limit:
        return _row(item)
    if recipe.too_long == "error":
        raise FtarenaError(
            f"{item.example.file}:{item.example.line}: {length + room} tokens, but max_length is {limit}",
            "raise max_length, or set too_long: drop (or truncate)",
        )
    if recipe.too_long == "drop" or isinstance(item, EncodedQuestion):
        return None
    short = item.cut(limit)
    return None if short is None else _row(short)


def _row(item: _Item) -> _Row:
    if isinstance(item, Encoded):
        return _Row(len(item.input_ids), item.trained, len(item.input_ids))
    if isinstance(item, EncodedPair):
        answers = len(item.chosen_ids) + len(item.rejected_ids)
        return _Row(item.length, answers, 2 * len(item.prompt_ids) + answers)
    if isinstance(item, EncodedLabelled):
        return _Row(item.length, len(item.answer_ids), item.length)
    return _Row(len(item.prompt_ids), 0, len(item.prompt_ids))


def _measured_on(recipe: Recipe, encoder: ChatEncoder, examples: Sequence[Example]) -> tuple[int, ...]:
    """Return the lengths of what loss is measured on: good answers, where the model writes any."""
    if recipe.method == "reward":
        return ()
    good = [one for one in examples if one.completion and one.label is not False]
    lengths = [len(one.input_ids) for one in encoder.encode(good)]
    if recipe.too_long == "truncate":
        return tuple(min(length, recipe.max_length) for length in lengths)
    return tuple(length for length in lengths if length <= recipe.max_length)
