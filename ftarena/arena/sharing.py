"""Training and answering share one GPU: the engine sleeps while a run trains, and wakes when it has ended.

Asleep it holds 1.6 GB of the card instead of most of it, and wakes in a fraction of a second with every
adapter still loaded. On a machine without a GPU nothing sleeps: both fit into main memory.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from ftarena.arena.making_room import command_for, send_to_sleep
from ftarena.arena.replay.own_replay import with_own_replay
from ftarena.errors import FtarenaError
from ftarena.processes import python_module
from ftarena.recipes.schema import Recipe
from ftarena.serving.engine import list_engines
from ftarena.training.jobs import Run, RunState, list_runs, resume_run, start_run
from ftarena.training.runs import worker_of
from ftarena.training.terms import RUN_FOLDER
from ftarena.workspace import Workspace


def start_training(
    recipe: Recipe,
    workspace: Workspace,
    recipe_file: Path | None = None,
    *,
    after: str | None = None,
    queue: bool = False,
    force: bool = False,
    allow_code: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Run:
    """Start a run with the GPU to itself. Running answers are finished first.

    Where the recipe replays what the base answers itself (`replay_dataset: self`), the base is asked before.
    When the run has ended, the exam begins, unless the recipe says `examine: false`.

    Args:
        recipe: What to do.
        workspace: Where its folder is made, and whose engines make room.
        recipe_file: The file it came from.
        after: Id or name of a run that has to end well first.
        queue: Wait for the device where other runs have it.
        force: Start it even where the plan says that it cannot fit.
        allow_code: Whether the user's own file of reward functions may be run.
        tell: Told what is done before the run can start.

    Raises:
        FtarenaError: The run cannot be started; the engines are then awake again.
    """
    # Named, not imported: what is measured afterwards is no business of the arena.
    exam = python_module("ftarena.evaluation.exam", RUN_FOLDER)[0]
    try:
        recipe = with_own_replay(recipe, workspace, lambda: wake_engines(workspace), tell)
        return start_run(
            recipe,
            workspace,
            recipe_file,
            make_room=lambda: send_to_sleep(workspace),
            beforehand=[command_for(workspace)],
            after=after,
            queue=queue,
            force=force,
            allow_code=allow_code,
            afterwards=[exam] if recipe.examine else [],
        )
    except BaseException:
        wake_engines(workspace)
        raise


def resume_training(run: Run, workspace: Workspace, *, queue: bool = False, force: bool = False) -> Run:
    """Let an interrupted run go on, with the GPU to itself as at its start.

    Args:
        run: One that has ended and is not finished.
        workspace: Its workspace, whose engines make room.
        queue: Wait for the device where other runs have it.
        force: Go on with other versions of the packages.

    Raises:
        FtarenaError: It cannot be resumed; the engines are then awake again.
    """
    try:
        return resume_run(
            run,
            workspace,
            make_room=lambda: send_to_sleep(workspace),
            beforehand=[command_for(workspace)],
            queue=queue,
            force=force,
        )
    except BaseException:
        wake_engines(workspace)
        raise


def wake_engines(workspace: Workspace) -> int:
    """Wake the engines that sleep, unless a run still has the card; cheap where none sleeps.

    A run that says it has finished keeps its memory until its process is gone, a second or two later.

    Returns:
        How many were woken. One whose memory is still taken by something else goes on sleeping.
    """
    sleeping = [engine for engine in list_engines(workspace) if engine.status().asleep]
    if not sleeping:
        return 0
    runs = {run.id: run for run in list_runs(workspace)}
    if any(_holds_card(run, runs) for run in runs.values()):
        return 0
    woken = 0
    for engine in sleeping:
        try:
            woken += engine.wake()
        except FtarenaError:
            continue  # the next look tries again; its status says that it sleeps
    return woken


def _holds_card(run: Run, runs: Mapping[str, Run]) -> bool:
    """Return whether the card is a run's, or about to be."""
    if run.state is RunState.QUEUED and run.after is not None and run.after in runs:
        # Its own worker sends the engines to sleep when its turn comes. That is a second after one that
        # trains has ended, too soon to wake them in between; a paused one may be waited for all night.
        return runs[run.after].state is not RunState.PAUSED
    if not run.state.ended:
        return True
    worker = worker_of(run.directory)
    return worker is not None and worker.alive()
