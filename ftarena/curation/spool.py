"""Pipes and standard input, which can be read only once, kept in a private file that can be read again.

Whoever prints such a file prints what the user called it: `-`, or the path of the pipe. Where it lies is
nobody's business, and tomorrow it lies elsewhere.
"""

import atexit
import functools
import os
import re
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path, PosixPath
from typing import BinaryIO
from urllib.parse import quote, unquote

import psutil

from ftarena.curation.formats import unreadable
from ftarena.errors import FtarenaError, from_os_error


@functools.cache
def standard_input() -> Path:
    """Return a file with what is piped in; it is gone when the program ends.

    Who asks again gets the same file, since standard input is used up.

    Raises:
        FtarenaError: Nothing is piped in, or the disk refuses.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise FtarenaError(
            "- reads standard input, and nothing is piped into it",
            "for example: zcat data.gz | ftarena check -",
        )
    return _kept(sys.stdin.buffer, "-")


@functools.cache
def pipe(path: Path) -> Path:
    """Return a file with what a named pipe gives; it is gone when the program ends.

    Raises:
        FtarenaError: It cannot be read, or the disk refuses.
    """
    try:
        with path.open("rb") as file:
            return _kept(file, str(path))
    except OSError as error:
        raise unreadable(path, error) from error


def is_spooled(path: Path) -> bool:
    """Return whether a file is one that is gone when the program ends."""
    return path.parent in _folders


class Spooled(PosixPath):
    """A file with what was piped in, that is called what the user called it.

    The name is in the path itself, so that it is the same in other processes.
    """

    def __str__(self) -> str:
        """Return what the user called it; what the system opens is `os.fspath`."""
        return unquote(super().name) if self._is_leaf else super().__str__()

    def __fspath__(self) -> str:
        """Return where it lies."""
        return super().__str__()

    @property
    def name(self) -> str:
        """The last part of what the user called it."""
        return str(self).rpartition("/")[2] if self._is_leaf else super().name

    @property
    def _is_leaf(self) -> bool:
        return len(self.parts) > 1 and _FOLDER.fullmatch(self.parts[-2]) is not None


_ALIVE_S = 24 * 3600  # where containers share /tmp, the program may be one that is not seen from here
_LONGEST = 250  # of a file's name; only a pipe in a very deep folder is called less than it is
_FOLDER = re.compile(r"ftarena-piped-(\d+)-\w+")
_folders: set[Path] = set()


def _kept(stream: BinaryIO, name: str) -> Path:
    _sweep(Path(tempfile.gettempdir()))
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"ftarena-piped-{os.getpid()}-"))  # mode 0700
        _folders.add(folder)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        kept = Spooled(folder / quote(name, safe="")[:_LONGEST])
        with kept.open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
    except OSError as error:
        raise from_os_error(error, name) or FtarenaError(f"{name} cannot be read: {error}") from error
    return kept


def _sweep(temporary: Path) -> None:
    """Remove what programs of ours that were killed have left."""
    with suppress(OSError):
        for folder in temporary.iterdir():
            match = _FOLDER.fullmatch(folder.name)
            if match is None or psutil.pid_exists(int(match[1])):
                continue
            info = folder.lstat()
            if info.st_uid == os.getuid() and time.time() - info.st_mtime > _ALIVE_S:
                shutil.rmtree(folder, ignore_errors=True)
