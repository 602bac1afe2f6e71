"""`ftarena eval`: who is asked what, the asking, and the report."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ftarena.arena.contestants import contestant_of
from ftarena.curation.examples import Example
from ftarena.curation.reading import load_examples
from ftarena.curation.resolving import resolve
from ftarena.curation.shapes.columns import read_columns
from ftarena.errors import FtarenaError, UsageError
from ftarena.evaluation.beside import (
    GENERAL,
    HELD_OUT,
    beside,
    prompt_only,
)
from ftarena.evaluation.lm_eval import is_lm_eval, measure_lm_eval
from ftarena.evaluation.measures import task_tables
from ftarena.evaluation.tasks.asking import Outcome, Who, measure
from ftarena.evaluation.tasks.items import Task
from ftarena.evaluation.tasks.loading import load_task, loss_task
from ftarena.plain.complaints import complain
from ftarena.plain.eval_answers import write_answers
from ftarena.plain.eval_line_up import line_up, pairs, with_prompt
from ftarena.plain.eval_report import Report, written
from ftarena.plain.goes_on import told_what_goes_on
from ftarena.plain.progress import Stage, Stages
from ftarena.recipes.load import load_recipe
from ftarena.store import ContestantRow, Store
from ftarena.store.database import need_database
from ftarena.text import clean_line, shorten
from ftarena.training.data import load_data
from ftarena.training.runs import RESOLVED_RECIPE, Run, list_runs
from ftarena.workspace import Workspace

DEFAULT_TASK = "builtin:general"

LOSSES = 100
"""Answers that a loss is measured on, at most, unless a limit is given."""


@dataclass(frozen=True)
class Wish:
    """What a command line asks for; see `ftarena eval --help`."""

    tasks: tuple[str, ...] = ()
    metric: str | None = None
    columns: str | None = None
    pattern: str | None = None
    scorer: Path | None = None
    allow_code: bool = False
    contestants: tuple[str, ...] = ()
    baseline: str | None = None
    limit: int | None = None
    max_tokens: int | None = None
    losses: tuple[str, ...] = ()
    no_loss: bool = False
    no_prompt: bool = False
    answers: Path | None = None


def evaluate(
    workspace: Workspace,
    database: Path,
    wish: Wish,
    *,
    show: bool = False,
    as_json: bool = False,
    out: TextIO | None = None,
) -> int:
    """Measure contestants and print what came of it.

    Args:
        workspace: The project.
        database: The arena, where results are kept.
        wish: What to measure, of whom.
        show: Print what was measured so far, and ask nobody.
        as_json: Print one JSON object instead of tables.
        out: Where to; standard output by default.

    Returns:
        The exit code: 1 where somebody could not be asked to the end.

    Raises:
        FtarenaError: A task cannot be read, a contestant is unknown, or there is nobody to ask.
    """
    out = out or sys.stdout
    if wish.scorer is not None and not wish.allow_code:
        raise UsageError(
            f"{clean_line(str(wish.scorer))} is code: it would run on this machine with all your rights",
            "read it, and if that is what you want: --allow-code",
        )
    if show and wish.answers is not None:
        raise UsageError("--answers needs the questions, which --show does not read", "leave --show out")
    if wish.answers is not None and not wish.answers.parent.is_dir():  # told before anything is asked
        raise FtarenaError(f"there is no folder {wish.answers.parent}", f"mkdir -p {wish.answers.parent}")
    if show:
        need_database(database)
    with Store.open(database) as store:
        outcome = Outcome()
        ids: list[str] | None = None
        places: dict[str, list[str]] = {}
        if show:
            rows, base = line_up(store, workspace, wish.contestants, wish.baseline)
            if not wish.no_prompt:
                rows += [row for row in prompt_only(store, rows) if row not in rows]
        else:
            tasks = _tasks(workspace, wish)  # a wrong file is told before anything is asked
            rows, base = line_up(store, workspace, wish.contestants, wish.baseline)
            if not wish.no_prompt:
                rows += with_prompt(store, workspace, rows)
            ids = _measure(store, workspace, wish, rows, tasks, outcome)
            if wish.answers is not None:
                write_answers(store, tasks, {row.id: row.name for row in rows}, wish.answers)
            places = {task.id: [item.where for item in task.items] for task in tasks}
        names = [row.name for row in rows]
        tables = task_tables(store, names, base.name, ids)
        against = {name: task_tables(store, tuned, name, ids) for name, tuned in pairs(store, rows).items()}
        told = beside(store, workspace, names, base.name)
        report = Report(base.name, tuple(tables), against, tuple(told), outcome, places)
    if as_json:
        print(json.dumps(report.to_json(), indent=2, allow_nan=False), file=out)
    else:
        print(written(report), file=out)
    for name, error in outcome.troubles.items():
        complain(f"{clean_line(name)}: {error.message}", error.hint)
    return int(bool(outcome.troubles))


def _measure(
    store: Store,
    workspace: Workspace,
    wish: Wish,
    rows: Sequence[ContestantRow],
    tasks: Sequence[Task],
    outcome: Outcome,
) -> list[str]:
    """Ask everybody everything; return the ids of the tasks."""
    whom = [Who(row.name, row.id, contestant_of(row)) for row in rows]
    ids = [task.id for task in tasks]
    with (
        told_what_goes_on(workspace),
        Stages([Stage("eval", "Measuring", None)]) as stages,
        stages.run("eval") as stage,
    ):

        def tell(line: str, part: float | None) -> None:
            stage.update(line, fraction=part)

        losses = [task for task in tasks if task.metric == "loss"]
        others = [task for task in tasks if task.metric != "loss"]
        for some, limit in ((losses, wish.limit or LOSSES), (others, wish.limit)):
            if some:
                done = measure(store, workspace, whom, some, limit=limit, tell=tell)
                outcome.asked += done.asked
                outcome.troubles.update(done.troubles)
        for spec in wish.tasks:
            if is_lm_eval(spec):
                found, done = measure_lm_eval(store, workspace, whom, spec, limit=wish.limit, tell=tell)
                ids += found
                outcome.asked += done.asked
                outcome.troubles.update(done.troubles)
    return ids


def _tasks(workspace: Workspace, wish: Wish) -> list[Task]:
    columns = read_columns(wish.columns) if wish.columns else None
    specs = [spec for spec in wish.tasks if not is_lm_eval(spec)]
    if not wish.tasks:
        specs = [DEFAULT_TASK]
    tasks = [] if wish.no_loss else _losses(workspace, wish)
    tasks += [
        load_task(
            spec,
            metric=wish.metric,
            columns=columns if not spec.startswith("builtin:") else None,
            pattern=wish.pattern,
            scorer=wish.scorer,
            max_tokens=wish.max_tokens,
        )
        for spec in dict.fromkeys(specs)
    ]
    return tasks


def _losses(workspace: Workspace, wish: Wish) -> list[Task]:
    """Return the sets that losses are measured on: those named, or those of the newest run that has them."""
    if wish.losses:
        found = []
        for spec in dict.fromkeys(wish.losses):
            answers = [row for source in resolve(spec) for row in load_examples(source)]
            name = spec if spec.startswith("builtin:") else Path(spec).name
            task = loss_task(f"loss on {name}", answers)
            if task is None:
                raise FtarenaError(
                    f"{shorten(spec, 60)} holds no answers to measure", "give questions with answers"
                )
            found.append(task)
        return found
    sets: dict[str, Task] = {}
    for run in list_runs(workspace):
        heldout, general = _measured_by(run)
        for name, rows in ((HELD_OUT, heldout), (GENERAL, general)):
            task = loss_task(name, rows) if name not in sets else None
            if task is not None:
                sets[name] = task
        if len(sets) == 2:
            break
    return [sets[name] for name in (HELD_OUT, GENERAL) if name in sets]


def _measured_by(run: Run) -> tuple[Sequence[Example], Sequence[Example]]:
    path = run.directory / RESOLVED_RECIPE
    if not run.state.ended or not path.is_file():
        return (), ()
    try:
        data = load_data(load_recipe(path))
    except FtarenaError as error:  # its files are gone; another run's may be there
        print(f"{clean_line(run.id)}: its data cannot be read: {error.message}", file=sys.stderr)
        return (), ()
    return data.heldout, data.general
