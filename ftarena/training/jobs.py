"""Starting, pausing, resuming and stopping runs: detached processes that outlive their terminal."""

import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from ftarena import hardware
from ftarena.errors import FtarenaError
from ftarena.processes import python_module, read_json, reap, spawn_detached, write_json
from ftarena.recipes.load import dump_recipe
from ftarena.recipes.models import resolve_model
from ftarena.recipes.schema import Recipe
from ftarena.text import clean_line
from ftarena.training import permissions
from ftarena.training.checkpoints import newest_whole
from ftarena.training.data import drawn_later, load_data
from ftarena.training.holding import STARTING, Held, hold
from ftarena.training.plan import admit
from ftarena.training.queueing import check_predecessor
from ftarena.training.resuming import check_resumable
from ftarena.training.runs import (
    ADAPTER_WEIGHTS,
    LOG,
    PLAN,
    PROCESS,
    RECIPE,
    RESOLVED_RECIPE,
    STATUS,
    Run,
    RunState,
    find_run,
    list_runs,
    read_events,
    read_metrics,
    read_run,
    worker_of,
)
from ftarena.training.terms import Terms, read_terms, write_terms
from ftarena.training.trackers import need_trackers
from ftarena.workspace import Workspace, make_private

__all__ = [
    "Run",
    "RunState",
    "find_run",
    "list_runs",
    "pause_run",
    "read_events",
    "read_metrics",
    "resume_run",
    "start_run",
    "stop_run",
]

_POLL_S = 0.05

_ROOM_BYTES = 500_000_000
# Adapters, optimiser states and checkpoints of a small run; a full disk mid-run loses hours.


def start_run(
    recipe: Recipe,
    workspace: Workspace,
    recipe_file: Path | None = None,
    *,
    make_room: Callable[[], None] | None = None,
    after: str | None = None,
    queue: bool = False,
    force: bool = False,
    allow_code: bool = False,
    beforehand: Sequence[Sequence[str]] = (),
    afterwards: Sequence[Sequence[str]] = (),
) -> Run:
    """Start a training run and return at once.

    What can be found out without a model is found out first: the data are read and split, the base model's
    name and the adapter to start from are resolved, and whether it fits is planned (`plan.json`).

    Args:
        recipe: What to do, as `load_recipe` returned it.
        workspace: Where the run's folder is made.
        recipe_file: The file it came from, kept beside the resolved recipe as it was written.
        make_room: Called when nothing but the worker is missing, where the run begins at once: it is then
            listed as queued already, so that whoever looks knows for whom the card is being emptied.
        after: Id or name of a run that has to end well first; its adapter may be the one of `init_from`.
        queue: Wait for the device where other runs have it.
        force: Start it even where the plan says that it cannot fit.
        allow_code: Whether the user's own file of reward functions may be run.
        beforehand: Command lines that do what `make_room` does, for a run that has to wait: its worker runs
            them when its turn has come.
        afterwards: Command lines to start, once, when the run has ended with something to look at.

    Raises:
        UsageError: The data leave `eval_split` nothing to train or to measure on.
        FtarenaError: The data, the model or the adapter cannot be used, the run cannot fit into memory, the
            disk is full, a tracker is not installed, or another run has the device and `queue` was not asked
            for.
    """
    before = find_run(workspace, after) if after is not None else None
    if before is None and not queue:
        _need_free_device(workspace)
    elif before is not None:
        check_predecessor(before)
    need_trackers(recipe.report_to)
    permissions.check_code(recipe.reward_file, asked=allow_code)
    resolve_model(recipe.model_name_or_path)
    plan = admit(recipe, load_data(recipe), force=force)
    recipe = plan.recipe if plan is not None else recipe
    recipe = recipe.model_copy(update={"init_from": _adapter_to_start_from(recipe, workspace, before)})
    _need_room(workspace)
    terms = Terms(
        after=before.id if before is not None else None,
        queue=queue,
        beforehand=tuple(map(tuple, beforehand)) if before is not None or queue else (),
        afterwards=tuple(map(tuple, afterwards)),
    )
    directory = lay_down(recipe, workspace, recipe_file, terms)
    if plan is not None:
        write_json(directory / PLAN, plan.to_json())
    if allow_code and recipe.reward_file is not None:
        permissions.allow_code(directory, Path(recipe.reward_file))
    at_once = (before is None or before.state.ended) and not _taken(workspace, but=directory.name)
    return _start_worker(directory, make_room if at_once else None)


def resume_run(
    run: Run,
    workspace: Workspace,
    *,
    make_room: Callable[[], None] | None = None,
    queue: bool = False,
    force: bool = False,
    beforehand: Sequence[Sequence[str]] = (),
) -> Run:
    """Let a run that was interrupted go on in its own folder, from its newest whole checkpoint.

    It is the same run: optimiser, schedule, random state and the order of the data are those of the
    checkpoint. Training on from a finished run's adapter is another run, see `init_from`.

    Args:
        run: One that has ended and is not finished.
        workspace: Its workspace.
        make_room: As for `start_run`.
        queue: Wait for the device where other runs have it.
        force: Go on with other versions of the packages.
        beforehand: As for `start_run`.

    Returns:
        The run as it is queued; its message says from which step it goes on.

    Raises:
        FtarenaError: It goes on already, there is nothing to resume from, the device is taken, or data,
            model, recipe or packages are not what they were.
    """
    try:
        with hold(run.directory, STARTING):
            return _resume(read_run(run.directory), workspace, make_room, queue, force, beforehand)
    except Held:
        raise FtarenaError(
            f"{run.id} is being resumed by another process", f"ftarena runs show {run.id}"
        ) from None


