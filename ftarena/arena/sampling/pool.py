"""What could be shown: prompts with two contestants whose answers can be told apart."""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import NamedTuple, TypeAlias, overload

Pair: TypeAlias = tuple[str, str]
"""Ids of two contestants, sorted."""


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
    def pair(self) -> Pair:
        """The two contestants."""
        return self.one, self.other


@dataclass(frozen=True)
class Pool:
    """What could be drawn now."""

    ready: tuple[Combination, ...]
    """Both answers are there, and a labeler can tell them apart."""

    identical: frozenset[Combination]
    """Both answers look the same on a screen: there is nothing to decide."""

    @cached_property
    def prompts(self) -> Mapping[Pair, Mapping[str, None]]:
        """By pair the prompts that are ready, in order: kept, because a draw needs one pair's only."""
        found: dict[Pair, dict[str, None]] = {}
        for prompt_id, one, other in self.ready:
            found.setdefault((one, other), {})[prompt_id] = None
        return found


class Openings(Sequence[Combination]):
    """What one labeler may be given of a pool, without going through all of it.

    With ten contestants and 10,000 prompts there are 450,000 combinations, but a draw looks at the prompts
    of one pair only.

    Args:
        pool: What is ready.
        gone: What this labeler may not be given (again); what is not ready may be among it.
        apart: What is not to be drawn by any rule, because it would not count: it is not even `ready`.
    """

    def __init__(
        self, pool: Pool, gone: Collection[Combination] = (), apart: Collection[Combination] = ()
    ) -> None:
        self._ready = pool.prompts
        if apart:
            shut: dict[Pair, set[str]] = {}
            for prompt_id, one, other in apart:
                shut.setdefault((one, other), set()).add(prompt_id)
            self._ready = {
                pair: {one: None for one in prompts if one not in shut[pair]} if pair in shut else prompts
                for pair, prompts in pool.prompts.items()
            }
        self._gone: dict[Pair, set[str]] = {}
        for prompt_id, one, other in gone:
            if prompt_id in self._ready.get((one, other), ()):
                self._gone.setdefault((one, other), set()).add(prompt_id)

    @classmethod
    def among(cls, open: Sequence[Combination], had: Sequence[Combination]) -> "Openings":
        """Return openings where only what is open, and what was had, is known."""
        if isinstance(open, Openings):
            return open
        return cls(Pool(tuple(dict.fromkeys([*open, *had])), frozenset()), had)

    def count(self, pair: Pair) -> int:
        """Return how many prompts of a pair are open."""
        return len(self._ready[pair]) - len(self._gone.get(pair, ()))

    @cached_property
    def pairs(self) -> Sequence[Pair]:
        """The pairs of which anything is open, sorted."""
        return sorted(pair for pair in self._ready if self.count(pair))

    def ready(self, pair: Pair) -> Collection[str]:
        """Return the prompts of a pair, open or gone."""
        return self._ready[pair].keys()

    def open(self, pair: Pair) -> Sequence[str]:
        """Return the prompts of a pair that are open, in the order of the pool."""
        gone = self._gone.get(pair, ())
        return [prompt_id for prompt_id in self._ready[pair] if prompt_id not in gone]

    def __len__(self) -> int:
        return sum(map(self.count, self._ready))

    def __iter__(self) -> Iterator[Combination]:
        for pair in self._ready:
            for prompt_id in self.open(pair):
                yield Combination(prompt_id, *pair)

    @overload
    def __getitem__(self, index: int) -> Combination: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Combination]: ...

    def __getitem__(self, index: int | slice) -> Combination | Sequence[Combination]:
        """Return one; only the prompts of its pair are looked through."""
        if isinstance(index, slice):
            return list(self)[index]
        left = index if index >= 0 else len(self) + index
        for pair in self._ready if left >= 0 else ():
            if left < (count := self.count(pair)):
                return Combination(self.open(pair)[left], *pair)
            left -= count
        raise IndexError(index)


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
