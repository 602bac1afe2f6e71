"""Votes to score: written down by counts, drawn at random, or made up by hypothesis."""

from collections.abc import Iterable

import numpy as np
from hypothesis import strategies as st

from ftarena.scoring.votes import OUTCOMES, Outcome, Vote

Row = tuple[str, str, Outcome, int]


def by_counts(rows: Iterable[Row]) -> list[Vote]:
    """Votes from (left, right, outcome, times), each on a prompt of its own."""
    votes: list[Vote] = []
    for left, right, outcome, times in rows:
        votes += [Vote(left, right, outcome, "ana", f"p{len(votes) + place}") for place in range(times)]
    return votes


def drawn(seed: int, votes: int, prompts: int, *, taste: float = 0.0, names: str = "abcd") -> list[Vote]:
    """Random votes between contestants half a logit apart, on prompts with tastes of their own."""
    chance = np.random.default_rng(seed)
    own = chance.normal(0, taste, (prompts, len(names)))
    made = []
    for _ in range(votes):
        left, right = chance.choice(len(names), 2, replace=False)
        prompt = chance.integers(prompts)
        logit = (left - right) / 2 + own[prompt, left] - own[prompt, right]
        outcome: Outcome = "left" if chance.random() < 1 / (1 + np.exp(-logit)) else "right"
        other = chance.random()
        outcome = "tie" if other < 0.25 else "both_bad" if other < 0.3 else outcome
        made.append(Vote(names[left], names[right], outcome, f"l{chance.integers(3)}", f"p{prompt}"))
    return made


@st.composite
def boards(draw: st.DrawFn, names: str = "abcd", most: int = 40) -> list[Vote]:
    """Any votes at all: separated, disconnected, one-sided, on one prompt."""
    sides = st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True)
    row = st.tuples(
        sides,
        st.sampled_from(OUTCOMES),
        st.sampled_from(["ana", "bo", "cy"]),
        st.integers(0, 9).map("p{}".format),
    )
    return [
        Vote(*pair, outcome, who, prompt) for pair, outcome, who, prompt in draw(st.lists(row, max_size=most))
    ]