def _resume(
    run: Run,
    workspace: Workspace,
    make_room: Callable[[], None] | None,
    queue: bool,
    force: bool,
    beforehand: Sequence[Sequence[str]],
) -> Run:
    checkpoint = check_resumable(run, force=force)
    if not queue:
        _need_free_device(workspace, can_follow=False)
    _need_room(workspace)
    directory, taken = run.directory, _taken(workspace)
    terms = replace(
        read_terms(directory),
        after=None,
        queue=queue,
        beforehand=tuple(map(tuple, beforehand)) if queue else (),
        asked_at=time.time(),
    )
    write_terms(directory, terms)
    (directory / PROCESS).unlink(missing_ok=True)
    status = read_json(directory / STATUS)
    for gone in ("pid", "started", "after", "queue_position"):
        status.pop(gone, None)
    total = f" of {run.total_steps}" if run.total_steps else ""
    status |= {
        "state": RunState.QUEUED,
        "message": f"goes on from step {checkpoint.step}{total}" + (" when its turn comes" if taken else ""),
        "asked_at": terms.asked_at,
        "updated_at": terms.asked_at,
        "spent_s": run.seconds,
        "began_at": None,
    }
    write_json(directory / STATUS, status)
    queued = read_run(directory)
    _start_worker(directory, None if taken else make_room, "--resume")
    return queued


def _start_worker(directory: Path, make_room: Callable[[], None] | None, *arguments: str) -> Run:
    """Start the worker of a run that is listed as queued."""
    argv, env = python_module("ftarena.training.worker", str(directory), *arguments)
    try:
        if make_room is not None:
            make_room()
        worker = spawn_detached(
            argv,
            log=directory / LOG,
            env={**worker_environment(), **env},
            cwd=Path(read_terms(directory).folder),
        )
    except (OSError, FtarenaError) as error:
        message = f"the worker could not be started: {clean_line(str(error))}"
        status = read_json(directory / STATUS)
        write_json(directory / STATUS, {**status, "state": RunState.FAILED, "message": message})
        raise FtarenaError(message) from error
    write_json(directory / PROCESS, asdict(worker))
    return read_run(directory)


def lay_down(
    recipe: Recipe, workspace: Workspace, recipe_file: Path | None = None, terms: Terms | None = None
) -> Path:
    """Make the folder of a new run, queued, with everything its worker reads; return it.

    Args:
        recipe: Resolved.
        workspace: Where.
        recipe_file: The file it came from, kept beside the resolved recipe as it was written.
        terms: How it was asked to start; by default as soon as it can.

    Raises:
        FtarenaError: Its replay is still to be drawn, or the disk refuses.
    """
    if any(map(drawn_later, recipe.replay_dataset)):
        raise FtarenaError("replay_dataset: self has not been drawn", "ftarena data replay makes the file")
    workspace.ensure()
    directory = _new_folder(workspace, recipe.name)
    if recipe_file is not None and recipe_file.is_file():
        shutil.copyfile(recipe_file, directory / RECIPE)
    else:
        (directory / RECIPE).write_text(dump_recipe(recipe), encoding="utf-8")
    (directory / RESOLVED_RECIPE).write_text(dump_recipe(recipe), encoding="utf-8")
    terms = terms or Terms()
    write_terms(directory, terms)
    now = terms.asked_at
    write_json(
        directory / STATUS,
        {
            "state": RunState.QUEUED,
            "name": recipe.name,
            "method": recipe.method,
            "tuning": recipe.tuning,
            "base_model": recipe.model_name_or_path,
            "message": "starting",
            "started_at": now,
            "began_at": None,
            "updated_at": now,
            **({"after": terms.after} if terms.after else {}),
        },
    )
    return directory


def stop_run(run: Run, timeout_s: float = 180.0, *, now: bool = False) -> Run:
    """Ask a run to end: it finishes its step, saves a checkpoint and the adapter, and says `stopped`.

    Blocks until it has ended. A worker that does not answer in time is killed with its children; what its
    last checkpoint holds is kept.

    Args:
        run: The run; nothing happens where it has ended already.
        timeout_s: After how long it is killed.
        now: Kill it at once: nothing is saved but what the newest checkpoint holds.

    Returns:
        The run as it is then.
    """
    worker = worker_of(run.directory)
    if read_run(run.directory).state.ended or worker is None:
        return read_run(run.directory)
    started = time.monotonic()
    worker.kill() if now else worker.stop(timeout_s)
    reap()
    status = read_json(run.directory / STATUS)
    if not RunState(status.get("state", RunState.DIED)).ended:
        waited = time.monotonic() - started
        if status.get("state") == RunState.QUEUED:
            message = "taken back before it began"
        elif now:
            message = "killed on request"
        elif waited >= timeout_s:
            message = f"killed: it did not answer for {waited:.0f} s"
        else:
            message = "stopped while starting"
        if whole := newest_whole(run.directory):
            message += f"; the checkpoint of step {whole.step} is whole"
        status |= {"state": RunState.STOPPED, "message": message, "updated_at": time.time(), "eta_s": None}
        write_json(run.directory / STATUS, status)
    return read_run(run.directory)


