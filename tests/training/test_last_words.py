"""Whatever ends a worker's work, the run says why."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ftarena.training.runs import RunState, read_run
from ftarena.training.worker import __main__ as worker


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """A worker takes over the signals of its process: give them back."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("error", [SystemExit("bye"), ValueError("bye")])
def test_code_that_ends_the_program_fails_the_run(
    make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Something calls `exit()` at night: the run failed, with these words; it did not just die."""

    def leave(*args: object, **keys: object) -> RunState:
        raise error

    monkeypatch.setattr(worker, "_train", leave)
    folder = make_run("mine-20260101-000000", state="queued")
    assert worker.main([str(folder)]) == 1
    run = read_run(folder)
    assert (run.state, run.message) == (RunState.FAILED, f"{type(error).__name__}: bye")
