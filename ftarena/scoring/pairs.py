"""Two contestants against each other: counts, win rate, verdict, and the course of the verdict."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log
from sys import float_info
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ftarena.scoring.betting import log_evidence, sequence_course, shares, weighted_sequence
from ftarena.scoring.coding import BOTH_BAD, LEFT, RIGHT, TIE, CodedVotes, Floats, Ints
from ftarena.scoring.sequential import (
    EQUIVALENCE,
    SignTest,
    confidence_sequence,
    effective,
    log_e_value,
    sign_test,
    votes_needed,
    wilson,
)
from ftarena.scoring.strengths import Strengths

Verdict = Literal["a", "b", "equivalent", "undecided"]
Unit = Literal["prompt", "vote"]
"""What the verdict counts as one observation: a prompt (its first decisive vote), or every decisive vote,
which assumes that votes are independent of each other."""


class CoursePoint(NamedTuple):
    """The board as it stood after some vote."""

    votes: int
    """Votes cast on the pair so far."""

    wins: int
    """Units (see `PairScore.unit`) won by `a` so far."""

    losses: int
    """Units won by `b` so far."""

    low: float
    high: float
    """The confidence sequence for the win rate of `a`."""

    log_e: float
    """Natural logarithm of the evidence against equality; the verdict falls at log 1/α."""


@dataclass(frozen=True)
class Course:
    """How the verdict on a pair came about; computed when asked for."""

    at: Ints
    """(n_units,) int64, number of the vote on the pair, from 1, that decided each unit."""

    won: npt.NDArray[np.bool_]
    """(n_units,) bool, whether `a` won the unit."""

    alpha: float

    weight: Floats | None = None
    """(n_units,) float64, how much each unit counts; None where all weigh 1."""

    def __len__(self) -> int:
        return len(self.at)

    def points(self, most: int = 200) -> list[CoursePoint]:
        """The course at evenly spread looks, the last one among them.

        Args:
            most: The largest number of points wanted; a screen is not wider.

        Returns:
            Points in the order of time; none without a decisive vote.
        """
        if len(self) == 0:
            return []
        wins = np.cumsum(self.won)
        share = shares(self.weight)
        looks = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(np.int64))
        if share is None:
            ends = [
                confidence_sequence(int(wins[look]), look + 1 - int(wins[look]), self.alpha)
                for look in looks.tolist()
            ]
            evidence = [log_e_value(int(wins[look]), look + 1 - int(wins[look])) for look in looks.tolist()]
        else:
            ends = [*sequence_course(self.won, share, looks, self.alpha)[:-1], self.sequence()]
            evidence = log_evidence(self.won, share)[looks].tolist()
        return [
            CoursePoint(int(self.at[look]), int(wins[look]), look + 1 - int(wins[look]), low, high, log_e)
            for look, (low, high), log_e in zip(looks.tolist(), ends, evidence, strict=True)
        ]

    def sequence(self) -> tuple[float, float]:
        """The confidence sequence after the last unit: the win rates of `a` that cannot be refuted."""
        if (share := shares(self.weight)) is not None:
            return weighted_sequence(self.won, share, self.alpha)
        wins = int(np.count_nonzero(self.won))
        return confidence_sequence(wins, len(self) - wins, self.alpha)


@dataclass(frozen=True)
class PairScore:
    """What is known about two contestants. `a` comes first in the alphabet; all is seen from its side."""

    a: str
    b: str
    wins: int
    """Votes for `a`, on whichever side it stood."""

    losses: int
    """Votes for `b`."""

    ties: int
    both_bad: int
    win_rate: float | None
    """wins / (wins + losses), every vote by its weight; None without a decisive vote."""

    low: float | None
    high: float | None
    """Wilson's interval of the win rate, with weights of the effective number of votes. It takes votes as
    independent and is right for one look only; the verdict relies on `sequence_low` and `sequence_high`
    instead."""

    score: float | None
    """(wins + ties/2) / (wins + losses + ties), every vote by its weight."""

    e_value: float
    """Evidence against equality now: a stake of 1 would have become this. Capped at 1.797e308, the largest
    finite number, so that it stays valid JSON."""

    p_value: float
    """Always-valid: it may be read after every vote."""

    verdict: Verdict
    decided_after: int | None
    """Votes on the pair after which the verdict fell."""

    votes_needed: int | None
    """More votes on the pair until a verdict, if `a` wins `forecast` of the decisive ones; None with a
    verdict or no end in sight."""

    votes_needed_low: int | None
    """The same if the win rate were at the end of its interval that is farther from one half."""

    forecast: float
    """Win rate of `a` that `votes_needed` supposes: (wins + 1)/(wins + losses + 2) of the units, which is
    nearer to one half than `win_rate` because few votes promise little."""

    unit: Unit
    unit_wins: int
    unit_losses: int
    """The observations that the verdict rests on."""

    sequence_low: float
    sequence_high: float
    """The confidence sequence of the win rate: right at all looks together."""

    prompts: int
    """Different prompts voted on."""

    labelers: int
    """Different labelers who voted."""

    left_rate: float | None
    """Share of decisive votes that the left side won."""

    difference: float
    """Rating of `a` minus rating of `b`, from all battles on the board."""

    difference_low: float | None
    difference_high: float | None
    """Its interval; None where the votes bound it on one side only, or not at all."""

    contradicted: bool
    """Each was ahead beyond doubt at some time: preferences have changed, and the verdict is open."""

    note: str
    """What else a reader should know; empty for nothing."""

    course: Course = field(repr=False, compare=False)
    """How the verdict came about."""

    @property
    def weakened(self) -> bool:
        """Whether a verdict stands that the votes up to now would not reach if they were looked at only now.

        Stopping at the first look that decides is what the verdict's guarantee is about, so it stands; but
        whoever compares it with the ratings, which take all votes, should know.
        """
        if self.verdict == "equivalent":
            low, high = EQUIVALENCE
            return not (low <= self.sequence_low and self.sequence_high <= high)
        # Written as in `sign_test`: rounding must not cost the vote that reaches the limit exactly.
        log_e = log(max(self.e_value, float_info.min))
        return self.verdict != "undecided" and log_e < log(1 / self.course.alpha) - 1e-9

    def to_json(self) -> dict[str, object]:
        """All fields but the course, as strictly valid JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "course"}


