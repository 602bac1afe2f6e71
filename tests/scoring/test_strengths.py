"""Ratings: known answers, intervals that hold up, and never an infinity."""

from itertools import product
from math import exp, isfinite, log

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scoring_worlds import boards, by_counts, drawn

from ftarena.errors import FtarenaError
from ftarena.scoring import sandwich
from ftarena.scoring.bradley_terry import fit_bradley_terry
from ftarena.scoring.coding import encode, group
from ftarena.scoring.contrasts import Contrasts
from ftarena.scoring.davidson import fit_davidson, tie_readiness
from ftarena.scoring.quantiles import normal_critical, student_critical
from ftarena.scoring.sandwich import cluster_meat, vote_meat
from ftarena.scoring.strengths import POINTS, Strengths
from ftarena.scoring.votes import OUTCOMES, Vote

# 1987 American League East, home team: (away team, home wins, away wins) …
# Agresti, "Categorical Data Analysis", 2nd edition, table 10.10.
BASEBALL = {
    "Milwaukee": "Detroit 4 3 Toronto 4 2 NewYork 4 3 Boston 6 1 Cleveland 4 2 Baltimore 6 0",
    "Detroit": "Milwaukee 3 3 Toronto 4 2 NewYork 4 3 Boston 6 0 Cleveland 6 1 Baltimore 4 3",
    "Toronto": "Milwaukee 2 5 Detroit 4 3 NewYork 2 4 Boston 4 3 Cleveland 4 2 Baltimore 6 0",
    "NewYork": "Milwaukee 3 3 Detroit 5 1 Toronto 2 5 Boston 4 3 Cleveland 4 2 Baltimore 6 1",
    "Boston": "Milwaukee 5 1 Detroit 2 5 Toronto 3 3 NewYork 4 2 Cleveland 5 2 Baltimore 6 0",
    "Cleveland": "Milwaukee 2 5 Detroit 3 3 Toronto 3 4 NewYork 4 3 Boston 4 2 Baltimore 2 4",
    "Baltimore": "Milwaukee 2 5 Detroit 1 5 Toronto 1 6 NewYork 2 4 Boston 1 6 Cleveland 3 4",
}

# Brands of chocolate pudding: first, second, wins of the first, wins of the second, ties. Davidson 1970.
PUDDING = """
1 2 19 22 16 / 1 3 16 19 12 / 2 3 19 19 10 / 1 4 18 23 13 / 2 4 23 19 9 / 3 4 19 20 15 / 1 5 13 19 18
2 5 16 20 12 / 3 5 16 15 17 / 4 5 17 14 16 / 1 6 18 21 12 / 2 6 22 20 12 / 3 6 13 18 10 / 4 6 14 19 18
5 6 11 21 12
"""


def baseball() -> list[Vote]:
    """The season's games, the home team on the left."""
    games = []
    for home, results in BASEBALL.items():
        words = results.split()
        for away, won, lost in zip(words[::3], words[1::3], words[2::3], strict=True):
            games += [(home, away, "left", int(won)), (home, away, "right", int(lost))]
    return by_counts(games)


def pudding() -> list[Vote]:
    """The tastings."""
    rows = []
    for line in PUDDING.replace("\n", "/").split("/"):
        if line.strip():
            first, second, won, lost, tied = line.split()
            rows += [(first, second, "left", int(won)), (first, second, "right", int(lost))]
            rows += [(first, second, "tie", int(tied))]
    return by_counts(rows)


def rates(strengths: Strengths) -> dict[str, float]:
    """θ by name."""
    return dict(zip(strengths.names, strengths.theta.tolist(), strict=True))


