"""Starting and stopping runs. A run is a detached process: it outlives the terminal that started it."""

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ftarena import hardware
from ftarena.errors import FtarenaError
from ftarena.processes import python_module, read_json, reap, spawn_detached, write_json
from ftarena.recipes.load import dump_recipe
from ftarena.recipes.models import resolve_model
from ftarena.recipes.schema import Recipe
from ftarena.text import clean_line
from ftarena.training.data import load_data
from ftarena.training.runs import (
    ADAPTER_WEIGHTS,
    LOG,
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
from ftarena.workspace import Workspace, make_private

__all__ = [
    "Run",
    "RunState",
    "find_run",
    "list_runs",
    "read_events",
    "read_metrics",
    "start_run",
    "stop_run",
]

_ROOM_BYTES = 500_000_000
# Adapters, optimiser states and checkpoints of a small run; a full disk mid-run loses hours.


def start_run(
    recipe: Recipe,
    workspace: Workspace,
    recipe_file: Path | None = None,
    *,
    make_room: Callable[[], None] | None = None,
) -> Run:
    """Start a training run and return at once.

    What can be found out without a model is found out first: the data are read and split, the base model's
    name and the adapter to start from are resolved.

    Args:
        recipe: What to do, as `load_recipe` returned it.
        workspace: Where the run's folder is made.
        recipe_file: The file it came from, kept beside the resolved recipe as it was written.
        make_room: Called when nothing but the worker is missing: the run is then listed as queued already,
            so that whoever looks knows for whom the card is being emptied.

    Raises:
        UsageError: The data leave `eval_split` nothing to train or to measure on.
        FtarenaError: The data, the model or the adapter cannot be used, or the disk is full.
    """
    resolve_model(recipe.model_name_or_path)
    load_data(recipe)
    recipe = recipe.model_copy(update={"init_from": _adapter_to_start_from(recipe, workspace)})
    free = hardware.disk_free(workspace.root)
    if free < _ROOM_BYTES:
        raise FtarenaError(
            f"only {free / 1e6:.0f} MB are free where runs are kept ({workspace.root})",
            "free some space first",
        )
    directory = lay_down(recipe, workspace, recipe_file)
    argv, env = python_module("ftarena.training.worker", str(directory))
    try:
        if make_room is not None:
            make_room()
        worker = spawn_detached(argv, log=directory / LOG, env={**worker_environment(), **env})
    except (OSError, FtarenaError) as error:
        message = f"the worker could not be started: {clean_line(str(error))}"
        status = read_json(directory / STATUS)
        write_json(directory / STATUS, {**status, "state": RunState.FAILED, "message": message})
        raise FtarenaError(message) from error
    write_json(directory / PROCESS, asdict(worker))
    return read_run(directory)


def lay_down(recipe: Recipe, workspace: Workspace, recipe_file: Path | None = None) -> Path:
    """Make the folder of a new run, queued, with everything its worker reads; return it.

    Args:
        recipe: Resolved.
        workspace: Where.
        recipe_file: The file it came from, kept beside the resolved recipe as it was written.
    """
    workspace.ensure()
    directory = _new_folder(workspace, recipe.name)
    if recipe_file is not None and recipe_file.is_file():
        shutil.copyfile(recipe_file, directory / RECIPE)
    else:
        (directory / RECIPE).write_text(dump_recipe(recipe), encoding="utf-8")
    (directory / RESOLVED_RECIPE).write_text(dump_recipe(recipe), encoding="utf-8")
    now = time.time()
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
            "updated_at": now,
        },
    )
    return directory


def stop_run(run: Run, timeout_s: float = 180.0) -> Run:
    """Ask a run to end: it finishes its step, saves a checkpoint and the adapter, and says `stopped`.

    Blocks until it has ended. A worker that does not answer in time is killed with its children; what its
    last checkpoint holds is kept.

    Args:
        run: The run; nothing happens where it has ended already.
        timeout_s: After how long it is killed.

    Returns:
        The run as it is then.
    """
    worker = worker_of(run.directory)
    if read_run(run.directory).state.ended or worker is None:
        return read_run(run.directory)
    started = time.monotonic()
    worker.stop(timeout_s)
    reap()
    status = read_json(run.directory / STATUS)
    if not RunState(status.get("state", RunState.DIED)).ended:
        waited = time.monotonic() - started
        message = (
            f"killed: it did not answer for {waited:.0f} s"
            if waited >= timeout_s
            else "stopped while starting"
        )
        status |= {"state": RunState.STOPPED, "message": message, "updated_at": time.time(), "eta_s": None}
        write_json(run.directory / STATUS, status)
    return read_run(run.directory)


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


def _adapter_to_start_from(recipe: Recipe, workspace: Workspace) -> str | None:
    """Return the folder of the adapter that `init_from` names, checked to fit the base model."""
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
    if run.adapter is None:
        raise FtarenaError(
            f"init_from: the run {run.id} has no adapter to start from: it is {run.state}",
            "wait for it to finish" if not run.state.ended else f"ftarena runs show {run.id}",
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