def score_pairs(coded: CodedVotes, strengths: Strengths, unit: Unit, alpha: float) -> Iterator[PairScore]:
    """Score every pair that met.

    Args:
        coded: Votes as columns.
        strengths: Their fit, for the differences of ratings.
        unit: What the verdict counts as one observation.
        alpha: Probability of a false verdict, and one minus the coverage of the intervals.

    Yields:
        Pairs in the order of their names.
    """
    first, second = np.minimum(coded.left, coded.right), np.maximum(coded.left, coded.right)
    key = first * len(coded.names) + second
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], key[order][1:] != key[order][:-1]]))
    for own in np.split(order, starts[1:]):
        yield _score_pair(coded, int(first[own[0]]), int(second[own[0]]), own, strengths, unit, alpha)


def _score_pair(
    coded: CodedVotes, a: int, b: int, own: Ints, strengths: Strengths, unit: Unit, alpha: float
) -> PairScore:
    """One pair; `own` are the places of its votes in time, (n,) int64."""
    outcome, prompt = coded.outcome[own], coded.prompt[own]
    counts = np.bincount(outcome, minlength=4)
    decisive = np.flatnonzero(outcome <= RIGHT)
    won = (outcome[decisive] == LEFT) == (coded.left[own[decisive]] == a)
    wins = int(np.count_nonzero(won))
    losses = len(won) - wins
    ties, both_bad = int(counts[TIE]), int(counts[BOTH_BAD])
    weight = None if coded.weight is None else coded.weight[own]
    among_decisive = None if weight is None else weight[decisive]
    if unit == "prompt":
        kept = np.sort(np.unique(prompt[decisive], return_index=True)[1])
        among_units = None if among_decisive is None else among_decisive[kept]
        course = Course(decisive[kept] + 1, won[kept], alpha, among_units)
    else:
        course = Course(decisive + 1, won, alpha, among_decisive)
    test = sign_test(course.won, alpha, weight=course.weight)
    names: dict[str, Verdict] = {"first": "a", "second": "b"}
    verdict = names.get(test.decision, "equivalent" if test.decision == "equivalent" else "undecided")
    for_a, for_b = effective(won, among_decisive)
    interval = wilson(for_a, for_b, alpha)
    sequence = course.sequence()
    tied = outcome == TIE
    halves = int(np.count_nonzero(tied)) if weight is None else float(weight[tied].sum())
    gained = wins if among_decisive is None else float(among_decisive[won].sum())
    given = losses if among_decisive is None else float(among_decisive[~won].sum())
    needed, needed_low = _needed(test, len(own), alpha)
    prompts = len(np.unique(prompt))
    difference = strengths.difference(a, b)
    return PairScore(
        a=coded.names[a],
        b=coded.names[b],
        wins=wins,
        losses=losses,
        ties=ties,
        both_bad=both_bad,
        win_rate=gained / (gained + given) if wins + losses else None,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        score=(gained + halves / 2) / (gained + given + halves) if wins + losses + ties else None,
        e_value=test.e_value,
        p_value=test.p_value,
        verdict=verdict,
        decided_after=None if test.decided_at is None else int(course.at[test.decided_at - 1]),
        votes_needed=needed,
        votes_needed_low=needed_low,
        forecast=(test.effective_wins + 1) / (test.effective_wins + test.effective_losses + 2),
        unit=unit,
        unit_wins=test.wins,
        unit_losses=test.losses,
        sequence_low=sequence[0],
        sequence_high=sequence[1],
        prompts=prompts,
        labelers=len(np.unique(coded.labeler[own])),
        left_rate=int(counts[LEFT]) / (wins + losses) if wins + losses else None,
        difference=difference.value,
        difference_low=difference.low,
        difference_high=difference.high,
        contradicted=test.contradicted,
        note="; ".join(_notes(test, verdict, sequence, wins + losses, unit, course)),
        course=course,
    )


