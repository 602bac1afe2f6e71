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

    matter: int
    """64 bits that are equal for rows of which only one can be right if they differ in `stand`: those with
    the same prompt, and for preference pairs and labelled answers also with the same answers."""

    stand: int
    """64 bits of what a row says in its matter: the answer, which of two is better, or whether it is good."""


def said(example: Example) -> Said:
    """Return the words of an example."""
    every: list[str] = []
    asked: list[str] = []
    text = example.kind == "text"
    parts: list[str] = []
    for turns in (example.prompt, example.completion, example.rejected):
        part = ""
        for turn in turns:
            found = words(turn.content)
            if turn.role != "system":
                every += found
            if text or turn.role == "user":
                asked += found
            part += f"\0{turn.role}\1{' '.join(found) or turn.content.strip()}"
            for call in turn.tool_calls:
                every += words(call.name)
                every += words(call.arguments)
                part += f"\1{call.name}\1{call.arguments}"
        parts.append(part)
    plain = example.completion[0].content if text else example.question
    prompt, answer, rejected = parts
    matter, stand = f"{example.kind}\0{example.tools}\0{prompt}", answer
    if example.kind == "preference":
        # The one that comes first in the alphabet, so that the other way round it is the same matter.
        matter += "\0\0".join(("", *sorted((answer, rejected))))
    elif example.kind == "labelled":
        matter, stand = f"{matter}\0\0{answer}", str(example.label)
    return Said(every, asked, asked_digest(asked, plain), digest(matter), digest(stand))


def asked_digest(asked: list[str], text: str) -> int:
    """Return the digest of a question.

    Args:
        asked: Its words.
        text: The question itself, for one that has no words.
    """
    return digest(" ".join(asked) or text.strip())
