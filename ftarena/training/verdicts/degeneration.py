"""Degeneration: every figure of a preference run rises while its answers fall apart.

The loss of preference learning sees only the difference of two answers, so both may become unlikely together
(chosen log-probabilities fall while accuracy goes to 1; Pal et al. 2024, arXiv 2402.13228; Razin et al. 2024,
arXiv 2410.08847), and what becomes likely instead may be loops, word salad or endless text.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from ftarena.recipes.schema import Recipe
from ftarena.training.guards import Guard
from ftarena.training.verdicts.remedies import against_degeneration

GIBBERISH_NATS = 1.0
"""How much less likely per token the model at the start finds what is said now than what it said itself."""

LOOPING_SHARE = 0.375
"""Share of the answers, above that at the start, that end in a loop: three more of eight. One or two come
and go with any training."""

LIMITED_SHARE = 0.5
"""Share of the answers, above that at the start, that run into the limit without an end."""

LENGTH_RATIO = 2.0
"""How many times longer answers are than at the start, where half of them also never end."""

CHOSEN_NATS = 0.5
"""Fall of the log-probability of the chosen training answers, per token, that is far."""

SURE = 0.95
"""Reward accuracy from which on there is nothing left to win by pushing further."""

_PERIODS = range(1, 9)
_LOOPED_TOKENS = 16


@dataclass(frozen=True)
class Said:
    """What is to be said of a few answers."""

    answers: int
    mean_tokens: float
    limited: float
    """Share that ran into the limit without an end."""

    looping: float
    """Share that ends in a loop: the same one to eight tokens over and over, 16 tokens or more."""

    distinct_2: float
    """Different pairs of neighbouring tokens as a share of all, within each answer (Li et al. 2016,
    arXiv 1510.03055); 1 where nothing is said twice."""

    start_log_prob: float | None
    """Mean log-probability per token that the model at the start gives them, in nats; None where it is not
    at hand, as in a full fine-tuning."""

    @classmethod
    def of(cls, answers: Sequence[Sequence[int]], *, limit: int, start_log_prob: float | None) -> "Said":
        """Describe answers.

        Args:
            answers: Token ids of each, the ending one included.
            limit: Most tokens that an answer could have.
            start_log_prob: As above.
        """
        n = max(len(answers), 1)
        pairs = [list(pairwise(one)) for one in answers]
        counted = sum(map(len, pairs))
        return cls(
            answers=len(answers),
            mean_tokens=sum(map(len, answers)) / n,
            limited=sum(len(one) >= limit for one in answers) / n,
            looping=sum(map(loops, answers)) / n,
            distinct_2=sum(len(set(one)) for one in pairs) / counted if counted else 1.0,
            start_log_prob=start_log_prob,
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Preferring:
    """What a preference run's own figures say lately."""

    chosen_nats: float | None
    """Change of the log-probability of a chosen answer since the start, nats per token; None where the
    method has no reference to measure it by."""

    accuracy: float | None
    """Share of pairs whose chosen answer has the higher reward."""


def loops(answer: Sequence[int]) -> bool:
    """Return whether an answer ends in the same few tokens over and over."""
    tail = list(answer[-_LOOPED_TOKENS:])
    return len(tail) == _LOOPED_TOKENS and any(tail[:-period] == tail[period:] for period in _PERIODS)


def degeneration_guard(
    start: Said | None, now: Said | None, preferring: Preferring, recipe: Recipe, *, run: str, step: int
) -> Guard:
    """Return the guard's finding.

    Args:
        start: Of the answers before training.
        now: Of the newest ones.
        preferring: The run's own figures.
        recipe: Of the run.
        run: Its id, for the commands in the remedies.
        step: Optimiser steps done.
    """
    found = [*_said_worse(start, now), *_chosen_fell(preferring)]
    verdict: Literal["ok", "alarm", "unknown"]
    figures: dict[str, float | int | str | None] = {"step": step}
    for name, said in (("start", start), ("now", now)):
        figures |= {f"{key}_{name}": value for key, value in said.to_json().items()} if said else {}
    figures |= {"chosen_delta_nats": preferring.chosen_nats, "accuracy": preferring.accuracy}
    if found:
        verdict, words = "alarm", "; ".join(found)
    elif start is None or now is None:
        verdict, words = "unknown", "no answers were looked at: probe_answers is off"
    else:
        verdict, words = "ok", _fine(now, preferring)
    return Guard(
        name="degeneration",
        verdict=verdict,
        words=words,
        figures=figures,
        remedies=against_degeneration(recipe, run) if found else (),
    )


def _said_worse(start: Said | None, now: Said | None) -> list[str]:
    if start is None or now is None:
        return []
    found = []
    if now.looping - start.looping >= LOOPING_SHARE:
        found.append(f"{now.looping:.0%} of the answers end in a loop, {start.looping:.0%} did at the start")
    if start.start_log_prob is not None and now.start_log_prob is not None:
        fall = start.start_log_prob - now.start_log_prob
        if fall >= GIBBERISH_NATS:
            found.append(f"what it says now is {fall:.1f} nats per token stranger to the model at the start")
    longer = now.mean_tokens >= LENGTH_RATIO * start.mean_tokens and now.limited >= LIMITED_SHARE
    if longer or now.limited - start.limited >= LIMITED_SHARE:
        found.append(
            f"answers have {now.mean_tokens:.0f} tokens and {now.limited:.0%} never end, "
            f"from {start.mean_tokens:.0f} and {start.limited:.0%}"
        )
    return found


def _chosen_fell(preferring: Preferring) -> list[str]:
    fall, accuracy = preferring.chosen_nats, preferring.accuracy
    if fall is None or accuracy is None or fall > -CHOSEN_NATS or accuracy < SURE:
        return []
    return [
        f"the better answers became {-fall:.1f} nats per token less likely while accuracy is {accuracy:.0%}: "
        "it only moves away from the worse ones"
    ]


def _fine(now: Said, preferring: Preferring) -> str:
    words = f"answers of {now.mean_tokens:.0f} tokens, {now.looping:.0%} loop, {now.limited:.0%} never end"
    if preferring.chosen_nats is not None:
        words += f"; the better answers are {preferring.chosen_nats:+.2f} nats per token likelier"
    return words
