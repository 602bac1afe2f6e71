"""Do answers end by themselves? A model that has not learned where to end writes until it is cut off.

The usual cause is a loss that never saw the end of a turn: the pad token is the end token and is masked with
it, or long examples were cut. The loss does not show it; twenty answers do.
"""

from collections.abc import Sequence

from ftarena.evaluation.exam.answers import Answer
from ftarena.training.guards import Guard

CUT_ALARM = 0.20
"""Share of answers cut by the length limit above which something is wrong with the end of the turn."""

LIMIT_RANGE = (128, 512)
"""Least and largest length limit, in tokens: short training answers must not make the limit a trap, and a
model that never stops must not take all day on two cores."""

LIMIT_FACTOR = 4
"""The limit is so many times the longest training answer, which who learned from those does not reach."""


def length_limit(longest_tokens: int) -> int:
    """Return the length limit for answers, in tokens.

    Args:
        longest_tokens: Tokens of the longest training answer.
    """
    least, most = LIMIT_RANGE
    return min(max(LIMIT_FACTOR * longest_tokens, least), most)


def judge_stopping(
    run: Sequence[Answer | None], base: Sequence[Answer | None], max_tokens: int, *, truncated: bool
) -> Guard:
    """Judge whether a run's answers end.

    Args:
        run: The run's answers; None where there was none.
        base: The base's answers to the same questions, to compare with.
        max_tokens: The length limit that both had.
        truncated: Whether the run was trained with `too_long: truncate`.
    """
    share, cut, asked = _cut(run)
    base_share, base_cut, _ = _cut(base)
    if not asked:
        return Guard(name="stopping", verdict="unknown", words="no question fits into the engine's context")
    alarm = share > CUT_ALARM
    words = f"{cut} of {asked} answers ran into the limit of {max_tokens} tokens (base: {base_cut})" + (
        ": it does not stop" if alarm else ": it stops"
    )
    remedies = []
    if alarm:
        if truncated:
            remedies.append("long examples lost their end: too_long: drop, or a larger max_length")
        remedies += [
            "see whether the end of a turn is learned: ftarena data show FILE --model MODEL",
            "train longer, or on answers that end: ftarena check FILE",
        ]
    return Guard(
        name="stopping",
        verdict="alarm" if alarm else "ok",
        words=words,
        figures={
            "answers": asked,
            "cut": cut,
            "cut_share": round(share, 4),
            "base_cut": base_cut,
            "base_cut_share": round(base_share, 4),
            "max_tokens": max_tokens,
        },
        remedies=tuple(remedies),
    )


def _cut(answers: Sequence[Answer | None]) -> tuple[float, int, int]:
    """Return the share of answers that were cut, their number, and how many there are."""
    given = [answer for answer in answers if answer is not None]
    cut = sum(answer.cut for answer in given)
    return (cut / len(given) if given else 0.0), cut, len(given)
