"""Who votes, and who only presses keys?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scoring_worlds import boards

from ftarena.scoring.labeling import (
    Reading,
    likenesses,
    outlier_words,
    quick_share,
    repeat_words,
    side_words,
    speed_words,
)
from ftarena.scoring.votes import Outcome, Vote

FLIP: dict[Outcome, Outcome] = {"left": "right", "right": "left"}


def crowd(seed: int, prompts: int, honesty: dict[str, float]) -> list[Vote]:
    """Votes of people who each see what most see with a probability of their own, and guess otherwise."""
    chance = np.random.default_rng(seed)
    votes = []
    for place in range(prompts):
        better = chance.random() < 0.5
        for name, honest in honesty.items():
            says = better if chance.random() < honest else chance.random() < 0.5
            votes.append(Vote("a", "b", "left" if says else "right", name, f"p{place:03}"))
    return votes


def test_a_guesser_among_honest_people_is_named() -> None:
    """One of four who guesses is named with the numbers, and nobody else is."""
    found = likenesses(crowd(1, 150, {"ana": 0.8, "bo": 0.8, "cy": 0.8, "guess": 0.0}))
    words = {name: outlier_words(like, 0.85) for name, like in found.items()}
    assert [name for name, said in words.items() if said] == ["guess"]
    assert "outlier: agrees with the majority on" in str(words["guess"])


def test_honest_people_are_left_alone() -> None:
    """Among people who are all alike, at most one crowd in twenty has somebody flagged at any look."""
    flagged = 0
    for seed in range(60):
        found = likenesses(crowd(seed, 80, dict.fromkeys(("ana", "bo", "cy", "di"), 0.5)))
        flagged += any(outlier_words(like, 0.8) for like in found.values())
    assert flagged <= 3


def test_two_labelers_cannot_tell_who_is_odd() -> None:
    """With two labelers there is an agreement, and no outlier."""
    found = likenesses(crowd(1, 200, {"ana": 1.0, "guess": 0.0}))
    assert found["ana"].shared == 200
    assert all(outlier_words(like, 0.5) is None for like in found.values())


@settings(deadline=None, max_examples=50)
@given(boards())
def test_sides_and_names_of_contestants_are_nothing(votes: list[Vote]) -> None:
    """Likeness is about what was preferred: swapped sides or swapped names change nothing."""
    swap = {"a": "d", "b": "c", "c": "b", "d": "a"}
    before = likenesses(votes)
    sides = [v._replace(left=v.right, right=v.left, outcome=FLIP.get(v.outcome, v.outcome)) for v in votes]
    names = [v._replace(left=swap[v.left], right=swap[v.right]) for v in votes]
    assert likenesses(sides) == before
    assert likenesses(names) == before


def test_always_left() -> None:
    """Somebody who presses the same key is named after some votes, in words that fit how often."""
    assert side_words([True] * 6, 0.05) is None
    assert side_words([True] * 10, 0.05) == "always left: 100 % of 10 decisive votes"
    assert side_words([False] * 10, 0.05) == "always right: 100 % of 10 decisive votes"
    assert str(side_words([True, True, True, False] * 20, 0.05)).startswith("mostly left: 75 %")
    assert side_words([], 0.05) is None


@given(st.lists(st.booleans(), max_size=60))
def test_sides_mirror(left: list[bool]) -> None:
    """Whoever favours the right is told so as soon as whoever favours the left."""
    said, mirrored = side_words(left, 0.05), side_words([not side for side in left], 0.05)
    turned = {"left:": "right:", "right:": "left:"}
    assert mirrored == (said and " ".join(turned.get(word, word) for word in said.split(" ")))


def test_speed() -> None:
    """Votes faster than anyone reads are told, if the others are slower."""
    slow = [Reading(8.0, 900)] * 20
    fast = [Reading(0.6, 900)] * 8 + [Reading(3.0, 900)] * 4 + [Reading(2.0, None)] * 8
    assert quick_share(slow) == 0 and quick_share(fast) == pytest.approx(12 / 20)
    assert quick_share(fast[:5]) is None
    assert str(speed_words(fast, [0.0, 0.1])).startswith("speed-clicking: 60 % of 20 votes")
    assert speed_words(fast, [0.5, 0.6]) is None  # everybody does: short answers
    assert speed_words(slow, []) is None


def test_of_two_minds() -> None:
    """Somebody who decides repeated battles anew each time is told so, an honest one is not."""
    assert repeat_words(0, 0, 0.05) is None
    assert repeat_words(7, 10, 0.05) is None
    assert repeat_words(1, 14, 0.05) == "of two minds: 1 of 14 repeated battles decided the same way again"


def test_all_of_them_clicking_is_no_excuse() -> None:
    """Everybody votes in no time at all, and everybody is flagged for it."""
    clicks = [Reading(0.03, 900)] * 20
    assert "speed-clicking" in (speed_words(clicks, [1.0, 1.0]) or "")
    assert speed_words([Reading(0.8, 900)] * 20, [1.0]) is None
