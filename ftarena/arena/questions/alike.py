"""Prompts that are nearly the same: by the rule that `ftarena data check` has for rows.

The same words whatever the case and punctuation, or at least 80 % of all sequences of five words. Only
prompts with the same system prompt are compared: the same question under another one is another question.
Loads numpy; import it where it is needed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ftarena.curation.check import near
from ftarena.curation.check.sampling import common_grams
from ftarena.curation.check.words import Vocabulary, WordRows, digest, words
from ftarena.store import PromptRow

if TYPE_CHECKING:
    from ftarena.arena.questions.prompts import Asked

Turns = Sequence[tuple[str, str]]


def near_ones(there: Sequence[PromptRow], new: Sequence["Asked"]) -> list[int]:
    """Return which of some new prompts are nearly the same as one that is there, or as an earlier new one.

    Args:
        there: What the arena asks already.
        new: Prompts of which none is there.

    Returns:
        Places within `new`, ascending.
    """
    turns: list[Turns] = [[(turn.role, turn.content) for turn in row.turns] for row in there]
    twins = twins_of([*turns, *(one.turns for one in new)])
    return sorted(row - len(there) for row in twins if row >= len(there))


def twins_of(prompts: Sequence[Turns]) -> dict[int, int]:
    """Return for each prompt that is nearly the same as an earlier one which that is.

    Args:
        prompts: Role and content of each turn, of each.
    """
    said = [[word for role, text in turns if role != "system" for word in words(text)] for turns in prompts]
    systems = ["\0".join(text for role, text in turns if role == "system") for turns in prompts]
    plain = [
        " ".join(found) or "\0".join(text.strip() for role, text in turns if role != "system")
        for found, turns in zip(said, prompts, strict=True)
    ]
    twins: dict[int, int] = {}
    first: dict[tuple[str, str], int] = {}
    for row, key in enumerate(zip(systems, plain, strict=True)):
        earlier = first.setdefault(key, row)
        if earlier != row:
            twins[row] = earlier
    grams = WordRows.of(said, Vocabulary()).grams(near.GRAM)
    common = common_grams(grams)
    groups = np.array([digest(system) for system in systems], dtype=np.uint64)
    passed_over = np.zeros(len(prompts), dtype=bool)
    passed_over[list(twins)] = True
    with near.near_columns() as signed:
        signed.append(near.signatures(grams.without(common), groups))
        likely = near.candidates(signed, passed_over)
    for row, twin in zip(likely.rows.tolist(), likely.twins.tolist(), strict=True):
        alike = near.likeness(grams.row(row), grams.row(twin), common)
        if alike.own >= near.THRESHOLD:
            twins[row] = twin
    return twins
