"""Questions with reference answers, read from a file.

One JSON object a line: `{"prompt": [{"role": "user", "content": "…"}], "reference": "…"}`; a prompt may also
be a plain string. The same file gives the arena its questions and the evaluation its references.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ftarena.curation.examples import Example as Row
from ftarena.curation.reading import QUESTION_LINE, load_questions
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Message


class Example(BaseModel):
    """One question and the answer it should get."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: tuple[Message, ...] = Field(min_length=1)
    """The conversation up to the answer; its last turn is the user's. A text is one turn of the user."""

    reference: str = Field(min_length=1)
    """The answer it should get."""

    @field_validator("prompt", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return ({"role": "user", "content": value},) if isinstance(value, str) else value


def load_examples(path: Path, limit: int | None = None) -> list[Example]:
    """Read a file of examples.

    Args:
        path: JSONL in UTF-8; empty lines are passed over.
        limit: Read at most so many.

    Returns:
        The examples in the order of the file, at least one.

    Raises:
        FtarenaError: The file cannot be read, lines are wrong (`FILE:LINE: what` each), a prompt has no
            reference, or there is no example.
    """
    examples = [
        Example(
            prompt=tuple(
                Message.model_validate({"role": turn.role, "content": turn.content})
                for turn in question.prompt
            ),
            reference=question.completion[0].content,
        )
        for question in load_questions(path, answered=True, limit=limit)
    ]
    if not examples:
        raise FtarenaError(f"{path} holds no examples", QUESTION_LINE)
    return examples


def conversation(row: Row) -> tuple[Message, ...] | None:
    """Return what comes before a row's answer; None where an engine cannot be asked it as it was trained."""
    if row.tools or any(turn.role == "tool" or turn.tool_calls for turn in row.prompt):
        return None
    return tuple(Message.model_validate({"role": turn.role, "content": turn.content}) for turn in row.prompt)
