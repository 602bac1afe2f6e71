"""Greedy answers to a list of questions; those of a bare base are remembered for all of its runs."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftarena.evaluation.respondent import Respondent
from ftarena.processes import read_json, write_json
from ftarena.serving.contestants import Message, Sampling
from ftarena.serving.protocol import ContextExceeded

CONCURRENCY = 16
"""Questions at the same time: on two cores more no longer answer faster, and a GPU is not kept waiting."""

Conversation = Sequence[Message]


@dataclass(frozen=True)
class Answer:
    """What a model answered when it always took the likeliest token."""

    text: str
    cut: bool
    """Whether it ran into the length limit instead of ending by itself."""


class AnswerMemory:
    """Answers of a model that never changes, in one JSON file.

    Args:
        path: The file; made with the first answers.
        model: Folder of the model. Other weights under the same path are another model.
    """

    def __init__(self, path: Path, model: Path) -> None:
        self._path = path
        weights = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in _weights(model)]
        self._model = hashlib.sha256(json.dumps([str(model), weights]).encode()).hexdigest()
        stored = read_json(path)
        known = stored.get("answers") if stored.get("model") == self._model else None
        self._answers: dict[str, Any] = known if isinstance(known, dict) else {}

    def find(self, messages: Conversation, max_tokens: int) -> Answer | None:
        """Return the answer to a question, if it was asked before under the same limit."""
        found = self._answers.get(_key(messages, max_tokens))
        if isinstance(found, list) and len(found) == 2:
            return Answer(str(found[0]), bool(found[1]))
        return None

    def keep(self, messages: Conversation, max_tokens: int, answer: Answer) -> None:
        """Remember an answer; it is on disk after `save`."""
        self._answers[_key(messages, max_tokens)] = [answer.text, answer.cut]

    def save(self) -> None:
        """Write down what was kept."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(self._path, {"model": self._model, "answers": self._answers})


async def ask_all(
    respondent: Respondent,
    questions: Sequence[Conversation],
    max_tokens: int,
    *,
    memory: AnswerMemory | None = None,
    on_answer: Callable[[], None] = lambda: None,
) -> list[Answer | None]:
    """Return a model's greedy answers.

    Args:
        respondent: Who is asked.
        questions: Conversations that end with the user's turn.
        max_tokens: Length limit of an answer, in tokens.
        memory: Where answers are looked up and kept.
        on_answer: Called after each question.

    Returns:
        One answer a question, in order; None where question and answer do not fit into the engine's context.

    Raises:
        FtarenaError: The engine cannot start, or is gone for good; what was answered is in `memory`.
    """
    sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=max_tokens)
    gate = asyncio.Semaphore(CONCURRENCY)

    async def ask(messages: Conversation) -> Answer | None:
        async with gate:
            answer = memory.find(messages, max_tokens) if memory else None
            if answer is None:
                try:
                    made = await respondent.complete(messages, sampling)
                except ContextExceeded:
                    on_answer()
                    return None
                answer = Answer(made.text, made.finish_reason == "length")
                if memory:
                    memory.keep(messages, max_tokens, answer)
            on_answer()
            return answer

    tasks = [asyncio.create_task(ask(question)) for question in questions]
    try:
        return list(await asyncio.gather(*tasks))
    finally:  # on the first error, or when the caller gives up, the others must not go on
        for task in tasks:
            task.cancel()
        if memory:
            memory.save()


def _key(messages: Conversation, max_tokens: int) -> str:
    said = [[message.role, message.content] for message in messages]
    return hashlib.sha256(json.dumps([said, max_tokens]).encode()).hexdigest()[:32]


def _weights(model: Path) -> list[Path]:
    return sorted(model.glob("*.safetensors"))
