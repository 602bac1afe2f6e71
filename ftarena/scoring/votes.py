"""What a vote is to the scoring: five words, no numbers yet.

Nothing is imported but `typing`, so that every layer may name these types for free.
"""

from typing import Final, Literal, NamedTuple, get_args

Outcome = Literal["left", "right", "tie", "both_bad"]
"""Which answer was better. `both_bad` is an outcome of its own: it is counted, and says nothing about
strength."""

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
"""The outcomes in the order of the columns of every table of counts."""


class Vote(NamedTuple):
    """One standing vote: a labeler's decision on one battle.

    Votes are handed over in the order in which they were cast, because the sequential test looks at the board
    after every one of them.
    """

    left: str
    """Name of the contestant whose answer stood on the left."""

    right: str
    """Name of the contestant whose answer stood on the right."""

    outcome: Outcome
    """The decision, as seen on the screen (a side, not a contestant)."""

    labeler: str
    """Who decided."""

    prompt: str
    """Id of the prompt. Votes on the same prompt are not independent of each other; where prompts are not
    known, give every vote an id of its own."""

    weight: float = 1.0
    """How much it counts in ratings and rates, more than 0: 1 unless its prompt was drawn by preference."""
