"""Does it still know what its base knew? Short general questions, the same for both, right or wrong.

A run that answers every question in the manner it was trained to may have a general loss that looks fine;
whether Kenya is still in Africa is another measurement, and one that people understand.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ftarena.curation.check.sign_test import sign_test
from ftarena.evaluation.exam.answers import Answer
from ftarena.serving.contestants import Message
from ftarena.training.guards import Guard

FALL = 0.05
"""Accuracy that may be lost before it matters, in shares: 5 points of 100."""

CHANCE = 0.05
"""p-value of McNemar's test below which a fall is more than chance. It is asked once a run."""

MAX_TOKENS = 64
"""Length limit of an answer, in tokens: these questions are answered in a sentence."""

_MOST_WORDS = 4
# A reference with more words of its own is an explanation: nobody answers it in the same words.

_EMPTY = frozenset(
    re.findall(
        r"\w+",
        """
        a an and are as at be been by can do does did for from had has have he her his how i if in into is it
        its many me more most much my no not of on one or our out own she so than that the their them then
        there they this to up was we were what when where which who whose why will with would you your also
        called means name known same some such very just only other about come comes make makes
        """,
    )
)

_NUMBERS = dict(
    zip(
        re.findall(
            r"\w+",
            """
            zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
            sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred
            """,
        ),
        map(str, (*range(20), *range(20, 101, 10))),
        strict=True,
    )
)


@dataclass(frozen=True)
class GeneralQuestion:
    """A question whose answer can be told to be right or wrong by its words."""

    prompt: tuple[Message, ...]
    accept: tuple[tuple[str, ...], ...]
    """An answer is right if it holds all the phrases of one of these groups."""


def general_question(
    prompt: Sequence[Message], reference: str, accept: Sequence[str] = ()
) -> GeneralQuestion | None:
    """Return a question that can be judged, or None where its reference cannot be told from its words.

    Args:
        prompt: The conversation.
        reference: A right answer. Without `accept` an answer is right if it holds each word of the reference
            that says something and is not in the question already.
        accept: Phrases of which one is enough.
    """
    groups: tuple[tuple[str, ...], ...]
    if accept:
        groups = tuple((plain(phrase),) for phrase in accept if plain(phrase))
    else:
        asked = set(plain(" ".join(message.content for message in prompt)).split())
        words = [word for word in plain(reference).split() if not _known(word, asked)]
        groups = (tuple(dict.fromkeys(words)),) if 0 < len(set(words)) <= _MOST_WORDS else ()
    return GeneralQuestion(tuple(prompt), groups) if groups else None


def is_right(question: GeneralQuestion, answer: str) -> bool:
    """Return whether an answer holds what it must, as whole words, whatever their case and punctuation."""
    said = f" {plain(answer)} "
    return any(all(f" {phrase} " in said for phrase in group) for group in question.accept)


def plain(text: str) -> str:
    """Return the words of a text: lower case, no accents, small numbers in digits, no signs but `?`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    words = re.findall(r"[^\W_]+|\?", re.sub(r"(?<=\d),(?=\d{3})", "", letters))
    return " ".join(_NUMBERS.get(word, word) for word in words)


def _known(word: str, asked: set[str]) -> bool:
    """Return whether a word says nothing, or nothing that the question has not said: `rises` after `rise`."""
    return (
        word == "?"
        or word in _EMPTY
        or any(
            word == other
            or (
                min(len(word), len(other)) > 2 and (word[: len(other)] == other or other[: len(word)] == word)
            )
            for other in asked
        )
    )


def judge_knowledge(
    questions: Sequence[GeneralQuestion], run: Sequence[Answer | None], base: Sequence[Answer | None]
) -> Guard:
    """Judge whether a run has forgotten what its base knew (McNemar's exact test on the same questions).

    Args:
        questions: What was asked.
        run: The run's answers.
        base: The base's.
    """
    pairs = [
        (is_right(question, one.text), is_right(question, two.text))
        for question, one, two in zip(questions, run, base, strict=True)
        if one is not None and two is not None
    ]
    if not pairs:
        words = "there are no general questions whose answers can be judged"
        return Guard(name="knowledge", verdict="unknown", words=words)
    n = len(pairs)
    now, before = sum(one for one, _ in pairs), sum(two for _, two in pairs)
    lost = sum(two and not one for one, two in pairs)
    gained = sum(one and not two for one, two in pairs)
    chance = sign_test(lost, lost + gained)
    fell = (before - now) / n
    alarm = fell >= FALL and chance < CHANCE
    words = f"{now} of {n} general questions right (base: {before})"
    if alarm:
        words += f", p = {chance:.2g}: it forgot"
    return Guard(
        name="knowledge",
        verdict="alarm" if alarm else "ok",
        words=words,
        figures={
            "questions": n,
            "right": now,
            "accuracy": round(now / n, 4),
            "base_right": before,
            "base_accuracy": round(before / n, 4),
            "lost": lost,
            "gained": gained,
            "p": round(chance, 6),
        },
        remedies=(
            "mix in the base's own answers: replay_dataset: self",
            "see whether less of it does: ftarena runs scale RUN",
            "a lower learning_rate, or fewer steps",
        )
        if alarm
        else (),
    )
