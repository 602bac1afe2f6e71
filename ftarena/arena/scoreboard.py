"""From rows of the store to a scored board."""

from collections.abc import Sequence

from ftarena.scoring import ScoreReport, Vote, score
from ftarena.store import VoteRow


def scoreboard(rows: Sequence[VoteRow], *, anchor: str | None = None) -> tuple[list[Vote], ScoreReport]:
    """Return the votes as the statistics take them, and what they say.

    Args:
        rows: Standing votes in the order they were cast (`Store.standing_votes`).
        anchor: Name of the contestant whose rating is 1000; `None` is the mean.

    Raises:
        FtarenaError: Nobody is called like the anchor.
    """
    votes = [Vote(*row) for row in rows]
    return votes, score(votes, anchor=anchor)
