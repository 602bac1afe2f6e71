"""Whose turn it is on the device. A worker asks before it loads anything, and holds a lock while it trains.

The lock is the kernel's (`flock`): a worker that is killed gives it back by dying. Who waits polls once a
second in a process of some 30 MB. With several cards as many runs train at once, each on its own.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ftarena import hardware
from ftarena.errors import FtarenaError
from ftarena.training.runs import STATUS, Run, RunState, read_run
from ftarena.training.terms import Terms, read_terms

POLL_S = 1.0

LINGERING_S = 60.0
"""A run says that it has finished a second or two before its process is gone and the card's memory free."""

Tell = Callable[[str, str | None, int | None], None]
"""Told what is waited for: a line for a person, the id of the run, the place in the queue."""


def check_predecessor(run: Run) -> None:
    """Refuse to wait for a run that will not end well.

    Raises:
        FtarenaError: It has failed or died.
    """
    if run.state in (RunState.FAILED, RunState.DIED):
        raise FtarenaError(
            f"{run.id}, which was to finish first, {'has failed' if run.state is RunState.FAILED else 'died'}"
            + (f": {run.message}" if run.message else ""),
            f"ftarena runs resume {run.id}, or start without --after",
        )


@contextmanager
def own_device(directory: Path, terms: Terms, tell: Tell) -> Iterator[None]:
    """Wait until it is this run's turn, and hold its device as long as the block lasts.

    Of several cards the one with the most free memory is taken and made the only one that CUDA shows, so it
    has to be entered before torch is asked for one.

    Args:
        directory: The run's folder.
        terms: How the run was asked to start.
        tell: Called where what is waited for changes.

    Raises:
        FtarenaError: The run that has to finish first did not, or the device is taken and the run was not to
            wait for it.
    """
    said: tuple[str, str | None, int | None] | None = None

    def say(message: str, run: str | None, position: int | None) -> None:
        nonlocal said
        if (message, run, position) != said:
            said = (message, run, position)
            tell(*said)

    if terms.after is not None:
        _wait_for_predecessor(directory.parent / terms.after, say)
    lock = _wait_for_device(directory, terms, say)
    try:
        yield
    finally:
        os.close(lock)


def _wait_for_predecessor(directory: Path, say: Tell) -> None:
    while True:
        if not (directory / STATUS).is_file():
            raise FtarenaError(
                f"{directory.name}, which was to finish first, is gone", "start without --after"
            )
        run = read_run(directory)
        check_predecessor(run)
        if run.state in (RunState.FINISHED, RunState.STOPPED):
            return
        paused = ", which is paused" if run.state is RunState.PAUSED else ""
        say(f"waiting for {run.id}{paused}", run.id, None)
        time.sleep(POLL_S)


def _wait_for_device(directory: Path, terms: Terms, say: Tell) -> int:
    """Return the descriptor of the lock of the device that is this run's now."""
    lingering_until = time.monotonic() + LINGERING_S
    devices = max(len(hardware.gpus()), 1)
    while True:
        others = _others(directory)
        ahead = [run for run in others if _is_ahead(run, directory.name, terms)] if terms.waits else []
        busy = [run for run in others if run.state is not RunState.QUEUED]
        # Cards are asked for their free memory only where one may be free: that starts a program each time.
        if not ahead and len(busy) < devices and (lock := _take_device(directory.parent)) is not None:
            return lock
        if not terms.waits and (busy or time.monotonic() > lingering_until):
            names = ", ".join(run.id for run in busy) or "a process that does not end"
            raise FtarenaError(f"the device is taken by {names}", "wait for your turn: --queue")
        first = (busy or ahead)[0].id if busy or ahead else None
        place = f", number {len(ahead) + 1} in the queue" if ahead else ""
        say(f"waiting for {first or 'the device'}{place}", first, len(ahead) + 1)
        time.sleep(POLL_S)


def _others(directory: Path) -> list[Run]:
    """Return the other runs that have not ended, the first to have asked first."""
    folders = [folder for folder in directory.parent.iterdir() if folder.name != directory.name]
    runs = [read_run(folder) for folder in folders if (folder / STATUS).is_file()]
    return sorted(
        (run for run in runs if not run.state.ended),
        key=lambda run: (read_terms(run.directory).asked_at, run.id),
    )


def _is_ahead(run: Run, mine: str, terms: Terms) -> bool:
    """Return whether another run is to have the device before this one."""
    if run.state is not RunState.QUEUED:
        return False
    theirs = read_terms(run.directory)
    if (theirs.asked_at, run.id) >= (terms.asked_at, mine):
        return False
    return theirs.after is None or read_run(run.directory.parent / theirs.after).state.ended


def _take_device(runs: Path) -> int | None:
    """Lock a device that no other run has and show it to CUDA; return the lock's descriptor."""
    cards = hardware.gpus()
    by_room: list[hardware.Gpu | None] = [*sorted(cards, key=lambda card: -card.free_mib)]
    for card in by_room or [None]:
        lock = os.open(
            runs / f".device-{card.uuid if card else 'cpu'}.lock",
            os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
            0o600,
        )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        if card is not None and len(cards) > 1:
            os.environ["CUDA_VISIBLE_DEVICES"] = card.uuid
        return lock
    return None
