"""Votes as integer arrays, and votes counted by cell.

A *cell* is an ordered pair (left contestant, right contestant). A million votes over a hundred contestants
fill at most 9,900 cells, and a likelihood is fitted on the cells: a step of Newton's method costs what the
cells cost, not what the votes cost.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

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

    prompts: Sequence[str]
    """The prompts' ids by code."""

    labelers: tuple[str, ...]
    """The labelers' names by code."""

    weight: Floats | None = None
    """(n_votes,) float64, how much each vote counts in rates and ratings; None where all weigh 1."""

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

    weights: Floats
    """(n_cells, 4) float64, the sum of the votes' weights; `counts` where all weigh 1."""

    squares: Floats
    """(n_cells, 4) float64, the sum of the squares of the weights; `counts` where all weigh 1."""

    def take(self, which: npt.NDArray[np.bool_]) -> "Cells":
        """Some of the cells; votes in others keep no meaningful place.

        Args:
            which: (n_cells,) bool.
        """
        place = np.cumsum(which) - 1
        tables = [table[which] for table in (self.counts, self.weights, self.squares)]
        return Cells(self.left[which], self.right[which], tables[0], place[self.of_vote], *tables[1:])


def encode(votes: Sequence[Vote]) -> CodedVotes:
    """Turn votes into columns of integers.

    Args:
        votes: Standing votes in the order in which they were cast.

    Returns:
        The columns; contestants are coded by the alphabet, prompts and labelers by first appearance.

    Raises:
        FtarenaError: A battle has the same contestant on both sides, an outcome is not one of the four, or a
            weight is not a positive number.
    """
    if not votes:
        none = np.zeros(0, dtype=np.int64)
        return CodedVotes((), none, none, none, none, none, (), ())
    lefts, rights, outcomes, labelers, prompts, weights = zip(*votes, strict=True)
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
    unfit = next((i for i, weight in enumerate(weights) if not 0 < weight < inf), None)
    if unfit is not None:
        raise FtarenaError(
            f"vote {unfit + 1} has the weight {weights[unfit]}",
            "A weight is more than 0 and finite; 1 is usual.",
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
        weight=None if set(weights) == {1.0} else np.array(weights, dtype=np.float64),
    )


def decode(coded: CodedVotes, which: npt.NDArray[np.bool_] | None = None) -> list[Vote]:
    """Turn columns back into votes.

    Args:
        coded: Votes as columns.
        which: (n_votes,) bool, only these.

    Returns:
        The votes in the same order.
    """
    places = np.arange(len(coded)) if which is None else np.flatnonzero(which)
    columns = [column[places].tolist() for column in (coded.left, coded.right, coded.outcome)]
    people, prompts = coded.labeler[places].tolist(), coded.prompt[places].tolist()
    weights = [1.0] * len(places) if coded.weight is None else coded.weight[places].tolist()
    return [
        Vote(
            coded.names[left],
            coded.names[right],
            OUTCOMES[outcome],
            coded.labelers[who],
            coded.prompts[prompt],
            weight,
        )
        for left, right, outcome, who, prompt, weight in zip(*columns, people, prompts, weights, strict=True)
    ]


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
    column = of_vote * 4 + coded.outcome
    return _cells(present // max(size, 1), present % max(size, 1), of_vote, column, coded.weight)


def one_by_one(coded: CodedVotes) -> Cells:
    """Every vote a cell of its own, for terms that differ from vote to vote.

    Args:
        coded: Votes as columns.

    Returns:
        A cell a vote.
    """
    of_vote = np.arange(len(coded))
    return _cells(coded.left, coded.right, of_vote, of_vote * 4 + coded.outcome, coded.weight)


def _cells(left: Ints, right: Ints, of_vote: Ints, column: Ints, weight: Floats | None) -> Cells:
    def table(values: Floats | None) -> Floats:
        summed = np.bincount(column, values, minlength=4 * len(left)).reshape(-1, 4)
        return summed.astype(np.float64)

    counts = table(None)
    if weight is None:
        return Cells(left, right, counts, of_vote, counts, counts)
    return Cells(left, right, counts, of_vote, table(weight), table(weight**2))


def _codes(values: Sequence[str], code: Mapping[str, int]) -> Ints:
    return np.fromiter(map(code.__getitem__, values), dtype=np.int64, count=len(values))


def _by_first_appearance(values: Iterable[str]) -> dict[str, int]:
    return {value: place for place, value in enumerate(dict.fromkeys(values))}
