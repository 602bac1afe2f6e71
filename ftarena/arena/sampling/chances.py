"""Which pair comes next: the one whose verdict is nearest, of those whose verdict is open.

Why nearest first: each pair needs as many prompts as it needs, in whatever order they are asked, so the order
costs nothing, except that a pair without any difference never ends. Its verdict is far away, so it waits.
"""

from collections.abc import Collection, Mapping, Sequence
from math import exp, log
from typing import Final

from ftarena.arena.sampling.outlook import UNREAD, Tally
from ftarena.arena.sampling.pool import Pair
from ftarena.arena.sampling.verdicts import units_needed

BALANCED: Final = 0.1
"""Share of draws for which all pairs are alike, decided or not: it keeps the ratings of all contestants from
resting on the votes that happened to decide early."""

_HASTE: Final = 1.5
"""How much the nearer verdict is preferred: with 1 and with 2 three contestants took 0.57 and 0.58 of
uniform's votes, six 0.24 and 0.23."""

_CONTEST: Final = 4
"""How much a pair is preferred of which neither has lost to anybody yet: one of them may be the best."""


def pair_chances(pairs: Sequence[Pair], tallies: Mapping[Pair, Tally]) -> list[float]:
    """Return with which probability each pair is next.

    Args:
        pairs: Those of which anything is open, at least one.
        tallies: What is known of pairs, also of others.
    """
    found = {pair: tallies.get(pair, UNREAD) for pair in pairs}
    beaten = _beaten(tallies)
    pulls = [0.0 if tally.decided else _pull(pair, tally, beaten) for pair, tally in found.items()]
    total = sum(pulls)
    if total == 0:
        return [1 / len(pairs)] * len(pairs)
    return [BALANCED / len(pairs) + (1 - BALANCED) * pull / total for pull in pulls]


def _pull(pair: Pair, tally: Tally, beaten: Collection[str]) -> float:
    """Return how much a pair is worth asking about: the nearer its verdict the more."""
    contenders = sum(one not in beaten for one in pair)
    return (1, 1, _CONTEST)[contenders] * exp(-_HASTE * log(units_needed(tally.wins, tally.losses)))


def _beaten(tallies: Mapping[Pair, Tally]) -> set[str]:
    """Return who has lost to somebody beyond doubt, and so is not the best."""
    return {
        pair[tally.wins > tally.losses]
        for pair, tally in tallies.items()
        if tally.decided and tally.wins != tally.losses
    }
