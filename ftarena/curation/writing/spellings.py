"""An example written as a row of a given shape: the inverse of `shapes.example_of`.

What the row is read as means the same as the example (`Example.meaning`), or it is refused: nothing is lost
without a word. Which of several answers of a conversation are learned is said by the shape, see
`Example.learns_every_answer`; that can change with it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ftarena.curation.examples import KINDS, Example, Kind, Shape, Turn
from ftarena.errors import FtarenaError
from ftarena.text import clean_line

_LOST: Mapping[Kind, str] = {"preference": "the rejected answer", "labelled": "the label"}


def row_of(example: Example, shape: Shape) -> dict[str, Any]:
    """Return an example as a row of a shape.

    Args:
        example: What is to be written.
        shape: How; it must have a place for everything that the example says.

    Returns:
        Plain JSON values. Arguments of calls are JSON text, as OpenAI has them, so that every row of a file
        has the same types.

    Raises:
        FtarenaError: The shape has no place for something; the message names it.
    """
    if KINDS[shape] != example.kind:
        lost = _LOST.get(example.kind)
        raise _refused(example, shape, f"{lost} would be lost" if lost else _missing(example, shape))
    return _WRITERS[shape](example, shape)


def _missing(example: Example, shape: Shape) -> str:
    if example.kind == "question":
        return "it has no answer"
    if example.kind == "text":
        return "it is a text, without question and answer"
    missing = {
        "preference": "it has no rejected answer",
        "kto": "it has no label",
        "text": "its turns would be lost",
    }
    return missing.get(shape, "the answer would be lost")


def _messages(example: Example, shape: Shape) -> dict[str, Any]:
    turns = (*example.prompt, *example.completion)
    return {"messages": [_message(turn) for turn in turns]} | _tools(example)


def _completion(example: Example, shape: Shape) -> dict[str, Any]:
    row: dict[str, Any] = {
        "prompt": [_message(turn) for turn in example.prompt],
        "completion": [_message(turn) for turn in example.completion],
    }
    return row | ({"label": example.label} if shape == "kto" else {}) | _tools(example)


def _preference(example: Example, shape: Shape) -> dict[str, Any]:
    return {
        "prompt": [_message(turn) for turn in example.prompt],
        "chosen": [_message(turn) for turn in example.completion],
        "rejected": [_message(turn) for turn in example.rejected],
    } | _tools(example)


def _reference(example: Example, shape: Shape) -> dict[str, Any]:
    if example.tools:
        raise _refused(example, shape, "the tools would be lost")
    (answer,) = example.completion
    plain = answer == Turn("assistant", answer.content)
    return {
        "prompt": _asked(example, shape),
        "reference": answer.content if plain else [_message(answer)],
    }


def _prompt(example: Example, shape: Shape) -> dict[str, Any]:
    return {"prompt": _asked(example, shape)}


def _asked(example: Example, shape: Shape) -> str | list[dict[str, Any]]:
    if example.tools:
        raise _refused(example, shape, "the tools would be lost")
    if len(example.prompt) == 1 and example.prompt[0].role == "user":
        return example.prompt[0].content
    return [_message(turn) for turn in example.prompt]


def _text(example: Example, shape: Shape) -> dict[str, Any]:
    return {"text": example.completion[0].content}


def _message(turn: Turn) -> dict[str, Any]:
    message = turn.to_message()
    for call, said in zip(message.get("tool_calls", ()), turn.tool_calls, strict=True):
        call["function"]["arguments"] = said.arguments
    if not turn.learned:
        message["weight"] = 0
    return message


def _tools(example: Example) -> dict[str, Any]:
    return {"tools": json.loads(example.tools)} if example.tools else {}


def _sharegpt(example: Example, shape: Shape) -> dict[str, Any]:
    """Return ShareGPT as LLaMA-Factory reads it: a call is a turn of its own, and tools are JSON text."""
    turns: list[dict[str, Any]] = []
    for turn in (*example.prompt, *example.completion):
        _check_plain(turn, example, shape)
        if turn.tool_calls:
            if turn.content:
                raise _refused(example, shape, "the text beside a call of tools would be lost")
            if any(call.id is not None for call in turn.tool_calls):
                raise _refused(example, shape, "the ids of calls would be lost")
            calls = [{"name": call.name, "arguments": json.loads(call.arguments)} for call in turn.tool_calls]
            value = json.dumps(calls[0] if len(calls) == 1 else calls, ensure_ascii=False)
            message: dict[str, Any] = {"from": "function_call", "value": value}
        else:
            message = {"from": _SHAREGPT[turn.role], "value": turn.content}
        turns.append(message if turn.learned else message | {"weight": 0})
    return {"conversations": turns} | ({"tools": example.tools} if example.tools else {})


_SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def _alpaca(example: Example, shape: Shape) -> dict[str, Any]:
    turns = [*example.prompt, *example.completion]
    for turn in turns:
        _check_plain(turn, example, shape)
        if turn.tool_calls or turn.role == "tool":
            raise _refused(example, shape, "the calls of tools would be lost")
        if not turn.learned:
            raise _refused(example, shape, "that an answer is not to be learned would be lost")
    system = turns.pop(0).content if turns[0].role == "system" else None
    texts = [turn.content for turn in turns]
    row: dict[str, Any] = {"instruction": texts[-2], "input": "", "output": texts[-1]}
    if system is not None:
        row["system"] = system
    if len(texts) > 2:
        row["history"] = [list(pair) for pair in zip(texts[:-2:2], texts[1:-2:2], strict=True)]
    return row | ({"tools": example.tools} if example.tools else {})


def _check_plain(turn: Turn, example: Example, shape: Shape) -> None:
    for what, there in (
        ("reasoning that is kept apart", bool(turn.reasoning)),
        ("the name of a tool that answers", turn.name is not None),
        ("the id of the call that is answered", turn.tool_call_id is not None),
    ):
        if there:
            raise _refused(example, shape, f"{what} would be lost")


def _refused(example: Example, shape: Shape, why: str) -> FtarenaError:
    place = f"{clean_line(str(example.file))}:{example.line}"
    fits = {"preference": "preference", "labelled": "kto", "text": "text", "question": "prompt"}
    return FtarenaError(
        f"{place} cannot be written as {shape}: {why}",
        f"the shape {fits.get(example.kind, 'messages')} has a place for everything in it",
    )


_WRITERS: Mapping[Shape, Callable[[Example, Shape], dict[str, Any]]] = {
    "messages": _messages,
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
    "completion": _completion,
    "kto": _completion,
    "preference": _preference,
    "reference": _reference,
    "text": _text,
    "prompt": _prompt,
}
