"""Each contestant takes tasks of lm_eval, and what came of each item is kept like any other result."""

import asyncio
import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.evaluation.lm_eval.bridge import bridge
from ftarena.evaluation.lm_eval.running import command, find_program, run_program
from ftarena.evaluation.lm_eval.samples import Sampled, read_samples
from ftarena.evaluation.tasks.asking import Outcome, Tell, Who
from ftarena.evaluation.tasks.candidates import respondent_of
from ftarena.evaluation.turns import turn
from ftarena.serving.contestants import served_name
from ftarena.store import Store
from ftarena.store.ids import content_hash
from ftarena.store.results import ResultRow, add_results, add_task, results, tasks
from ftarena.workspace import Workspace

PREFIX = "lm-eval:"
"""Before a task's name: asked as bare text, as its authors do with base models."""

CHAT_PREFIX = "lm-eval-chat:"
"""Before a task's name: asked under the model's chat template."""


def is_lm_eval(spec: str) -> bool:
    """Return whether a task's name means one of lm_eval."""
    return spec.startswith((PREFIX, CHAT_PREFIX))


def measure_lm_eval(
    store: Store,
    workspace: Workspace,
    whom: Sequence[Who],
    spec: str,
    *,
    limit: int | None = None,
    tell: Tell = lambda line, part: None,
) -> tuple[list[str], Outcome]:
    """Run a task for everybody who has not taken it yet and can: not other servers, nor who shows examples.

    Args:
        store: Where results are kept.
        workspace: Whose engines answer.
        whom: Who takes it.
        spec: `lm-eval:TASK` or `lm-eval-chat:TASK`.
        limit: Its first so many items.
        tell: Told how it goes.

    Returns:
        Ids of the tasks that it became (a group has several), and how many results are new.

    Raises:
        FtarenaError: `lm_eval` is not installed.
    """
    asked = content_hash("lm-eval", _version(spec), limit or 0)
    done = {who for task in tasks(store) if task.asked == asked for who in results(store, task.id)}
    able = [who for who in whom if _able(who, spec)]
    outcome = Outcome()
    missing = [who for who in able if who.id not in done]
    if missing:
        program = find_program()
        with turn(workspace, "ftarena eval", lambda line: tell(line, None)):
            for place, who in enumerate(missing):
                tell(f"{who.name}: {spec}", place / len(missing))
                try:
                    found = asyncio.run(_run(workspace, program, who, spec, limit, tell))
                except FtarenaError as error:
                    outcome.troubles[who.name] = error
                    continue
                for sampled in found:
                    outcome.asked += _keep(store, who, spec, asked, sampled)
    return [task.id for task in tasks(store) if task.asked == asked], outcome


def _version(spec: str) -> str:
    """Return what names a task: its name, and of a task that is a YAML file the content."""
    prefix, _, name = spec.partition(":")
    path = Path(name)
    if not path.is_file():
        return spec
    return f"{prefix}:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _able(who: Who, spec: str) -> bool:
    contestant = who.contestant
    if contestant.endpoint is not None or contestant.few_shot:
        return False
    return not contestant.system_prompt or spec.startswith(CHAT_PREFIX)


async def _run(
    workspace: Workspace, program: Path, who: Who, spec: str, limit: int | None, tell: Tell
) -> list[Sampled]:
    chat = spec.startswith(CHAT_PREFIX)
    task = spec.removeprefix(CHAT_PREFIX if chat else PREFIX)
    log = workspace.root / "lm-eval.log"
    async with respondent_of(workspace, who.contestant, lambda line: tell(line, None)) as respondent:
        await respondent.client()  # awake, and the adapter loaded
        path = respondent.engine.status().socket
        if path is None:
            raise FtarenaError("the engine went away", "see why: ftarena engine logs")
        with bridge(path) as open_bridge, tempfile.TemporaryDirectory(prefix="ftarena-lm-eval-") as folder:
            words = command(
                program,
                task,
                served_name(who.contestant),
                respondent.engine.model_path,
                open_bridge,
                Path(folder),
                limit=limit,
                chat=chat,
                system=who.contestant.system_prompt,
            )
            await run_program(words, open_bridge.key, log)
            return read_samples(Path(folder))


def _keep(store: Store, who: Who, spec: str, asked: str, sampled: Sampled) -> int:
    prefix = CHAT_PREFIX if spec.startswith(CHAT_PREFIX) else PREFIX
    task_id = content_hash("task", "lm-eval", asked, sampled.task, sampled.metric, len(sampled.scores))
    name = f"{prefix}{sampled.task}"
    add_task(store, task_id, name=name, metric=sampled.metric, items=len(sampled.scores), asked=asked)
    rows = [
        ResultRow(item, score, None, sampled.answers.get(item), None, None, None)
        for item, score in sorted(sampled.scores.items())
    ]
    add_results(store, task_id, who.id, rows)
    return len(rows)
