"""Which batches a run makes of its examples, and how many optimiser steps that is.

The arithmetic is that of transformers' `Trainer` (5.x) and of TRL's samplers and packing (1.16): the steps
are exactly those that the trainer takes. Which examples share a batch is drawn anew by the trainer; how much
padding that takes is the same on average.
"""

import bisect
import math
import random
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from ftarena.recipes.schema import PAIR_METHODS, Recipe
from ftarena.training.plan.lengths import Lengths

_PACKED_AT_ONCE = 1000
# TRL packs inside `Dataset.map(batched=True)`, whose batches have a thousand rows.


@dataclass(frozen=True)
class Batch:
    """What is in memory at once."""

    rows: int
    """Sequences, both answers of a pair counted."""

    length: int
    """Tokens of each, padding included."""

    @property
    def tokens(self) -> int:
        """Tokens of the whole batch."""
        return self.rows * self.length


@dataclass(frozen=True)
class Schedule:
    """Steps and batches of a run."""

    steps: int
    """Optimiser steps of the whole run."""

    steps_an_epoch: int
    examples_a_step: int
    """Examples or pairs that a full step learns from."""

    batches: tuple[Batch, ...]
    """Those of one epoch."""

    largest: Batch
    """The one that needs most memory: the longest example and what is padded to its length."""

    epochs: float
    """How often each example is seen."""

    tokens: int
    """Tokens that are computed in the whole run, padding included."""

    padding: float
    """Share of them that is padding."""


def schedule_of(recipe: Recipe, lengths: Lengths) -> Schedule:
    """Return the steps and batches of a run.

    Args:
        recipe: Resolved; its batch size is a number.
        lengths: Of its examples.
    """
    if recipe.method == "grpo":
        return _sampled(recipe, lengths)
    size = recipe.batch_size
    rows = 2 if recipe.method in PAIR_METHODS else 1
    if recipe.packing:
        packed = pack(lengths.lengths, recipe.max_length)
        batches = [
            # Packed rows are laid end to end; on a GPU each is filled up, so that all batches are alike.
            Batch(1, len(packed[start : start + size]) * recipe.max_length)
            for start in range(0, len(packed), size)
        ]
    else:
        # KTO lays its batches down at random: the mismatched answers come from the same batch.
        sides = shuffled if recipe.method == "kto" else grouped
        batches = [
            Batch(rows * len(batch), max(batch)) for batch in sides(lengths.lengths, size, recipe.seed)
        ]
    an_epoch = max(math.ceil(len(batches) / recipe.gradient_accumulation_steps), 1)
    steps = recipe.max_steps if recipe.max_steps > 0 else math.ceil(recipe.num_train_epochs * an_epoch)
    epochs = steps / an_epoch
    computed = sum(batch.tokens for batch in batches)
    return Schedule(
        steps=steps,
        steps_an_epoch=an_epoch,
        examples_a_step=min(size * recipe.gradient_accumulation_steps, len(lengths.lengths)),
        batches=tuple(batches),
        largest=_largest(batches, rows * min(size, len(lengths.lengths)), lengths, packed=recipe.packing),
        epochs=epochs,
        tokens=round(epochs * computed),
        padding=max(1 - lengths.tokens / computed, 0.0),
    )


def _largest(batches: Sequence[Batch], rows: int, lengths: Lengths, *, packed: bool) -> Batch:
    """Return the batch that needs most memory: sooner or later the longest example meets a full batch."""
    return max(batches, key=lambda batch: batch.tokens) if packed else Batch(rows, lengths.longest)


def shuffled(lengths: Sequence[int], size: int, seed: int) -> list[list[int]]:
    """Return the lengths of each batch of examples in a random order; arguments as for `grouped`."""
    order = list(lengths)
    random.Random(seed).shuffle(order)
    return [order[start : start + size] for start in range(0, len(order), size)]


def grouped(lengths: Sequence[int], size: int, seed: int) -> list[list[int]]:
    """Return the lengths of each batch as transformers' `LengthGroupedSampler` groups them.

    Args:
        lengths: Of the examples, in tokens.
        size: Examples a batch.
        seed: For the order; the trainer's own draws differ, its statistics do not.
    """
    order = list(lengths)
    random.Random(seed).shuffle(order)
    mega = max(min(len(order) // (4 * size), 50), 1) * size
    megas = [sorted(order[start : start + mega], reverse=True) for start in range(0, len(order), mega)]
    longest = max(range(len(megas)), key=lambda number: megas[number][0])
    megas[0][0], megas[longest][0] = megas[longest][0], megas[0][0]
    flat = [length for one in megas for length in one]
    return [flat[start : start + size] for start in range(0, len(flat), size)]


def pack(lengths: Sequence[int], room: int) -> list[int]:
    """Return how full each row is that TRL's `bfd` packing makes: best fit, the longest first.

    Args:
        lengths: Of the examples, in the order of the data.
        room: Tokens of a row.
    """
    filled: list[int] = []
    for start in range(0, len(lengths), _PACKED_AT_ONCE):
        filled += _best_fit(sorted(lengths[start : start + _PACKED_AT_ONCE], reverse=True), room)
    return filled


def _best_fit(lengths: Sequence[int], room: int) -> list[int]:
    used: list[int] = []
    by_space: defaultdict[int, deque[int]] = defaultdict(deque)
    spaces: list[int] = []  # ascending; the spaces that some row has left
    for length in lengths:
        at = bisect.bisect_left(spaces, length)
        if at < len(spaces):
            space = spaces[at]
            row = by_space[space].popleft()
            if not by_space[space]:
                spaces.pop(at)
        else:
            space, row = room, len(used)
            used.append(0)
        used[row] += length
        left = space - length
        if left > 0:
            if not by_space[left]:
                bisect.insort(spaces, left)
            by_space[left].append(row)
    return used


def _sampled(recipe: Recipe, lengths: Lengths) -> Schedule:
    """Return the schedule of GRPO: each question is answered several times, and a batch counts answers."""
    accumulation, size = recipe.gradient_accumulation_steps, recipe.batch_size
    questions = max(size * accumulation // recipe.num_generations, 1)
    an_epoch = max(len(lengths.lengths) // questions, 1)
    steps = recipe.max_steps if recipe.max_steps > 0 else math.ceil(recipe.num_train_epochs * an_epoch)
    mean = sum(lengths.lengths) / len(lengths.lengths)
    usual = Batch(size, round(mean) + recipe.max_completion_length)
    return Schedule(
        steps=steps,
        steps_an_epoch=an_epoch,
        examples_a_step=questions,
        batches=(usual,) * (an_epoch * accumulation),
        largest=Batch(size, lengths.longest + recipe.max_completion_length),
        epochs=steps / an_epoch,
        tokens=steps * accumulation * usual.tokens,
        padding=0.0,
    )
