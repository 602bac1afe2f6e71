"""`ftarena eval`: who is asked what, the asking, and the report."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ftarena.arena.contestants import contestant_of, find_or_add
from ftarena.arena.lineup import default_sampling, find_contestant, sync_lineup
from ftarena.curation.examples import Example
from ftarena.curation.reading import load_examples
from ftarena.curation.resolving import resolve
from ftarena.curation.shapes.columns import read_columns
from ftarena.errors import FtarenaError, UsageError
from ftarena.evaluation.beside import (
    GENERAL,
    HELD_OUT,
    base_models,
    beside,
    is_bare,
    is_prompted,
    prompt_only,
)
from ftarena.evaluation.lm_eval import is_lm_eval, measure_lm_eval
from ftarena.evaluation.measures import task_tables
from ftarena.evaluation.prompting import prompted_base
from ftarena.evaluation.tasks.asking import Outcome, Who, measure
from ftarena.evaluation.tasks.items import Task
from ftarena.evaluation.tasks.loading import load_task, loss_task
from ftarena.plain.complaints import complain
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

PROMPT = "prompt"
"""Name of the prompted base that is made where there is none; that of a second base gets a number."""

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
    if show:
        need_database(database)
    with Store.open(database) as store:
        outcome = Outcome()
        ids: list[str] | None = None
        places: dict[str, list[str]] = {}
        if show:
            rows, base = _line_up(store, workspace, wish)
            if not wish.no_prompt:
                rows += [row for row in prompt_only(store, rows) if row not in rows]
        else:
            tasks = _tasks(workspace, wish)  # a wrong file is told before anything is asked
            rows, base = _line_up(store, workspace, wish)
            if not wish.no_prompt:
                rows += _prompted(store, workspace, rows)
            ids = _measure(store, workspace, wish, rows, tasks, outcome)
            places = {task.id: [item.where for item in task.items] for task in tasks}
        names = [row.name for row in rows]
        tables = task_tables(store, names, base.name, ids)
        against = {name: task_tables(store, tuned, name, ids) for name, tuned in _pairs(store, rows).items()}
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


def _line_up(store: Store, workspace: Workspace, wish: Wish) -> tuple[list[ContestantRow], ContestantRow]:
    """Return who is measured, the baseline first, and the baseline."""
    sync_lineup(store, workspace)
    if wish.contestants:
        rows = [find_contestant(store, workspace, name) for name in dict.fromkeys(wish.contestants)]
    else:
        rows = [row for row in store.contestants(include_hidden=False) if row.spec_json is not None]
    for row in rows:
        contestant_of(row)  # a name in imported votes cannot be asked
    if wish.baseline is not None:
        base = find_contestant(store, workspace, wish.baseline)
    else:
        models = {row.model for row in rows}
        bases = [row for row in store.contestants() if is_bare(row) and row.model in models]
        among = [*(row for row in rows if is_bare(row)), *bases, *rows]
        if not among:
            raise FtarenaError(
                "there is nobody to measure", "train one first: ftarena train configs/demo-sft.yaml"
            )
        base = among[0]
    return [base, *(row for row in rows if row.id != base.id)], base


def _prompted(store: Store, workspace: Workspace, rows: Sequence[ContestantRow]) -> list[ContestantRow]:
    """Return a prompted base for each run's base that has none among `rows`; it is made where need be.

    One that is made is hidden: it is measured, and takes part in battles only when somebody wants that.
    """
    found = []
    runs = {run.id: run for run in list_runs(workspace)}
    trained = [row for row in rows if row.run_id is not None]
    models = base_models(store, trained)
    there = {row.model: row for row in reversed(prompt_only(store, trained))}  # of several the oldest
    for model in dict.fromkeys(models.values()):
        if any(is_prompted(row) and row.model == model for row in rows):
            continue
        if model in there:
            found.append(there[model])
            continue
        of_model = [
            runs[row.run_id] for row in trained if models.get(row.name) == model and row.run_id in runs
        ]
        made = _made(store, sorted(of_model, key=lambda run: (run.method != "sft", run.started_at)))
        if made is not None:
            found.append(made)
    return found


def _pairs(store: Store, rows: Sequence[ContestantRow]) -> dict[str, list[str]]:
    """Return for each prompted base that is measured the names of who was trained from the same model."""
    trained = base_models(store, [row for row in rows if row.run_id is not None])
    prompted = {row.name: row.model for row in rows if is_prompted(row)}
    found = {
        name: [tuned for tuned, base in trained.items() if base == model] for name, model in prompted.items()
    }
    return {name: tuned for name, tuned in found.items() if tuned}


def _made(store: Store, runs: Sequence[Run]) -> ContestantRow | None:
    reason: FtarenaError | None = None
    for run in runs:
        try:
            contestant = prompted_base(run, default_sampling(run.base_model))
        except FtarenaError as error:
            reason = reason or error
            continue
        row = find_or_add(store, contestant, PROMPT)
        store.hide_contestant(row.name)
        name = clean_line(row.name)
        shots = len(contestant.few_shot) // 2
        print(
            f"Made {name}: {clean_line(run.base_model)} with {shots} training examples"
            f"{' and the system prompt of the data' if contestant.system_prompt else ''}. "
            f"It is in no battles; to vote on it: ftarena contestants hide {name} --undo",
            file=sys.stderr,
        )
        return row
    if reason is not None:
        print(f"No prompted base beside them: {reason.message}", file=sys.stderr)
    return None


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
