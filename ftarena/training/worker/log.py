"""The worker's standard output and error, which are the run's `log.txt`: writing to them never fails.

A disk that is full or broken takes no line. That is no reason to lose a run, whoever prints: this program, a
library that warns, or Python itself with a traceback.
"""

import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

STDOUT, STDERR = 1, 2


class _Lossy(io.RawIOBase):
    """A file descriptor that takes everything, and loses what the disk refuses."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def write(self, data: "Buffer") -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                break
        return size


def never_fail() -> None:
    """Let nothing that this process prints end it, from now on."""
    sys.stdout = _writer(STDOUT)
    sys.stderr = _writer(STDERR)


def _writer(descriptor: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        _Lossy(descriptor),  # type: ignore[arg-type]  # raw: nothing is to be kept back in a buffer
        encoding="utf-8",
        errors="backslashreplace",
        write_through=True,
    )
