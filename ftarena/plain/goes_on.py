"""What ctrl+c leaves running: runs and engines are processes of their own, and that is said."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ftarena.serving.engine import EngineState, list_engines
from ftarena.text import clean_line
from ftarena.training.jobs import list_runs
from ftarena.workspace import Workspace


@contextmanager
def told_what_goes_on(workspace: Workspace) -> Iterator[None]:
    """On ctrl+c say on standard error what goes on and how it is stopped, and let the interruption pass."""
    try:
        yield
    except KeyboardInterrupt:
        print(file=sys.stderr)  # behind the ^C
        for line in _what_goes_on(workspace):
            print(line, file=sys.stderr)
        raise


def _what_goes_on(workspace: Workspace) -> Iterator[str]:
    for run in list_runs(workspace):
        if not run.state.ended:
            yield f"The run {clean_line(run.id)} goes on. Stop it: ftarena runs stop {clean_line(run.id)}"
    states = {engine.status().state for engine in list_engines(workspace)}
    if states & {EngineState.STARTING, EngineState.READY}:
        yield "The engine goes on. Stop it: ftarena engine stop"
