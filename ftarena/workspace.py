"""Where things lie on disk, and with which modes.

A *workspace* is the folder `.ftarena/` of a project: its database, its runs, its engines' logs. Models that
several projects share lie in a cache; sockets lie in a short private runtime folder, because a Unix socket's
path may have 107 bytes at most. Looking something up here never creates it; `ensure` does.
"""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ftarena.errors import FtarenaError

FOLDER = ".ftarena"


@dataclass(frozen=True)
class Workspace:
    """The folder of one project, private to its user (mode 0700), since it holds prompts, votes and logs."""

    root: Path
    """Absolute path of the `.ftarena` folder (or of `$FTARENA_HOME`)."""

    @classmethod
    def find(cls, start: Path | None = None) -> "Workspace":
        """Return the workspace for `start` (default: the current folder), without creating it.

        `$FTARENA_HOME` wins; then the nearest `.ftarena` in `start` or a folder above it; then a new one in
        `start`.
        """
        if home := os.environ.get("FTARENA_HOME"):
            return cls(Path(home).expanduser().absolute())
        here = (start or Path.cwd()).absolute()
        for folder in (here, *here.parents):
            if (folder / FOLDER).is_dir():
                return cls(folder / FOLDER)
        return cls(here / FOLDER)

    @property
    def name(self) -> str:
        """What the project is called on screen: its folder's name."""
        return self.root.parent.name if self.root.name == FOLDER else self.root.name

    @property
    def database(self) -> Path:
        """The one SQLite file."""
        return self.root / "arena.db"

    @property
    def runs(self) -> Path:
        """One folder a training run."""
        return self.root / "runs"

    @property
    def engines(self) -> Path:
        """One folder an engine: its status and its log."""
        return self.root / "engines"

    @property
    def log(self) -> Path:
        """Tracebacks of front ends, for reports; never shown on a screen."""
        return self.root / "ftarena.log"

    def ensure(self) -> "Workspace":
        """Create the folder (0700) if need be and return self.

        Raises:
            FtarenaError: It cannot be created or written.
        """
        make_private(self.root)
        return self


def cache_dir() -> Path:
    """Return the folder of shared, re-creatable things: `$FTARENA_CACHE`, else `$XDG_CACHE_HOME/ftarena`."""
    if own := os.environ.get("FTARENA_CACHE"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ftarena"


def runtime_dir(key: str) -> Path:
    """Return (and create, 0700) a short private folder for the sockets of `key`.

    It lies below the temporary folder. `$XDG_RUNTIME_DIR` would not do: the system removes it when the
    user's last session ends, and an engine has to answer again after the next log-in.

    Args:
        key: What it is for, e.g. an engine's folder; hashed, so that it may be long.

    Raises:
        FtarenaError: The folder exists but belongs to someone else, or others may enter it.
    """
    top = Path(tempfile.gettempdir()) / f"ftarena-{os.getuid()}"
    if len(str(top)) > 60:  # 107 bytes, less a digest, less vLLM's own ipc names of 36 characters
        top = Path("/tmp") / f"ftarena-{os.getuid()}"
    make_private(top)
    folder = top / hashlib.sha256(key.encode()).hexdigest()[:10]
    make_private(folder)
    return folder


def make_private(folder: Path) -> None:
    """Create `folder` with mode 0700, or check that it is ours and tighten it.

    Raises:
        FtarenaError: It is a link, belongs to another user, or the disk refuses.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = folder.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid():
            raise FtarenaError(
                f"{folder} is not a folder of yours, so nothing private can be kept in it",
                f"move it away: mv {folder} {folder}.old",
            )
        if stat.S_IMODE(info.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise FtarenaError(
            f"cannot create {folder}: {error.strerror or error}",
            "choose another place with FTARENA_HOME (project) or FTARENA_CACHE (models), or free some space",
        ) from error
