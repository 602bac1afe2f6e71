"""What this machine has: cores, memory, GPUs, disk; found without importing torch (3 s, 300 MB).

Containers lie in `os.cpu_count()` and `/proc/meminfo`: what counts is what the scheduler and the control
group let this process use. GPUs are asked through `nvidia-smi`, which comes with the driver.
"""

import csv
import math
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA card that this process may use."""

    index: int
    """Number as `nvidia-smi` counts."""

    uuid: str
    name: str
    total_mib: int
    free_mib: int
    driver: str


@dataclass(frozen=True)
class Memory:
    """Main memory that this process may use, in bytes."""

    total: int
    available: int


def usable_cores(root: Path = Path("/")) -> int:
    """Return how many cores this process can keep busy: its affinity mask, capped by its group's quota.

    Args:
        root: Where `/proc` and `/sys` hang; another place only in tests.
    """
    mask = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    cores = len(mask)
    for folder in _cgroup_folders(root, "cpu"):
        quota = _cpu_quota(folder)
        if quota is not None:
            cores = min(cores, max(math.floor(quota), 1))
    return cores


def core_list() -> list[int]:
    """Return the numbers of the cores in this process's affinity mask, as many as `usable_cores` allows."""
    mask = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return list(mask)[: usable_cores()]


def memory(root: Path = Path("/")) -> Memory:
    """Return the memory of the machine, or of the control group where that allows less.

    Args:
        root: Where `/proc` and `/sys` hang; another place only in tests.
    """
    machine = psutil.virtual_memory()
    total, available = int(machine.total), int(machine.available)
    for folder in _cgroup_folders(root, "memory"):
        limit = _number(folder / "memory.max") or _number(folder / "memory.limit_in_bytes")
        if limit is None or limit >= machine.total:
            continue
        used = _number(folder / "memory.current") or _number(folder / "memory.usage_in_bytes") or 0
        # The page cache counts as used, but the kernel gives it back on demand.
        cache = _statistic(folder / "memory.stat", "inactive_file")
        total, available = min(total, limit), min(available, max(limit - used + cache, 0))
    return Memory(total, available)


def gpus(timeout_s: float = 10.0) -> tuple[Gpu, ...]:
    """Return the NVIDIA cards that this process may use (`$CUDA_VISIBLE_DEVICES` is respected), or none.

    Args:
        timeout_s: After how long a hanging driver counts as no card.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    fields = "index,uuid,name,memory.total,memory.free,driver_version"
    try:
        answer = subprocess.run(
            [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    cards = [_parse_card(row) for row in csv.reader(answer.stdout.splitlines(), skipinitialspace=True)]
    return _visible([card for card in cards if card is not None], os.environ.get("CUDA_VISIBLE_DEVICES"))


def driver_without_cards(root: Path = Path("/")) -> bool:
    """Return whether the kernel sees NVIDIA cards that `nvidia-smi` does not: a broken driver."""
    folder = root / "proc/driver/nvidia/gpus"
    return folder.is_dir() and any(folder.iterdir()) and not gpus()


def detect_accelerator() -> Literal["cuda", "cpu"]:
    """Return what models run on here: `cuda` where there is a usable NVIDIA card, else `cpu`."""
    return "cuda" if gpus() else "cpu"


def disk_free(path: Path) -> int:
    """Return the free bytes on the disk that `path`, or the nearest folder above it that exists, lies on."""
    for folder in (path, *path.absolute().parents):
        if folder.exists():
            return shutil.disk_usage(folder).free
    return 0


def _parse_card(row: list[str]) -> Gpu | None:
    try:
        index, uuid, name, total, free, driver = row
        return Gpu(int(index), uuid, name, int(total), int(free), driver)
    except (
        ValueError
    ):  # `[N/A]` or `[Unknown Error]`: a card fallen off the bus, or one without memory of its own
        return None


def _visible(cards: list[Gpu], setting: str | None) -> tuple[Gpu, ...]:
    """Apply `$CUDA_VISIBLE_DEVICES`: numbers or UUIDs (a prefix will do), up to the first unknown one."""
    if setting is None:
        return tuple(cards)
    chosen = []
    for word in setting.split(","):
        word = word.strip()
        match = [card for card in cards if word and (word == str(card.index) or card.uuid.startswith(word))]
        if not match:
            break  # as the CUDA runtime does: what follows an invalid entry is invisible too
        chosen.append(match[0])
    return tuple(chosen)


def _cgroup_folders(root: Path, controller: str) -> list[Path]:
    """Return the control group folders that limit this process, innermost first (versions 1 and 2)."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    top = root / "sys/fs/cgroup"
    folders: list[Path] = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, name = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        base = top / controller if controllers else top
        inner = base / name.lstrip("/")
        # Inside a container the name may be the host's, and only the top is mounted.
        folders += [f for f in (inner, *inner.parents) if f.is_relative_to(base) and f.is_dir()]
    return folders


def _cpu_quota(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        quota, period = (
            str(_number(folder / "cpu.cfs_quota_us") or "max"),
            str(_number(folder / "cpu.cfs_period_us") or 100_000),
        )
    if not quota.isdecimal() or not period.isdecimal() or int(period) == 0:
        return None  # `max` (version 2) and -1 (version 1) say: no limit
    return int(quota) / int(period)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _statistic(path: Path, key: str) -> int:
    try:
        rows = dict(line.split(None, 1) for line in path.read_text().splitlines())
        return int(rows.get(key, 0))
    except (OSError, ValueError):
        return 0
