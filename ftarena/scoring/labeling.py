"""Is a labeler voting, or just pressing keys? Tests that may be read after every vote.

All of them are the mixture sign test of `sequential`, so a labeler who votes honestly is ever flagged with
probability α at most, however often one looks; with K labelers each is tested at α/K (Bonferroni), so that
the probability is that of *any* false flag.

*Always left.* The sides are drawn by lot, so an honest labeler's decisive votes fall on either side alike.

*Outlier.* On a prompt that L, and at least two others, have voted on, L's vote is compared with the majority
of all others, and so is the vote of one of the others (which one, the prompt's id says). If L judges like
the others do, it is as likely that only L agrees as that only the other one does; the prompts where just
one of the two agrees are the bet's units (McNemar 1947 made sequential; for e-processes Ramdas et al. 2023,
"Game-theoretic statistics and safe anytime-valid inference", Statistical Science 38). Two labelers alone
cannot tell which of them is odd, so shared battles of two say nothing here.

*Speed.* People read 238 words a minute (Brysbaert 2019) and skim 700; whoever is through at `SKIMMING` has
seen the shapes at best. Time is no proof, so it needs both a share of votes and others who are slower.
"""

from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np

from ftarena.scoring.judges import Place, facing, majority
from ftarena.scoring.sequential import SignTest, confidence_sequence, sign_test
from ftarena.scoring.votes import Outcome, Vote
from ftarena.scoring.words import percent

QUICK_S: Final = 1.0
"""A vote within this many seconds was hardly read, however short the answers."""

BLINK_S: Final = 0.5
"""A median time below this is flagged even if everybody votes like that."""

SKIMMING: Final = 150.0
"""Characters a second: 1,500 words a minute, twice the speed of skimming."""

QUICK_SHARE: Final = 0.2
"""Share of quick votes from which a labeler is flagged, if it is also twice that of the others."""

TIMED: Final = 10
"""Votes with a time that it takes to say anything about speed."""


class Likeness(NamedTuple):
    """How one labeler's votes compare with those of the others."""

    agreed: int
    """Votes that are what most others said."""

    shared: int
    """Votes where most others said one thing."""

    alike: SignTest
    """The bet that the labeler is like another one: wins are prompts where only the labeler agreed."""


class Reading(NamedTuple):
    """How long a vote took, and how much there was to read."""

    seconds: float
    characters: int | None
    """Of both answers together; None where the texts are not known."""

    @property
    def quick(self) -> bool:
        """Whether the answers can hardly have been read."""
        if self.seconds < QUICK_S:
            return True
        return self.characters is not None and self.characters > SKIMMING * self.seconds


def likenesses(votes: Sequence[Vote], alpha: float = 0.05) -> dict[str, Likeness]:
    """Compare every labeler with the others, where battles are shared.

    Args:
        votes: Standing votes in the order in which they were cast.
        alpha: Probability that any honest labeler is ever told apart.

    Returns:
        By labeler; labelers who share no battle have zeros.
    """
    by_place: dict[Place, dict[str, Outcome]] = {}
    for vote in votes:
        place, outcome = facing(vote)
        by_place.setdefault(place, {})[vote.labeler] = outcome
    labelers = sorted({vote.labeler for vote in votes})
    agreed, shared = dict.fromkeys(labelers, 0), dict.fromkeys(labelers, 0)
    units: dict[str, list[bool]] = {name: [] for name in labelers}
    for place, said in by_place.items():
        if len(said) < 2:
            continue
        with_most = {name: _with_most(said, name) for name in sorted(said)}
        for number, (name, agrees) in enumerate(with_most.items()):
            if agrees is None:
                continue
            shared[name] += 1
            agreed[name] += agrees
            others = [other for other in with_most if other != name]
            other = with_most[others[(number + crc32(place[0].encode())) % len(others)]]
            if len(said) > 2 and other is not None and other != agrees:
                units[name].append(agrees)
    each = alpha / max(len(labelers), 1)
    return {
        name: Likeness(agreed[name], shared[name], sign_test(np.array(units[name], dtype=np.bool_), each))
        for name in labelers
    }


def _with_most(said: dict[str, Outcome], name: str) -> bool | None:
    """Whether one labeler said what most others said; None where the others are of two minds."""
    most = majority([outcome for other, outcome in said.items() if other != name])
    return None if most is None else said[name] == most


def outlier_words(likeness: Likeness, others: float | None) -> str | None:
    """What to say of a labeler who agrees with the others less than they do.

    Args:
        likeness: The labeler's.
        others: Share of the others' votes that are what most of the rest said.

    Returns:
        The words, or None where nothing is to be said.
    """
    if likeness.alike.decision != "second" or others is None or likeness.shared == 0:
        return None
    own = percent(likeness.agreed / likeness.shared)
    return (
        f"outlier: agrees with the majority on {own} of {likeness.shared:,} shared battles,"
        f" others on {percent(others)}"
    )


def side_words(left: Sequence[bool], alpha: float) -> str | None:
    """What to say of a labeler who favours a side.

    Args:
        left: Of every decisive vote in order, whether it was for the left.
        alpha: Probability that an honest labeler is ever told so.

    Returns:
        For example "always left: 97 % of 60 decisive votes", or None.
    """
    test = sign_test(np.array(left, dtype=np.bool_), alpha)
    if test.decision not in ("first", "second"):
        return None
    side, count = ("left", test.wins) if test.decision == "first" else ("right", test.losses)
    share = count / len(left)
    often = "always" if share >= 0.9 else "mostly" if share >= 0.65 else "more often"
    return f"{often} {side}: {percent(share)} of {len(left):,} decisive votes"


def quick_share(readings: Sequence[Reading]) -> float | None:
    """Share of votes that were cast faster than anyone reads; None below `TIMED` votes."""
    if len(readings) < TIMED:
        return None
    return sum(reading.quick for reading in readings) / len(readings)


def speed_words(readings: Sequence[Reading], others: Sequence[float]) -> str | None:
    """What to say of a labeler who votes faster than one can read.

    Args:
        readings: Of every vote with a time.
        others: `quick_share` of every other labeler who has one.

    Returns:
        For example "speed-clicking: 64 % of 50 votes faster than anyone reads, median 0.7 s", or None.
    """
    share = quick_share(readings)
    middle = median([reading.seconds for reading in readings] or [0.0])
    alike = bool(others) and share is not None and share < 2 * median(others)
    # Nobody reads anything in half a second, and that others do as much excuses nobody.
    if share is None or share < QUICK_SHARE or (alike and middle >= BLINK_S):
        return None
    beside = f"; the others {percent(median(others))}" if others else ""
    return (
        f"speed-clicking: {percent(share)} of {len(readings):,} votes faster than anyone reads,"
        f" median {middle:.1f} s{beside}"
    )


def repeat_words(same: int, repeats: int, alpha: float) -> str | None:
    """What to say of a labeler who does not agree with their own votes.

    Args:
        same: Repeated battles decided the same way again.
        repeats: Repeated battles decided.
        alpha: Probability that someone who agrees with half of their own votes is ever told so.

    Returns:
        For example "of two minds: 2 of 14 repeated battles decided the same way again", or None.
    """
    if repeats == 0 or confidence_sequence(same, repeats - same, alpha)[1] >= 0.5:
        return None
    return f"of two minds: {same:,} of {repeats:,} repeated battles decided the same way again"
