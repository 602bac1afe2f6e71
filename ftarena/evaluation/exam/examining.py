"""Examining a run: one paper, two candidates (the run and its base), three judgements."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.evaluation.exam.answers import Answer, AnswerMemory, ask_all
from ftarena.evaluation.exam.knowledge import MAX_TOKENS, is_right, judge_knowledge
from ftarena.evaluation.exam.paper import Paper, paper_of
from ftarena.evaluation.exam.recitation import Recital, Taught, judge_recitation, recite
from ftarena.evaluation.exam.stopping import judge_stopping, length_limit
from ftarena.evaluation.respondent import Respondent, wait_for_device
from ftarena.evaluation.turns import turn
from ftarena.processes import python_module, read_json
from ftarena.recipes.models import resolve_model
from ftarena.serving.engine import EngineState
from ftarena.serving.likelihood import tokens_after_turn
from ftarena.training.examining import noted
from ftarena.training.guards import EXAM, Guard, GuardName, write_guards
from ftarena.training.models import prepare_model
from ftarena.training.runs import Run, read_run
from ftarena.workspace import Workspace

Tell = Callable[[str, float | None], None]
"""Told what is done, and how far it is (0 to 1; None where that cannot be said)."""

_NAMES: tuple[GuardName, ...] = ("stopping", "memorisation", "knowledge")


def exam_command(directory: Path) -> list[str]:
    """Return the command line that examines a run as soon as nothing trains any more.

    Args:
        directory: The run's folder.
    """
    return python_module("ftarena.evaluation.exam", str(directory))[0]


def examine(run: Run, workspace: Workspace, tell: Tell = lambda line, fraction: None) -> list[Guard]:
    """Examine a run and write `exam.json` into its folder, whole or not at all.

    Waits until no run trains or waits to, and until no other exam goes on; starts or wakes the engine. What
    the base has answered once is remembered in the workspace.

    Args:
        run: Which; one that still trains is waited for.
        workspace: Its workspace.
        tell: Told how it goes.

    Returns:
        Three findings; `unknown` each, with the reason, where the run cannot be examined here.

    Raises:
        FtarenaError: It cannot be examined now, but was before.
    """
    with noted(run.directory, tell) as told:
        return _examine(run, workspace, told)


def _examine(run: Run, workspace: Workspace, tell: Tell) -> list[Guard]:
    def say(line: str) -> None:
        tell(line, None)

    wait_for_device(workspace, say)
    run = read_run(run.directory)  # it may have ended only now
    with turn(workspace, f"the exam of {run.id}", say):
        started = time.time()
        try:
            guards, answers = asyncio.run(_sit(run, workspace, tell))
        except FtarenaError as error:
            if any(guard.get("verdict") != "unknown" for guard in _earlier(run)):
                raise  # what was found then is worth more than that it cannot be found now
            guards = [Guard(name=name, verdict="unknown", words=error.message) for name in _NAMES]
            answers = []
        seconds = round(time.time() - started, 1)
        write_guards(run.directory / EXAM, guards, answers=answers, examined_at=started, seconds=seconds)
    return guards


@dataclass(frozen=True)
class _Script:
    """What one candidate handed in."""

    stopping: Sequence[Answer | None]
    knowledge: Sequence[Answer | None]
    trained: Sequence[Recital | None]
    heldout: Sequence[Recital | None]


async def _sit(run: Run, workspace: Workspace, tell: Tell) -> tuple[list[Guard], list[dict[str, Any]]]:
    if run.adapter is None and run.model is None:
        raise FtarenaError(f"the run has left nothing that could answer: it {run.state.told}")
    if run.method == "reward":
        raise FtarenaError("a reward model judges answers and writes none")
    paper = paper_of(run)
    model = prepare_model(resolve_model(run.base_model), lambda line: tell(line, None))
    steps = _Steps(tell, 2 * (len(paper.questions) + len(paper.general)) + len(paper.heldout))
    steps.total += 0 if paper.changed else 2 * len(paper.trained)
    base = Respondent(workspace, model, tell=steps.say)
    tuned = (
        Respondent(workspace, model, run.id, run.adapter, steps.say)
        if run.model is None
        else Respondent(workspace, run.model, tell=steps.say)
    )
    async with base, tuned:
        limit = await _limit(base, paper)
        memory = AnswerMemory(workspace.root / "exams" / f"{base.engine.log.parent.name}.json", model)
        before = await _script(base, paper, limit, steps, memory=memory)
        if run.model is None:
            after = await _script(tuned, paper, limit, steps)
        else:
            async with _engine_of_its_own(base, tuned):
                after = await _script(tuned, paper, limit, steps)
    guards = [
        judge_stopping(after.stopping, before.stopping, limit, truncated=paper.recipe.too_long == "truncate"),
        _memorisation(paper, before, after),
        judge_knowledge(paper.general, after.knowledge, before.knowledge),
    ]
    return guards, _answers(paper, before, after)


@asynccontextmanager
async def _engine_of_its_own(base: Respondent, tuned: Respondent) -> AsyncGenerator[None, None]:
    """Give a full model's engine the card while it is asked, and end it where it was not up before."""
    was_up = tuned.engine.status().state in (EngineState.READY, EngineState.STARTING)
    slept = await asyncio.to_thread(base.engine.sleep)
    try:
        yield
    finally:
        if not was_up:
            await asyncio.to_thread(tuned.engine.stop)
            if slept:
                await asyncio.to_thread(base.engine.wake)


