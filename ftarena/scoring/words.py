"""Scores in plain words, the same in every front end.

Names appear as they are. They may come from a stranger's file, so a front end cleans what it shows. Loading
this loads no numpy, so a screen may say "3 votes" for free.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftarena.scoring.pairs import PairScore

TOO_CLOSE = 0.02
"""Distance of the foreseen win rate from one half up to which no number of votes is foretold: a vote more or
less would change it by thousands."""


def summary(pair: "PairScore") -> str:
    """One line that answers "is it better?".

    Args:
        pair: A scored pair.

    Returns:
        For example "sft-1 is better: decided after 52 votes" or "undecided: about 140 more votes if sft-1's
        win rate by prompt is 62 %".
    """
    since = "; the evidence has since weakened" if pair.weakened else ""
    if pair.verdict == "equivalent":
        return f"no difference worth having: settled after {counted(pair.decided_after, 'vote')}{since}"
    if pair.verdict != "undecided":
        better = pair.a if pair.verdict == "a" else pair.b
        return f"{better} is better: decided after {counted(pair.decided_after, 'vote')}{since}"
    if pair.unit_wins + pair.unit_losses == 0:
        return "undecided: no vote for either yet"
    if pair.contradicted:
        return "undecided: the votes contradict each other"
    if pair.votes_needed is None or abs(pair.forecast - 0.5) <= TOO_CLOSE:
        return "undecided: too close to say when, no end in sight at this win rate"
    plural = "" if pair.votes_needed == 1 else "s"
    ahead, rate = (pair.a, pair.forecast) if pair.forecast >= 0.5 else (pair.b, 1 - pair.forecast)
    supposed = f"if {ahead}'s win rate by prompt is {percent(rate)}"
    return f"undecided: about {rounded(pair.votes_needed)} more vote{plural} {supposed}"


def counted(number: int | None, noun: str) -> str:
    """A number with its noun: "1 vote", "1,200 votes"."""
    return f"{number or 0:,} {noun}{'' if number == 1 else 's'}"


def rounded(number: int) -> str:
    """A number that is only about right, to two leading digits: 137 becomes "140", 1,262 becomes "1,300"."""
    step = 10 ** max(0, len(str(number)) - 2)
    return f"{-(-number // step) * step:,}"


def percent(rate: float | None) -> str:
    """A share as people say it: "75 %", and "–" where there is none."""
    return "–" if rate is None else f"{hundredths(rate)} %"


def hundredths(rate: float) -> str:
    """A share in percent, whole; with as many decimals as keep it from being called 0 or 100 where it is not:
    0.9996 becomes "99.96"."""
    for decimals in range(10):
        shown = f"{100 * rate:.{decimals}f}"
        if rate in (0, 1) or 0 < float(shown) < 100:
            return shown
    return f"{100 * rate:.0f}"
