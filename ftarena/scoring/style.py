"""Did they just like the longer answer? Strengths with length and looks held equal.

The logit of Bradley and Terry's model gets βᵀx, x = (a − b)/(a + b + 1) for every feature of the two answers
(tokens, headers, bold, lists): LMArena's style control ("Does style matter?", 2024). As there, ¼‖β‖² is
subtracted from the *sum* of the log-likelihood. Each x is divided by its root mean square, and no mean is
subtracted (LMArena does), because equal answers must have x = 0: only then does a swap of sides or names
mirror every result.

What is left in the strengths is what people would prefer if both answers had the same length and looks,
provided that length itself is not a part of what makes an answer better. So the figure stands beside the
plain one and never replaces it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Final

import numpy as np

from ftarena.errors import FtarenaError
from ftarena.scoring.board import board
from ftarena.scoring.bradley_terry import fit_with_terms
from ftarena.scoring.coding import BOTH_BAD, CodedVotes, Floats, encode, one_by_one
from ftarena.scoring.strengths import POINTS, Clustering, Estimate, Strengths
from ftarena.scoring.votes import Vote

PENALTY: Final = 0.5
"""R of the ridge ½ R β²: a quarter of ‖β‖²."""


@dataclass(frozen=True)
class StylePair:
    """Two contestants with style held equal. `a` comes first in the alphabet."""

    a: str
    b: str
    win_rate: Estimate
    """Probability that `a` is preferred to `b` at equal style, a tie counted as half."""

    ratios: dict[str, float]
    """For every feature, the geometric mean over battles of (a's value + 1)/(b's value + 1): how much
    longer."""


@dataclass(frozen=True)
class StyleScore:
    """What style is worth, and what is left without it."""

    effects: dict[str, Estimate]
    """For every feature the logits gained by a typical (root mean square) relative difference, with its
    interval."""

    pairs: tuple[StylePair, ...]
    strengths: Strengths
    votes: int
    """Votes that the fit is of."""

    without_texts: int = 0
    """Votes that are left out because the answers' texts are not known (imported ones)."""

    def to_json(self) -> dict[str, object]:
        """Effects and pairs as strictly valid JSON."""
        return {
            "votes": self.votes,
            "without_texts": self.without_texts,
            "effects": {name: effect._asdict() for name, effect in self.effects.items()},
            "pairs": [
                {"a": pair.a, "b": pair.b, "win_rate": pair.win_rate._asdict(), "ratios": pair.ratios}
                for pair in self.pairs
            ],
        }


def score_style(
    votes: Sequence[Vote],
    left: Mapping[str, Sequence[float]],
    right: Mapping[str, Sequence[float]],
    *,
    cluster: Clustering = "prompt",
    alpha: float = 0.05,
    without_texts: int = 0,
) -> StyleScore:
    """Fit strengths with features of the answers held equal.

    Args:
        votes: Standing votes, at least one.
        left: For every feature the value of the answer on the left, one for each vote, not negative.
        right: The same for the right, with the same features.
        cluster: What the intervals take as one cluster.
        alpha: One minus the coverage of the intervals.
        without_texts: Votes that are left out because their answers' features are not known; only noted.

    Returns:
        Effects and pairs.

    Raises:
        FtarenaError: There are no votes, or the features do not fit the votes.
    """
    coded = encode(votes)
    features = tuple(left)
    if set(features) != set(right):
        raise FtarenaError(
            "the two sides have different features", f"Left: {', '.join(left)}. Right: {', '.join(right)}."
        )
    on_left, on_right = (_table(side, features, len(coded)) for side in (left, right))
    relative = (on_left - on_right) / (on_left + on_right + 1)
    # Only votes that say something about strength say how much is typical.
    informative = coded.outcome < BOTH_BAD
    spread = (
        np.sqrt((relative[informative] ** 2).mean(axis=0)) if informative.any() else np.ones(len(features))
    )
    relative /= np.where(spread > 0, spread, 1.0)

    seen = board(coded, one_by_one(coded))
    strengths = fit_with_terms(
        coded, seen, relative[informative], dict.fromkeys(features, PENALTY), cluster=cluster, alpha=alpha
    )
    return StyleScore(
        effects=strengths.terms,
        pairs=tuple(_pairs(coded, strengths, features, np.log1p(on_left) - np.log1p(on_right))),
        strengths=strengths,
        votes=len(coded),
        without_texts=without_texts,
    )


def _table(side: Mapping[str, Sequence[float]], features: Sequence[str], votes: int) -> Floats:
    """(n_votes, n_features) float64."""
    for name in features:
        if len(side[name]) != votes:
            raise FtarenaError(
                f"the feature {name!r} has {len(side[name])} values for {votes} votes",
                "Give one for every vote.",
            )
        if votes and not min(side[name]) >= 0:
            raise FtarenaError(
                f"the feature {name!r} has a negative value", "Features are counts, such as tokens."
            )
    return np.array([side[name] for name in features], dtype=np.float64).reshape(len(features), votes).T


def _pairs(
    coded: CodedVotes, strengths: Strengths, features: Sequence[str], longer: Floats
) -> list[StylePair]:
    first, second = np.minimum(coded.left, coded.right), np.maximum(coded.left, coded.right)
    key = first * len(coded.names) + second
    toward_first = np.where(coded.left == first, 1.0, -1.0)[:, None] * longer
    found = []
    for code in np.unique(key).tolist():
        a, b = divmod(code, len(coded.names))
        ratio = np.exp(toward_first[key == code].mean(axis=0)).tolist()
        value, low, high = strengths.difference(a, b)
        found.append(
            StylePair(
                a=coded.names[a],
                b=coded.names[b],
                win_rate=Estimate(
                    _chance(value),
                    None if low is None else _chance(low),
                    None if high is None else _chance(high),
                ),
                ratios=dict(zip(features, ratio, strict=True)),
            )
        )
    return found


def _chance(points: float) -> float:
    return 1 / (1 + exp(-points / POINTS))
