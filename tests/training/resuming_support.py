"""Runs that are interrupted and go on, and what is compared between them and one that never was."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ftarena import hardware
from ftarena.recipes.load import load_recipe
from ftarena.training.jobs import lay_down
from ftarena.training.runs import Run, read_metrics, read_run
from ftarena.workspace import Workspace

DATA = Path(__file__).parents[2] / "data" / "demo"

OF_THE_CLOCK = ("time", "tokens_per_s", "memory_bytes", "eval_runtime", "step_time")


class Killed(BaseException):
    """Stands in for a SIGKILL in this process: nothing catches it, nothing is said or saved any more."""


def lay(workspace: Workspace, **keys: object) -> Path:
    """Make the folder of a run of some recipe."""
    return lay_down(load_recipe(None, {key: str(value) for key, value in keys.items()}), workspace)


def work(directory: Path, *arguments: str) -> Run:
    """Be the worker of a run in this process."""
    from ftarena.training.worker.__main__ import main

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
    handlers = {number: signal.getsignal(number) for number in numbers}
    try:
        # One thread: with more, steps of a model this small wait for each other on a busy machine.
        with mock.patch.object(hardware, "usable_cores", return_value=1):
            main([str(directory), *arguments])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return read_run(directory)


def work_until(directory: Path, step: int, *arguments: str, patch: pytest.MonkeyPatch) -> None:
    """Be a worker that is killed when so many steps are done."""
    at_step(patch, step, _die)
    with pytest.raises(Killed):
        work(directory, *arguments)
    patch.undo()


def at_step(patch: pytest.MonkeyPatch, step: int, do: Callable[[], None]) -> None:
    """Have something done when so many steps are done and the next one begins."""
    from ftarena.training.worker.callback import RunCallback

    begin = RunCallback.on_step_begin

    def on_step_begin(self: Any, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == step:
            do()
        begin(self, args, state, control, **kwargs)

    patch.setattr(RunCallback, "on_step_begin", on_step_begin)


def curve(run: Run) -> list[dict[str, Any]]:
    """Return every row of metrics without what the clock and the machine have put into it."""
    return [{key: row[key] for key in row if key not in OF_THE_CLOCK} for row in read_metrics(run)]


def _die() -> None:
    raise Killed
