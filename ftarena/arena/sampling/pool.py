"""What could be shown: prompts with two contestants whose answers can be told apart."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple


class Combination(NamedTuple):
    """A prompt and two contestants, in no order that means anything."""

    prompt_id: str
    one: str
    """Id of the contestant whose id sorts first."""

    other: str

    @classmethod
    def of(cls, prompt_id: str, left: str, right: str) -> "Combination":
        """Return the combination, whoever is on the left."""
        return cls(prompt_id, *sorted((left, right)))

    @property
    def pair(self) -> tuple[str, str]:
        """The two contestants."""
        return self.one, self.other


@dataclass(frozen=True)
class Pool:
    """What could be drawn now."""

    ready: tuple[Combination, ...]
    """Both answers are there, and a labeler can tell them apart."""

    identical: frozenset[Combination]
    """Both answers look the same on a screen: there is nothing to decide."""


def pool(contestants: Sequence[str], prompts: Sequence[str], looks: Mapping[tuple[str, str], str]) -> Pool:
    """Return the combinations that have both answers.

    Args:
        contestants: Ids of those who take part.
        prompts: Ids of the prompts.
        looks: For (prompt, contestant) a hash of the answer as shown, where there is an answer.
    """
    pairs = list(combinations(sorted(contestants), 2))
    ready, identical = [], set()
    for prompt_id in prompts:
        for one, other in pairs:
            first, second = looks.get((prompt_id, one)), looks.get((prompt_id, other))
            if first is None or second is None:
                continue
            combination = Combination(prompt_id, one, other)
            if first == second:
                identical.add(combination)
            else:
                ready.append(combination)
    return Pool(tuple(ready), frozenset(identical))


def sides(combination: Combination, rng: random.Random) -> tuple[str, str]:
    """Draw who stands on the left and who on the right."""
    return combination.pair if rng.random() < 0.5 else (combination.other, combination.one)