def test_the_worked_example_of_wikipedia() -> None:
    """The article on the Bradley-Terry model and I come to the same strengths."""
    beats = [("A", "B", 2), ("A", "D", 1), ("B", "A", 3), ("B", "C", 5), ("C", "B", 3), ("C", "D", 1)]
    beats += [("D", "A", 4), ("D", "C", 3)]
    fit = fit_bradley_terry(encode(by_counts((winner, loser, "left", n) for winner, loser, n in beats)))
    assert np.exp(fit.theta) == pytest.approx([0.640, 1.043, 0.660, 2.270], abs=5e-4)


def test_the_example_of_choix() -> None:
    """The library choix and I come to the same strengths."""
    fit = fit_bradley_terry(
        encode(by_counts([("0", "1", "left", 2), ("1", "2", "left", 1), ("2", "0", "left", 1)]))
    )
    assert fit.theta == pytest.approx([0.419617624, -0.419617624, 0.0], abs=1e-9)


def test_agrestis_baseball() -> None:
    """The textbook's season gives its strengths, with and without the advantage of playing at home."""
    without = rates(fit_bradley_terry(encode(baseball())))
    relative = sorted(value - without["Baltimore"] for name, value in without.items() if name != "Baltimore")
    assert relative == pytest.approx([0.684, 1.108, 1.248, 1.294, 1.436, 1.581], abs=1e-3)
    fit = fit_bradley_terry(encode(baseball()), side=True)
    assert fit.terms["side"].value == pytest.approx(0.3023, abs=5e-5)
    strength = np.sort(np.exp(fit.theta)) / np.exp(fit.theta).sum()
    assert strength == pytest.approx([0.044, 0.088, 0.137, 0.157, 0.164, 0.190, 0.220], abs=5e-4)


def test_the_published_standard_error_of_the_home_advantage() -> None:
    """Its interval agrees with the textbook's standard error of 0.13, because games are independent."""
    _, low, high = fit_bradley_terry(encode(baseball()), side=True).terms["side"]
    assert low is not None and high is not None
    assert (high - low) / 2 / 1.96 == pytest.approx(0.131, abs=0.005)


def test_davidsons_pudding() -> None:
    """Davidson's data give his strengths and his readiness to call a tie, to his four digits."""
    fit = fit_davidson(encode(pudding()))
    strength = np.exp(fit.theta) / np.exp(fit.theta).sum()
    published = [0.1388005, 0.1729985, 0.1617420, 0.1653930, 0.1586805, 0.2023855]
    assert strength == pytest.approx(published, abs=5e-5)
    assert tie_readiness(fit).value == pytest.approx(0.7468147, abs=5e-5)


def test_without_ties_both_models_are_one() -> None:
    """Where nobody called a tie, Davidson's model is Bradley and Terry's."""
    coded = encode(baseball())
    assert fit_davidson(coded, side=True).theta == pytest.approx(fit_bradley_terry(coded, side=True).theta)
    assert tie_readiness(fit_davidson(coded)).value == 0


def test_two_ties_are_a_win_and_a_loss() -> None:
    """In Bradley and Terry's model a tie is half a win for both."""
    rest = [("a", "b", "left", 5), ("b", "c", "left", 3), ("c", "a", "left", 2)]
    tied = fit_bradley_terry(encode(by_counts([*rest, ("a", "b", "tie", 2)])))
    split = fit_bradley_terry(encode(by_counts([*rest, ("a", "b", "left", 1), ("a", "b", "right", 1)])))
    assert tied.theta == pytest.approx(split.theta)


@settings(deadline=None)
@given(boards())
def test_nothing_is_ever_infinite(votes: list[Vote]) -> None:
    """Whatever the votes, separated or disconnected, both models answer with finite numbers."""
    assume(votes)
    coded = encode(votes)
    for fit in (fit_bradley_terry(coded), fit_davidson(coded)):
        size = range(len(fit.names))
        values = [fit.rating(i, anchor) for i in size for anchor in (None, *size)]
        values += [fit.difference(i, j) for i, j in product(size, size) if i != j]
        values += fit.terms.values()
        for value, low, high in values:
            assert isfinite(value)
            assert low is None or (isfinite(low) and low <= value + 1e-9)
            assert high is None or (isfinite(high) and high >= value - 1e-9)
        assert all(1 <= rank <= len(fit.names) for rank in fit.ranks())


