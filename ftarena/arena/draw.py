"""Which battle comes next: balanced over pairs and prompts, otherwise chance. No database, no clock.

A labeler meets a pair on a prompt once at most. The pair that this labeler has had least is next, then the
prompt that they have read least; equals are drawn at random, and so are the sides, for each battle anew.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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


class Draw(NamedTuple):
    """What is shown next."""

    prompt_id: str
    left: str
    """Id of the contestant on the left."""

    right: str


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


def draw(ready: Iterable[Combination], had: Iterable[Combination], rng: random.Random) -> Draw | None:
    """Choose the next battle of one labeler.

    Args:
        ready: What could be shown.
        had: What this labeler has been given already, decided or not.
        rng: Where chance comes from.

    Returns:
        The battle with its sides, or `None` where nothing new is ready.
    """
    past = set(had)
    left_over = [combination for combination in ready if combination not in past]
    if not left_over:
        return None
    pairs_had = Counter(combination.pair for combination in past)
    prompts_had = Counter(combination.prompt_id for combination in past)
    fewest = min(pairs_had[combination.pair] for combination in left_over)
    pair = rng.choice(sorted({c.pair for c in left_over if pairs_had[c.pair] == fewest}))
    of_pair = [combination for combination in left_over if combination.pair == pair]
    fewest = min(prompts_had[combination.prompt_id] for combination in of_pair)
    prompt_id = rng.choice([c.prompt_id for c in of_pair if prompts_had[c.prompt_id] == fewest])
    left, right = pair if rng.random() < 0.5 else reversed(pair)
    return Draw(prompt_id, left, right)
