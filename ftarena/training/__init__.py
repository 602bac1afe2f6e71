"""Training: base models made ready, runs started, watched and stopped. The work itself is in `worker`.

Importing this package loads no machine-learning library; only the worker's own process does.
"""

from ftarena.training.jobs import start_run, stop_run
from ftarena.training.models import prepare_model
from ftarena.training.runs import Run, RunState, find_run, list_runs, read_events, read_metrics

__all__ = [
    "Run",
    "RunState",
    "find_run",
    "list_runs",
    "prepare_model",
    "read_events",
    "read_metrics",
    "start_run",
    "stop_run",
]
