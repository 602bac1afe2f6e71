"""Being ended from outside as with ctrl+c: what was half made is cleared away before the process goes."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ends_cleanly() -> Iterator[None]:
    """Let SIGTERM and SIGHUP leave through `finally` like ctrl+c, with the exit code that shells expect.

    A signal that is ignored already (`nohup`) stays ignored. Off the main thread nothing changes, since
    Python handles signals only there.

    Raises:
        SystemExit: The process was told to end: 128 and the number of the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def _leave(number: int, frame: FrameType | None) -> None:
    """Leave once: a second signal while things are cleared away (a shell sends HUP and TERM) does nothing."""
    for other in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)