def pause_run(run: Run, timeout_s: float = 180.0) -> Run:
    """Ask a run to save a checkpoint after its step and to give the device back; blocks until it has.

    A run that is still preparing does its first step and pauses then.

    Args:
        run: The run; nothing happens where it has ended already.
        timeout_s: How long to wait for it; it goes on pausing afterwards.

    Returns:
        The run as it is then: paused, unless that was its last step.

    Raises:
        FtarenaError: It has not begun, or is still busy with its step after `timeout_s`.
    """
    run = read_run(run.directory)
    if run.state.ended:
        return run
    worker = worker_of(run.directory)
    if worker is None or run.state is RunState.QUEUED:
        raise FtarenaError(
            f"{run.id} has not begun: there is nothing to pause", f"ftarena runs stop {run.id} takes it back"
        )
    worker.signal(signal.SIGUSR1)
    deadline = time.monotonic() + timeout_s
    while worker.alive() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    reap()
    run = read_run(run.directory)
    if not run.state.ended:
        raise FtarenaError(
            f"{run.id} is still busy after {timeout_s:.0f} s ({run.message}); it pauses after its step",
            f"ftarena runs show {run.id}",
        )
    return run


def worker_environment() -> dict[str, str]:
    """Return the variables that a worker is started with, on top of this process's own."""
    cores = str(hardware.usable_cores())
    return {
        "OMP_NUM_THREADS": cores,
        # OpenMP threads that spin at barriers starve each other once anything else wants a core: on 2 cores
        # beside one busy process a step took 50 to 110 s, with a short spin 12 s; alone it costs 5 %.
        "GOMP_SPINCOUNT": "1000",
        "OMP_WAIT_POLICY": "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
    }


def _taken(workspace: Workspace, but: str = "") -> list[Run]:
    """Return the runs that have every device, or wait for one; none where a device is free.

    Args:
        workspace: The project.
        but: Id of a run that does not count.
    """
    active = [run for run in list_runs(workspace) if not run.state.ended and run.id != but]
    return active if len(active) >= max(len(hardware.gpus()), 1) else []


def _need_free_device(workspace: Workspace, *, can_follow: bool = True) -> None:
    """Refuse where other runs have every device, or wait for one."""
    if taken := _taken(workspace):
        others = ", ".join(clean_line(run.id) for run in taken)
        follow = f"; or for that run to end well: --after {clean_line(taken[0].id)}" if can_follow else ""
        raise FtarenaError(
            f"the device is taken: {others} {'is' if len(taken) == 1 else 'are'} not done yet",
            f"wait for your turn: --queue{follow}",
        )


def _need_room(workspace: Workspace) -> None:
    free = hardware.disk_free(workspace.root)
    if free < _ROOM_BYTES:
        raise FtarenaError(
            f"only {free / 1e6:.0f} MB are free where runs are kept ({workspace.root})",
            "free some space first",
        )


def _adapter_to_start_from(recipe: Recipe, workspace: Workspace, before: Run | None) -> str | None:
    """Return the folder of the adapter that `init_from` names, checked to fit the base model.

    The run that is waited for may be named though it has no adapter yet.
    """
    if recipe.init_from is None:
        return None
    folder = Path(recipe.init_from)
    if folder.is_dir():
        if not (folder / ADAPTER_WEIGHTS).is_file():
            raise FtarenaError(
                f"init_from: {folder} holds no {ADAPTER_WEIGHTS}",
                "give the folder of a LoRA adapter, or a run",
            )
        return str(folder.resolve())
    run = find_run(workspace, recipe.init_from)
    if run.base_model != recipe.model_name_or_path:
        raise FtarenaError(
            f"init_from: {run.id} is an adapter of {run.base_model}, "
            f"but model_name_or_path is {recipe.model_name_or_path}",
            f"set model_name_or_path: {run.base_model}",
        )
    if before is not None and run.id == before.id and not run.state.ended:
        return str(run.directory.resolve())
    if run.adapter is None:
        raise FtarenaError(
            f"init_from: the run {run.id} has no adapter to start from: it {run.state.told}",
            f"wait for it: --after {run.id}" if not run.state.ended else f"ftarena runs show {run.id}",
        )
    return str(run.adapter.resolve())


def _new_folder(workspace: Workspace, name: str) -> Path:
    """Create the folder of a new run, under a name that no other has."""
    make_private(workspace.runs)
    stem = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 1
    while True:
        folder = workspace.runs / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise FtarenaError(f"cannot create {folder}: {error.strerror or error}") from error
        else:
            return folder
