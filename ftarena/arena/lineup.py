"""Who takes part by default: the base models of a project and each of its finished runs.

Front ends call `sync_lineup` when they open, so that a run which ended last night is a contestant this
morning without anybody naming it.
"""

from collections.abc import Iterable

from ftarena.arena.contestants import find_or_add
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import WHOLE, Contestant, Sampling
from ftarena.store import ContestantRow, Store
from ftarena.text import shorten
from ftarena.training.jobs import Run, RunState, find_run, list_runs
from ftarena.workspace import Workspace

BASE = "base"
"""Name of the bare base model; that of a second one gets a number."""

_NAMED = 10
"""How many names a hint lists."""

# A model of 135M that was not fine-tuned rarely stops by itself; on two cores 128 tokens take about 8 s.
_DEMO_SAMPLING = Sampling(max_tokens=128)


def sync_lineup(store: Store, workspace: Workspace) -> list[ContestantRow]:
    """Register every finished run of the project, its base model and what it learned. Idempotent.

    Returns:
        The contestants that can answer and are not hidden, in the order they were added.
    """
    for run in reversed(list_runs(workspace)):  # oldest first: the order people made them in
        if run.state is RunState.FINISHED:
            enlist(store, run)
    return [row for row in store.contestants(include_hidden=False) if row.spec_json is not None]


def enlist(store: Store, run: Run) -> ContestantRow | None:
    """Register one run and, if it has left what can answer (a stopped one may), let base and run take part.

    Returns:
        The run's contestant, or None where it has none to offer (yet).
    """
    store.register_run(
        run.id,
        name=run.name,
        method=run.method,
        base_model=run.base_model,
        directory=str(run.directory),
    )
    if why_not(run) is not None:
        return None
    find_or_add(store, Contestant(model=run.base_model, sampling=default_sampling(run.base_model)), BASE)
    return find_or_add(store, entry_of(run), run.name)


def entry_of(run: Run) -> Contestant:
    """Return what answers for a run: its adapter on the base, or the whole model that it trained.

    Raises:
        FtarenaError: It has nothing that an engine could serve.
    """
    if (error := why_not(run)) is not None:
        raise error
    sampling = default_sampling(run.base_model)
    if run.adapter is None:
        return Contestant(model=f"{WHOLE}{run.id}", sampling=sampling)
    return Contestant(model=run.base_model, adapter=run.id, sampling=sampling)


def why_not(run: Run) -> FtarenaError | None:
    """Return why a run cannot take part in the arena, or None where it can."""
    if run.method == "reward":
        return FtarenaError(
            f"the run {run.id} made a reward model, which scores answers and gives none",
            "let a run take part that answers: ftarena runs",
        )
    if run.adapter is None and run.model is None:
        return FtarenaError(
            f"the run {run.id} has nothing to answer with: it {run.state.told}", f"ftarena runs show {run.id}"
        )
    if run.tuning == "dora":
        return FtarenaError(
            f"the run {run.id} is a DoRA adapter, which the engine (vLLM) cannot serve",
            f"merge it: ftarena export model {run.id} -o DIR, then: "
            f"ftarena contestants add {run.name} --model DIR",
        )
    return None


def default_sampling(model: str) -> Sampling:
    """Return how a contestant on this base model is sampled unless said otherwise."""
    return _DEMO_SAMPLING if model.startswith("demo:") else Sampling()


def find_contestant(store: Store, workspace: Workspace, name: str) -> ContestantRow:
    """Return the contestant that a command line means.

    Args:
        name: A contestant's name, or `run:ID` with a run's id, unique beginning or name.

    Raises:
        FtarenaError: There is none; the hint names those there are.
    """
    if name.startswith("run:"):
        run = find_run(workspace, name.removeprefix("run:"))
        if (row := enlist(store, run)) is not None:
            return row
        raise why_not(run) or FtarenaError(f"the run {run.id} cannot answer", f"ftarena runs show {run.id}")
    row = store.contestant(name)
    if row is None:
        sync_lineup(store, workspace)
        row = store.contestant(name)
    if row is None:
        raise FtarenaError(f"there is no contestant {shorten(name, 40)!r}", _known(store.contestants()))
    return row


def _known(rows: Iterable[ContestantRow]) -> str:
    names = [shorten(row.name, 40) for row in rows if not row.hidden]
    if not names:
        return "train one first: ftarena train configs/demo-sft.yaml"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"there are: {', '.join(names[:_NAMED])}{more}"
