"""Files that a screen writes when it is asked to."""

from datetime import datetime
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.workspace import Workspace, make_private


def default_export(workspace: Workspace, stem: str, suffix: str) -> Path:
    """Return where an export goes when no file is named: `exports/<stem>-<time><suffix>` of the project."""
    return workspace.root / "exports" / f"{stem}-{datetime.now():%Y%m%d-%H%M%S}{suffix}"


def write_export(path: Path, text: str) -> Path:
    """Write a file that is not there yet, readable for its owner only, and return its absolute path.

    Raises:
        FtarenaError: It exists already, or cannot be written.
    """
    path = path.expanduser().absolute()
    try:
        if path.parent.name == "exports":
            make_private(path.parent)
        with path.open("x", encoding="utf-8") as file:
            path.chmod(0o600)
            file.write(text)
    except FileExistsError as error:
        raise FtarenaError(f"{path} is there already", "give another name") from error
    except OSError as error:
        raise FtarenaError(f"cannot write {path}: {error.strerror or error}", "give another place") from error
    return path
