"""Answers made ahead, so that the next battle is there when the last one is decided.

The order is by prompt, all contestants of one before the next, so that pairs are complete early; prompts and
the contestants of each are shuffled by a seed. Which side an answer will stand on is drawn much later,
elsewhere, so nothing about the order or speed of making tells it.

Once all are made, and where the arena's sampler wants to know it, the same engine is asked how much the
answers differ; new answers that are missing come first again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol, cast

from ftarena.arena.contestants import contestant_of
from ftarena.arena.questions.measuring import Measuring
from ftarena.arena.questions.prompts import PromptsReport, add_prompts_from_examples
from ftarena.arena.questions.trained import note_trained
from ftarena.arena.settings import read_settings
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant, Message, Sampling, served_name
from ftarena.serving.likelihood import Scoring
from ftarena.serving.protocol import Completion, RequestRefused
from ftarena.store import ContestantRow, PromptRow, Store

__all__ = ["AnswerQueue", "Answering", "PromptsReport", "Refused", "add_prompts_from_examples"]

_MEASURED_AT_ONCE = 16
"""Answers measured before it is looked whether new ones are to be made."""


class Answering(Protocol):
    """What the queue needs of a client: `EngineClient` has it."""

    async def complete(self, model: str, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """Return a whole answer."""


class Refused(NamedTuple):
    """A prompt that a contestant's server would not answer, such as one longer than its context."""

    prompt: PromptRow
    contestant: ContestantRow
    error: FtarenaError


class AnswerQueue:
    """The answers that battles still lack, and the making of them.

    Args:
        store: Where answers are kept.
        contestants: Who answers; `None` is everybody who can and is not hidden.
        prompts: To what; `None` is all but chats and imports.
        seed: Of the order.
    """

    def __init__(
        self,
        store: Store,
        contestants: Sequence[ContestantRow] | None = None,
        prompts: Sequence[PromptRow] | None = None,
        *,
        seed: int = 0,
    ) -> None:
        if contestants is None:
            contestants = [
                row for row in store.contestants(include_hidden=False) if row.spec_json is not None
            ]
        self._store = store
        self._seed = seed
        self._contestants = list(contestants)
        self._prompts = list(store.prompts() if prompts is None else prompts)
        self._measuring = Measuring(store, self._contestants)
        self.refused: list[Refused] = []
        """What was refused so far; not asked again by this queue."""

        self.unmeasured: FtarenaError | None = None
        """Why it cannot be measured how much answers differ; not tried again by this queue."""

    @property
    def contestants(self) -> int:
        """How many contestants answer each prompt."""
        return len(self._contestants)

    def ready(self) -> int:
        """Return how many prompts at least two contestants have answered."""
        answers = self._store.first_answers()
        return sum(
            sum((prompt.id, row.id) in answers for row in self._contestants) >= 2 for prompt in self._prompts
        )

    def missing(self) -> list[tuple[PromptRow, ContestantRow]]:
        """Return what is still to be made, in the order it will be: prompts that lack least first."""
        answers = self._store.first_answers()
        done = set(answers) | {(entry.prompt.id, entry.contestant.id) for entry in self.refused}
        rng = random.Random(self._seed)
        prompts = list(self._prompts)
        rng.shuffle(prompts)
        lacking = []
        for prompt in prompts:
            order = list(self._contestants)
            rng.shuffle(order)
            lacking.append([(prompt, row) for row in order if (prompt.id, row.id) not in done])
        lacking.sort(key=len)  # stable: those that lack equally much stay shuffled
        return [entry for entries in lacking for entry in entries]

    def has_work(self) -> bool:
        """Return whether there is anything to make, or to measure for the arena's sampler."""
        return bool(self.missing()) or (self._measures() and bool(self._measuring.missing()))

    async def fill(
        self,
        client_for: Callable[[Contestant], Awaitable[Answering]],
        *,
        concurrency: int = 4,
        limit: int | None = None,
        on_answer: Callable[[PromptRow, ContestantRow], None] | None = None,
    ) -> int:
        """Make answers, each kept the moment it is whole: an interruption loses only what is in flight.

        A contestant that cannot answer at all (its adapter is gone) is left out, and so is a prompt that is
        refused; the others go on. Without a limit, what the sampler wants to know is measured afterwards.

        Args:
            client_for: Gives a client that answers as a contestant.
            concurrency: How many are asked at once.
            limit: Make at most this many now, and measure nothing.
            on_answer: Called after each answer that was kept.

        Returns:
            How many answers were made.

        Raises:
            FtarenaError: The engine went away, nobody can answer, or all is refused and no battle is ready.
        """
        made = await self._make(client_for, concurrency, limit, on_answer)
        if limit is not None:
            return made
        await asyncio.to_thread(note_trained, self._store)
        while await asyncio.to_thread(self._measures):
            if not await self._measure(client_for):
                break
            if await asyncio.to_thread(self.missing):  # another contestant, more prompts
                made += await self._make(client_for, concurrency, None, on_answer)
        return made

    def _measures(self) -> bool:
        return self.unmeasured is None and read_settings(self._store).sampler == "informative"

    async def _measure(self, client_for: Callable[[Contestant], Awaitable[Answering]]) -> int:
        try:
            # A client that answers is an `EngineClient`, and that measures, too.
            return await self._measuring.fill(
                cast("Callable[[Contestant], Awaitable[Scoring]]", client_for), limit=_MEASURED_AT_ONCE
            )
        except FtarenaError as error:
            self.unmeasured = error  # votes go on without it: prompts are then drawn as they come
            return 0

    async def _make(
        self,
        client_for: Callable[[Contestant], Awaitable[Answering]],
        concurrency: int,
        limit: int | None,
        on_answer: Callable[[PromptRow, ContestantRow], None] | None,
    ) -> int:
        todo = (await asyncio.to_thread(self.missing))[:limit]
        work = iter(todo)
        unable: dict[str, FtarenaError] = {}
        refused_before = len(self.refused)
        made = 0

        async def worker() -> None:
            nonlocal made
            for prompt, row in work:
                # Another front end may be making the same answers.
                if row.id in unable or await asyncio.to_thread(self._store.answered, row.id, prompt.id):
                    continue
                contestant = contestant_of(row)
                try:
                    client = await client_for(contestant)
                except FtarenaError as error:
                    unable[row.id] = error
                    continue
                turns = [Message.model_validate(turn._asdict()) for turn in prompt.turns]
                try:
                    answer = await client.complete(
                        served_name(contestant), contestant.messages(turns), contestant.sampling
                    )
                except RequestRefused as error:
                    self.refused.append(Refused(prompt, row, error))
                    continue
                await asyncio.to_thread(self._keep, prompt, row, answer)
                made += 1
                if on_answer is not None:
                    on_answer(prompt, row)

        workers = [asyncio.create_task(worker()) for _ in range(min(concurrency, len(todo)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for task in workers:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        problems = [*unable.values(), *(entry.error for entry in self.refused[refused_before:])]
        if made == 0 and problems:
            nobody_can = all(row.id in unable for _, row in todo)
            if nobody_can or await asyncio.to_thread(self.ready) == 0:
                raise problems[0]
        return made

    def _keep(self, prompt: PromptRow, row: ContestantRow, answer: Completion) -> None:
        self._store.add_answer(
            row.id,
            prompt.id,
            answer.text,
            finish_reason=answer.finish_reason,
            n_tokens=answer.n_tokens,
            ttft_s=answer.ttft_s,
            elapsed_s=answer.elapsed_s,
        )
