"""Detached processes that outlive the terminal which started them, and the small files they leave behind.

A process is known by its pid *and* its start time, since pids are reused. What it has to say lies on disk:
a `status.json` that is always whole (written aside, then renamed) and logs that are only appended to.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that cannot be confused with a later one of the same pid."""

    pid: int
    started: float
    """Start time as `psutil.Process.create_time()` gives it, in seconds since the epoch."""

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity":
        """Return the identity of a living process.

        Raises:
            psutil.NoSuchProcess: It is gone.
        """
        return cls(pid, psutil.Process(pid).create_time())

    @classmethod
    def current(cls) -> "ProcessIdentity":
        """Return the identity of this process."""
        return cls.of(os.getpid())

    def alive(self) -> bool:
        """Return whether this very process is still running (a zombie is not)."""
        try:
            process = psutil.Process(self.pid)
            # 1 s of tolerance: create_time is derived from the boot time, which may be adjusted a little.
            same = abs(process.create_time() - self.started) < 1.0
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal if the process is still the same; return whether it was sent."""
        if not self.alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Ask the process to end (SIGTERM), then kill it and its children; return whether it is gone."""
        if not self.alive():
            return True
        family = _family(self.pid)
        self.signal(signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        # Whatever is left, children that their parent did not take along included.
        _kill(family)
        return not self.alive()

    def kill(self) -> bool:
        """Kill the process and its children at once; return whether it is gone."""
        if self.alive():
            _kill(_family(self.pid))
        return not self.alive()


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill(family: Sequence[psutil.Process]) -> None:
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=5)


def spawn_detached(
    argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> ProcessIdentity:
    """Start a process in a session of its own: an SSH hang-up or a closed terminal does not reach it.

    Args:
        argv: Program and arguments.
        log: File that its standard output and error are appended to.
        env: Variables to set on top of this process's own.
        cwd: Working folder.

    Returns:
        Its identity.
    """
    with log.open("ab") as sink:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
            close_fds=True,
        )
    _children.append(process)  # polled below, so that a finished child of a long-lived front end is no zombie
    return ProcessIdentity.of(process.pid)


def python_module(module: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the variables that run one of this package's modules as a process.

    With `-P` the current folder is not searched for modules: a `random.py` in somebody's project would be
    taken for Python's own. A checkout that is not installed is put on the path by name instead.

    Args:
        module: Such as `ftarena.serving.supervisor`.
        arguments: What it is given.
    """
    root = Path(__file__).resolve().parent.parent
    env = {}
    if root.name not in ("site-packages", "dist-packages"):
        others = os.environ.get("PYTHONPATH")
        env["PYTHONPATH"] = f"{root}{os.pathsep}{others}" if others else str(root)
    return [sys.executable, "-P", "-m", module, *arguments], env


_children: list["subprocess.Popen[bytes]"] = []


def reap() -> None:
    """Collect detached children of this process that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Replace a JSON file as one step: a reader, or a power cut, finds the old or the new one, never half.

    Raises:
        OSError: The disk refuses; it names `path`, and nothing is left beside it.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8") as file:
            json.dump(value, file, indent=2, default=str)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error  # a failed write names no file


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, or `{}` where there is none or none that can be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # the last: brackets nested thousands deep
        return {}
    return value if isinstance(value, dict) else {}


def tail(path: Path, lines: int, max_bytes: int = 256_000) -> list[str]:
    """Return the last lines of a text file (read from its last `max_bytes`), or none if it is not there."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            end = file.tell()
            file.seek(max(end - max_bytes, 0))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]
