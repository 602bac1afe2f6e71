"""Scores in plain words, the same in every front end.

Names appear as they are. They may come from a stranger's file, so a front end cleans what it shows.
"""

from ftarena.scoring.pairs import PairScore


def summary(pair: PairScore) -> str:
    """One line that answers "is it better?".

    Args:
        pair: A scored pair.

    Returns:
        For example "sft-1 is better: decided after 52 votes" or "undecided: about 140 more votes at this
        rate".
    """
    if pair.verdict == "equivalent":
        return f"no difference worth having: settled after {counted(pair.decided_after, 'vote')}"
    if pair.verdict != "undecided":
        better = pair.a if pair.verdict == "a" else pair.b
        return f"{better} is better: decided after {counted(pair.decided_after, 'vote')}"
    if pair.unit_wins + pair.unit_losses == 0:
        return "undecided: no vote for either yet"
    if pair.contradicted:
        return "undecided: the votes contradict each other"
    if pair.votes_needed is None:
        return "undecided: no end in sight at this rate"
    plural = "" if pair.votes_needed == 1 else "s"
    return f"undecided: about {rounded(pair.votes_needed)} more vote{plural} at this rate"


def counted(number: int | None, noun: str) -> str:
    """A number with its noun: "1 vote", "1,200 votes"."""
    return f"{number or 0:,} {noun}{'' if number == 1 else 's'}"


def rounded(number: int) -> str:
    """A number that is only about right, to two leading digits: 137 becomes "140", 1,262 becomes "1,300"."""
    step = 10 ** max(0, len(str(number)) - 2)
    return f"{-(-number // step) * step:,}"


def percent(rate: float | None) -> str:
    """A share as people say it: "75 %", and "–" where there is none."""
    return "–" if rate is None else f"{100 * rate:.0f} %"