@settings(deadline=None)
@given(boards())
def test_points_expected_are_points_taken(votes: list[Vote]) -> None:
    """Where the fit needs no ridge, everybody's expected points are the points taken: the top was reached."""
    assume(votes)
    coded = encode(votes)
    fit = fit_bradley_terry(coded)
    assume(not fit.ridge)
    surplus = np.zeros(len(fit.names))
    worth = {"left": 1.0, "right": 0.0, "tie": 0.5}
    for vote, left, right in zip(votes, coded.left, coded.right, strict=True):
        if vote.outcome in worth:
            excess = worth[vote.outcome] - 1 / (1 + exp(fit.theta[right] - fit.theta[left]))
            surplus[left] += excess
            surplus[right] -= excess
    assert surplus == pytest.approx(np.zeros(len(surplus)), abs=1e-8)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 5))
def test_one_more_win_never_hurts(wins: int, losses: int, ties: int) -> None:
    """A further win raises the rating, a further loss lowers it."""

    def lead(won: int, lost: int) -> float:
        rows = [("a", "b", "left", won), ("a", "b", "right", lost), ("b", "a", "tie", ties)]
        return fit_bradley_terry(encode(by_counts(rows))).difference(0, 1).value

    assert lead(wins, losses + 1) < lead(wins, losses) < lead(wins + 1, losses)


def test_who_never_lost_has_a_lower_bound_only() -> None:
    """After five wins and no loss, the rating is bounded below by what makes five wins a 1-in-20 surprise."""
    fit = fit_bradley_terry(encode(by_counts([("a", "b", "left", 5)])))
    gap = POINTS * log(0.05**0.2 / (1 - 0.05**0.2))
    assert fit.rating(0).low == pytest.approx(1000 + gap / 2)
    assert fit.rating(0).high is None
    assert fit.rating(1) == (pytest.approx(2000 - fit.rating(0).value), None, pytest.approx(1000 - gap / 2))
    assert fit.rating(0, anchor=1).low == pytest.approx(1000 + gap)
    assert fit.ridge
    assert fit.difference(0, 1).high is None


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from("abcd"), min_size=2, max_size=2, unique=True),
            st.sampled_from(OUTCOMES),
            st.sampled_from([1, 2, 7, 300, 3000]),
        ),
        min_size=1,
        max_size=5,
    ),
    st.booleans(),
)
@example([(["a", "b"], "left", 3000)], False)
@example([(["a", "b"], "left", 3000)], True)
@settings(max_examples=40, deadline=None)
def test_a_rating_lies_inside_its_interval(rows: list, with_anchor: bool) -> None:
    """However lopsided the votes are, no rating is outside the interval printed beside it."""
    fit = fit_bradley_terry(encode(by_counts([(*pair, outcome, times) for pair, outcome, times in rows])))
    for code in range(len(fit.names)):
        for estimate in (
            fit.rating(code, anchor=0 if with_anchor else None),
            *(fit.difference(code, other) for other in range(len(fit.names))),
        ):
            assert estimate.low is None or estimate.low <= estimate.value
            assert estimate.high is None or estimate.value <= estimate.high


def test_a_clean_sweep_is_significant_from_six_on() -> None:
    """Five straight wins leave both at rank 1, six do not, as in the exact sign test (p = .0625, .031)."""
    assert fit_bradley_terry(encode(by_counts([("a", "b", "left", 5)]))).ranks() == [1, 1]
    assert fit_bradley_terry(encode(by_counts([("a", "b", "left", 6)]))).ranks() == [1, 2]


