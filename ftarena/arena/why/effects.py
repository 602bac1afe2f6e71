"""Features held against the votes: who shows what, what it is worth, and the score if both showed it alike.

The worth is β of Bradley and Terry's model with the relative difference (a − b)/(a + b + 1) as a term, a tie
counted half, intervals clustered by prompt (`scoring.style`): alone, and together with all the others,
where a ridge keeps features that go hand in hand from running apart. It is what goes with preference, not
what causes it: two answers that differ in one thing usually differ in others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt

from ftarena.arena.why.features import FEATURES, Feature, measured
from ftarena.arena.why.many import normal_p, standing_findings, student_p
from ftarena.arena.why.reading import Material, Voted
from ftarena.arena.why.report import FeatureFinding, Kind, Span
from ftarena.scoring.quantiles import student_critical
from ftarena.scoring.votes import Vote

FEWEST = 5
"""Votes between answers that differ in a feature, below which its worth is not told."""

_ALPHA = 0.05
_BATTLES = 5

Values = Mapping[str, Mapping[str, float | None]]
"""By answer id and key of a feature."""


def measure_all(material: Material) -> Values:
    """Return what every answer shows."""
    return {
        answer_id: measured(material.answers[answer_id], material.questions[prompt_id])
        for prompt_id, pairs in material.pairs.items()
        for pair in pairs
        for answer_id in pair
    }


def findings(material: Material, votes: Sequence[Voted], values: Values) -> tuple[FeatureFinding, ...]:
    """Return what is found of every feature that any answer shows, seen from the contestant that sorts first.

    Args:
        material: What was read.
        votes: Those of it whose texts are known and that say something about strength.
        values: What the answers show.
    """
    shown = [feature for feature in FEATURES if _shown(feature.key, material, values)]
    told = {feature.key: _told(feature.key, votes, values) for feature in shown}
    able = [key for key, sides in told.items() if _differing(sides) >= FEWEST]
    together = _fit(votes, {key: told[key] for key in able})[0] if len(able) > 1 else {}
    rows: list[tuple[FeatureFinding, float, float | None]] = []
    for feature in shown:
        found, p = _described(feature, material, values)
        worth: Span | None = None
        held: float | None = None
        if feature.key in able:
            sides = told[feature.key]
            effects, held = _fit(votes, {feature.key: sides})
            scale = _scale(sides, feature.kind)
            worth = _scaled(effects[feature.key], scale)
            jointly = together.get(feature.key, effects[feature.key])
            found = replace(found, alone=worth, jointly=_scaled(jointly, scale), held_equal=held)
        found = replace(
            found, votes=_differing(told[feature.key]), battles=_battles(feature.key, votes, values, worth)
        )
        rows.append((found, p, _p_of(worth, len({voted.vote.prompt for voted in votes}))))
    differ = standing_findings([p for _, p, _ in rows])
    count = standing_findings([p for _, _, p in rows])
    final = [
        (replace(found, differs=one, counts=other), 1.0 if p is None else p, own)
        for (found, own, p), one, other in zip(rows, differ, count, strict=True)
    ]
    final.sort(key=lambda row: (not row[0].counts, row[1], row[2], row[0].key))
    return tuple(found for found, _, _ in final)


Sides = tuple[list[float], list[float]]
"""The first contestant's values and the other's, one a vote."""


def _shown(key: str, material: Material, values: Values) -> bool:
    return any(
        values[answer_id][key] for pairs in material.pairs.values() for pair in pairs for answer_id in pair
    )


def _told(key: str, votes: Sequence[Voted], values: Values) -> Sides:
    """Where a feature does not apply to one of two answers, it says nothing about either."""
    ones, others = [], []
    for voted in votes:
        one, other = (values[answer_id][key] for answer_id in voted.answers or ())
        applies = one is not None and other is not None
        ones.append(one if applies and one is not None else 0.0)
        others.append(other if applies and other is not None else 0.0)
    return ones, others


def _differing(sides: Sides) -> int:
    return sum(one != other for one, other in zip(*sides, strict=True))


def _relative(one: float, other: float) -> float:
    return (one - other) / (one + other + 1)


def _scale(sides: Sides, kind: Kind) -> float:
    """Typical differences in the one that is told: there against not there, or twice as much."""
    squares = [_relative(one, other) ** 2 for one, other in zip(*sides, strict=True)]
    typical = sqrt(sum(squares) / len(squares))
    return (1 / 2 if kind == "flag" else 1 / 3) / typical


def _scaled(span: Span, scale: float) -> Span:
    low, high = (None if end is None else end * scale for end in (span.low, span.high))
    return Span(span.value * scale, low, high)


def _fit(votes: Sequence[Voted], told: Mapping[str, Sides]) -> tuple[dict[str, Span], float]:
    """Return the worth of a typical difference by feature, and the first one's score at equal features."""
    from ftarena.scoring.style import score_style

    fitted = score_style(
        [voted.vote for voted in votes],
        {key: sides[0] for key, sides in told.items()},
        {key: sides[1] for key, sides in told.items()},
        alpha=_ALPHA,
    )
    return {key: Span(*effect) for key, effect in fitted.effects.items()}, fitted.pairs[0].win_rate.value


