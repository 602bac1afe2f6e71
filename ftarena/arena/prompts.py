"""Questions for battles, from a JSONL file: `{"prompt": …, "reference": …}` a line.

`prompt` is a text or a list of turns that ends with the user's; `reference`, the data set's own answer, may
be missing. Other keys are left alone.
"""

from pathlib import Path
from typing import NamedTuple

from ftarena.curation.reading import load_questions
from ftarena.errors import FtarenaError
from ftarena.store import Store


class PromptsReport(NamedTuple):
    """What adding a file of prompts did."""

    added: int
    """Prompts that are new."""

    already: int
    """Prompts that were there already, or twice in the file."""


def add_prompts_from_examples(store: Store, path: Path, source: str = "heldout") -> PromptsReport:
    """Add the prompts of a file; equal prompts are there once, however often they are added.

    Args:
        store: Where to.
        path: JSONL in UTF-8.
        source: A word for where they come from.

    Raises:
        FtarenaError: The file cannot be read, or lines are wrong (`FILE:LINE: what` each); none is added.
    """
    if not source.strip():
        raise FtarenaError("prompts need a word for where they come from", "give one with --source")
    prompts = [
        (
            [(turn.role, turn.content) for turn in question.prompt],
            question.completion[0].content if question.completion else None,
        )
        for question in load_questions(path)
    ]
    [(before,)] = store.rows("SELECT count(*) FROM prompts WHERE source <> 'import'")
    store.add_prompts(prompts, source)
    [(after,)] = store.rows("SELECT count(*) FROM prompts WHERE source <> 'import'")
    return PromptsReport(after - before, len(prompts) - (after - before))


def questions(store: Store) -> list[str]:
    """Return what the arena asks, a text a prompt: the turns of the user, as `Example.question` has it."""
    return [
        "\n".join(turn.content for turn in prompt.turns if turn.role == "user") for prompt in store.prompts()
    ]
