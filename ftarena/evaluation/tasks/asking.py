"""Every contestant answers every item of every task, greedily; each result is kept the moment it is there.

What is kept already is not asked again, and an answer that was given under another metric is scored anew
instead of being made anew. An interruption loses only what is in flight.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.evaluation.tasks.candidates import Candidate, candidate
from ftarena.evaluation.tasks.items import LETTERS, Item, Task
from ftarena.evaluation.tasks.metrics import score_answer
from ftarena.evaluation.tasks.scorer import Scorer, ScorerFailed
from ftarena.evaluation.turns import turn
from ftarena.hardware import detect_accelerator
from ftarena.serving.contestants import Contestant
from ftarena.serving.protocol import ContextExceeded
from ftarena.store import Store
from ftarena.store.results import LOSS, ResultRow, add_results, add_task, answers_to, results
from ftarena.workspace import Workspace

CONCURRENCY: Mapping[str, int] = {"cpu": 16, "cuda": 64}
"""Questions at the same time: on two cores more than 16 no longer answer faster."""

_LOOK_EVERY_S = 1.0
"""How often it is looked whether the exam of a run, or another eval, has ended."""

TOO_LONG = "does not fit into the engine's context"
NO_CHANCE = "the model gives a token of it no chance at all"

Tell = Callable[[str, float | None], None]
"""Told what is done, and how far it is (0 to 1; None where that cannot be said)."""


@dataclass(frozen=True)
class Who:
    """A contestant as it is asked."""

    name: str
    id: str
    contestant: Contestant


@dataclass
class Outcome:
    """What a round of asking came to."""

    asked: int = 0
    """Results that were made now."""

    troubles: dict[str, FtarenaError] = field(default_factory=dict)
    """Who could not be asked to the end, and why."""


def measure(
    store: Store,
    workspace: Workspace,
    whom: Sequence[Who],
    tasks: Sequence[Task],
    *,
    limit: int | None = None,
    tell: Tell = lambda line, part: None,
) -> Outcome:
    """Ask what is not known yet, one contestant after the other.

    Args:
        store: Where results are kept.
        workspace: Whose engines answer; one that is not up is started.
        whom: Who is asked.
        tasks: What.
        limit: So many items of each task, the same for everybody.
        tell: Told how it goes.

    Returns:
        How many results are new, and who could not be asked to the end.

    Raises:
        FtarenaError: A scorer cannot be loaded.
    """
    for task in tasks:
        add_task(store, task.id, name=task.name, metric=task.metric, items=len(task.items), asked=task.asked)
    kept = {task.id: results(store, task.id) for task in tasks}
    left: dict[str, list[tuple[Task, list[int]]]] = {}
    for who in whom:
        lacking = []
        for task in tasks:
            found = kept[task.id].get(who.id, {})
            items = [item for item in task.chosen(limit) if item not in found or found[item].score is None]
            if items:
                lacking.append((task, items))
        if lacking:
            left[who.id] = lacking
    outcome = Outcome()
    if not left:
        return outcome
    steps = _Steps(tell, sum(len(items) for lacking in left.values() for _, items in lacking))
    concurrency = CONCURRENCY[detect_accelerator()]
    with (
        turn(workspace, "ftarena eval", lambda line: tell(line, None), every_s=_LOOK_EVERY_S),
        ExitStack() as stack,
    ):
        scorers = {
            task.scorer: stack.enter_context(Scorer(task.scorer)) for task in tasks if task.scorer is not None
        }
        for who in whom:
            if who.id in left:
                before = steps.done
                try:
                    asyncio.run(_ask(store, workspace, who, left[who.id], scorers, concurrency, steps))
                except FtarenaError as error:
                    outcome.troubles[who.name] = error
                    steps.done = before + sum(len(items) for _, items in left[who.id])
        outcome.asked = steps.kept
    return outcome


async def _ask(
    store: Store,
    workspace: Workspace,
    who: Who,
    lacking: Sequence[tuple[Task, Sequence[int]]],
    scorers: Mapping[Path, Scorer],
    concurrency: int,
    steps: "_Steps",
) -> None:
    """Ask one contestant; a task that it cannot be asked does not keep it from the others."""
    trouble: FtarenaError | None = None
    async with candidate(workspace, who.contestant, steps.say) as asked:
        for task, items in lacking:
            known = await asyncio.to_thread(answers_to, store, task.asked, who.id)
            gate = asyncio.Semaphore(concurrency)
            scorer = scorers[task.scorer] if task.scorer is not None else None
            steps.doing = f"{who.name}: {task.name}"

            async def one(
                place: int,
                task: Task = task,
                known: Mapping[int, ResultRow] = known,
                scorer: Scorer | None = scorer,
                gate: asyncio.Semaphore = gate,
            ) -> None:
                async with gate:
                    row = await _result(task, place, asked, known.get(place), scorer)
                    await asyncio.to_thread(add_results, store, task.id, who.id, [row])
                    steps.step()

            running = [asyncio.create_task(one(place)) for place in items]
            try:
                await asyncio.gather(*running)
            except FtarenaError as error:
                trouble = trouble or error
            finally:  # on the first error, or when the caller gives up, the others must not go on
                for job in running:
                    job.cancel()
                await asyncio.gather(*running, return_exceptions=True)
    if trouble is not None:
        raise trouble


async def _result(
    task: Task, place: int, asked: Candidate, known: ResultRow | None, scorer: Scorer | None
) -> ResultRow:
    item = task.items[place]
    try:
        if task.metric == LOSS:
            total, tokens = await asked.loss(item, item.reference)
            if not math.isfinite(total):
                return ResultRow(place, None, NO_CHANCE, None, None, tokens, None)
            return ResultRow(place, total / tokens, None, None, None, tokens, None)
        if task.metric == "choice-logprob":
            return await _likeliest(item, place, asked)
        if known is None or known.answer is None:
            made = await asked.answer(item, task.max_tokens)
            known = ResultRow(place, None, None, made.text, made.finish_reason, made.n_tokens, made.elapsed_s)
    except ContextExceeded:
        return ResultRow(place, None, TOO_LONG, None, None, None, None)
    score, note = await asyncio.to_thread(_score, task, item, known.answer or "", scorer)
    return replace(known, score=score, note=note)


def _score(task: Task, item: Item, text: str, scorer: Scorer | None) -> tuple[float | None, str | None]:
    if scorer is None:
        return score_answer(task.metric, item, text, task.pattern), None
    try:
        return scorer.score(item.prompt[-1].content, text, item.reference), None
    except ScorerFailed as error:
        return None, error.message


async def _likeliest(item: Item, place: int, asked: Candidate) -> ResultRow:
    """Score the option whose whole text, end of turn included, is likeliest; that is the first of equals."""
    losses = [await asked.loss(item, choice) for choice in item.choices]
    best = min(range(len(losses)), key=lambda option: losses[option][0])
    said = f"{LETTERS[best]}. {item.choices[best]}"
    return ResultRow(place, float(best == item.right_choice), None, said, "stop", losses[best][1], None)


class _Steps:
    """How far the asking is."""

    def __init__(self, tell: Tell, total: int) -> None:
        self._tell = tell
        self._total = total
        self.doing = ""
        self.done = 0
        self.kept = 0

    def say(self, line: str) -> None:
        self._tell(line, None)

    def step(self) -> None:
        self.done += 1
        self.kept += 1
        self._tell(f"{self.doing}, {self.done} of {self._total}", self.done / self._total)
