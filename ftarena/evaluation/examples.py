"""Questions with reference answers, read from a file.

One JSON object a line: `{"prompt": [{"role": "user", "content": "…"}], "reference": "…"}`; a prompt may also
be a plain string. The same file gives the arena its questions and the evaluation its references.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Message

_FORMAT = 'a line looks like {"prompt": [{"role": "user", "content": "…"}], "reference": "…"}'


class Example(BaseModel):
    """One question and the answer it should get."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt: tuple[Message, ...] = Field(min_length=1)
    """The conversation up to the answer; its last turn is the user's."""

    reference: str = Field(min_length=1)
    """The answer it should get."""

    @field_validator("prompt", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return ({"role": "user", "content": value},) if isinstance(value, str) else value

    @field_validator("prompt")
    @classmethod
    def _asks(cls, value: tuple[Message, ...]) -> tuple[Message, ...]:
        if value[-1].role != "user":
            raise ValueError(f"the last turn is the {value[-1].role}'s, and must be the user's")
        return value


def load_examples(path: Path, limit: int | None = None) -> list[Example]:
    """Read a file of examples.

    Args:
        path: JSONL in UTF-8; empty lines are passed over.
        limit: Read at most so many.

    Returns:
        The examples in the order of the file, at least one.

    Raises:
        FtarenaError: The file cannot be read, a line is wrong (`FILE:LINE: what`), or there is no example.
    """
    examples: list[Example] = []
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if limit is not None and len(examples) >= limit:
                    break
                if raw.strip():
                    examples.append(_example(f"{path}:{number}", raw))
    except OSError as error:
        raise FtarenaError(f"cannot read {path}: {error.strerror or error}", f"ls -la {path}") from error
    if not examples:
        raise FtarenaError(f"{path} holds no examples", _FORMAT)
    return examples


def _example(where: str, raw: bytes) -> Example:
    try:
        return Example.model_validate(json.loads(raw.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise FtarenaError(f"{where}: not UTF-8", _FORMAT) from error
    except json.JSONDecodeError as error:
        raise FtarenaError(f"{where}: not JSON ({error.msg} at column {error.colno})", _FORMAT) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "line"
        raise FtarenaError(f"{where}: {field}: {first['msg']}", _FORMAT) from error
