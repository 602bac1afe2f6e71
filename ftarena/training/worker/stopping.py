"""How a worker is told to stop: SIGTERM or SIGINT, once.

While it prepares, the signal ends it on the spot. While it trains, the step under way is finished, a
checkpoint and the adapter are saved. A closed terminal (SIGHUP) is none of its business.
"""

import signal
from types import FrameType


class StopRequested(BaseException):
    """Someone asked the worker to stop while there was nothing to save.

    A `BaseException`, so that no library's `except Exception` on the way swallows it.
    """


class StopFlag:
    """Whether someone asked to stop. Create it in the main thread; it installs the handlers."""

    def __init__(self) -> None:
        self.requested = False
        self._wait_for_step = False
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def wait_for_step(self) -> None:
        """From now on a signal only sets the flag: there are steps worth saving.

        Raises:
            StopRequested: The signal came before this.
        """
        if self.requested:
            raise StopRequested
        self._wait_for_step = True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            return
        self.requested = True
        if not self._wait_for_step:
            raise StopRequested
