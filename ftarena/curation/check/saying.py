"""What an example says, as words: what it is compared by."""

from dataclasses import dataclass

from ftarena.curation.check.words import digest, words
from ftarena.curation.examples import Example


@dataclass(frozen=True, slots=True)
class Said:
    """The words of an example."""

    all: list[str]
    """Of what was asked and answered, without the system prompt, which many rows share by design."""

    asked: list[str]
    """Of what must not leak: what the user said; of a plain text all."""

    asked_digest: int
    """64 bits that are equal where the same is asked but for case, punctuation and white space."""


def said(example: Example) -> Said:
    """Return the words of an example."""
    every: list[str] = []
    asked: list[str] = []
    text = example.kind == "text"
    for turn in (*example.prompt, *example.completion, *example.rejected):
        if turn.role == "system":
            continue
        found = words(turn.content)
        every += found
        if text or turn.role == "user":
            asked += found
        for call in turn.tool_calls:
            every += words(call.name)
            every += words(call.arguments)
    plain = example.completion[0].content if text else example.question
    return Said(every, asked, asked_digest(asked, plain))


def asked_digest(asked: list[str], text: str) -> int:
    """Return the digest of a question.

    Args:
        asked: Its words.
        text: The question itself, for one that has no words.
    """
    return digest(" ".join(asked) or text.strip())
