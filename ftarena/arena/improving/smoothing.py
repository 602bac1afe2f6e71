"""How often a vote is the wrong way round, from how far labelers agree, and what training makes of it.

Two labelers who each turn a decision round with the probability ε, independently, agree with the probability
a = (1 − ε)² + ε². Solved for the ε below one half: ε = (1 − √(2a − 1)) / 2. The same holds for one labeler
who meets a battle a second time with its sides swapped. Matters of taste count as noise here: a model can
learn only one of two tastes.

A pair that more people chose than not is surer than a single vote. With m votes more for the chosen answer
than against it the chance that it is the wrong one is ε^m / (ε^m + (1 − ε)^m) (Bayes, both ways equally
likely beforehand), and the mean of that over the pairs is the `label_smoothing` of the training.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ftarena.scoring.quantiles import normal_critical
from ftarena.scoring.words import counted, percent
from ftarena.store import Selection, Store
from ftarena.store.selection import conditions, contestant_condition, outcome_of

FEWEST: Final = 5
"""Comparisons below which agreement is not taken as measured: of four that agree, chance makes one in 16."""

MOST: Final = 0.4
"""Largest ε that is used. Above it labelers hardly agree more often than coins (52 %), and near one half the
loss would learn nothing from any pair."""

Origin = Literal["labelers", "repeats", "none", "given"]
"""What was compared: votes of different labelers on the same battle, one labeler's on a repeated one, nothing
at all, or nothing because the user said the value."""


@dataclass(frozen=True)
class Smoothing:
    """How noisy the votes are, and the `label_smoothing` that follows."""

    value: float
    """What training gets: the mean chance that a pair is the wrong way round, from 0 to `MOST`."""

    flip: float
    """ε: the chance that a single vote is the wrong way round."""

    origin: Origin
    agreement: float | None = None
    """Share of comparisons that agree; None where nothing was compared."""

    low: float | None = None
    """The interval of the agreement (Wilson, 95 %)."""

    high: float | None = None
    compared: int = 0
    """Independent comparisons; of k labelers on one battle these are k − 1."""

    @property
    def by_chance(self) -> bool:
        """Whether what was compared agrees no more often than coins would, as far as can be told."""
        return self.low is not None and (self.low <= 0.5 or self.flip >= MOST)

    def warning(self) -> str:
        """Return what is to be said of votes that agree as coins do; empty for others."""
        if not self.by_chance:
            return ""
        whose = "labelers agree" if self.origin == "labelers" else "labelers, asked again, agree"
        said = f"{percent(self.agreement)} of {counted(self.compared, 'decision')}"
        if self.flip < MOST:
            chance = f"{whose} on {said} (95 %: from {percent(self.low)}), which chance can give, too"
        else:
            chance = f"{whose} no more than by chance ({said})"
        return f"{chance}: these votes teach nothing yet; get more"

    def words(self) -> str:
        """Return one line for a person: what was measured, and what is made of it."""
        if self.origin == "given":
            return f"label_smoothing {self.value:g}: as you said"
        if self.origin == "none":
            few = f" ({self.compared} only)" if self.compared else ""
            return (
                f"label_smoothing 0: how far labelers agree is not known{few}; let two people vote on the "
                "same battles (ftarena arena set overlap=2), or one on repeated ones (attention=0.1)"
            )
        whose = (
            "labelers agree with each other on"
            if self.origin == "labelers"
            else "labelers agree with themselves, asked again, on"
        )
        return (
            f"label_smoothing {self.value:.3g}: {whose} {percent(self.agreement)} of "
            f"{counted(self.compared, 'decision')} (votes for one of two answers alone: ftarena score also "
            f"compares ties; 95 %: {percent(self.low)} to {percent(self.high)}), so "
            f"{percent(self.flip)} of the votes are taken to be the wrong way round"
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "value": self.value,
            "flip": self.flip,
            "origin": self.origin,
            "agreement": self.agreement,
            "low": self.low,
            "high": self.high,
            "compared": self.compared,
        }


def flip_rate(agreement: float) -> float:
    """Return ε, the chance that a vote is the wrong way round, from the share of comparisons that agree.

    Args:
        agreement: From 0 to 1; at one half or below nothing can be told, and ε is `MOST`.
    """
    return min((1 - math.sqrt(max(2 * agreement - 1, 0.0))) / 2, MOST)


def wrong_way_round(flip: float, margin: int) -> float:
    """Return the chance that a pair is the wrong way round.

    Args:
        flip: ε, below one half.
        margin: Votes for the chosen answer less those against it, at least 1.
    """
    odds = (flip / (1 - flip)) ** margin
    return odds / (1 + odds)


def measure_smoothing(store: Store, selection: Selection, margins: Sequence[int]) -> Smoothing:
    """Measure how noisy the votes are.

    Votes of different labelers on the same two answers are compared where there are enough; else those of
    one labeler on a battle that was shown again. Only decisive votes: ties say nothing about direction.

    Args:
        store: Where the votes are.
        selection: Which.
        margins: Of each pair that is trained on, its votes for less its votes against; empty: of single
            votes.

    Returns:
        With `origin` none and no smoothing where too little can be compared.
    """
    few = 0
    between: tuple[Origin, tuple[float, int]] = ("labelers", _between_labelers(store, selection))
    within: tuple[Origin, tuple[float, int]] = ("repeats", _within_labelers(store, selection))
    for origin, (agreeing, compared) in (between, within):
        if compared < FEWEST:
            few = max(few, compared)
            continue
        share = agreeing / compared
        flip = flip_rate(share)
        low, high = _wilson(share, compared)
        wrong = [wrong_way_round(flip, margin) for margin in margins] or [flip]
        value = round(sum(wrong) / len(wrong), 3)
        return Smoothing(value, flip, origin, share, low, high, compared)
    return Smoothing(0.0, 0.0, "none", compared=few)


def _between_labelers(store: Store, selection: Selection) -> tuple[float, int]:
    """Return how many independent comparisons between labelers agree, and how many there are.

    A battle with k labelers has k (k − 1) / 2 pairs of them, which are not independent; it counts as k − 1
    comparisons with the share of its pairs that agree.
    """
    said, first = outcome_of(selection)
    where, then = conditions(selection)
    who, names = contestant_condition(selection)
    # One unit is one prompt with the same two answers, whichever side they were on; imported votes may have
    # no answers, and are about contestants.
    found = store.rows(
        f"SELECT coalesce(b.prompt_id, b.id), coalesce(b.left_answer_id, b.left_id),"
        f" coalesce(b.right_answer_id, b.right_id), v.labeler_id, {said}"
        f" FROM votes v JOIN battles b ON b.id = v.battle_id WHERE {where} AND {who}"
        " ORDER BY v.created_at, v.position, v.id",
        [*first, *then, *names],
    )
    units: dict[tuple[str, str, str], dict[str, str]] = {}
    for prompt, left, right, labeler, outcome in found:
        if outcome in ("left", "right"):
            one, other = sorted((left, right))
            # The last word of somebody who had the same two answers twice.
            units.setdefault((prompt, one, other), {})[labeler] = left if outcome == "left" else right
    return _agreeing(units.values())


def _within_labelers(store: Store, selection: Selection) -> tuple[float, int]:
    """Return how many decisions on repeated battles agree with the first ones, and how many there are."""
    where, values = "", list[object]()
    if selection.labelers is not None:
        where = f" AND w.name IN ({', '.join('?' * len(selection.labelers))})"
        values += sorted(selection.labelers)
    kind = "human" if selection.voters == "people" else "judge"
    found = store.rows(
        "SELECT o.left_id, o.right_id, a.outcome, r.left_id, r.right_id, z.outcome"
        " FROM battles r JOIN battles o ON o.id = r.repeat_of"
        " JOIN votes z ON z.battle_id = r.id"
        " JOIN votes a ON a.battle_id = o.id AND a.labeler_id = z.labeler_id"
        " JOIN labelers w ON w.id = z.labeler_id"
        f" WHERE r.repeat_of IS NOT NULL AND a.blind AND z.blind AND w.kind = ?{where}",
        [kind, *values],
    )
    same = [
        (left if outcome == "left" else right) == (again_left if again == "left" else again_right)
        for left, right, outcome, again_left, again_right, again in found
        if outcome in ("left", "right") and again in ("left", "right")
    ]
    return float(sum(same)), len(same)


def _agreeing(units: Iterable[Mapping[str, str]]) -> tuple[float, int]:
    agreeing, compared = 0.0, 0
    for votes in units:
        count = len(votes)
        if count < 2:
            continue
        chosen = list(votes.values())
        equal = sum(chosen.count(one) * (chosen.count(one) - 1) for one in set(chosen))
        agreeing += (count - 1) * equal / (count * (count - 1))
        compared += count - 1
    return agreeing, compared


def _wilson(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's interval of a share, 95 %."""
    z = normal_critical(0.05)
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(middle - half, 0.0), min(middle + half, 1.0)
