"""The verdict where a sampler preferred some prompts: the same bet, with stakes cut to the weights."""

from fractions import Fraction
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.errors import FtarenaError
from ftarena.scoring import Vote, score
from ftarena.scoring.betting import (
    log_evidence,
    log_evidence_at_end,
    sequence_course,
    shares,
    weighted_sequence,
)
from ftarena.scoring.bradley_terry import fit_bradley_terry
from ftarena.scoring.coding import encode
from ftarena.scoring.davidson import fit_davidson
from ftarena.scoring.sequential import confidence_sequence, effective, log_e_value, sign_test

courses = st.lists(st.tuples(st.booleans(), st.sampled_from([0.25, 0.375, 0.5, 0.75, 1.0])), min_size=1)


def columns(course: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Who won each unit, and its share."""
    won, share = zip(*course, strict=True)
    return np.array(won), np.array(share)


def exact(course: list[tuple[bool, float]]) -> Fraction:
    """½ ∫ Π (1 + λ v s) dλ from −1 to 1, by multiplying the polynomial out in fractions."""
    polynomial = [Fraction(1)]
    for won, share in course:
        slope = Fraction(share) * (1 if won else -1)
        longer = [*polynomial, Fraction(0)]
        for power, coefficient in enumerate(polynomial):
            longer[power + 1] += slope * coefficient
        polynomial = longer
    return sum(
        (value / (power + 1) for power, value in enumerate(polynomial) if power % 2 == 0), start=Fraction(0)
    )


@settings(deadline=None)
@given(courses)
def test_the_integral_is_exact(course: list[tuple[bool, float]]) -> None:
    """The evidence with weights is the integral of the formula, to twelve digits."""
    assert log_evidence(*columns(course))[-1] == pytest.approx(log(exact(course)), abs=1e-12, rel=1e-12)


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=300), st.sampled_from([0.45, 0.5, 0.55, 0.9]))
def test_equal_weights_are_the_sign_test(won: list[bool], rate: float) -> None:
    """If all votes weigh the same, the bet is the mixture sign test, to 1e-12."""
    course = np.array(won)
    wins = int(course.sum())
    evidence = log_evidence_at_end(course, np.ones(len(course)), rate)
    assert evidence == pytest.approx(log_e_value(wins, len(won) - wins, rate), abs=1e-12, rel=1e-12)
    assert shares(np.full(len(won), 0.7)) is None
    assert sign_test(course, weight=np.full(len(won), 0.7)) == sign_test(course)


@pytest.mark.parametrize(("wins", "losses"), [(0, 3000), (2990, 10), (1500, 1500), (6000, 4000)])
def test_long_courses_are_exact_too(wins: int, losses: int) -> None:
    """Ten thousand units, however lopsided, are as right as ten."""
    won = np.arange(wins + losses) < wins
    evidence = log_evidence_at_end(won, np.ones(len(won)), 0.5)
    assert evidence == pytest.approx(log_e_value(wins, losses), abs=1e-9, rel=1e-13)


@settings(deadline=None)
@given(courses)
def test_the_weighted_verdict_mirrors(course: list[tuple[bool, float]]) -> None:
    """Swapping the two contestants swaps the verdict and the ends of the sequence, and nothing else."""
    won, share = columns(course)
    one, other = sign_test(won, weight=share), sign_test(~won, weight=share)
    swap = {"first": "second", "second": "first"}
    assert other.decision == swap.get(one.decision, one.decision)
    assert other.decided_at == one.decided_at
    assert other.log_e == pytest.approx(one.log_e, abs=1e-12)
    assert (other.effective_wins, other.effective_losses) == pytest.approx(
        (one.effective_losses, one.effective_wins)
    )
    low, high = weighted_sequence(won, share)
    assert weighted_sequence(~won, share) == pytest.approx((1 - high, 1 - low), abs=1e-9)
    assert low <= float((share * won).sum() / share.sum()) <= high


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.5, 2.0)), min_size=4, max_size=80))
def test_the_sequence_is_what_the_bet_cannot_refute(course: list[tuple[bool, float]]) -> None:
    """Inside the sequence no win rate is refuted, outside every one is; the drawing shows the same ends."""
    won, weight = columns(course)
    share = shares(weight)
    if share is None:
        return
    low, high = weighted_sequence(won, share)
    for rate in np.linspace(0.01, 0.99, 50).tolist():
        refuted = log_evidence_at_end(won, share, rate) >= log(20)
        if abs(rate - low) > 1e-4 and abs(rate - high) > 1e-4:
            assert refuted == (not low < rate < high)
    drawn_low, drawn_high = sequence_course(won, share, np.array([1, len(won) - 1]), 0.05)[-1]
    assert (drawn_low, drawn_high) == pytest.approx((low, high), abs=0.01)


def test_weights_beyond_the_bound_are_taken_too() -> None:
    """A weight of 3 from elsewhere makes the bet more careful, never impossible."""
    share = shares(np.array([1.0, 3.0]))
    assert share is not None
    assert share.tolist() == [0.25, 0.75]


def test_looking_after_every_weighted_vote_does_not_fool_it() -> None:
    """Two equals whose votes weigh by how they were drawn: one world in twenty is decided at most.

    Odd prompts favour one and are drawn twice as often, even prompts the other: unweighted, more than
    half of all worlds would be decided.
    """
    chance = np.random.default_rng(5)
    fooled = unweighted = 0
    for _ in range(300):
        odd = chance.random(300) < 2 / 3
        won = chance.random(300) < np.where(odd, 0.8, 0.2)
        fooled += sign_test(won, weight=np.where(odd, 0.75, 1.5)).decision in ("first", "second")
        unweighted += sign_test(won).decision in ("first", "second")
    assert fooled <= 15
    assert unweighted > 150


def weighted_votes(seed: int, n: int = 300) -> list[Vote]:
    """Votes between three whose weights are what their prompts were drawn by."""
    chance = np.random.default_rng(seed)
    votes = []
    for place in range(n):
        left, right = chance.choice(3, 2, replace=False).tolist()
        outcome = chance.choice(["left", "right", "tie", "both_bad"], p=[0.4, 0.3, 0.2, 0.1])
        weight = float(chance.choice([0.5, 1.0, 1.5]))
        votes.append(Vote("abc"[left], "abc"[right], str(outcome), "ana", f"p{place // 2}", weight))  # type: ignore[arg-type]
    return votes


def test_a_vote_of_weight_two_is_two_votes_in_the_strengths() -> None:
    """Strengths with whole weights are those of the votes written down that many times."""
    votes = [vote._replace(weight=1.0 + (place % 3 == 0)) for place, vote in enumerate(weighted_votes(1))]
    copied = [vote._replace(weight=1.0) for vote in votes for _ in range(int(vote.weight))]
    for fit in (fit_bradley_terry, fit_davidson):
        one, other = fit(encode(votes)), fit(encode(copied))
        assert one.theta == pytest.approx(other.theta)
        # Copies share their prompt, so clustering sees through them.
        assert one.covariances[0] == pytest.approx(other.covariances[0], rel=0.02, abs=1e-4)


def test_the_unit_of_weights_is_nothing() -> None:
    """Weights all three times as large change neither strengths nor intervals nor the verdict."""
    votes = weighted_votes(2)
    tripled = [vote._replace(weight=3 * vote.weight) for vote in votes]
    one, other = fit_bradley_terry(encode(votes), side=True), fit_bradley_terry(encode(tripled), side=True)
    assert one.theta == pytest.approx(other.theta)
    assert one.variances == pytest.approx(other.variances)
    same = [vote._replace(weight=0.7) for vote in votes]
    plain = [vote._replace(weight=1.0) for vote in votes]
    for mine, theirs in zip(score(same).pairs, score(plain).pairs, strict=True):
        assert mine.verdict == theirs.verdict and mine.e_value == theirs.e_value
        assert mine.win_rate == pytest.approx(theirs.win_rate)
        assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high))


def test_rates_weigh_and_counts_do_not() -> None:
    """One win of weight 2 and two losses of weight ½ are a win rate of two thirds, and still 1 to 2."""
    votes = [
        Vote("a", "b", "left", "ana", "p1", 2.0),
        Vote("a", "b", "right", "ana", "p2", 0.5),
        Vote("a", "b", "right", "ana", "p3", 0.5),
        Vote("a", "b", "tie", "ana", "p4", 1.0),
    ]
    pair = score(votes).pairs[0]
    assert (pair.wins, pair.losses, pair.ties) == (1, 2, 1)
    assert pair.win_rate == pytest.approx(2 / 3)
    assert pair.score == pytest.approx(2.5 / 4)
    assert "weigh" in pair.note
    assert len(pair.course.points()) == 3
    assert (pair.course.points()[-1].low, pair.course.points()[-1].high) == (
        pair.sequence_low,
        pair.sequence_high,
    )


def test_the_effective_number_of_votes() -> None:
    """Ten votes of which one weighs nearly everything are worth little more than one."""
    assert effective(np.array([True, False]), None) == (1, 1)
    wins, losses = effective(np.array([True] + [False] * 9), np.array([100.0] + [0.1] * 9))
    assert wins + losses == pytest.approx(1.02, abs=0.01)


def test_a_weight_must_be_a_positive_number() -> None:
    """A weight of nothing is refused, with the number of the vote."""
    for weight in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(FtarenaError, match="vote 1 has the weight"):
            encode([Vote("a", "b", "left", "ana", "p", weight)])


def test_equal_weights_keep_the_closed_sequence() -> None:
    """With equal weights the ends agree with those of the closed form."""
    won = np.arange(40) % 3 > 0
    wins = int(won.sum())
    assert weighted_sequence(won, np.ones(40)) == pytest.approx(
        confidence_sequence(wins, 40 - wins), abs=1e-6
    )
