"""What a sampler may look at, and what it answers."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ftarena.arena.sampling.pool import Combination


class Tally(NamedTuple):
    """What people have said about a pair so far, whoever voted."""

    wins: int
    """Prompts whose first decisive vote was for the contestant whose id sorts first."""

    losses: int
    ties: int
    """Votes for neither: ties and both bad."""


@dataclass(frozen=True)
class Outlook:
    """What there is to choose from, and what is known. The costly parts are asked for only where needed."""

    open: Sequence[Combination]
    """What this labeler may be given now: answered, not had before, not taken by others."""

    had: Sequence[Combination]
    """What this labeler has been given already, decided or not."""

    tallies: Callable[[], Mapping[tuple[str, str], Tally]] = field(default=dict)
    """By pair of contestant ids, sorted: the votes of everybody."""

    differing: Callable[[], Mapping[Combination, float]] = field(default=dict)
    """How much two answers differ, in nats per token, where it is known: 0 is the same text to both
    models."""


class Choice(NamedTuple):
    """What is shown next."""

    combination: Combination
    boost: float = 1.0
    """How much likelier this prompt was drawn for its pair than in a uniform draw."""


class Sampler(Protocol):
    """Chooses the next battle of one labeler."""

    def __call__(self, outlook: Outlook, rng: random.Random) -> Choice | None:
        """Return what is shown next, or `None` where nothing is open."""
