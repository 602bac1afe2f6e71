"""What an arena hands to a front end: a blind battle, and after the vote who was who."""

from dataclasses import dataclass

from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Message
from ftarena.store import Outcome

TOLD = "told a moment ago who wrote one of its answers"
"""What a battle gives itself away by that is drawn although its labeler knows one of its authors."""


class AlreadyDecidedError(FtarenaError):
    """This labeler has voted on the battle, or skipped it, and has not taken that back."""


@dataclass(frozen=True, slots=True)
class BlindBattle:
    """All that a labeler may know before the vote. Texts are raw: clean them where they are shown."""

    id: str
    messages: tuple[Message, ...]
    """The prompt's turns."""

    left: str
    """The answer on the left."""

    right: str
    number: int
    """How manyth battle of this labeler it is, from 1."""


@dataclass(frozen=True, slots=True)
class Reveal:
    """Who was who, for after the vote."""

    left: str
    """Name of the contestant that was on the left."""

    right: str
    outcome: Outcome
    left_tokens: int | None
    """Length of the left answer in tokens."""

    right_tokens: int | None
    left_s: float | None = None
    """How long the left answer took to write, in seconds."""

    right_s: float | None = None

    @property
    def winner(self) -> str | None:
        """Name of the contestant that was found better, or `None`."""
        return {"left": self.left, "right": self.right}.get(self.outcome)


@dataclass(frozen=True, slots=True)
class Told:
    """What a labeler may be told right after their vote."""

    reveal: Reveal | None
    """Who was who, where names are told after each vote."""

    leaked: str | None
    """What the battle gave itself away by, so that the vote is not scored."""

    agreed: bool | None
    """On a repeated battle whether the labeler agreed with themselves; `None` on any other, and always where
    names are never told, since nothing may tell a repeat there."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a labeler is. Counts what these contestants and prompts give, not other battles of theirs."""

    labeler: str
    voted: int
    """Battles decided; where names are never told, decided repeats count too: nothing may tell them."""

    planned: int
    """Battles there are when every answer has been made; known identical ones are not among them."""

    ready: int
    """Battles that could be shown now, the open one included."""

    identical: int
    """Combinations left out because both answers look the same."""

    skipped: int
    resting: int = 0
    """Battles that wait because this labeler was told a moment ago who wrote one of their answers."""


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """One side of a blind chat exchange."""

    contestant: str
    """Its name in the store."""

    text: str
    n_tokens: int | None = None
    finish_reason: str | None = None
    history: tuple[Message, ...] | None = None
    """What this side was really sent, the last user turn included, where that is not the common conversation
    (in a longer chat each side sees its own earlier answers)."""