def score_of(votes: Sequence[Voted]) -> Span | None:
    """Return the first contestant's score, a tie counted half, with an interval clustered by prompt."""
    from ftarena.scoring.style import score_style

    if not votes:
        return None
    rate = score_style([voted.vote for voted in votes], {}, {}, alpha=_ALPHA).pairs[0].win_rate
    return Span(*rate)


def points(vote: Vote) -> float:
    """Return what the first contestant got of a vote that says something: 1, ½ or 0."""
    return {"left": 1.0, "tie": 0.5}.get(vote.outcome, 0.0)


def _described(feature: Feature, material: Material, values: Values) -> tuple[FeatureFinding, float]:
    """Return how often either side shows a feature, and the p-value of the difference."""
    ones, others = [], []
    for pairs in material.pairs.values():
        both = [(values[one][feature.key], values[other][feature.key]) for one, other in pairs]
        known = [(one, other) for one, other in both if one is not None and other is not None]
        if known:  # a prompt is one observation, however often it was answered
            ones.append(sum(one for one, _ in known) / len(known))
            others.append(sum(other for _, other in known) / len(known))
    count = len(ones)
    difference, p = _paired([one - other for one, other in zip(ones, others, strict=True)], feature.kind)
    found = FeatureFinding(
        key=feature.key,
        label=feature.label,
        kind=feature.kind,
        prompts=count,
        one=sum(ones) / count if count else 0.0,
        other=sum(others) / count if count else 0.0,
        difference=difference,
        differs=False,
        votes=0,
        alone=None,
        jointly=None,
        counts=False,
        held_equal=None,
        battles=(),
    )
    return found, p


def _paired(differences: Sequence[float], kind: Kind) -> tuple[Span, float]:
    """Return the mean of differences with its interval, and the p-value of no difference.

    Amounts: Student's t. Flags: half an observation is added to each cell of the table of pairs (Agresti and
    Min 2005), or a handful of equal prompts would prove equality. No p-value is below that of the sign test
    in which all went one way.
    """
    count = len(differences)
    if count < 2:
        value = differences[0] if differences else 0.0
        return Span(value, None, None), 1.0
    mean = sum(differences) / count
    if kind == "flag":
        padded = count + 2
        centre = sum(differences) / padded
        spread = sqrt((sum(d * d for d in differences) + 1) / padded - centre * centre) / sqrt(padded)
        critical = student_critical(_ALPHA, padded - 1)
        p = normal_p(centre / spread)
    else:
        centre = mean
        spread = sqrt(sum((d - mean) ** 2 for d in differences) / (count - 1) / count)
        critical = student_critical(_ALPHA, count - 1)
        p = student_p(mean / spread, count - 1) if spread else float(mean == 0)
    span = Span(mean, min(centre - critical * spread, mean), max(centre + critical * spread, mean))
    return span, max(p, 2.0 ** (1 - count))


def _p_of(worth: Span | None, clusters: int) -> float | None:
    if worth is None or worth.low is None or worth.high is None or clusters < 2:
        return None
    deviation = (worth.high - worth.low) / 2 / student_critical(_ALPHA, clusters - 1)
    return student_p(worth.value / deviation, clusters - 1) if deviation else float(worth.value == 0)


def _battles(key: str, votes: Sequence[Voted], values: Values, worth: Span | None) -> tuple[str, ...]:
    """Return the battles with the largest differences that were voted as the feature's worth has it."""
    found: list[tuple[float, str, str]] = []
    for voted in votes:
        one, other = (values[answer_id][key] for answer_id in voted.answers or ())
        if one is None or other is None or one == other:
            continue
        apart = _relative(one, other)
        toward = points(voted.vote) - 0.5
        if worth is None or toward * apart * worth.value > 0:
            found.append((-abs(apart), voted.vote.prompt, voted.battle_id))
    chosen: dict[str, str] = {}
    for _, prompt_id, battle_id in sorted(found):
        chosen.setdefault(prompt_id, battle_id)
        if len(chosen) == _BATTLES:
            break
    return tuple(chosen.values())
