"""Which run was already begun from a prepared folder: so a command that was interrupted can be repeated."""

from pathlib import Path

from ftarena.training.jobs import Run, RunState, list_runs
from ftarena.training.runs import RESOLVED_RECIPE
from ftarena.workspace import Workspace


def run_begun(workspace: Workspace, folder: Path) -> Run | None:
    """Return the newest run that trains on the pairs of a folder, or None.

    One that failed, or ended without a checkpoint to go on from, counts as none: it is begun anew.

    Args:
        workspace: The project.
        folder: Of one improvement; its path stands in the recipe of each run begun from it.
    """
    for run in list_runs(workspace):
        try:
            recipe = (run.directory / RESOLVED_RECIPE).read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        if f"{folder}/" in recipe and _counts(run):
            return run
    return None


def _counts(run: Run) -> bool:
    if run.state is RunState.FINISHED or not run.state.ended:
        return True
    return run.state is not RunState.FAILED and run.resumable_from is not None
