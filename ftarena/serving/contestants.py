"""What answers: a model, how it is prompted and how it is sampled, as one immutable thing with an id.

"The base with a good system prompt" is a contestant like any adapter, so whether fine-tuning beats prompting
is an ordinary battle. Nothing here knows how an answer is made: that is `engine.py` and `client.py`.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

BASE_NAME = "base"
"""Name under which an engine serves the bare base model."""

WHOLE = "run:"
"""What `Contestant.model` begins with where a run trained the whole model: its id follows."""


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    """Who speaks."""

    content: str
    """What is said, raw: it is cleaned where it is shown, never where it is kept."""


class Sampling(BaseModel):
    """How tokens are drawn. The defaults are those of a chat, not of a benchmark."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(default=0.7, ge=0.0, le=2.0)
    """0 takes the likeliest token each time."""

    top_p: float = Field(default=0.95, gt=0.0, le=1.0)
    """Nucleus sampling: draw from the smallest set of tokens with this much probability."""

    max_tokens: int = Field(default=256, ge=1)
    """Length limit of the answer, in tokens."""

    seed: int | None = None
    """Makes one answer repeatable on the same engine; `None` draws anew each time."""

    stop: tuple[str, ...] = ()
    """Texts that end the answer where the model writes them; they are not part of it."""


class Contestant(BaseModel):
    """What answers, wholly described. Two contestants with equal content have the same `id`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1)
    """The base model as in a recipe (`demo:smollm2`, a folder, a hub id), `run:ID` for the whole model that a
    run trained, or a remote endpoint's name."""

    adapter: str | None = None
    """Id of the run whose LoRA adapter sits on the base, or `RUN/checkpoint-STEP` for one of its checkpoints;
    `None` is the bare base."""

    endpoint: str | None = None
    """Base URL of another OpenAI-compatible server (`http://host:8000/v1`); `None` is our own engine."""

    system_prompt: str | None = None
    """System message put before every conversation."""

    few_shot: tuple[Message, ...] = ()
    """Example turns between system prompt and conversation: user, assistant, user, assistant …"""

    sampling: Sampling = Sampling()
    """How its tokens are drawn."""

    @model_validator(mode="after")
    def _agree(self) -> "Contestant":
        if self.endpoint is not None and self.adapter is not None:
            raise ValueError(
                "adapter and endpoint exclude each other: a remote server names its adapters as models"
            )
        roles = [message.role for message in self.few_shot]
        if roles != ["user", "assistant"] * (len(roles) // 2):
            raise ValueError("few_shot must be pairs of turns: user, assistant, user, assistant …")
        return self

    @property
    def id(self) -> str:
        """First 16 hex digits of the SHA-256 of its content as canonical JSON (sorted, ASCII, no spaces).

        What is `None` is left out, so that a later version's new optional field leaves old ids as they are.
        """
        content = self.model_dump(mode="json", exclude_none=True)
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:16]

    @property
    def run_id(self) -> str | None:
        """Id of the run that its adapter or its whole model is from."""
        if self.adapter is not None:
            return self.adapter.partition("/")[0]
        return self.model.removeprefix(WHOLE) if self.is_whole else None

    @property
    def is_whole(self) -> bool:
        """Whether a run trained all its weights, so that it needs an engine of its own."""
        return self.endpoint is None and self.model.startswith(WHOLE)

    def messages(self, turns: Sequence[Message]) -> list[Message]:
        """Return what is sent for a conversation: system prompt, few-shot turns, then `turns`.

        A conversation may open with a system message of its own, which belongs to the task. Many chat
        templates accept one system message only, so the two are joined, the contestant's first; the same one
        is said once.

        Args:
            turns: The conversation so far, oldest first.
        """
        own = [self.system_prompt] if self.system_prompt else []
        rest = list(turns)
        while rest and rest[0].role == "system":
            asked = rest.pop(0).content
            if asked not in own:
                own.append(asked)
        system = [Message(role="system", content="\n\n".join(own))] if own else []
        return [*system, *self.few_shot, *rest]


def served_name(contestant: Contestant) -> str:
    """Return the model name to ask for: `base`, the adapter's run id, or a remote server's own model name."""
    if contestant.endpoint is not None:
        return contestant.model
    return contestant.adapter or BASE_NAME
