"""Loss on held-out answers, asked of the engine.

What is counted is what the model has to produce: the tokens of the reference answer and the one that ends its
turn, under the server's own chat template. The prompt's tokens and what a template writes after the end of a
turn (often a line break) are not, so the figure can be read as "nats per answer token" for every model.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ftarena.errors import FtarenaError
from ftarena.evaluation.examples import Example
from ftarena.serving.likelihood import Scoring, answer_likelihood, tokens_after_turn
from ftarena.serving.protocol import ContextExceeded


@dataclass(frozen=True)
class LossReport:
    """How well a model predicts a set of answers."""

    mean_loss: float
    """Negative log-likelihood per answer token, in nats: all tokens weigh the same."""

    n_tokens: int
    """Answer tokens counted."""

    n_examples: int
    """Examples counted; those longer than the engine reads are not."""

    per_example: tuple[float | None, ...]
    """Mean loss of each example in the order given, nats per token; `None` for one that was too long."""

    tokens: tuple[int, ...]
    """Answer tokens of each example; 0 for one that was too long."""

    @property
    def perplexity(self) -> float:
        """exp(mean loss)."""
        return math.exp(self.mean_loss)

    @property
    def too_long(self) -> int:
        """How many examples did not fit into the engine's context."""
        return len(self.per_example) - self.n_examples


async def heldout_loss(
    client: Scoring,
    model: str,
    examples: Sequence[Example],
    concurrency: int = 8,
    on_progress: Callable[[int, int], None] | None = None,
) -> LossReport:
    """Measure the loss of a model on reference answers.

    Args:
        client: Of an engine that serves `model`.
        model: Name at the engine: `base` or an adapter's run id.
        examples: At least one.
        concurrency: Requests at the same time.
        on_progress: Called with (examples done, examples in all).

    Raises:
        FtarenaError: The engine refuses or goes away, or no example fits into its context.
    """
    if not examples:
        raise FtarenaError("there is nothing to measure the loss on", "give a file with examples")
    extra = await tokens_after_turn(client)
    gate = asyncio.Semaphore(concurrency)
    done = 0

    async def measure(example: Example) -> tuple[float, int] | None:
        nonlocal done
        async with gate:
            try:
                return await answer_loss(client, model, example, extra)
            except ContextExceeded:
                return None
            finally:
                done += 1
                if on_progress is not None:
                    on_progress(done, len(examples))

    tasks = [asyncio.create_task(measure(example)) for example in examples]
    try:
        results = await asyncio.gather(*tasks)
    finally:  # on the first error, or when the caller gives up, the others must not go on
        for task in tasks:
            task.cancel()
    counted = [result for result in results if result is not None]
    if not counted:
        raise FtarenaError(
            "no example fits into the engine's context",
            "give shorter ones, or restart the engine with more: ftarena engine start --max-model-len 4096",
        )
    n_tokens = sum(count for _, count in counted)
    return LossReport(
        mean_loss=sum(total for total, _ in counted) / n_tokens,
        n_tokens=n_tokens,
        n_examples=len(counted),
        per_example=tuple(result[0] / result[1] if result else None for result in results),
        tokens=tuple(result[1] if result else 0 for result in results),
    )


async def answer_loss(client: Scoring, model: str, example: Example, extra: int) -> tuple[float, int]:
    """Return the summed loss of an example's answer, in nats, and its number of tokens.

    Args:
        client: Of an engine that serves `model`.
        model: Name at the engine.
        example: A question and the answer to measure.
        extra: What `tokens_after_turn` says of the engine's chat template.

    Raises:
        ContextExceeded: It does not fit into the engine's context.
        FtarenaError: The engine refuses or goes away, or the template leaves nothing of the answer.
    """
    found = await answer_likelihood(client, model, example.prompt, example.reference, extra)
    return -found.logprob, found.n_tokens
