"""Pipes and standard input, which can be read only once, kept in a private file that can be read again."""

import atexit
import functools
import shutil
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

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
    return _kept(sys.stdin.buffer, "stdin")


@functools.cache
def pipe(path: Path) -> Path:
    """Return a file with what a named pipe gives; it is gone when the program ends.

    Raises:
        FtarenaError: It cannot be read, or the disk refuses.
    """
    try:
        with path.open("rb") as file:
            return _kept(file, path.name)
    except OSError as error:
        raise unreadable(path, error) from error


def is_spooled(path: Path) -> bool:
    """Return whether a file is one that is gone when the program ends."""
    return path.parent in _folders


_folders: set[Path] = set()


def _kept(stream: BinaryIO, name: str) -> Path:
    try:
        folder = Path(tempfile.mkdtemp(prefix="ftarena-"))  # mode 0700
        _folders.add(folder)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        with (folder / name).open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
    except OSError as error:
        raise from_os_error(error, name) or FtarenaError(f"{name} cannot be read: {error}") from error
    return folder / name
