"""What a sampler may look at, and what it answers."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

from ftarena.arena.sampling.pool import Combination, Openings, Pair

_NOTHING: Mapping[str, float] = {}


class Tally(NamedTuple):
    """What people have said about a pair so far, whoever voted."""

    wins: float = 0.0
    """Prompts whose first decisive vote was for the contestant whose id sorts first; where votes weigh
    differently, the number of equal votes that would be as certain."""

    losses: float = 0.0
    decided: bool = False
    """Whether a verdict has fallen, for a difference or for none worth having."""

    read: Mapping[str, bool] = {}
    """The prompts with a vote, and whether any was for one of the two."""


UNREAD = Tally()
"""Of a pair without a vote."""


@dataclass(frozen=True)
class Outlook:
    """What there is to choose from, and what is known. The costly parts are asked for only where needed."""

    open: Sequence[Combination]
    """What this labeler may be given now: answered, not had before, not taken by others. `Openings` where
    there is much of it."""

    had: Sequence[Combination]
    """What this labeler has been given already, decided or not."""

    tallies: Callable[[], Mapping[Pair, Tally]] = field(default=dict)
    """By pair: the votes of everybody."""

    differing: Callable[[Pair], Mapping[str, float]] = field(default=lambda pair: _NOTHING)
    """By prompt how much the two answers of a pair differ, in nats per token, where it is known: 0 is the
    same text to both models."""

    @cached_property
    def openings(self) -> Openings:
        """What is open, by pair."""
        return Openings.among(self.open, self.had)


class Choice(NamedTuple):
    """What is shown next."""

    combination: Combination
    boost: float = 1.0
    """How much likelier a prompt of this kind was drawn for its pair than a draw among all the pair's
    prompts would have. A vote weighs 1 / boost."""


class Sampler(Protocol):
    """Chooses the next battle of one labeler."""

    def __call__(self, outlook: Outlook, rng: random.Random) -> Choice | None:
        """Return what is shown next, or `None` where nothing is open."""
