"""Who may do something with a run's folder: locks of the kernel, which whoever is killed gives back.

There are two, so that neither has to be handed over. `STARTING` is held from the check whether a run may go
on until its worker is there; `WORKING` by the worker, as long as it lives.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STARTING = ".starting.lock"
WORKING = ".working.lock"

_POLL_S = 0.2


class Held(Exception):  # not an error of its own: who catches it says what it means
    """Another process has it."""


@contextmanager
def hold(directory: Path, name: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a lock of a run as long as the block lasts.

    Args:
        directory: The run's folder.
        name: `STARTING` or `WORKING`.
        wait_s: How long another process is waited for.

    Raises:
        Held: Another process has it.
        OSError: The folder is gone, or the disk refuses.
    """
    lock = os.open(directory / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Held from None
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(lock)
