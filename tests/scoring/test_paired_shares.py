"""Two models on the same items: differences, their intervals, and how many items it would take."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.scoring.paired import (
    Difference,
    ShareDifference,
    score_difference,
    share_difference,
)

COUNTS = st.tuples(*[st.integers(0, 60)] * 4).filter(any)
SCORES = st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 2), min_size=2, max_size=40)


def test_newcombes_own_example() -> None:
    """The interval is the one of the paper: 36, 12, 2, 0 gives .0569 to .3404."""
    low, high = ShareDifference(both=36, lost=2, gained=12, neither=0).interval()
    assert (round(low, 4), round(high, 4)) == (0.0569, 0.3404)


def test_mcnemar_by_counting() -> None:
    """The p-value is that of a fair coin, counted out."""
    p = ShareDifference(both=20, lost=2, gained=12, neither=16).p_value
    assert p == pytest.approx(2 * sum(comb(14, k) for k in range(3)) / 2**14)
    assert ShareDifference(both=5, lost=0, gained=0, neither=5).p_value == 1
    assert 0 < ShareDifference(both=0, lost=0, gained=900, neither=0).p_value < 1e-200


@given(COUNTS)
def test_swapping_the_models_mirrors_everything(counts: tuple[int, int, int, int]) -> None:
    """Who is called first does not matter."""
    both, lost, gained, neither = counts
    one, two = ShareDifference(both, lost, gained, neither), ShareDifference(both, gained, lost, neither)
    low, high = one.interval()
    assert two.interval() == (-high, -low)
    assert two.difference == -one.difference
    assert two.p_value == one.p_value and two.items_needed() == one.items_needed()
    assert -1 <= low <= one.difference <= high <= 1


@given(COUNTS)
def test_right_and_wrong_are_alike(counts: tuple[int, int, int, int]) -> None:
    """Counting wrong answers instead of right ones says the same with the other sign."""
    both, lost, gained, neither = counts
    low, high = ShareDifference(both, lost, gained, neither).interval()
    mirrored = ShareDifference(neither, gained, lost, both).interval()
    assert mirrored == pytest.approx((-high, -low), abs=1e-12)


@given(SCORES)
def test_swapping_the_models_mirrors_scores(pairs: list[tuple[float, float]]) -> None:
    """The same holds for scores that are no yes or no."""
    before, after = [one for one, _ in pairs], [two for _, two in pairs]
    one, two = score_difference(before, after), score_difference(after, before)
    low, high = one.interval() or (0, 0)
    assert two.interval() == (-high, -low)
    assert two.difference == -one.difference and two.items_needed() == one.items_needed()


def test_more_items_narrow_the_interval() -> None:
    """Four times as many items halve it."""
    few, many = ShareDifference(40, 10, 20, 30), ShareDifference(400, 100, 200, 300)
    assert many.interval()[1] - many.interval()[0] < 0.4 * (few.interval()[1] - few.interval()[0])


def test_how_many_items_five_points_take() -> None:
    """100 items with 20 that only one of two has right: some 650 would do, as Connor's formula says."""
    assert ShareDifference(both=20, lost=10, gained=10, neither=60).items_needed() == 645
    assert ShareDifference(both=50, lost=0, gained=0, neither=50).items_needed() == 155  # 5 points at least
    assert score_difference([0.5, 0.5], [0.7, 0.7]).items_needed() is None  # all alike: nothing to go by


def test_one_item_says_nothing() -> None:
    """No interval is invented where there is one item."""
    assert score_difference([0.2], [0.7]).interval() is None
    assert Difference(1.0, 1.5, 0.0, 1).interval() is None
    with pytest.raises(ValueError, match="no item"):
        share_difference([], [])


def test_the_t_interval_of_losses_is_wider_than_two_sigmas() -> None:
    """With five answers 95 % are 2.78 standard errors, not 1.96."""
    low, high = Difference(1.0, 1.5, 0.1, 5).interval() or (0, 0)
    assert (low, high) == pytest.approx((0.5 - 0.2776, 0.5 + 0.2776), abs=1e-3)
