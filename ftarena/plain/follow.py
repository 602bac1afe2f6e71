"""Watching a run until it ends. The run itself does not depend on being watched."""

import time

from ftarena.errors import FtarenaError
from ftarena.plain.progress import Stage
from ftarena.training.jobs import Run, RunState, find_run
from ftarena.workspace import Workspace

POLL_S = 0.5
SETTLED_STEPS = 3

_ENDS = {
    RunState.FAILED: "failed",
    RunState.DIED: "died (killed from outside, or out of memory)",
    RunState.STOPPED: "was stopped",
    RunState.PAUSED: "was paused",
}


def follow(stage: Stage, workspace: Workspace, run: Run) -> Run:
    """Show a run as a stage until it has finished, and return it as it is then.

    Raises:
        FtarenaError: It failed, died, was stopped or paused.
    """
    while True:
        run = find_run(workspace, run.id)
        _show(stage, run)
        if run.state is RunState.FINISHED:
            return run
        if run.state.ended:
            raise FtarenaError(
                f"the run {run.id} {_ENDS[run.state]} at step {run.step} of {run.total_steps}"
                + (f": {run.message}" if run.message else ""),
                f"ftarena runs {'resume' if run.state is RunState.PAUSED else 'logs'} {run.id}",
            )
        time.sleep(POLL_S)


def _show(stage: Stage, run: Run) -> None:
    words = run.message or str(run.state)
    if run.state is RunState.TRAINING and run.total_steps:
        words = f"step {run.step} of {run.total_steps}"
        if (loss := run.metrics.get("loss")) is not None:
            words += f", loss {loss:.2f}"
    # The first steps are the slowest by far (caches, threads): an estimate from them would frighten people.
    # Of a run that has no more than those, only the last tells something.
    settled = run.total_steps > 0 and run.step >= min(SETTLED_STEPS, run.total_steps)
    stage.update(
        words, fraction=run.step / run.total_steps if settled else 0.0, eta_s=run.eta_s if settled else None
    )
