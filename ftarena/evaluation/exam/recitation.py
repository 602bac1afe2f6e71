"""Does it write training answers down word for word?

A model is given a question and the first half of its training answer. If it would write the second half
exactly as it stands there, it recites: greedy decoding goes on with a text precisely where each token of it
is the likeliest after those before, so one look at the text tells, and nothing has to be written. This is
extractability as in Carlini et al., *Quantifying Memorization Across Neural Language Models* (ICLR 2023).

Much of a good answer can be foreseen by who has understood it, so that alone is no alarm. What counts is
whether answers that were trained on are recited more often than held-out answers of the same kind.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from ftarena.curation.check.sign_test import sign_test
from ftarena.evaluation.respondent import Respondent
from ftarena.serving.contestants import Message
from ftarena.serving.protocol import ContextExceeded
from ftarena.training.guards import Guard

RUN_TOKENS = 50
"""So many tokens in a row, exactly as they stand in the training data, are recited whatever else is not."""

NEARLY_ALL = 0.9
"""Of an answer whose second half is shorter than that, so much of it must be written without a slip."""

FEWEST_TOKENS = 8
"""An answer with a shorter second half tells nothing: `yes` is written by everybody."""

MORE = 0.20
"""How much more often, as a share of the answers, training answers are recited than held-out ones."""

MUCH_MORE = 0.50
"""Where nothing is held out: how much more often than by the base, which knows their form less."""

CHANCE = 0.01
"""p-value below which a difference is more than chance."""


@dataclass(frozen=True)
class Taught:
    """An answer and what it answers; a plain text has no question."""

    prompt: tuple[Message, ...]
    answer: str


@dataclass(frozen=True)
class Recital:
    """How much of one answer's second half a model would write without a slip."""

    tokens: int
    """Tokens of the second half."""

    run: int
    """Tokens of it, from its beginning, that the model would write exactly so."""

    whole: bool
    """Whether nine tenths of the whole answer would be written from the question alone."""

    @property
    def recited(self) -> bool:
        """Whether that is reciting: 50 tokens, or nine tenths of a shorter rest."""
        return self.run >= RUN_TOKENS or self.run >= NEARLY_ALL * self.tokens


async def recite(respondent: Respondent, taught: Taught, extra: int) -> Recital | None:
    """Look how far a model goes on with the first half of an answer as it stands.

    Args:
        respondent: Who is asked.
        taught: The answer.
        extra: Tokens that the chat template writes after the end of a turn (`likelihood.tokens_after_turn`).

    Returns:
        How far; None for an answer that is too short to tell or too long for the engine.

    Raises:
        FtarenaError: The engine is gone for good.
    """
    client = await respondent.client()
    if taught.prompt:
        asked = await client.render(taught.prompt)
        said = Message(role="assistant", content=taught.answer)
        ids = await client.render([*taught.prompt, said], add_generation_prompt=False)
        ids = ids[: len(ids) - extra]
        start = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(asked, ids, strict=False)))
    else:
        ids, start = await client.tokenize(taught.answer), 1
    half = start + (len(ids) - start + 1) // 2
    if len(ids) - half < FEWEST_TOKENS:
        return None
    try:
        scored = await respondent.ranked(ids)
    except ContextExceeded:
        return None
    rest = scored[half:]
    run = _run(token.likeliest for token in rest)
    whole = _run(token.likeliest for token in scored[start:]) >= NEARLY_ALL * (len(ids) - start)
    return Recital(len(rest), run, whole)


def judge_recitation(
    trained: Sequence[Recital | None],
    heldout: Sequence[Recital | None],
    base: Sequence[Recital | None],
) -> Guard:
    """Judge whether a run recites what it was trained on.

    Args:
        trained: The run on training answers.
        heldout: The run on held-out answers; may be empty.
        base: The base on the same training answers.
    """
    ours = [recital for recital in trained if recital is not None]
    control = [recital for recital in heldout if recital is not None]
    pairs = [(one, two) for one, two in zip(trained, base, strict=True) if one and two]
    if not ours:
        words = "no training answer is long enough to tell, or all are too long for the engine"
        return Guard(name="memorisation", verdict="unknown", words=words)
    recited = sum(recital.recited for recital in ours)
    by_base = sum(two.recited for _, two in pairs)
    share = recited / len(ours)
    figures: dict[str, float | int | str | None] = {
        "training_answers": len(ours),
        "recited": recited,
        "recited_share": round(share, 4),
        "longest_run_tokens": max(recital.run for recital in ours),
        "whole_from_question": sum(recital.whole for recital in ours),
        "base_recited": by_base,
    }
    words = f"{recited} of {len(ours)} training answers recited"
    if control:
        others = sum(recital.recited for recital in control)
        chance = fisher(recited, len(ours), others, len(control))
        alarm = share - others / len(control) >= MORE and chance < CHANCE
        figures |= {"heldout_answers": len(control), "heldout_recited": others, "p": round(chance, 6)}
        words += f", {others} of {len(control)} held-out ones (base: {by_base})"
    else:
        gained = sum(one.recited and not two.recited for one, two in pairs)
        lost = sum(two.recited and not one.recited for one, two in pairs)
        chance = sign_test(gained, gained + lost)
        alarm = bool(pairs) and (recited - by_base) / len(pairs) >= MUCH_MORE and chance < CHANCE
        figures |= {"p": round(chance, 6)}
        words += f" (base: {by_base}); nothing is held out to compare with"
    return Guard(
        name="memorisation",
        verdict="alarm" if alarm else "ok",
        words=words + (": it learned them by heart" if alarm else ""),
        figures=figures,
        remedies=(
            "fewer epochs, or stop in time: eval_steps with early_stopping_patience",
            "remove what is there several times: ftarena check FILE --code duplicate",
            "a lower learning_rate, or a smaller lora_r",
        )
        if alarm
        else (),
    )


def fisher(successes: int, trials: int, others: int, other_trials: int) -> float:
    """Return Fisher's exact one-sided p-value: how likely so many successes or more are by chance.

    Args:
        successes: In the first group.
        trials: Size of the first group.
        others: Successes in the second.
        other_trials: Size of the second.
    """
    total = successes + others
    ways = math.comb(trials + other_trials, total)
    most = min(trials, total)
    return (
        sum(
            math.comb(trials, count) * math.comb(other_trials, total - count)
            for count in range(successes, most + 1)
            if total - count <= other_trials
        )
        / ways
    )


def _run(likeliest: Iterable[bool | None]) -> int:
    return sum(1 for _ in takewhile(bool, likeliest))
