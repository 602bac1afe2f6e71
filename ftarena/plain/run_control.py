"""`ftarena runs stop|pause|resume`: what can be asked of a run that trains, or that was interrupted."""

import sys
from typing import TextIO

from ftarena.arena.sharing import resume_training, wake_engines
from ftarena.text import clean_line
from ftarena.training.jobs import Run, RunState, find_run, pause_run, stop_run
from ftarena.workspace import Workspace


def stop(workspace: Workspace, key: str, *, now: bool = False, out: TextIO | None = None) -> int:
    """Stop a run after its current step, or kill it; what it has learned, or saved, is kept.

    Args:
        workspace: The project.
        key: A run's id, the beginning of one, or its name.
        now: Kill it instead of letting it finish its step.
        out: Where to; standard output by default.

    Raises:
        FtarenaError: There is no such run.
    """
    out = out or sys.stdout
    run = find_run(workspace, key)
    if _said_ended(run, out):
        return 0
    waits = run.state is RunState.QUEUED and run.step == 0
    if not now and run.state in (RunState.TRAINING, RunState.EVALUATING):
        print(f"{clean_line(run.id)}: stopping after the current step …", file=sys.stderr)
    run = stop_run(run, now=now)
    wake_engines(workspace)
    if waits and run.state is RunState.STOPPED and not run.step:
        print(f"{clean_line(run.id)}: taken back before it began", file=out)
        return 0
    if run.adapter or run.model:
        kept = f", what it learned is in {run.adapter or run.model}"
    elif run.resumable_from is not None:
        kept = f", what it learned up to step {run.resumable_from} is in a checkpoint"
    else:
        kept = ", before it had learned anything"
    at = f"at step {run.step} of {run.total_steps}" if run.total_steps else "while preparing"
    print(f"{clean_line(run.id)}: {run.state} {at}{kept}", file=out)
    _say_how_to_go_on(run)
    return 0


def pause(workspace: Workspace, key: str, out: TextIO | None = None) -> int:
    """Save a checkpoint after the current step and give the device back, to go on later.

    Args:
        workspace: The project.
        key: A run's id, the beginning of one, or its name.
        out: Where to; standard output by default.

    Raises:
        FtarenaError: There is no such run, or it has not begun.
    """
    out = out or sys.stdout
    run = find_run(workspace, key)
    if _said_ended(run, out):
        return 0
    print(f"{clean_line(run.id)}: pausing after the current step …", file=sys.stderr)
    run = pause_run(run)
    wake_engines(workspace)
    print(f"{clean_line(run.id)}: {run.state} at step {run.step} of {run.total_steps}", file=out)
    _say_how_to_go_on(run)
    return 0


def resume(
    workspace: Workspace, key: str, *, queue: bool = False, force: bool = False, out: TextIO | None = None
) -> int:
    """Let an interrupted run go on from its newest whole checkpoint, as the same run in the same folder.

    Args:
        workspace: The project.
        key: A run's id, the beginning of one, or its name.
        queue: Wait for the device where other runs have it.
        force: Go on though packages have other versions now.
        out: Where to; standard output by default.

    Raises:
        FtarenaError: There is no such run, or it cannot be resumed.
    """
    out = out or sys.stdout
    run = resume_training(find_run(workspace, key), workspace, queue=queue, force=force)
    print(f"{clean_line(run.id)} {clean_line(run.message)}", file=out)
    print(f"Watch it: ftarena runs watch {clean_line(run.id)}", file=sys.stderr)
    return 0


def _said_ended(run: Run, out: TextIO) -> bool:
    """Say it of a run that has ended already."""
    if run.state.ended:
        print(f"{clean_line(run.id)} {run.state.told} already.", file=out)
    return run.state.ended


def _say_how_to_go_on(run: Run) -> None:
    if run.resumable_from is not None:
        print(f"It goes on with: ftarena runs resume {clean_line(run.id)}", file=sys.stderr)
