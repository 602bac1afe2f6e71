"""A contestant that can be asked, whatever serves it: our engine with an adapter, one of its own, a server.

Answers are greedy (temperature 0), whatever the contestant's own sampling: the same question gets the same
answer tomorrow. Its system prompt, its examples and its stop texts are kept.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from ftarena.errors import FtarenaError
from ftarena.evaluation.examples import Example
from ftarena.evaluation.loss import answer_loss
from ftarena.evaluation.respondent import Respondent
from ftarena.evaluation.tasks.items import Item
from ftarena.recipes.models import resolve_model
from ftarena.serving.client import EngineClient
from ftarena.serving.contestants import Contestant, Sampling, served_name
from ftarena.serving.engine import Engine, EngineState, list_engines
from ftarena.serving.likelihood import tokens_after_turn
from ftarena.serving.pool import name_on_disk
from ftarena.serving.protocol import Completion, EngineGone
from ftarena.training.models import prepare_model
from ftarena.workspace import Workspace


class Candidate(Protocol):
    """Who is asked."""

    async def answer(self, item: Item, max_tokens: int) -> Completion:
        """Return the greedy answer to an item.

        Raises:
            ContextExceeded: Question and answer do not fit into the context.
            FtarenaError: The server refuses, or is gone for good.
        """

    async def loss(self, item: Item, reference: str) -> tuple[float, int]:
        """Return the summed loss of an answer in nats, and its number of tokens.

        Raises:
            ContextExceeded: It does not fit into the context.
            FtarenaError: The server tells no log-probabilities of a given text, refuses, or is gone for good.
        """


class _Local:
    """Served by our engine."""

    def __init__(self, contestant: Contestant, respondent: Respondent) -> None:
        self._contestant = contestant
        self._respondent = respondent
        self._extra: int | None = None
        self._lock = asyncio.Lock()

    async def answer(self, item: Item, max_tokens: int) -> Completion:
        messages = self._contestant.messages(item.prompt)
        return await self._respondent.complete(messages, _greedy(self._contestant, max_tokens))

    async def loss(self, item: Item, reference: str) -> tuple[float, int]:
        example = Example(prompt=tuple(self._contestant.messages(item.prompt)), reference=reference)
        for last in (False, True):
            try:
                client = await self._respondent.client()
                async with self._lock:
                    if self._extra is None:
                        self._extra = await tokens_after_turn(client)
                return await answer_loss(client, self._respondent.name, example, self._extra)
            except EngineGone:  # restarted, or sent to sleep by a run: awake again it is asked a second time
                if last:
                    raise
        raise AssertionError


class _Remote:
    """Served by somebody else."""

    def __init__(self, contestant: Contestant, client: EngineClient) -> None:
        self._contestant = contestant
        self._client = client

    async def answer(self, item: Item, max_tokens: int) -> Completion:
        messages = self._contestant.messages(item.prompt)
        return await self._client.complete(
            served_name(self._contestant), messages, _greedy(self._contestant, max_tokens)
        )

    async def loss(self, item: Item, reference: str) -> tuple[float, int]:
        raise FtarenaError(
            f"{self._contestant.endpoint} is another server, so its losses are not known",
            "losses need the built-in engine",
        )


@asynccontextmanager
async def candidate(
    workspace: Workspace, contestant: Contestant, tell: Callable[[str], None]
) -> AsyncGenerator[Candidate, None]:
    """Give a contestant that can be asked; its engine is started or woken with the first question.

    Args:
        workspace: Whose engines and runs.
        contestant: Who.
        tell: Told what is waited for.

    Raises:
        FtarenaError: Its model or adapter is not here, or no engine can serve it.
    """
    if contestant.endpoint is not None:
        async with EngineClient(
            base_url=contestant.endpoint, api_key=os.environ.get("FTARENA_API_KEY")
        ) as client:
            yield _Remote(contestant, client)
        return
    async with respondent_of(workspace, contestant, tell) as respondent:
        yield _Local(contestant, respondent)


@asynccontextmanager
async def respondent_of(
    workspace: Workspace, contestant: Contestant, tell: Callable[[str], None]
) -> AsyncGenerator[Respondent, None]:
    """Give the model behind a contestant at our engine, without its prompt.

    Args:
        workspace: Whose engines and runs.
        contestant: One that no other server answers for.
        tell: Told what is waited for.

    Raises:
        FtarenaError: Its model or adapter is not here, or no engine can serve it.
    """
    name = name_on_disk(workspace, contestant.model)
    model = await asyncio.to_thread(prepare_model, resolve_model(name), tell)
    adapter = workspace.runs / contestant.adapter if contestant.adapter else None
    async with Respondent(workspace, model, served_name(contestant), adapter, tell) as respondent:
        if not contestant.is_whole:
            yield respondent
            return
        async with _card_to_itself(workspace, respondent.engine):
            yield respondent


@asynccontextmanager
async def _card_to_itself(workspace: Workspace, engine: Engine) -> AsyncGenerator[None, None]:
    """Let others sleep while a model with an engine of its own is asked; end that where it was not up."""
    was_up = engine.status().state in (EngineState.READY, EngineState.STARTING)
    others = [one for one in list_engines(workspace) if one.model_path != engine.model_path]
    awake = [one for one in others if one.status().state is EngineState.READY and not one.status().asleep]
    slept = [one for one in awake if await asyncio.to_thread(one.sleep)]
    try:
        yield
    finally:
        if not was_up:
            await asyncio.to_thread(engine.stop)
            for one in slept:
                await asyncio.to_thread(one.wake)


def _greedy(contestant: Contestant, max_tokens: int) -> Sampling:
    return Sampling(temperature=0.0, top_p=1.0, max_tokens=max_tokens, stop=contestant.sampling.stop)