def test_the_ridge_leaves_the_others_alone() -> None:
    """A newcomer that won its three battles moves what is known about the others by some points at most."""
    rest = [("a", "b", "left", 50), ("b", "a", "left", 30), ("b", "c", "left", 45), ("c", "b", "left", 40)]
    before = fit_bradley_terry(encode(by_counts(rest)))
    after = fit_bradley_terry(encode(by_counts([*rest, ("new", "a", "left", 3)])))
    assert after.difference(0, 1).value == pytest.approx(before.difference(0, 1).value, abs=8)
    assert after.difference(1, 2).value == pytest.approx(before.difference(1, 2).value, abs=8)


def test_islands_are_not_compared() -> None:
    """Contestants that no chain of battles links are not ranked against each other."""
    rows = [("a", "b", "left", 30), ("a", "b", "right", 5), ("x", "y", "left", 20), ("x", "y", "right", 20)]
    fit = fit_bradley_terry(encode(by_counts(rows)))
    assert fit.part == (0, 0, 1, 1)
    assert fit.difference(0, 2)[1:] == (None, None)
    assert fit.ranks() == [1, 2, 1, 1]
    assert fit.strangers(0) == [2, 3]
    assert fit.rating(2, anchor=0).value == pytest.approx(1000)


def test_only_both_bad_says_nothing() -> None:
    """If all votes are both bad, there is a rating of 1000 and no interval."""
    for fit in (fit_bradley_terry, fit_davidson):
        strengths = fit(encode(by_counts([("a", "b", "both_bad", 9)])))
        assert [strengths.rating(i) for i in (0, 1)] == [(1000, None, None)] * 2


def test_one_prompt_gives_no_interval() -> None:
    """A hundred votes on one prompt are one observation, and one observation has no interval."""
    votes = [
        vote._replace(prompt="p") for vote in by_counts([("a", "b", "left", 60), ("a", "b", "right", 40)])
    ]
    assert fit_bradley_terry(encode(votes)).difference(0, 1)[1:] == (None, None)


def test_ten_ties_do_not_prove_equality() -> None:
    """Ties and nothing else still leave an interval."""
    _, low, high = fit_bradley_terry(encode(by_counts([("a", "b", "tie", 10)]))).difference(0, 1)
    assert low is not None and high is not None
    assert high - low > 100


def test_copied_votes_add_nothing() -> None:
    """Every vote twice on its own prompt leaves intervals as wide; on fresh prompts they shrink by √2."""
    votes = drawn(seed=1, votes=300, prompts=300)
    copied = votes + votes
    fresh = votes + [vote._replace(prompt=f"again {vote.prompt}") for vote in votes]

    def width(some: list[Vote]) -> float:
        _, low, high = fit_bradley_terry(encode(some)).difference(0, 1)
        assert low is not None and high is not None
        return high - low

    assert width(copied) == pytest.approx(width(votes), rel=0.01)
    assert width(fresh) == pytest.approx(width(votes) / 2**0.5, rel=0.01)


def test_intervals_hold_the_truth() -> None:
    """Nine of ten intervals or more hold the truth where prompts have tastes; unclustered ones do not."""
    held = alone = 0
    for seed in range(60):
        fit = fit_bradley_terry(encode(drawn(seed, votes=150, prompts=12, taste=1.0, names="ab")))
        # The truth: the win rate over all tastes, by the integral over the difference of two normal tastes.
        tastes = np.random.default_rng(0).normal(0, 2**0.5, 20_000)
        rate = float(np.mean(1 / (1 + np.exp(0.5 - tastes))))
        target = POINTS * log((rate * 0.7 + 0.125) / ((1 - rate) * 0.7 + 0.125)) if rate else 0.0
        value, low, high = fit.difference(0, 1)
        held += (low is None or low <= target) and (high is None or target <= high)
        own = fit.covariances[-1]
        alone += abs(value - target) <= 1.96 * POINTS * (own[0, 0] + own[1, 1] - 2 * own[0, 1]) ** 0.5
    assert held >= 54
    assert alone < held


