"""Votes as integer arrays, and votes counted by cell.

A *cell* is an ordered pair (left contestant, right contestant). A million votes over a hundred contestants
fill at most 9,900 cells, and a likelihood is fitted on the cells: a step of Newton's method costs what the
cells cost, not what the votes cost.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftarena.errors import FtarenaError
from ftarena.scoring.votes import OUTCOMES, Vote

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEFT, RIGHT, TIE, BOTH_BAD = range(4)
"""Columns of a table of counts; the order of `votes.OUTCOMES`."""


@dataclass(frozen=True)
class CodedVotes:
    """The same votes as columns of integers, in the order in which they were cast."""

    names: tuple[str, ...]
    """Contestants, sorted; a contestant's code is its place here."""

    left: Ints
    """(n_votes,) int64, code of the contestant on the left."""

    right: Ints
    """(n_votes,) int64, code of the contestant on the right."""

    outcome: Ints
    """(n_votes,) int64, column of the outcome: left, right, tie, both bad."""

    prompt: Ints
    """(n_votes,) int64, codes of prompts by first appearance, 0 … n_prompts − 1."""

    labeler: Ints
    """(n_votes,) int64, codes of labelers by first appearance, 0 … n_labelers − 1."""

    prompts: tuple[str, ...]
    """The prompts' ids by code."""

    labelers: tuple[str, ...]
    """The labelers' names by code."""

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True)
class Cells:
    """Votes counted by (left, right) and outcome."""

    left: Ints
    """(n_cells,) int64, contestant on the left."""

    right: Ints
    """(n_cells,) int64, contestant on the right."""

    counts: Floats
    """(n_cells, 4) float64, votes by outcome: left, right, tie, both bad."""

    of_vote: Ints
    """(n_votes,) int64, the cell of every vote."""


def encode(votes: Sequence[Vote]) -> CodedVotes:
    """Turn votes into columns of integers.

    Args:
        votes: Standing votes in the order in which they were cast.

    Returns:
        The columns; contestants are coded by the alphabet, prompts and labelers by first appearance.

    Raises:
        FtarenaError: A battle has the same contestant on both sides, or an outcome is not one of the four.
    """
    if not votes:
        none = np.zeros(0, dtype=np.int64)
        return CodedVotes((), none, none, none, none, none, (), ())
    lefts, rights, outcomes, labelers, prompts, _ = zip(*votes, strict=True)
    names = tuple(sorted(set(lefts) | set(rights)))
    code = {name: place for place, name in enumerate(names)}
    left, right = _codes(lefts, code), _codes(rights, code)
    same = np.flatnonzero(left == right)
    if len(same):
        place = int(same[0])
        raise FtarenaError(
            f"vote {place + 1} compares {lefts[place]!r} with itself",
            "Give the two contestants different names, or drop the vote: it cannot say which is better.",
        )
    column: dict[str, int] = {name: place for place, name in enumerate(OUTCOMES)}
    unknown = set(outcomes) - column.keys()
    if unknown:
        place = next(i for i, outcome in enumerate(outcomes) if outcome in unknown)
        raise FtarenaError(
            f"vote {place + 1} has the outcome {outcomes[place]!r}",
            f"An outcome is one of {', '.join(OUTCOMES)}.",
        )
    prompt_code = _by_first_appearance(prompts)
    labeler_code = _by_first_appearance(labelers)
    return CodedVotes(
        names=names,
        left=left,
        right=right,
        outcome=_codes(outcomes, column),
        prompt=_codes(prompts, prompt_code),
        labeler=_codes(labelers, labeler_code),
        prompts=tuple(prompt_code),
        labelers=tuple(labeler_code),
    )


def group(coded: CodedVotes) -> Cells:
    """Count votes by ordered pair and outcome.

    Args:
        coded: Votes as columns.

    Returns:
        The cells that hold at least one vote.
    """
    size = len(coded.names)
    key = coded.left * size + coded.right
    present = np.flatnonzero(np.bincount(key, minlength=size * size))
    place = np.zeros(size * size, dtype=np.int64)
    place[present] = np.arange(len(present))
    of_vote = place[key]
    counts = np.bincount(of_vote * 4 + coded.outcome, minlength=4 * len(present)).reshape(-1, 4)
    return Cells(
        left=present // max(size, 1),
        right=present % max(size, 1),
        counts=counts.astype(np.float64),
        of_vote=of_vote,
    )


def _codes(values: Sequence[str], code: Mapping[str, int]) -> Ints:
    return np.fromiter(map(code.__getitem__, values), dtype=np.int64, count=len(values))


def _by_first_appearance(values: Iterable[str]) -> dict[str, int]:
    return {value: place for place, value in enumerate(dict.fromkeys(values))}
