"""What vLLM leaves behind, and how it is cleared away: processes, sockets, shared memory.

vLLM is a family of processes in a session of its own, so the family is found by its session even after its
first member died and the others were handed to init. Killed hard, it leaves segments of hundreds of MB in
`/dev/shm` and ZeroMQ sockets in its temporary folder.
"""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from ftarena.processes import ProcessIdentity

_SHARED = Path("/dev/shm")


def family(server: ProcessIdentity) -> list[psutil.Process]:
    """Return the living processes of the session that `server` led, itself included.

    A session's number is not given to a new process while one of its members lives, so this cannot meet
    strangers; members older than the leader are refused all the same.
    """
    found = []
    for process in psutil.process_iter(["create_time"]):
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            old_enough = process.info["create_time"] >= server.started - 1.0
            if (
                old_enough
                and os.getsid(process.pid) == server.pid
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
    return found


def shared_segments(processes: Iterable[psutil.Process]) -> set[str]:
    """Return the files in `/dev/shm` that the processes have mapped.

    They are matched by inode: the C library maps a semaphore under a passing name and links it to the lasting
    one afterwards, so the name in a process's map is often that of a deleted file.
    """
    inodes: set[int] = set()
    prefix = f"{_SHARED}/"
    for process in processes:
        try:
            maps = Path(f"/proc/{process.pid}/maps").read_text()
        except OSError:  # it has just ended, or this is no Linux
            continue
        inodes |= {int(line.split()[4]) for line in maps.splitlines() if prefix in line}
    if not inodes:
        return set()
    with os.scandir(_SHARED) as entries:
        return {entry.path for entry in entries if entry.inode() in inodes}


def memory_bytes(processes: Iterable[psutil.Process]) -> int:
    """Return the memory that the processes hold together, pages they share counted once (PSS, else RSS)."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            info = process.memory_full_info()
            total += int(getattr(info, "pss", info.rss))
    return total


def end_family(server: ProcessIdentity, timeout_s: float = 15.0) -> set[str]:
    """End a vLLM and all its processes: politely first, then for good.

    Args:
        server: The leader of its session; it may be dead already.
        timeout_s: How long the polite way may take.

    Returns:
        The shared segments they had mapped, for `clear`.
    """
    processes = family(server)
    segments = shared_segments(processes)
    server.signal(signal.SIGTERM)  # it ends the others in order
    asked = {server.pid}
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and (left := family(server)):
        segments |= shared_segments(left)
        if not server.alive():  # the others are on their own
            for process in left:
                if process.pid not in asked:
                    asked.add(process.pid)
                    with contextlib.suppress(psutil.Error):
                        process.terminate()
        psutil.wait_procs(left, timeout=0.1)
    left = family(server)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=5)
    return segments


def clear(runtime: Path, segments: Iterable[str]) -> None:
    """Remove what lies in an engine's private folder, and shared segments that no process will remove.

    Args:
        runtime: Its folder of sockets and temporary files; emptied and removed.
        segments: Paths in `/dev/shm`.
    """
    shutil.rmtree(runtime, ignore_errors=True)
    for name in segments:
        path = Path(name)
        if path.parent == _SHARED and path.name != "..":  # the list comes from a file: nothing else may go
            with contextlib.suppress(OSError):
                path.unlink()
