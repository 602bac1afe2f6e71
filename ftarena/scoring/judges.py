"""A judge beside people: how far a model that votes agrees with those whose taste it stands in for.

A judge's votes are never mixed with people's. They are compared where both have voted on the same two answers
to the same prompt: the people's verdict there is what most of them said (nothing, where two outcomes are
equally frequent), the judge's what it said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ftarena.scoring.agreement import cohen_kappa, krippendorff_alpha
from ftarena.scoring.votes import Outcome, Vote

Place = tuple[str, str, str]
"""A prompt and two contestants in the order of the alphabet."""

_FLIPPED: dict[Outcome, Outcome] = {"left": "right", "right": "left", "tie": "tie", "both_bad": "both_bad"}
_NUMBER: dict[Outcome, float] = {"left": 0.0, "right": 1.0, "tie": 2.0, "both_bad": 3.0}


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """One judge against people."""

    name: str
    votes: int
    """Votes of the judge that count: those that did not turn with the order of the answers."""

    shared: int
    """Prompts and pairs on which the judge and a majority of people have both spoken."""

    kappa: float | None
    """Cohen's κ (1960) with the people's majority; None where it is not defined."""

    alpha: float | None
    """Krippendorff's α (nominal) of the judge with the people's majority; None where it is not defined."""

    raw: float | None
    """Share of `shared` on which the two say the same."""

    consistent_share: float | None
    """Share of battles that the judge decided the same way in both orders; None where it was never asked
    twice."""


def facing(vote: Vote) -> tuple[Place, Outcome]:
    """What a vote is about whichever way round it was shown, and its outcome from there.

    Args:
        vote: A vote.

    Returns:
        The prompt with both names sorted; the outcome as if the first of them had stood on the left.
    """
    if vote.left <= vote.right:
        return (vote.prompt, vote.left, vote.right), vote.outcome
    return (vote.prompt, vote.right, vote.left), _FLIPPED[vote.outcome]


def majority(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The outcome chosen most often.

    Args:
        outcomes: What was chosen.

    Returns:
        It, or None where there is none or two are equally frequent.
    """
    times = {outcome: outcomes.count(outcome) for outcome in set(outcomes)}
    most = [outcome for outcome, count in times.items() if count == max(times.values())]
    return most[0] if len(most) == 1 else None


def verdicts(votes: Sequence[Vote]) -> dict[Place, Outcome]:
    """What most labelers said, by prompt and pair. A labeler counts once there.

    Args:
        votes: Standing votes in the order in which they were cast.

    Returns:
        The majority; places without one are left out.
    """
    last: dict[Place, dict[str, Outcome]] = {}
    for vote in votes:
        place, outcome = facing(vote)
        last.setdefault(place, {})[vote.labeler] = outcome
    found = {}
    for place, by_labeler in last.items():
        if (said := majority(list(by_labeler.values()))) is not None:
            found[place] = said
    return found


def judge_agreement(
    judge: str, judged: Sequence[Vote], people: dict[Place, Outcome], consistent_share: float | None
) -> JudgeAgreement:
    """Hold one judge against people.

    Args:
        judge: Its name.
        judged: Its votes that count.
        people: `verdicts` of people's votes.
        consistent_share: See `JudgeAgreement`; the votes do not say it, because those that turned are left
            out.

    Returns:
        The agreement.
    """
    own = verdicts(judged)
    shared = sorted(own.keys() & people.keys())
    first, second = [own[place] for place in shared], [people[place] for place in shared]
    same = sum(one == other for one, other in zip(first, second, strict=True))
    units = [[_NUMBER[one], _NUMBER[other]] for one, other in zip(first, second, strict=True)]
    return JudgeAgreement(
        name=judge,
        votes=len(judged),
        shared=len(shared),
        kappa=cohen_kappa(first, second),
        alpha=krippendorff_alpha(units),
        raw=same / len(shared) if shared else None,
        consistent_share=consistent_share,
    )
