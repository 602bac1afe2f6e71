"""Did they just like the longer answer?"""

import numpy as np
import pytest

from ftarena.errors import FtarenaError
from ftarena.scoring.style import score_style
from ftarena.scoring.votes import Outcome, Vote

FLIP: dict[Outcome, Outcome] = {"left": "right", "right": "left"}


def longer_wins(strength: float, taste: float, seed: int = 1) -> tuple[list[Vote], list[int], list[int]]:
    """Votes between "long" and "short": length is worth `taste` a unit, being "long" `strength`."""
    chance = np.random.default_rng(seed)
    votes, left, right = [], [], []
    for place in range(1500):
        words = {"long": int(chance.integers(50, 400)), "short": int(chance.integers(30, 200))}
        one, other = chance.permutation(["long", "short"]).tolist()
        x = (words[one] - words[other]) / (words[one] + words[other] + 1)
        logit = taste * x + strength * (1 if one == "long" else -1)
        outcome: Outcome = "left" if chance.random() < 1 / (1 + np.exp(-logit)) else "right"
        votes.append(Vote(one, other, "both_bad" if chance.random() < 0.05 else outcome, "ana", f"p{place}"))
        left.append(words[one])
        right.append(words[other])
    return votes, left, right


def test_a_model_that_is_only_longer_is_not_better() -> None:
    """Where people like length and nothing else, the win rate at equal length is a half."""
    votes, left, right = longer_wins(strength=0.0, taste=3.0)
    scored = score_style(votes, {"tokens": left}, {"tokens": right})
    value, low, high = scored.pairs[0].win_rate
    assert low is not None and high is not None
    assert low < 0.5 < high and value == pytest.approx(0.5, abs=0.05)
    effect = scored.effects["tokens"]
    assert effect.low is not None and effect.low > 0.5
    assert scored.pairs[0].ratios["tokens"] == pytest.approx(1.9, abs=0.2)


def test_a_model_that_is_better_at_equal_length_is_found() -> None:
    """Where one is better and length is worth nothing, holding length equal takes nothing away."""
    votes, left, right = longer_wins(strength=0.8, taste=0.0)
    scored = score_style(votes, {"tokens": left}, {"tokens": right})
    assert scored.pairs[0].win_rate.value == pytest.approx(1 / (1 + np.exp(-0.8)), abs=0.04)
    assert scored.effects["tokens"].value == pytest.approx(0, abs=0.15)


def test_the_penalty_does_not_eat_the_effect() -> None:
    """A true effect of 3 logits is found as such: the penalty is on the sum of the loss, not on its mean."""
    votes, left, right = longer_wins(strength=0.3, taste=3.0)
    scored = score_style(votes, {"tokens": left}, {"tokens": right})
    ratio = (np.array(left) - right) / (np.array(left) + right + 1)
    informative = [vote.outcome != "both_bad" for vote in votes]
    spread = float(np.sqrt((ratio[informative] ** 2).mean()))
    assert scored.effects["tokens"].value / spread == pytest.approx(3.0, abs=0.5)


def test_style_mirrors() -> None:
    """Swapped sides change nothing, and swapped names mirror the pair."""
    votes, left, right = longer_wins(strength=0.3, taste=2.0)
    before = score_style(votes, {"tokens": left}, {"tokens": right})
    sides = [Vote(v.right, v.left, FLIP.get(v.outcome, v.outcome), v.labeler, v.prompt) for v in votes]
    after = score_style(sides, {"tokens": right}, {"tokens": left})
    assert after.pairs[0].win_rate == pytest.approx(before.pairs[0].win_rate, rel=1e-9)
    assert after.effects["tokens"] == pytest.approx(before.effects["tokens"], rel=1e-9)
    names = {"long": "short", "short": "long"}
    renamed = [vote._replace(left=names[vote.left], right=names[vote.right]) for vote in votes]
    other = score_style(renamed, {"tokens": left}, {"tokens": right}).pairs[0]
    assert other.win_rate.value == pytest.approx(1 - before.pairs[0].win_rate.value, rel=1e-9)
    assert other.ratios["tokens"] == pytest.approx(1 / before.pairs[0].ratios["tokens"])


def test_style_without_style_is_bradley_terry() -> None:
    """With no feature, or one in which answers never differ, the plain strengths come out."""
    from ftarena.scoring.bradley_terry import fit_bradley_terry
    from ftarena.scoring.coding import encode

    votes, _, _ = longer_wins(strength=0.3, taste=0.0)
    plain = fit_bradley_terry(encode(votes))
    ones = [1] * len(votes)
    for features in ({}, {"tokens": ones}):
        scored = score_style(votes, features, features)
        assert scored.strengths.theta == pytest.approx(plain.theta)
        assert scored.strengths.rating(0) == pytest.approx(plain.rating(0))


def test_the_longer_always_wins() -> None:
    """If the longer answer won every vote, everything is still finite."""
    votes = [Vote("a", "b", "left" if place % 2 else "right", "ana", f"p{place}") for place in range(20)]
    left = [200 if place % 2 else 100 for place in range(20)]
    scored = score_style(votes, {"tokens": left}, {"tokens": [150] * 20})
    assert 0 < scored.effects["tokens"].value < 20
    assert scored.pairs[0].win_rate.value == pytest.approx(0.5, abs=0.2)


def test_features_must_fit_the_votes() -> None:
    """Missing, extra or negative values are refused with the feature's name."""
    vote = [Vote("a", "b", "left", "ana", "p")]
    for left, right, message in (
        ({"tokens": [1, 2]}, {"tokens": [1]}, "2 values for 1 votes"),
        ({"tokens": [-1]}, {"tokens": [1]}, "negative"),
        ({"tokens": [1]}, {"lists": [1]}, "different features"),
    ):
        with pytest.raises(FtarenaError, match=message):
            score_style(vote, left, right)
