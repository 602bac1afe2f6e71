"""How a worker is told to stop or to pause: by signals, each once.

SIGTERM or SIGINT stops it. While it waits or prepares, it ends on the spot; while it trains, the step under
way is finished, a checkpoint and what was learned are saved. SIGUSR1 pauses it: after its step, the first one
at the earliest, a checkpoint is saved and the process ends. A closed terminal (SIGHUP) is none of its
business.
"""

import signal
from types import FrameType


class StopRequested(BaseException):
    """Someone asked the worker to stop while there was nothing to save.

    A `BaseException`, so that no library's `except Exception` on the way swallows it.
    """


class StopFlag:
    """What someone asked for. Create it in the main thread; it installs the handlers."""

    def __init__(self) -> None:
        self.requested = False
        """Whether to stop: what is being measured is left unfinished."""

        self.pausing = False
        """Whether to pause: what is being measured is measured first."""

        self._wait_for_step = False
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGUSR1, self._on_pause)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    @property
    def ends(self) -> bool:
        """Whether the step under way is the last one of this process."""
        return self.requested or self.pausing

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

    def _on_pause(self, number: int, frame: FrameType | None) -> None:
        self.pausing = True
