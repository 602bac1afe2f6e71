"""Prompts that have something in common, and whether the verdict turns on them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import sqrt

from ftarena.arena.why.effects import points
from ftarena.arena.why.many import normal_p, standing_findings, wilson_of
from ftarena.arena.why.overlap import words_of
from ftarena.arena.why.reading import Material, Voted
from ftarena.arena.why.report import Slice, Span
from ftarena.curation.check.languages import NAMES

FEWEST_PROMPTS = 8
"""Prompts that a slice needs, and that the rest needs to be compared with."""

_CODE = re.compile(r"```|`[^`\n]+`|^\s*(?:def|class|import|from|#include|SELECT|\$ )", re.M)


def slices(material: Material, votes: Sequence[Voted]) -> tuple[Slice, ...]:
    """Return the slices with their scores, seen from the contestant that sorts first; those that turn first.

    Args:
        material: What was read.
        votes: Those of it whose texts are known and that say something about strength.
    """
    by_prompt: dict[str, list[Voted]] = {}
    for voted in votes:
        by_prompt.setdefault(voted.vote.prompt, []).append(voted)
    members: dict[tuple[str, str], set[str]] = {}
    for prompt_id in by_prompt:
        for shared in _names(material, prompt_id):
            members.setdefault(shared, set()).add(prompt_id)
    members |= dict(_by_length(material, by_prompt))
    everything = _score(list(by_prompt.values()))
    rows: list[tuple[Slice, float | None]] = []
    for (what, name), prompt_ids in sorted(members.items()):
        if _said_already(what, name, members, len(by_prompt)):
            continue
        outside = [found for prompt_id, found in by_prompt.items() if prompt_id not in prompt_ids]
        if len(prompt_ids) < FEWEST_PROMPTS or not outside:
            continue
        inside = [found for prompt_id, found in by_prompt.items() if prompt_id in prompt_ids]
        share, size = _score(inside)
        low, high = wilson_of(share, size)
        rest, rest_size = _score(outside)
        told = len(outside) >= FEWEST_PROMPTS
        part = Slice(
            what, name, len(prompt_ids), sum(map(len, inside)), Span(share, low, high), rest,
            turns=not low <= everything[0] <= high,
        )  # fmt: skip
        rows.append((part, _p_of(share, size, rest, rest_size, everything[0]) if told else None))
    stand = standing_findings([p for _, p in rows])
    final = []
    for (part, p), stands in zip(rows, stand, strict=True):
        turning = part.turns and stands
        final.append((not turning, 1.0 if p is None else p, part.what, part.name, turning, part))
    return tuple(
        Slice(part.what, part.name, part.prompts, part.votes, part.score, part.rest, turns)
        for *_, turns, part in sorted(final, key=lambda row: row[:4])
    )


def _said_already(what: str, name: str, members: Mapping[tuple[str, str], set[str]], everything: int) -> bool:
    """Whether a slice is all that another one of its kind is not: the smaller of the two says it."""
    own = members[what, name]
    for (kind, other), theirs in members.items():
        if kind == what and other != name and len(own) + len(theirs) == everything and not own & theirs:
            return (len(own), name) > (len(theirs), other)
    return False


def _names(material: Material, prompt_id: str) -> Iterator[tuple[str, str]]:
    for category in material.categories.get(prompt_id, ()):
        yield "category", category
    question = material.questions.get(prompt_id)
    if question is None:
        return
    if question.language is not None:
        yield "language", NAMES[question.language]
    yield "question", "with code" if _CODE.search(question.text) is not None else "without code"
    opening = words_of(question.text[:100])[:1]
    if opening:
        yield "first word", opening[0]


def _by_length(
    material: Material, prompt_ids: dict[str, list[Voted]]
) -> Iterator[tuple[tuple[str, str], set[str]]]:
    """Yield the shortest, the middle and the longest third of questions; equal lengths stay together."""
    lengths = {
        prompt_id: len(words_of(material.questions[prompt_id].text))
        for prompt_id in prompt_ids
        if prompt_id in material.questions
    }
    ordered = sorted(lengths.values())
    if len(ordered) < 3 * FEWEST_PROMPTS:
        return
    first, second = ordered[len(ordered) // 3 - 1], ordered[2 * len(ordered) // 3 - 1]
    yield (
        ("question", f"short: up to {first} words"),
        {each for each, length in lengths.items() if length <= first},
    )
    if second > first:
        yield (
            ("question", f"medium: {first + 1} to {second} words"),
            {each for each, length in lengths.items() if first < length <= second},
        )
    yield (
        ("question", f"long: over {second} words"),
        {each for each, length in lengths.items() if length > second},
    )


def _score(prompts: Sequence[Sequence[Voted]]) -> tuple[float, float]:
    """Return the score over votes, and how many equal prompts they are worth (Kish 1965)."""
    weights = [sum(voted.vote.weight for voted in found) for found in prompts]
    gained = sum(voted.vote.weight * points(voted.vote) for found in prompts for voted in found)
    total = sum(weights)
    return (gained / total, total**2 / sum(weight**2 for weight in weights)) if total else (0.5, 0.0)


def _p_of(share: float, size: float, rest: float, rest_size: float, pooled: float) -> float:
    """Two shares against each other, with the variance of no difference."""
    variance = pooled * (1 - pooled) * (1 / size + 1 / rest_size)
    return normal_p((share - rest) / sqrt(variance)) if variance > 0 else 1.0
