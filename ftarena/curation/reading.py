"""Reading training data: JSONL in, examples out, and for everything wrong the file, the line and what to do.

Four shapes are recognised by their keys (other keys are left alone):

    {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}, …]}
    {"prompt": …, "completion": …}
    {"prompt": …, "chosen": …, "rejected": …}
    {"prompt": …, "reference": …}

A prompt is a list of messages or a text, which means one message of the user; an answer is a list with one
message of the assistant or a text. All problems of a file are collected before anything is refused. Nothing
is repaired and no row is dropped here.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ftarena.errors import FtarenaError
from ftarena.text import shorten

Shape = Literal["messages", "completion", "preference", "reference"]

# Most telling key first: a preference pair may carry a `reference` as well.
_SHAPES: tuple[tuple[Shape, tuple[str, ...]], ...] = (
    ("messages", ("messages",)),
    ("preference", ("prompt", "chosen", "rejected")),
    ("completion", ("prompt", "completion")),
    ("reference", ("prompt", "reference")),
)

SHAPES_FOR = {"sft": ("messages", "completion", "reference"), "dpo": ("preference",)}
"""Which shapes a method can train on; `reference` is an answer like any other."""

_ROLES = ("system", "user", "assistant")
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: str
    content: str


Turns = tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One row: what was asked, and the answer or answers."""

    file: Path
    line: int
    """Line in its file, from 1."""

    shape: Shape
    prompt: Turns
    """The turns up to the last one of the user. For `messages` everything before the last answer."""

    completion: Turns
    """The answer to learn, one turn: the last message, the completion, the chosen one or the reference."""

    rejected: Turns = ()
    """The worse answer, for the shape `preference`."""

    @property
    def question(self) -> str:
        """What the user said, in all turns: two examples with the same question ask the same."""
        return "\n".join(turn.content for turn in self.prompt if turn.role == "user")


@dataclass(frozen=True)
class Problem:
    """Something that makes a row unusable."""

    file: Path
    line: int
    column: int | None
    code: str
    """Stable name of the kind of problem, a key of `ftarena.curation.check`."""

    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")
        return f"{place}: {self.message}"


class DataError(FtarenaError):
    """A data file cannot be used; the first ten problems are in the message, all of them in `problems`."""

    def __init__(self, problems: list[Problem]) -> None:
        shown = [str(problem) for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            shown.append(f"… and {len(problems) - _SHOWN} more")
        super().__init__("\n".join(shown), f"to see all of them: ftarena check {problems[0].file}")
        self.problems = problems


@dataclass(frozen=True)
class Reading:
    """What is in a file: the rows that can be used, and what is wrong with the others."""

    path: Path
    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]
    rows: int
    """Lines that hold something; empty ones do not count."""


def read_examples(path: Path) -> Reading:
    """Read a JSONL file without giving up at the first problem.

    Args:
        path: UTF-8, with or without a byte order mark, lines ended by LF or CRLF.

    Raises:
        FtarenaError: There is no such file, or it cannot be read at all.
    """
    examples: list[Example] = []
    problems: list[Problem] = []
    rows = 0
    for line, value in _rows(path):
        rows += 1
        try:
            if isinstance(value, _Bad):
                raise value
            examples.append(_example(path, line, value))
        except _Bad as bad:
            problems.append(Problem(path, line, bad.column, bad.code, str(bad)))
    return Reading(path, tuple(examples), tuple(problems), rows)


def load_examples(path: Path, method: Literal["sft", "dpo"] | None = None) -> list[Example]:
    """Return the examples of a file, all of a shape that the method can train on.

    Args:
        path: A JSONL file.
        method: How they are to be trained on. None: any shape will do, as for held-out files.

    Raises:
        DataError: Rows that cannot be used, or of another shape; the first ten are named.
        FtarenaError: There is no such file.
    """
    reading = read_examples(path)
    problems = list(reading.problems)
    if reading.rows == 0:
        problems.append(Problem(path, 1, None, "empty", "the file holds no rows"))
    for example in reading.examples:
        if method and example.shape not in SHAPES_FOR[method]:
            wanted = [keys for shape, keys in _SHAPES if shape in SHAPES_FOR[method]]
            words = " or ".join("{" + ", ".join(keys) + "}" for keys in wanted)
            message = f"a row of shape {example.shape}; {method} trains on {words}"
            problems.append(Problem(path, example.line, None, "shape", message))
    if problems:
        raise DataError(sorted(problems, key=lambda problem: problem.line))
    return list(reading.examples)


