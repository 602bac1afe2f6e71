"""The words of the OpenAI protocol that ftarena uses: chunks, answers, log-probabilities, refusals.

Pure parsing of what a server sent; `client.py` does the sending.
"""

import json
from dataclasses import dataclass
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.text import clean_line


class EngineGone(FtarenaError):
    """The server cannot be reached, or the connection broke while it was answering; asking again may work."""


class RequestRefused(FtarenaError):
    """The server is there but refuses this request.

    Args:
        message: What it said.
        hint: What to do.
        status: The HTTP status.
    """

    def __init__(self, message: str, hint: str = "", status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status


class ContextExceeded(RequestRefused):
    """The conversation is longer than the model reads; a shorter one will do."""


@dataclass(frozen=True)
class Chunk:
    """A piece of an answer as it arrives."""

    text: str
    """What was added; empty in chunks that only report."""

    finish_reason: str | None = None
    """`stop` where the model ended, `length` where `max_tokens` cut it; `None` while it goes on."""

    n_tokens: int | None = None
    """Tokens of the answer so far, where the server counts along."""

    prompt_tokens: int | None = None
    """Tokens of the conversation before it, where the server says."""


@dataclass(frozen=True)
class Completion:
    """A whole answer."""

    text: str
    finish_reason: str | None
    n_tokens: int | None
    prompt_tokens: int | None
    ttft_s: float | None
    """From sending the request to the first text, in seconds; `None` for an empty answer."""

    elapsed_s: float
    """From sending the request to the end, in seconds."""


@dataclass(frozen=True)
class TokenLogprob:
    """How likely a model found one token of a given text, after all the tokens before it."""

    token_id: int
    logprob: float | None
    """Natural logarithm of its probability; `None` for the first token, which follows nothing."""

    likeliest: bool | None = None
    """Whether no other token was likelier there, so that a greedy answer would have gone on with it; `None`
    where that was not asked for."""


def parse_object(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object in a body, or `None` where it is anything else."""
    try:
        value = json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def parse_chunk(value: dict[str, Any]) -> Chunk:
    """Return what one event of a streamed chat completion says."""
    usage = value.get("usage") or {}
    choice: dict[str, Any] = next(iter(value.get("choices") or []), {})
    delta = choice.get("delta") or {}
    return Chunk(
        text=delta.get("content") or "",
        finish_reason=choice.get("finish_reason"),
        n_tokens=usage.get("completion_tokens"),
        prompt_tokens=usage.get("prompt_tokens"),
    )


def error_text(content: bytes) -> str:
    """Return what an error body says, on one line: OpenAI's shape, FastAPI's, or plain text."""
    value: Any = parse_object(content)
    if value is None:
        value = content[:300].decode("utf-8", errors="replace")
    else:
        value = value.get("error", value)
        if isinstance(value, dict):
            value = value.get("message") or value.get("detail") or value
    return clean_line(str(value))[:500]
