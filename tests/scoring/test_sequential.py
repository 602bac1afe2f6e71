"""The verdict on two contestants: right however often one looks."""

import json
from fractions import Fraction
from math import comb, exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.scoring.sequential import (
    EQUIVALENCE,
    confidence_sequence,
    log_e_value,
    sign_test,
    votes_needed,
    wilson,
)

counts = st.integers(0, 400)


def course(text: str) -> np.ndarray:
    """Wins and losses from a string of + and −."""
    return np.array([sign == "+" for sign in text], dtype=bool)


@pytest.mark.parametrize(
    ("wins", "votes", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_win_rate_is_wilsons(wins: int, votes: int, low: float, high: float) -> None:
    """The interval beside my win rate is the one in the textbook (Newcombe 1998, method 3)."""
    assert wilson(wins, votes - wins) == pytest.approx((low, high), abs=5e-5)


def test_no_vote_has_no_interval() -> None:
    """Before the first vote there is no win rate and no interval, not a division by zero."""
    assert wilson(0, 0) is None
    assert confidence_sequence(0, 0) == (0.0, 1.0)


def test_eight_of_ten() -> None:
    """Eight wins of ten are evidence of 2.07 to 1, far from the 20 to 1 that decide."""
    assert exp(log_e_value(8, 2)) == pytest.approx(2**10 / (11 * 45)) == pytest.approx(2.0687, abs=5e-5)


@given(counts, counts)
def test_evidence_is_exact(wins: int, losses: int) -> None:
    """The logarithm agrees with exact fractions, and with its mirror image to the last bit."""
    exact = Fraction(2 ** (wins + losses), (wins + losses + 1) * comb(wins + losses, wins))
    assert log_e_value(wins, losses) == pytest.approx(log(exact), abs=1e-9)
    assert log_e_value(wins, losses) == pytest.approx(log_e_value(losses, wins), abs=1e-9)


@given(counts, counts)
def test_the_sequence_and_the_evidence_say_the_same(wins: int, losses: int) -> None:
    """One half lies outside the sequence exactly when the evidence against it has reached twenty."""
    low, high = confidence_sequence(wins, losses)
    assert 0 <= low <= high <= 1
    assert (low <= 0.5 <= high) == (log_e_value(wins, losses) < log(20))
    for end in (low, high):
        if 0 < end < 1:
            assert log_e_value(wins, losses, end) == pytest.approx(log(20), abs=1e-4)
    interval = wilson(wins, losses)
    if interval is not None and wins + losses > 5:
        assert low < interval[0] + 0.02 and high > interval[1] - 0.02, "right at all looks costs width"


@given(counts, counts)
def test_the_sequence_mirrors(wins: int, losses: int) -> None:
    """Swapping the two contestants swaps the ends of the sequence."""
    low, high = confidence_sequence(wins, losses)
    assert confidence_sequence(losses, wins) == pytest.approx((1 - high, 1 - low), abs=1e-11)


@given(st.lists(st.booleans(), max_size=300))
def test_the_verdict_is_what_looking_after_every_vote_finds(won: list[bool]) -> None:
    """The verdict is the one a patient person finds who works out the evidence by hand after every vote."""
    test = sign_test(np.array(won, dtype=bool))
    evidence = [log_e_value(sum(won[:k]), k - sum(won[:k])) for k in range(1, len(won) + 1)]
    assert test.p_value == pytest.approx(min([1.0, *(exp(-value) for value in evidence)]))
    assert test.log_e == pytest.approx(evidence[-1] if won else 0.0, abs=1e-9)
    leaders = {sum(won[:k]) * 2 > k for k in range(1, len(won) + 1) if evidence[k - 1] >= log(20)}
    if len(leaders) == 1:
        assert test.decision == ("first" if leaders.pop() else "second")
        assert test.decided_at == 1 + next(k for k, value in enumerate(evidence) if value >= log(20))
    else:
        assert test.decision in ("undecided", "equivalent")
        assert test.contradicted == (len(leaders) == 2)


@given(st.lists(st.booleans(), max_size=300))
def test_the_verdict_mirrors(won: list[bool]) -> None:
    """Swapping the two contestants swaps the verdict, and changes nothing else."""
    signs = np.array(won, dtype=bool)
    one, other = sign_test(signs), sign_test(~signs)
    swap = {"first": "second", "second": "first"}
    assert other.decision == swap.get(one.decision, one.decision)
    assert (other.wins, other.losses, other.decided_at) == (one.losses, one.wins, one.decided_at)
    assert other.log_e == pytest.approx(one.log_e, abs=1e-9)
    assert other.p_value == pytest.approx(one.p_value)


def test_a_clean_sweep_is_decided_after_eight() -> None:
    """Seven straight wins are not enough, eight are."""
    assert sign_test(course("+" * 7)).decision == "undecided"
    assert sign_test(course("+" * 8)).decided_at == 8


def test_a_verdict_outlives_a_lost_lead() -> None:
    """A verdict stands when the lead turns later: to stop there is what its guarantee is about."""
    test = sign_test(course("+" * 8 + "-" * 10))
    assert (test.decision, test.decided_at, test.contradicted) == ("first", 8, False)


def test_contradictory_votes_decide_nothing() -> None:
    """If each was ahead beyond doubt at some time, I am told so and given no verdict."""
    test = sign_test(course("+" * 8 + "-" * 60))
    assert (test.decision, test.decided_at, test.contradicted) == ("undecided", None, True)


def test_equals_are_told_so() -> None:
    """Two that win in turns are declared equal, at the first look whose sequence is narrow enough."""
    test = sign_test(course("+-" * 1000))
    assert test.decision == "equivalent"
    assert test.decided_at is not None

    def inside(units: int) -> bool:
        low, high = confidence_sequence((units + 1) // 2, units // 2)
        return low >= EQUIVALENCE[0] and high <= EQUIVALENCE[1]

    assert inside(test.decided_at) and not inside(test.decided_at - 1)


def test_looking_after_every_vote_does_not_fool_it() -> None:
    """Between equals, with a look after every one of 300 votes, at most one world in twenty is decided."""
    worlds = np.random.default_rng(11).random((400, 300)) < 0.5
    stopped = sum(sign_test(world).decision in ("first", "second") for world in worlds)
    naive = np.abs(2 * np.cumsum(worlds, axis=1) - np.arange(1, 301)) / np.sqrt(np.arange(1, 301))
    assert stopped / 400 <= 0.06
    assert (naive[:, 9:] > 1.96).any(axis=1).mean() > 0.25, (
        "the same worlds fool a test that is right only once"
    )


def test_a_huge_lead_does_not_overflow() -> None:
    """Three thousand straight wins are a finite number in the JSON."""
    test = sign_test(np.ones(3000, dtype=bool))
    assert json.loads(json.dumps(test.e_value, allow_nan=False)) > 1e300
    assert test.p_value >= 0


@given(st.integers(0, 60), st.integers(0, 60))
def test_what_is_foretold_comes_true_without_chance(wins: int, losses: int) -> None:
    """Going on at the same rate, a verdict falls after the votes that were foretold, and not one earlier."""
    needed = votes_needed(wins, losses)
    assert needed == votes_needed(losses, wins), "foretelling mirrors"
    if needed is None or log_e_value(wins, losses) >= log(20):
        return
    rate = (wins + 1) / (wins + losses + 2)

    def settled(more: int) -> bool:
        won, lost = wins + rate * more, losses + (1 - rate) * more
        narrow = all(log_e_value(won, lost, edge) >= log(20) for edge in EQUIVALENCE)
        return log_e_value(won, lost) >= log(20) or (narrow and 0.45 < won / (won + lost) < 0.55)

    assert settled(needed)
    assert needed == 1 or not settled(needed - 1)


def test_foretelling_is_about_right() -> None:
    """The number foretold for a win rate of 60 % is near the mean of what a thousand courses really took."""
    chance = np.random.default_rng(5)
    taken = [sign_test(chance.random(2000) < 0.6).decided_at or 2000 for _ in range(300)]
    assert votes_needed(0, 0, rate=0.6) == pytest.approx(float(np.mean(taken)), rel=0.2)


def test_ties_make_it_take_longer() -> None:
    """If every other vote is a tie, twice as many votes are needed."""
    alone = votes_needed(12, 8)
    assert alone is not None
    assert votes_needed(12, 8, votes_per_unit=2.0) == 2 * alone
    assert votes_needed(12, 8, votes_per_unit=10_000) is None