def _needed(test: SignTest, votes: int, alpha: float) -> tuple[int | None, int | None]:
    units = test.effective_wins + test.effective_losses
    ends = wilson(test.effective_wins, test.effective_losses, alpha)
    if test.decision != "undecided" or test.contradicted or ends is None:
        return None, None
    per_unit = votes / units
    needed = votes_needed(test.effective_wins, test.effective_losses, alpha, votes_per_unit=per_unit)
    far = max(ends, key=lambda rate: abs(rate - 0.5))
    at_best = votes_needed(
        test.effective_wins, test.effective_losses, alpha, rate=far, votes_per_unit=per_unit
    )
    if needed is not None and at_best is not None:
        at_best = min(at_best, needed)
    return needed, at_best


def _notes(
    test: SignTest, verdict: Verdict, sequence: tuple[float, float], decisive: int, unit: Unit, course: Course
) -> Iterator[str]:
    units = test.wins + test.losses
    if test.contradicted:
        yield "the votes contradict each other: each was ahead beyond doubt at some time"
    ahead = test.effective_wins - test.effective_losses
    if (verdict == "a" and ahead <= 0) or (verdict == "b" and ahead >= 0):
        yield "the lead is gone since the verdict fell"
    if verdict in ("a", "b") and sequence[0] > 0.45 and sequence[1] < 0.55:
        yield "the difference is real but small: less than five points of win rate"
    if unit == "vote":
        yield "the verdict takes all votes as independent"
    elif units < decisive:
        prompts = "1 prompt, once" if units == 1 else f"{units} prompts, each once"
        yield f"the verdict counts {prompts}, not {decisive} decisive votes"
    if shares(course.weight) is not None:
        yield "votes weigh by how likely their prompt was drawn"
