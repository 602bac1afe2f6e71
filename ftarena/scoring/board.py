"""What can be said before anything is fitted: who met whom, and who took points from whom."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ftarena.errors import FtarenaError
from ftarena.scoring.coding import BOTH_BAD, LEFT, RIGHT, TIE, Cells, CodedVotes, Floats, Ints
from ftarena.scoring.graph import components, members, strong_components


@dataclass(frozen=True)
class Board:
    """What can be said before anything is fitted."""

    names: tuple[str, ...]
    cells: Cells
    """Cells with at least one informative vote (all but both bad)."""

    part: list[int]
    """The connected part of every contestant."""

    met: Ints
    """(n,) int64, informative votes by contestant."""

    points: Floats
    """(n, n) float64, weighted wins plus half ties of the first over the second."""

    wins: Floats
    """(n, n) float64, weighted wins of the first over the second."""

    @property
    def size(self) -> int:
        """Number of contestants."""
        return len(self.names)

    def fixed(self, n_terms: int) -> Floats:
        """(size + n_terms, n_parts) float64, orthonormal: the means of the parts, which no vote
        determines."""
        part = np.array(self.part)
        columns = (part[:, None] == np.arange(part.max() + 1)[None, :]).astype(np.float64)
        return np.concatenate([columns / np.sqrt(columns.sum(axis=0)), np.zeros((n_terms, columns.shape[1]))])

    def gap_ridge(self, group: Sequence[int], n_terms: int) -> Floats:
        """(size + n_terms, …) float64: Σ over groups of (mean of the group − mean of its connected part)²."""
        ridge = np.zeros((self.size + n_terms,) * 2)
        part = np.array(self.part)
        for fellows in members(group):
            whole = part == part[fellows[0]]
            if whole.sum() == len(fellows):
                continue
            contrast = np.zeros(self.size + n_terms)
            contrast[fellows] = 1 / len(fellows)
            contrast[: self.size][whole] -= 1 / whole.sum()
            ridge += np.outer(contrast, contrast)
        return ridge


def board(coded: CodedVotes, cells: Cells) -> Board:
    """Look who met whom.

    Args:
        coded: Votes as columns.
        cells: The same votes, counted.

    Returns:
        The board.

    Raises:
        FtarenaError: There are no votes at all.
    """
    if len(coded) == 0:
        raise FtarenaError("there are no votes to fit strengths to", "Cast some first: ftarena vote")
    size = len(coded.names)
    informative = cells.counts[:, :BOTH_BAD].sum(axis=1) > 0
    kept = cells.take(informative)
    votes = kept.counts[:, :BOTH_BAD].sum(axis=1)
    met = np.bincount(kept.left, votes, size) + np.bincount(kept.right, votes, size)
    wins = np.zeros((size, size))
    ties = np.zeros((size, size))
    # Added, not assigned: where terms differ from vote to vote, every vote is a cell.
    np.add.at(wins, (kept.left, kept.right), kept.weights[:, LEFT])
    np.add.at(wins, (kept.right, kept.left), kept.weights[:, RIGHT])
    np.add.at(ties, (kept.left, kept.right), kept.weights[:, TIE])
    points = wins + (ties + ties.T) / 2
    part = components(size, zip(kept.left.tolist(), kept.right.tolist(), strict=True))
    return Board(coded.names, kept, part, met.astype(np.int64), points, wins)


def one_way_groups(seen: Board, scored: Floats) -> list[int]:
    """Groups of contestants between which all points went one way.

    Args:
        seen: The board.
        scored: (n, n) float64, points of the first over the second.

    Returns:
        The group of every contestant.
    """
    return strong_components(seen.size, zip(*(axis.tolist() for axis in np.nonzero(scored)), strict=True))
