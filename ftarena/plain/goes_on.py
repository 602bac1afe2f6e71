"""What ctrl+c leaves running: runs and engines are processes of their own, and that is said."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ftarena.serving.engine import EngineState, list_engines
from ftarena.text import clean_line
from ftarena.training.jobs import RunState, list_runs
from ftarena.workspace import Workspace


@contextmanager
def told_what_goes_on(workspace: Workspace, watched: Path | None = None) -> Iterator[None]:
    """On ctrl+c say on standard error what goes on and how it is stopped, and let the interruption pass.

    Args:
        workspace: The project.
        watched: Folder of the run that was watched: said first, even where it has just ended.
    """
    try:
        yield
    except KeyboardInterrupt:
        print(file=sys.stderr)  # behind the ^C
        for line in _what_goes_on(workspace, watched):
            print(line, file=sys.stderr)
        raise


def _what_goes_on(workspace: Workspace, watched: Path | None) -> Iterator[str]:
    runs = sorted(list_runs(workspace), key=lambda run: run.directory != watched)
    for run in runs:
        key = clean_line(run.id)
        if not run.state.ended:
            how = "still waits for its turn" if run.state is RunState.QUEUED else "goes on"
            yield f"The run {key} {how}. Stop it: ftarena runs stop {key}"
        elif run.directory == watched:
            yield f"The run {key} is no longer going: ftarena runs show {key}"
    states = {engine.status().state for engine in list_engines(workspace)}
    if states & {EngineState.STARTING, EngineState.READY}:
        yield "The engine goes on. Stop it: ftarena engine stop"
