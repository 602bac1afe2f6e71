"""Who is measured: those that take part, the baseline first, and the base with a good prompt."""

import sys
from collections.abc import Sequence

from ftarena.arena.contestants import contestant_of, find_or_add
from ftarena.arena.lineup import default_sampling, find_contestant, sync_lineup
from ftarena.errors import FtarenaError
from ftarena.evaluation.beside import base_models, is_bare, is_prompted, prompt_only
from ftarena.evaluation.prompting import prompted_base
from ftarena.store import ContestantRow, Store
from ftarena.text import clean_line
from ftarena.training.runs import Run, list_runs
from ftarena.workspace import Workspace

PROMPT = "prompt"
"""Name of the prompted base that is made where there is none; that of a second base gets a number."""


def line_up(
    store: Store, workspace: Workspace, names: Sequence[str], baseline: str | None
) -> tuple[list[ContestantRow], ContestantRow]:
    """Return who is measured, the baseline first, and the baseline.

    Args:
        store: The arena.
        workspace: Its project, whose finished runs take part.
        names: Whom to take; none is everybody who can answer and is not hidden.
        baseline: Whom to compare with; None is the first bare base.

    Raises:
        FtarenaError: One is unknown or cannot answer, or there is nobody.
    """
    sync_lineup(store, workspace)
    if names:
        rows = [find_contestant(store, workspace, name) for name in dict.fromkeys(names)]
    else:
        rows = [row for row in store.contestants(include_hidden=False) if row.spec_json is not None]
    for row in rows:
        contestant_of(row)  # a name in imported votes cannot be asked
    if baseline is not None:
        base = find_contestant(store, workspace, baseline)
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


def with_prompt(store: Store, workspace: Workspace, rows: Sequence[ContestantRow]) -> list[ContestantRow]:
    """Return a prompted base for each run's base that has none among `rows`; it is made where need be.

    One that is made is hidden: it is measured, and takes part in battles only when somebody wants that.

    Args:
        store: The arena.
        workspace: Its project.
        rows: Who is measured anyway.
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


def pairs(store: Store, rows: Sequence[ContestantRow]) -> dict[str, list[str]]:
    """Return for each prompted base that is measured the names of who was trained from the same model.

    Args:
        store: The arena.
        rows: Who is measured.
    """
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