@pytest.mark.parametrize("block", [40, 2_000_000])
def test_the_sandwich_is_the_sum_over_clusters(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast sums over votes, lonely or crowded, in one block or in many, are the sums of the formula."""
    monkeypatch.setattr(sandwich, "BLOCK", block)
    chance = np.random.default_rng(2)
    size, n = 5, 200
    left = chance.integers(size, size=n)
    right = (left + 1 + chance.integers(size - 1, size=n)) % size
    rows = Contrasts(size, left, right, chance.normal(size=(n, 2)))
    residual, apart = chance.normal(size=n), chance.normal(size=(n, 1))
    weight = chance.uniform(0.5, 2, n)
    dense = np.zeros((n, size))
    dense[np.arange(n), left] += 1
    dense[np.arange(n), right] -= 1
    scores = np.column_stack([np.column_stack([dense, rows.extra]) * residual[:, None], apart])
    for cluster in (np.arange(n), np.zeros(n, dtype=np.int64), chance.integers(150, size=n)):
        sums = np.array([scores[cluster == code].sum(axis=0) for code in np.unique(cluster)])
        every = np.arange(n)
        assert cluster_meat(rows, residual, apart, every, cluster) == pytest.approx(sums.T @ sums)
        weighted = np.array(
            [(scores * weight[:, None])[cluster == code].sum(axis=0) for code in np.unique(cluster)]
        )
        found = cluster_meat(rows, residual, apart, every, cluster, weight)
        assert found == pytest.approx(weighted.T @ weighted)
    assert vote_meat(rows, residual, apart, np.full(n, 3.0)) == pytest.approx(3 * scores.T @ scores)


def test_clustering_by_labeler_and_by_both() -> None:
    """I may take labelers as the clusters, or both; both is at least as careful as either."""
    coded = encode(drawn(seed=4, votes=400, prompts=40, taste=1.0))

    def variance(cluster: str) -> float:
        return float(fit_bradley_terry(coded, cluster=cluster).variances[0, 1])  # type: ignore[arg-type]

    assert variance("both") >= max(variance("prompt"), variance("labeler")) - 1e-12
    with pytest.raises(FtarenaError, match="two labelers"):
        fit_bradley_terry(encode(by_counts([("a", "b", "left", 3)])), cluster="labeler")


def test_a_side_that_cannot_be_told_is_refused() -> None:
    """If base always stood on the left, I am told that side and strength cannot be told apart."""
    with pytest.raises(FtarenaError, match="both sides"):
        fit_bradley_terry(encode(by_counts([("a", "b", "left", 3), ("a", "b", "right", 2)])), side=True)


def test_a_side_that_always_won_is_held_by_a_ridge() -> None:
    """If the left won every vote, its advantage is large, finite, and its ridge is named."""
    for fit in (fit_bradley_terry, fit_davidson):
        strengths = fit(encode(by_counts([("a", "b", "left", 9), ("b", "a", "left", 9)])), side=True)
        assert 1 < strengths.terms["side"].value < 10
        assert "side" in strengths.ridge[0]


def test_there_must_be_votes() -> None:
    """Fitting nothing is refused with a sentence, not with a traceback from the algebra."""
    with pytest.raises(FtarenaError, match="no votes"):
        fit_bradley_terry(encode([]))


def test_cells_hold_every_vote() -> None:
    """Counting by pair and outcome loses no vote."""
    coded = encode(drawn(seed=3, votes=200, prompts=20))
    cells = group(coded)
    assert cells.counts.sum() == 200
    assert (cells.left[cells.of_vote] == coded.left).all() and (
        cells.right[cells.of_vote] == coded.right
    ).all()


def test_critical_values() -> None:
    """The critical values are those of the tables."""
    assert normal_critical(0.05) == pytest.approx(1.95996, abs=1e-5)
    table = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 10: 2.228, 30: 2.042, 1000: 1.962}
    for degrees, value in table.items():
        assert student_critical(0.05, degrees) == pytest.approx(value, abs=0.004)
