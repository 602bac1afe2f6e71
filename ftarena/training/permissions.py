"""Whether a run may execute a file of the user's own, such as reward functions.

A recipe may come from anywhere, so naming a Python file in it is not enough to have it run: the command line
has to say `--allow-code`. That permission lies in the run's folder with the hash of the very file it was
given for; a file that was changed afterwards is not run.
"""

import hashlib
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.processes import read_json, write_json

ALLOW_CODE = "allow_code.json"
"""Which file a run may execute, and its hash."""


def allow_code(directory: Path, file: Path) -> None:
    """Let a run execute a file as it is now.

    Args:
        directory: The run's folder.
        file: Python source.

    Raises:
        FtarenaError: It cannot be read.
    """
    source = read_code(file)
    write_json(directory / ALLOW_CODE, {"file": str(file.absolute()), "sha256": _digest(source)})


def check_code(file: str | None, *, asked: bool) -> None:
    """Refuse a run that would stop at its first step: its file is missing, or may not be run.

    Args:
        file: `reward_file` of its recipe.
        asked: Whether the command line says `--allow-code`.

    Raises:
        FtarenaError: The file cannot be read, or is not allowed to be run.
    """
    if file is None:
        return
    read_code(Path(file))
    if not asked:
        raise FtarenaError(f"{file} may not be run", "look at it, then start the run with --allow-code")


def allowed(directory: Path, file: Path) -> bool:
    """Return whether a run may execute a file as it is now; False where it cannot be read."""
    try:
        return allows(directory, read_code(file))
    except FtarenaError:
        return False


def allows(directory: Path, source: bytes) -> bool:
    """Return whether a run may execute this very source, so that what was checked is what is run."""
    return read_json(directory / ALLOW_CODE).get("sha256") == _digest(source)


def read_code(file: Path) -> bytes:
    """Return a file of source.

    Raises:
        FtarenaError: It cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise FtarenaError(f"{file} cannot be read: {error.strerror or error}", "see reward_file") from error


def _digest(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()