async def _script(
    candidate: Respondent,
    paper: Paper,
    limit: int,
    steps: "_Steps",
    *,
    memory: AnswerMemory | None = None,
) -> _Script:
    """Let one candidate work on the paper; the base, which has a memory, on no held-out answers."""
    who = "the base" if memory else "the run"
    extra = await tokens_after_turn(await candidate.client())
    steps.doing = f"{who}: does it recite?"
    trained = [] if paper.changed else await _recitals(candidate, paper.trained, extra, steps)
    heldout = [] if memory else await _recitals(candidate, paper.heldout, extra, steps)
    steps.doing = f"{who}: general questions"
    prompts = [question.prompt for question in paper.general]
    knowledge = await ask_all(candidate, prompts, MAX_TOKENS, memory=memory, on_answer=steps.step)
    steps.doing = f"{who}: does it stop?"
    stopping = await ask_all(candidate, paper.questions, limit, memory=memory, on_answer=steps.step)
    return _Script(stopping, knowledge, trained, heldout)


async def _recitals(
    candidate: Respondent, answers: Sequence[Taught], extra: int, steps: "_Steps"
) -> list[Recital | None]:
    found = []
    for taught in answers:
        found.append(await recite(candidate, taught, extra))
        steps.step()
    return found


async def _limit(base: Respondent, paper: Paper) -> int:
    client = await base.client()
    return length_limit(max([len(await client.tokenize(answer)) for answer in paper.longest], default=0))


def _memorisation(paper: Paper, before: _Script, after: _Script) -> Guard:
    if paper.changed:
        words = f"{paper.changed} is no longer what was trained on"
        return Guard(name="memorisation", verdict="unknown", words=words)
    return judge_recitation(after.trained, after.heldout, before.trained)


def _answers(paper: Paper, before: _Script, after: _Script) -> list[dict[str, Any]]:
    """Return what was asked and answered, for whoever wants to read it."""
    rows: list[dict[str, Any]] = []
    for prompt, run, base in zip(paper.questions, after.stopping, before.stopping, strict=True):
        row = {"guard": "stopping", "question": prompt[-1].content}
        rows.append(
            row | _told("run", run, "cut", run and run.cut) | _told("base", base, "cut", base and base.cut)
        )
    for question, run, base in zip(paper.general, after.knowledge, before.knowledge, strict=True):
        row = {"guard": "knowledge", "question": question.prompt[-1].content}
        for who, answer in (("run", run), ("base", base)):
            row |= _told(who, answer, "right", answer and is_right(question, answer.text))
        rows.append(row)
    return rows


def _told(who: str, answer: Answer | None, what: str, value: object) -> dict[str, Any]:
    return {who: answer and answer.text, f"{who}_{what}": value}


class _Steps:
    """How far an exam is."""

    def __init__(self, tell: Tell, total: int) -> None:
        self.doing = "starting"
        self.total = total
        self._tell = tell
        self._done = 0

    def say(self, line: str) -> None:
        self._tell(line, self._done / self.total if self.total else None)

    def step(self) -> None:
        self._done += 1
        self.say(self.doing)


def _earlier(run: Run) -> list[dict[str, Any]]:
    rows = read_json(run.directory / EXAM).get("guards")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
