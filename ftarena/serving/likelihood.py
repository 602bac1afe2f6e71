"""How likely a model finds a given answer, asked of an engine under its own chat template.

What is counted is what the model would have to produce: the answer's tokens and the one that ends its turn.
The prompt's tokens and what a template writes after the end of a turn (often a line break) are not.
"""

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple, Protocol

from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Message
from ftarena.serving.protocol import TokenLogprob


class Scoring(Protocol):
    """What is needed of a client: `EngineClient` has it."""

    async def render(self, messages: Sequence[Message], add_generation_prompt: bool = True) -> list[int]:
        """Return the token ids of a conversation."""

    async def detokenize(self, ids: Sequence[int]) -> str:
        """Return the text of token ids."""

    async def prompt_logprobs(self, model: str, text_or_ids: str | Sequence[int]) -> list[TokenLogprob]:
        """Return the log-probability of each token."""


class Likelihood(NamedTuple):
    """How likely a model finds an answer."""

    logprob: float
    """Sum over its tokens, in nats."""

    n_tokens: int


async def answer_likelihood(
    client: Scoring, model: str, prompt: Sequence[Message], answer: str, extra: int
) -> Likelihood:
    """Return how likely a model finds an answer to a prompt.

    Args:
        client: Of an engine that serves `model`.
        model: Name at the engine.
        prompt: The turns before the answer.
        answer: The answer, raw.
        extra: What `tokens_after_turn` says of the engine's chat template.

    Raises:
        ContextExceeded: It does not fit into the engine's context.
        FtarenaError: The engine refuses or goes away, or the template leaves nothing of the answer.
    """
    asked = await client.render(prompt)
    full = await client.render(
        [*prompt, Message(role="assistant", content=answer)], add_generation_prompt=False
    )
    # A template may write the opened turn a little differently once it is filled (thinking tags, a trimmed
    # space), so the answer begins where the two part.
    start = _common_prefix(asked, full)
    scored = await client.prompt_logprobs(model, full[: len(full) - extra])
    values = [token.logprob for token in scored[start:] if token.logprob is not None]
    if not values:
        raise FtarenaError(f"the chat template leaves nothing of the answer {answer[:40]!r}")
    return Likelihood(math.fsum(values), len(values))


async def tokens_after_turn(client: Scoring) -> int:
    """Return how many tokens the chat template writes after the one that ends the assistant's turn.

    Two different answers are rendered; what they share at the end is the template's. White space at the very
    end of it comes after the end of the turn: generation has stopped by then.
    """
    question = Message(role="user", content="1")
    one, two = [
        await client.render([question, Message(role="assistant", content=text)], add_generation_prompt=False)
        for text in ("alpha", "Two words.")
    ]
    shared = _common_prefix(one[::-1], two[::-1])
    extra = 0
    while extra < shared and not (await client.detokenize([one[-1 - extra]])).strip():
        extra += 1
    return extra


def _common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
