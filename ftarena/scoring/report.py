"""The whole board from a list of votes: `score(votes)`.

It is computed anew from the votes every time. A thousand votes take some milliseconds, a million a few
seconds, nearly all of them for reading Python objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ftarena.errors import FtarenaError
from ftarena.scoring.agreement import Agreement, agreement
from ftarena.scoring.board import board
from ftarena.scoring.bradley_terry import SIDE, fit_bradley_terry, side_is_identified
from ftarena.scoring.coding import BOTH_BAD, LEFT, RIGHT, TIE, Cells, CodedVotes, encode, group
from ftarena.scoring.davidson import fit_davidson, tie_readiness
from ftarena.scoring.pairs import PairScore, Unit, score_pairs
from ftarena.scoring.strengths import Clustering, Estimate, Strengths
from ftarena.scoring.votes import Vote

RatingModel = Literal["bt", "davidson"]
"""What ratings come from: Bradley and Terry's model with ties as half a win for both, or Davidson's."""


@dataclass(frozen=True)
class ContestantScore:
    """What is known about one contestant."""

    name: str
    rating: float
    """Rating points, 1000 for the anchor or the mean of the connected part."""

    low: float | None
    high: float | None
    """The interval of the rating; None where the votes do not bound it."""

    battles: int
    """Votes on battles with it, all four outcomes."""

    wins: int
    losses: int
    ties: int
    both_bad: int
    rank: int
    """1 + the number of contestants that are significantly better."""

    part: int
    """Connected part of the board, from 0; ratings compare inside a part only."""

    note: str
    """What else a reader should know; empty for nothing."""


@dataclass(frozen=True)
class SideBias:
    """Whether people just vote left."""

    left: int
    """Decisive votes for the left."""

    right: int
    left_rate: float | None
    """left / (left + right)."""

    gamma: float | None
    """Logits that being on the left is worth, strengths held equal; None if it cannot be told from
    strength."""

    low: float | None
    high: float | None
    """Its interval."""

    note: str


@dataclass(frozen=True)
class Method:
    """How the numbers were made; printed beside them."""

    ratings: str
    alpha: float
    """One minus the coverage of all intervals, and the probability of a false verdict."""

    cluster: Clustering
    """What intervals take as one cluster of dependent votes."""

    unit: Unit
    """What a verdict takes as one observation."""

    anchor: str | None
    ridge: tuple[str, ...]
    """What a ridge of 1 was put on, because the likelihood has no highest point there; empty for none."""


@dataclass(frozen=True)
class ScoreReport:
    """Everything the Scores place shows."""

    votes: int
    contestants: tuple[ContestantScore, ...]
    """By rating, best first, then by name."""

    pairs: tuple[PairScore, ...]
    """By names; inside a pair the names are sorted too, so a swap of names mirrors the pair."""

    side_bias: SideBias
    tie_readiness: Estimate | None
    """Davidson's ν with its interval; None without ties. Between equals the share of ties is ν/(2 + ν)."""

    agreement: Agreement | None
    """None where no two labelers voted on the same battle."""

    method: Method

    def pair(self, one: str, other: str) -> PairScore | None:
        """Find a pair by its names, in whichever order."""
        names = tuple(sorted((one, other)))
        return next((pair for pair in self.pairs if (pair.a, pair.b) == names), None)

    def to_json(self) -> dict[str, object]:
        """The report as strictly valid JSON: no NaN, no Infinity, null where a value is not defined.

        Returns:
            `votes`, `contestants`, `pairs`, `side_bias`, `tie_readiness`, `agreement`, `method`.
        """
        return {
            "votes": self.votes,
            "contestants": [_plain(contestant) for contestant in self.contestants],
            "pairs": [pair.to_json() for pair in self.pairs],
            "side_bias": _plain(self.side_bias),
            "tie_readiness": None if self.tie_readiness is None else self.tie_readiness._asdict(),
            "agreement": None if self.agreement is None else _plain(self.agreement),
            "method": {**_plain(self.method), "ridge": list(self.method.ridge)},
        }


def score(
    votes: Sequence[Vote],
    *,
    anchor: str | None = None,
    alpha: float = 0.05,
    cluster: Clustering = "prompt",
    unit: Unit = "prompt",
    model: RatingModel = "bt",
) -> ScoreReport:
    """Score a board.

    Args:
        votes: Standing votes in the order in which they were cast.
        anchor: Name of the contestant whose rating is 1000; the mean of all is if None.
        alpha: One minus the coverage of the intervals, and the probability of a false verdict.
        cluster: What the intervals of ratings take as one cluster of dependent votes.
        unit: What a verdict takes as one observation, see `sequential`.
        model: What ratings and differences come from.

    Returns:
        The report; empty lists without votes.

    Raises:
        FtarenaError: A battle of a contestant with itself, an unknown outcome or anchor, a weight that is not
            positive, alpha outside (0, 1), or intervals by labeler with one labeler.
    """
    return score_coded(encode(votes), anchor=anchor, alpha=alpha, cluster=cluster, unit=unit, model=model)


