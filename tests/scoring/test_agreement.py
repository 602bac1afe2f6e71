"""Do labelers agree beyond chance?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scoring_worlds import by_counts, drawn

from ftarena.errors import FtarenaError
from ftarena.scoring.agreement import agreement, cohen_kappa, krippendorff_alpha
from ftarena.scoring.coding import encode
from ftarena.scoring.votes import OUTCOMES, Vote

# Krippendorff 2011, section C: 12 units, four observers, a dot is missing.
OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")

UNITS = [
    [None if value == "." else float(value) for value in given] for given in zip(*OBSERVERS, strict=True)
]


def test_the_small_example() -> None:
    """Three units and two raters give the values that can be checked by hand."""
    units = [[1, 2], [2, 3], [3, 4]]
    assert krippendorff_alpha(units) == pytest.approx(-0.1538462, abs=1e-7)
    assert krippendorff_alpha(units, "interval") == pytest.approx(0.5454545, abs=1e-7)


def test_krippendorffs_own_example() -> None:
    """His data with missing values give his results."""
    assert krippendorff_alpha(UNITS) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(UNITS, "interval") == pytest.approx(0.849, abs=5e-4)


def test_alpha_is_undefined_without_variation() -> None:
    """If everybody always says the same, or nothing was said twice, there is no α rather than a wrong one."""
    assert krippendorff_alpha([[1, 1], [1, 1]]) is None
    assert krippendorff_alpha([[1, None], [2]]) is None
    assert krippendorff_alpha([]) is None


@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=4), min_size=1, max_size=8))
def test_the_order_of_units_and_of_labelers_is_nothing(units: list[list[int]]) -> None:
    """α does not depend on who is called first, and is one at most."""
    alpha = krippendorff_alpha(units)
    assert alpha == pytest.approx(krippendorff_alpha([unit[::-1] for unit in reversed(units)]))
    assert alpha is None or alpha <= 1


def test_kappa() -> None:
    """The worked example of Cohen's κ (50 proposals, two readers) gives 0.4."""
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    assert cohen_kappa(["yes"], ["yes"]) is None
    assert cohen_kappa([], []) is None
    with pytest.raises(FtarenaError, match="compared"):
        cohen_kappa(["yes"], [])


def test_sides_do_not_hide_agreement() -> None:
    """Two labelers who saw the same answers on opposite sides and chose the same one agree."""
    votes = []
    for place in range(20):
        better = "left" if place % 2 else "right"
        mirrored = "right" if place % 2 else "left"
        votes += [Vote("a", "b", better, "ana", f"p{place}"), Vote("b", "a", mirrored, "bo", f"p{place}")]
    found = agreement(encode(votes))
    assert found is not None
    assert (found.alpha, found.raw, found.units, found.labelers) == (pytest.approx(1), 1, 20, 2)
    assert (found.low, found.high) == (pytest.approx(1), pytest.approx(1))


def test_agreement_needs_a_shared_battle() -> None:
    """Two labelers on different prompts, or one alone, give no agreement at all."""
    assert agreement(encode(by_counts([("a", "b", "left", 5)]))) is None
    assert (
        agreement(encode([Vote("a", "b", "left", "ana", "p1"), Vote("a", "b", "left", "bo", "p2")])) is None
    )


def test_nobody_agrees_with_themself() -> None:
    """A labeler who votes again on the same battle counts once, and not at all when of two minds."""
    votes = [
        Vote("a", "b", "left", "ana", "p1"),
        Vote("a", "b", "left", "ana", "p1"),
        Vote("a", "b", "right", "bo", "p1"),
        Vote("a", "b", "left", "ana", "p2"),
        Vote("a", "b", "right", "ana", "p2"),
        Vote("a", "b", "right", "bo", "p2"),
    ]
    found = agreement(encode(votes))
    assert found is not None
    assert (found.units, found.raw) == (1, 0)


def test_pairs_are_not_mixed() -> None:
    """Labelers who agree no better than chance inside every pair get no credit for telling pairs apart."""
    votes = []
    for pair, place in [(pair, place) for pair in ("ab", "cd", "ef") for place in range(40)]:
        ana, bo = OUTCOMES[place % 2], OUTCOMES[place // 2 % 2]
        votes += [Vote(*pair, ana, "ana", f"p{place}"), Vote(*pair, bo, "bo", f"p{place}")]
    found = agreement(encode(votes))
    assert found is not None
    assert found.alpha == pytest.approx(0, abs=0.02)
    assert found.low is not None and found.high is not None
    assert found.low < 0 < found.high


def test_both_bad_is_missing_on_the_scale() -> None:
    """On the scale from one to the other, both bad has no place; among the four outcomes it has."""
    votes = [Vote("a", "b", "both_bad", who, f"p{place}") for who in ("ana", "bo") for place in range(5)]
    votes += [Vote("a", "b", "left", who, f"q{place}") for who in ("ana", "bo") for place in range(5)]
    found = agreement(encode(votes))
    assert found is not None
    assert found.alpha == pytest.approx(1)
    assert found.alpha_interval is None


@pytest.mark.parametrize("seed", range(60))
def test_the_interval_holds_the_value(seed: int) -> None:
    """The agreement is never outside the interval beside it, even on five prompts."""
    found = agreement(encode(drawn(seed, 20 + seed, 5, taste=1.0)))
    if found is not None and found.alpha is not None:
        assert found.low is not None and found.high is not None
        assert found.low <= found.alpha <= found.high