class _Bad(Exception):
    """What is wrong with one row."""

    def __init__(self, code: str, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.column = column


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (line number, parsed value or what is wrong with the line)."""
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                if raw.strip():
                    yield number, _parse(raw)
    except FileNotFoundError:
        raise FtarenaError(f"there is no file {path}", "check the path") from None
    except OSError as error:
        raise FtarenaError(f"{path} cannot be read: {error.strerror or error}") from error


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw.rstrip(b"\r\n").decode("utf-8"))
    except UnicodeDecodeError as error:
        return _Bad(
            "encoding", f"not UTF-8 (byte 0x{raw[error.start]:02x}); save the file as UTF-8", error.start + 1
        )
    except json.JSONDecodeError as error:
        hint = ""
        if raw.lstrip().startswith(b"[") or raw.strip() in (b"{", b"]", b"}"):
            hint = "; this looks like a JSON array or an indented object, one object a line is needed"
        return _Bad("json", f"broken JSON: {error.msg.lower()}{hint}", error.pos + 1)
    except RecursionError:
        return _Bad("json", "broken JSON: nested too deeply")


def _example(path: Path, line: int, value: Any) -> Example:
    if not isinstance(value, dict):
        raise _Bad("type", f"expected an object, found {_kind(value)}")
    shape = next((shape for shape, keys in _SHAPES if all(key in value for key in keys)), None)
    if shape is None:
        raise _Bad("shape", _missing(value))
    if shape == "messages":
        turns = _turns(value["messages"], "messages")
        if turns[-1].role != "assistant":
            raise _Bad(
                "order",
                f"messages end with a turn of the {turns[-1].role}: the assistant's answer is missing",
            )
        if len(turns) < 2 or turns[-2].role != "user":
            raise _Bad("order", "messages have no turn of the user before the last answer")
        return Example(path, line, shape, turns[:-1], turns[-1:])
    prompt = _prompt(value["prompt"])
    key = {"completion": "completion", "preference": "chosen", "reference": "reference"}[shape]
    answer = _answer(value[key], key)
    rejected = _answer(value["rejected"], "rejected") if shape == "preference" else ()
    return Example(path, line, shape, prompt, answer, rejected)


def _missing(value: dict[str, Any]) -> str:
    found = ", ".join(shorten(str(key), 20) for key in list(value)[:6]) or "nothing"
    partly = [
        (len(absent) - len(keys), absent)  # the shape that most is there of
        for _, keys in _SHAPES
        if (absent := [key for key in keys if key not in value]) and len(absent) < len(keys)
    ]
    if partly:
        return f"{' and '.join(min(partly)[1])} is missing (found: {found})"
    if "conversations" in value:
        return 'ShareGPT\'s "conversations" is not read: write "messages" with role and content'
    if "instruction" in value:
        return 'Alpaca\'s "instruction" is not read: write "prompt" and "completion"'
    return f"none of the known shapes (found: {found}): needed are messages, or prompt and an answer"


def _turns(value: Any, key: str) -> Turns:
    if not isinstance(value, list):
        raise _Bad("type", f"{key} must be a list of messages, found {_kind(value)}")
    if not value:
        raise _Bad("empty", f"{key} is an empty list")
    turns: list[Turn] = []
    for index, item in enumerate(value):
        where = f"{key}[{index}]"
        if not isinstance(item, dict):
            raise _Bad("type", f"{where} must be an object with role and content, found {_kind(item)}")
        for field in ("role", "content"):
            if field not in item:
                raise _Bad("field", f"{where} has no {field}")
            if not isinstance(item[field], str):
                raise _Bad("type", f"{where}.{field} must be text, found {_kind(item[field])}")
        if item["role"] not in _ROLES:
            role = shorten(item["role"], 20)
            raise _Bad("role", f"{where}.role is {role!r}, expected system, user or assistant")
        if item["role"] == "system" and index > 0:
            raise _Bad("role", f"{where} is a system message; it may only come first")
        if not item["content"].strip():
            raise _Bad("empty", f"{where}.content is empty")
        turns.append(Turn(item["role"], item["content"]))
    return tuple(turns)


def _prompt(value: Any) -> Turns:
    if isinstance(value, str):
        if not value.strip():
            raise _Bad("empty", "prompt is empty")
        return (Turn("user", value),)
    turns = _turns(value, "prompt")
    if turns[-1].role != "user":
        raise _Bad("order", f"prompt ends with a turn of the {turns[-1].role}, expected the user's")
    return turns


def _answer(value: Any, key: str) -> Turns:
    if isinstance(value, str):
        if not value.strip():
            raise _Bad("empty", f"{key} is empty")
        return (Turn("assistant", value),)
    turns = _turns(value, key)
    if len(turns) != 1 or turns[0].role != "assistant":
        raise _Bad(
            "order",
            f"{key} must be one message of the assistant, found {len(turns)}: put the rest into prompt",
        )
    return turns


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
