"""Which prompt of a pair comes next, by how much the two answers differ, without bias.

Answers that hardly differ end in ties, which decide nothing; so the prompts of a pair are sorted into kinds,
four quarters by how much the answers differ and those where that is not known, and a kind is drawn in
proportion to its size and to the square root of its share of decisive votes. That is Neyman's allocation
(1934): a vote is +1, −1 or 0, so the variance of a kind is at most its share of decisive votes.

Why it does not bias: inside a kind every prompt is as likely as any other. So whatever has been seen before,
a vote that weighs (share of the kind among the pair's prompts) / (its probability now) has as its expectation
the mean over *all* prompts of the pair. The share is that among all prompts, read ones included. With the
share among what is left instead, the early preference for some kinds would never be made good, and in an
arena whose prompts are all read in the end the estimate would be off by points. For the same reason the
preference ends half-way: from there on all that is left is alike, and a kind of which much was read weighs
as much more as less of it is left, up to the last prompt.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from math import sqrt
from typing import Final

BOUNDS: Final = (0.5, 2.0)
"""Least and largest boost: a vote weighs between a half and two."""

UNKNOWN: Final = 4
"""The kind of prompts of which it is not known how much the answers differ."""

KINDS: Final = 5

_PRIOR = (0.55, 0.65, 0.75, 0.85, 0.65)  # shares of decisive votes before there are any
_PRIOR_VOTES = 8
_PREFERRED = 0.5  # share of the prompts for which there is a preference
_STEADY = 8  # prompts; what is expected to be left counts as much as what so many say
_RESERVE = 0.6  # a kind is never read so fast that less of it is left, compared to what is left of all


def kinds_of(prompts: Collection[str], apart: Mapping[str, float]) -> dict[str, int]:
    """Sort a pair's prompts into kinds: 0 to 3 are quarters, from hardly differing to most.

    Args:
        prompts: All prompts of the pair, whether they are open or not.
        apart: How much the answers differ, where it is known.
    """
    known = sorted(apart[prompt_id] for prompt_id in prompts if prompt_id in apart)
    edges = [known[len(known) * quarter // 4] for quarter in (1, 2, 3)] if known else []
    return {
        prompt_id: bisect_right(edges, apart[prompt_id]) if prompt_id in apart else UNKNOWN
        for prompt_id in prompts
    }


def decisive_shares(read: Sequence[int], decisive: Sequence[int]) -> list[float]:
    """Return for each kind which share of its prompts ends with a winner, a guess where few are read.

    Args:
        read: How many prompts of each kind have votes.
        decisive: How many of them have one for one of the two.
    """
    return [
        (some + _PRIOR_VOTES * share) / (all_ + _PRIOR_VOTES)
        for some, all_, share in zip(decisive, read, _PRIOR, strict=True)
    ]


def kind_chances(sizes: Sequence[int], left: Sequence[int], decisive: Sequence[float]) -> list[float]:
    """Return with which probability each kind is next.

    Args:
        sizes: How many prompts of each kind the pair has.
        left: How many of them can be drawn now; at least one is.
        decisive: Share of decisive votes of each kind, more than 0.
    """
    all_, all_left = sum(sizes), sum(left)
    if not _prefers(sizes, left):
        return [some / all_left for some in left]
    pulls = _wanted(sizes, decisive)
    for kind, (size, some) in enumerate(zip(sizes, left, strict=True)):
        remaining = some * all_ / (size * all_left) if size else 0.0
        # Only what is left can be drawn later: from here on the kind is drawn as fast as the others.
        pulls[kind] = min(pulls[kind], remaining) if remaining < _RESERVE else pulls[kind]
    weighted = [pull * size for pull, size in zip(pulls, sizes, strict=True)]
    total = sum(weighted)
    return [weight / total for weight in weighted]


def kind_boosts(
    sizes: Sequence[int], left: Sequence[int], decisive: Sequence[float], chances: Sequence[float]
) -> list[float]:
    """Return for each kind how much likelier its prompts are than in a draw among all the pair's prompts.

    In the second half that is what is left of a kind compared to what is left of all. Of the last few prompts
    that is a matter of luck, so the more it is drawn to what the first half left on average.

    Args:
        sizes: As in `kind_chances`.
        left: Likewise.
        decisive: Likewise.
        chances: With which probability each kind is really next.
    """
    low, high = BOUNDS
    all_, all_left = sum(sizes), sum(left)
    found = []
    for size, some, chance, wanted in zip(sizes, left, chances, _wanted(sizes, decisive), strict=True):
        if not size:
            found.append(1.0)
        elif _prefers(sizes, left):
            found.append(chance * all_ / size)
        else:
            expected = (1 - _PREFERRED * wanted) / (1 - _PREFERRED)
            found.append((some * all_ / size + _STEADY * expected) / (all_left + _STEADY))
    return [min(max(boost, low), high) for boost in found]


def _prefers(sizes: Sequence[int], left: Sequence[int]) -> bool:
    return sum(left) > (1 - _PREFERRED) * sum(sizes)


def _wanted(sizes: Sequence[int], decisive: Sequence[float]) -> list[float]:
    """Return the boost that each kind should have; their mean over prompts is 1."""
    low, high = BOUNDS
    found = [sqrt(share) for share in decisive]
    for _ in range(8):  # clipping shifts the mean, and the next round mends it; a few rounds settle it
        mean = sum(pull * size for pull, size in zip(found, sizes, strict=True)) / sum(sizes)
        found = [min(max(pull / mean, low), high) for pull in found]
    return found