def score_coded(
    coded: CodedVotes,
    *,
    anchor: str | None = None,
    alpha: float = 0.05,
    cluster: Clustering = "prompt",
    unit: Unit = "prompt",
    model: RatingModel = "bt",
) -> ScoreReport:
    """Score a board whose votes are columns already: `score` for who has a million of them.

    Args:
        coded: Votes as columns, in the order in which they were cast.
        anchor: As in `score`, like all that follow.
        alpha: One minus the coverage of the intervals, and the probability of a false verdict.
        cluster: What the intervals of ratings take as one cluster of dependent votes.
        unit: What a verdict takes as one observation.
        model: What ratings and differences come from.

    Returns:
        The report; empty lists without votes.

    Raises:
        FtarenaError: As `score`.
    """
    if not 0 < alpha < 1:
        raise FtarenaError(f"alpha is {alpha}, and must lie between 0 and 1", "Use 0.05 for 95 % intervals.")
    if anchor is not None and len(coded) and anchor not in coded.names:
        raise FtarenaError(
            f"no vote names {anchor!r}, so it cannot be the anchor",
            f"Anchor on one of: {_listed(coded.names, 10)}.",
        )
    if len(coded) == 0:
        empty = SideBias(0, 0, None, None, None, None, "")
        method = Method(_RATINGS[model], alpha, cluster, unit, anchor, ())
        return ScoreReport(0, (), (), empty, None, None, method)
    cells = group(coded)
    ties = (
        fit_davidson(coded, cluster=cluster, alpha=alpha, cells=cells)
        if _needs_davidson(cells, model)
        else None
    )
    strengths = (
        ties
        if ties and model == "davidson"
        else fit_bradley_terry(coded, cluster=cluster, alpha=alpha, cells=cells)
    )
    return ScoreReport(
        votes=len(coded),
        contestants=_contestants(coded, strengths, anchor),
        pairs=tuple(score_pairs(coded, strengths, unit, alpha)),
        side_bias=_side_bias(coded, cells, cluster, alpha),
        tie_readiness=tie_readiness(ties) if ties and "ties" in ties.terms else None,
        agreement=agreement(coded, alpha),
        method=Method(_RATINGS[model], alpha, cluster, unit, anchor, strengths.ridge),
    )


_SHARED: dict[Clustering, str] = {
    "prompt": "prompt",
    "labeler": "labeler",
    "both": "prompt or labeler",
}
_RATINGS: dict[RatingModel, str] = {
    "bt": "Bradley-Terry, a tie is half a win, 400 points are odds of ten to one",
    "davidson": "Davidson, a tie is an outcome of its own, 400 points are odds of ten to one without ties",
}


def _needs_davidson(cells: Cells, model: RatingModel) -> bool:
    return model == "davidson" or bool(cells.counts[:, TIE].any())


def _contestants(coded: CodedVotes, strengths: Strengths, anchor: str | None) -> tuple[ContestantScore, ...]:
    size = len(coded.names)
    by_side = [
        np.bincount(side * 4 + coded.outcome, minlength=4 * size).reshape(-1, 4)
        for side in (coded.left, coded.right)
    ]
    on_left, on_right = by_side
    wins = on_left[:, LEFT] + on_right[:, RIGHT]
    losses = on_left[:, RIGHT] + on_right[:, LEFT]
    both = on_left + on_right
    anchored = None if anchor is None else coded.names.index(anchor)
    found = []
    for code, (name, rank) in enumerate(zip(coded.names, strengths.ranks(), strict=True)):
        rating = strengths.rating(code, anchored)
        found.append(
            ContestantScore(
                name=name,
                rating=rating.value,
                low=rating.low,
                high=rating.high,
                battles=int(both[code].sum()),
                wins=int(wins[code]),
                losses=int(losses[code]),
                ties=int(both[code, TIE]),
                both_bad=int(both[code, BOTH_BAD]),
                rank=rank,
                part=strengths.part[code],
                note="; ".join(_contestant_notes(strengths, code, anchored)),
            )
        )
    # Rounded, so that equals are sorted by name and not by the last digit of a sum.
    return tuple(sorted(found, key=lambda contestant: (-round(contestant.rating, 6), contestant.name)))


def _contestant_notes(strengths: Strengths, code: int, anchor: int | None) -> list[str]:
    notes = []
    if strengths.met[code] == 0:
        notes.append("both bad in every battle: nothing to compare")
    elif code in strengths.never_lost:
        notes.append("never lost: the votes bound its rating from below only")
    elif code in strengths.never_won:
        notes.append("never won: the votes bound its rating from above only")
    if strengths.met[code] and strengths.critical(strengths.part[code]) is None:
        notes.append(f"no interval: all votes of its part share one {_SHARED[strengths.cluster]}")
    strangers = [strengths.names[other] for other in strengths.strangers(code) if strengths.met[other]]
    if strangers and strengths.met[code]:
        notes.append(f"not comparable with {_listed(strangers, 3)}: no battles link them")
    if anchor is not None and not strengths.anchored(code, anchor):
        notes.append("not tied to the anchor: 1000 is the mean of its own part")
    return notes


def _side_bias(coded: CodedVotes, cells: Cells, cluster: Clustering, alpha: float) -> SideBias:
    totals = cells.counts.sum(axis=0)
    left, right = int(totals[LEFT]), int(totals[RIGHT])
    rate = left / (left + right) if left + right else None
    if not left + right:
        return SideBias(left, right, rate, None, None, None, "")
    if not side_is_identified(board(coded, cells)):
        note = "no contestant was shown on both sides: side bias cannot be told from strength"
        return SideBias(left, right, rate, None, None, None, note)
    fit = fit_bradley_terry(coded, side=True, cluster=cluster, alpha=alpha, cells=cells)
    gamma = fit.terms["side"]
    note = "held by a ridge: one side won every vote that could tell" if SIDE in fit.ridge else ""
    return SideBias(left, right, rate, gamma.value, gamma.low, gamma.high, note)


def _plain(record: Agreement | ContestantScore | SideBias | Method) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _listed(names: Sequence[str], most: int) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
