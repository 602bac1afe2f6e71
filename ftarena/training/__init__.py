"""Training: models made ready, runs started, paused, resumed, watched, stopped. The work is in `worker`.

Importing this package loads no machine-learning library; only the worker's own process does.
"""

from ftarena.training.jobs import pause_run, resume_run, start_run, stop_run
from ftarena.training.models import prepare_model
from ftarena.training.runs import Run, RunState, find_run, list_runs, read_events, read_metrics

__all__ = [
    "Run",
    "RunState",
    "find_run",
    "list_runs",
    "pause_run",
    "prepare_model",
    "read_events",
    "read_metrics",
    "resume_run",
    "start_run",
    "stop_run",
]
