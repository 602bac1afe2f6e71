"""A judge at work: draws, asks both orders, keeps what it said, and goes on where it stopped."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ftarena.arena.judging.assigning import Assignment, give, to_give, unfinished
from ftarena.arena.judging.parsing import judgement_in
from ftarena.arena.judging.recording import REFUSED, UNREADABLE, leave_out, record, reopen
from ftarena.arena.judging.rubric import questions_to_judge
from ftarena.arena.sampling.pool import Combination
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Message
from ftarena.serving.protocol import ContextExceeded, EngineGone, RequestRefused
from ftarena.store import Store

PREFIX = "judge:"
"""What the name of every judge begins with, as a labeler."""

_TRIES = 3
WAIT_S = 2.0
"""Before asking again after a failure that may pass, in seconds."""

_BUSY = (408, 409, 425, 429, 500, 502, 503, 504)
"""HTTP statuses after which asking again may help."""


class Ask(Protocol):
    """Puts a conversation to the model that judges and returns all that it wrote."""

    def __call__(self, messages: Sequence[Message]) -> Awaitable[str]: ...


@dataclass
class Judged:
    """What one call of `judge` did."""

    labeler: str
    """The judge's name as a labeler."""

    todo: int = 0
    """Pairs of answers there were to judge."""

    consistent: int = 0
    """Votes that count."""

    inconsistent: int = 0
    """Verdicts that turned with the order."""

    unreadable: int = 0
    """Answers without a verdict, and questions that were refused."""

    @property
    def done(self) -> int:
        """Pairs decided or left out."""
        return self.consistent + self.inconsistent + self.unreadable


async def judge(
    store: Store,
    name: str,
    ask: Ask,
    *,
    contestants: Sequence[str] | None = None,
    prompts: int | None = None,
    criteria: Sequence[str] = (),
    again: bool = False,
    concurrency: int = 4,
    rng: random.Random | None = None,
    on_decided: Callable[[Judged], None] | None = None,
    wait_s: float = WAIT_S,
) -> Judged:
    """Have a judge vote until it has judged a number of prompts.

    Asked again with the same number it goes on where it stopped, be it by an error or a kill.

    Args:
        store: The arena.
        name: The judge's name, without `judge:`.
        ask: Asks the model that judges.
        contestants: Names of who is compared; `None` is everybody who takes part.
        prompts: How many prompts in all, earlier calls included; `None` is every one.
        criteria: What else is asked of it.
        again: Also ask again about what got no verdict before, unreadable or refused.
        concurrency: Pairs of answers that are judged at once.
        rng: Where the sides come from.
        on_decided: Called after each pair.
        wait_s: Before asking again after a failure, in seconds; twice as long the second time.

    Returns:
        What was done now.

    Raises:
        FtarenaError: The endpoint is gone, refuses everything, or the name is a person's. What was decided
            before is kept.
    """
    labeler = PREFIX + name.strip().removeprefix(PREFIX)
    if labeler == PREFIX:
        raise FtarenaError("a judge needs a name", "give one: ftarena judge --as NAME")
    if (await asyncio.to_thread(store.ballots.labelers)).get(labeler, "judge") != "judge":
        raise FtarenaError(
            f"{labeler!r} is a person in this arena", "votes of people and judges are never mixed: other name"
        )
    chance = rng or random.SystemRandom()
    if again:
        await asyncio.to_thread(reopen, store, labeler)
    old = await asyncio.to_thread(unfinished, store, labeler)
    new = await asyncio.to_thread(to_give, store, labeler, prompts, contestants)
    done = Judged(labeler, todo=len(old) + len(new))
    work: Iterator[Assignment | Combination] = iter([*old, *new])
    reader = _Reader(store, ask, criteria, wait_s)

    async def worker() -> None:
        for item in work:
            assignment = (
                await asyncio.to_thread(give, store, labeler, item, chance)
                if isinstance(item, Combination)
                else item
            )
            if assignment is not None:
                await _decide(store, reader, assignment, done)
                if on_decided is not None:
                    on_decided(done)

    workers = [asyncio.create_task(worker()) for _ in range(min(concurrency, done.todo))]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return done


class _Reader:
    """Asks about one pair of answers, in one order or the other."""

    def __init__(self, store: Store, ask: Ask, criteria: Sequence[str], wait_s: float) -> None:
        self._store = store
        self._ask = ask
        self._wait_s = wait_s
        self.criteria = criteria
        self.answered = False
        """Whether the endpoint has ever answered: before that a refusal is a mistake in how it is asked."""

    async def read(self, assignment: Assignment, *, swapped: bool) -> str:
        """Return what the judge says; failures that may pass are tried again."""
        prompt = await asyncio.to_thread(self._store.prompt, assignment.prompt_id)
        texts = []
        for answer_id in (assignment.left, assignment.right):
            answer = await asyncio.to_thread(self._store.answer, answer_id)
            texts.append(answer.text if answer else "")
        if swapped:
            texts.reverse()
        messages = questions_to_judge(prompt.turns if prompt else (), texts[0], texts[1], self.criteria)
        for attempt in range(1, _TRIES + 1):
            try:
                said = await self._ask(messages)
            except (EngineGone, RequestRefused) as error:
                passing = isinstance(error, EngineGone) or error.status in _BUSY
                if not passing or attempt == _TRIES:
                    raise
                await asyncio.sleep(self._wait_s * attempt)
            else:
                self.answered = True
                return said
        raise RuntimeError("the last attempt returns or raises")


async def _decide(store: Store, reader: _Reader, assignment: Assignment, done: Judged) -> None:
    began = time.monotonic()
    try:
        first, second = await asyncio.gather(
            reader.read(assignment, swapped=False), reader.read(assignment, swapped=True)
        )
    except RequestRefused as error:
        # Too long for this judge, or filtered: the next pair may do. A wrong key or model is nobody's fault.
        one_of_them = isinstance(error, ContextExceeded) or (
            reader.answered and error.status in (400, 413, 422)
        )
        if not one_of_them:
            raise
        await asyncio.to_thread(leave_out, store, done.labeler, assignment, REFUSED, error.message)
        done.unreadable += 1
        return
    readings = [judgement_in(said, reader.criteria) for said in (first, second)]
    one, other = readings
    if one is None or other is None:
        said = first if one is None else second
        await asyncio.to_thread(leave_out, store, done.labeler, assignment, UNREADABLE, said or "(nothing)")
        done.unreadable += 1
        return
    elapsed_ms = round(1000 * (time.monotonic() - began))
    consistent = await asyncio.to_thread(
        record, store, done.labeler, assignment, one, other, elapsed_ms=elapsed_ms
    )
    done.consistent += consistent
    done.inconsistent += not consistent
