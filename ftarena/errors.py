"""The one kind of error a user is meant to read.

Everything that can go wrong for a reason outside the program (a file, a key, a card, a disk) is raised as
`FtarenaError`: what happened to which thing, and the command or change that mends it. Front ends print
both lines and exit with `exit_code`; a traceback goes to a log, never to a terminal.
"""

import errno
from pathlib import Path


class FtarenaError(Exception):
    """Something the user can mend.

    Args:
        message: What happened to which thing; for data with `file:line`.
        hint: What to do about it, best as a command to type. May be empty where the message says it all.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(FtarenaError):
    """A command line or a recipe that says something impossible (exit code 2, as shells expect)."""

    exit_code = 2


_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
_FILES = (errno.EMFILE, errno.ENFILE)
_PATHS = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.ELOOP)


def from_os_error(error: OSError, place: str | None = None) -> FtarenaError | None:
    """Return what the system refused in words, or `None` where it is nothing that a user can mend.

    Args:
        error: What was raised. A failed `write` does not know its file.
        place: The file or stream, where the caller knows it and the error does not.
    """
    where = str(error.filename) if error.filename is not None else place
    named = f"{where}: " if where else ""
    shown = f" {Path(where).parent}" if where and "/" in where else ""
    if error.errno in _FULL:
        return FtarenaError(
            f"{named}no space left on the disk" if error.errno == errno.ENOSPC else f"{named}quota exceeded",
            f"free some space, then try again: df -h{shown}",
        )
    if error.errno in _REFUSED:
        return FtarenaError(
            f"{named}{error.strerror}", f"see who may write there: ls -la{shown}; df -h{shown}"
        )
    if error.errno in _FILES:
        return FtarenaError(f"{named}{error.strerror}", "close something, or allow more: ulimit -n 4096")
    if error.errno in _PATHS:
        return FtarenaError(f"{named}{error.strerror}", "check the path")
    return None
