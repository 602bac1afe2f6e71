"""What a row says once it is understood, whatever it looked like: the canonical example.

`messages`, ShareGPT, Alpaca and `prompt`/`completion` are spellings; an `Example` is what they all mean. All
other modules of this room, the training worker and the arena work on examples and never on raw rows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]

Shape = Literal[
    "messages", "sharegpt", "alpaca", "completion", "preference", "kto", "text", "reference", "prompt"
]
"""How a row was written; what it means is in the example."""

Kind = Literal["answer", "preference", "labelled", "text", "question"]
"""What can be done with an example: learn its answer, learn which of two answers is better, learn whether one
answer is good, learn all of a text, or only ask it."""

KINDS: Mapping[Shape, Kind] = {
    "messages": "answer",
    "sharegpt": "answer",
    "alpaca": "answer",
    "completion": "answer",
    "reference": "answer",
    "preference": "preference",
    "kto": "labelled",
    "text": "text",
    "prompt": "question",
}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the assistant wants to have called."""

    name: str
    arguments: str
    """The arguments, a JSON object as text (sorted keys, no spaces), so that equal calls compare equal."""

    id: str | None = None
    """What the tool's answer refers to, where the file gives one."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Role
    content: str
    """What was said; may be empty only beside `tool_calls` and in the answer of a tool."""

    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    """What was thought before it was said (`reasoning_content`), where the file keeps the two apart."""

    name: str | None = None
    """Name of the tool that answers, for the role `tool`."""

    tool_call_id: str | None = None
    """Which call a tool answers."""

    learned: bool = True
    """False where the file says that an answer is context only (`weight: 0`, `train: false`)."""

    def to_message(self) -> dict[str, Any]:
        """Return it as chat templates read it: `role`, `content`, and the other keys only where they are set.

        `arguments` is an object there, not text: templates print it with `tojson`.
        """
        message: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            message["tool_calls"] = [
                {
                    "type": "function",
                    **({"id": call.id} if call.id is not None else {}),
                    "function": {"name": call.name, "arguments": json.loads(call.arguments)},
                }
                for call in self.tool_calls
            ]
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if self.name is not None:
            message["name"] = self.name
        if self.tool_call_id is not None:
            message["tool_call_id"] = self.tool_call_id
        return message


Turns = tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One row: what was asked, and the answer or answers."""

    file: Path
    line: int
    """Line in its file, from 1; in Parquet and Arrow the row, from 1."""

    shape: Shape
    prompt: Turns
    """The turns before the last answer. Empty for the shape `text`."""

    completion: Turns
    """The answer to learn, one turn: the last message, the completion, the chosen one or the reference.

    For the shape `text` the text, as a turn of the assistant. Empty for the shape `prompt`.
    """

    rejected: Turns = ()
    """The worse answer, for the shape `preference`."""

    tools: str = ""
    """The functions on offer: a JSON list as text, as OpenAI and chat templates have it; empty for none."""

    label: bool | None = None
    """Whether the answer is a good one, for the shape `kto`."""

    @property
    def kind(self) -> Kind:
        """What can be done with it."""
        return KINDS[self.shape]

    @property
    def learns_every_answer(self) -> bool:
        """Whether earlier answers of the conversation are learned too, not only the last one.

        As LLaMA-Factory and TRL have it: whole conversations teach every turn of the assistant, a `prompt` is
        context.
        """
        return self.shape in ("messages", "sharegpt", "alpaca")

    @property
    def question(self) -> str:
        """What the user said, in all turns: two examples with the same question ask the same."""
        return "\n".join(turn.content for turn in self.prompt if turn.role == "user")

    @property
    def meaning(self) -> tuple[Turns, Turns, Turns, str, bool | None]:
        """What it says, without where it stands and how it was written: equal for equal examples."""
        return (self.prompt, self.completion, self.rejected, self.tools, self.label)


class BadRow(Exception):
    """What is wrong with one row.

    Args:
        code: The kind of problem, a code of `ftarena.curation.findings`.
        message: What is wrong, in words.
        column: Where in the line, from 1, if that is known.
    """

    def __init__(self, code: str, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.column = column
