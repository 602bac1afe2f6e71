"""What runs there are and how they are doing, read from what they leave on disk.

A run is a folder. Its worker is the only one that writes there; everything here only reads, so any number of
front ends may look on. A status that says "training" while its process is gone reads as `died`.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.processes import ProcessIdentity, read_json
from ftarena.training.checkpoints import newest_whole
from ftarena.workspace import Workspace

STATUS = "status.json"
PROCESS = "process.json"
"""Pid and start time of the worker, written by whoever started it: the worker may die before it can."""

METRICS = "metrics.jsonl"
EVENTS = "events.jsonl"
LOG = "log.txt"
RECIPE = "recipe.yaml"
RESOLVED_RECIPE = "recipe.resolved.yaml"
PLAN = "plan.json"
"""What it was expected to take, as `training.plan` said before it began."""

DATA_LOCK = "data.lock.json"
"""What was trained on: of each file its hash, its rows, and how many of them were used."""

ENVIRONMENT = "environment.json"
"""What the result depends on besides recipe and data: model, packages, hardware, the state of the code."""

DROPPED = "dropped.jsonl"
"""Rows that were left out because they cannot be used."""

ADAPTER_WEIGHTS = "adapter_model.safetensors"
MODEL_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")

_PIDS = 2**31

_MOST = 10**305
# Of whole numbers: a hundred times as many is still a float. No run has as many steps, a broken file may.

_LATEST_S = 1e11
# Seconds, the year 5138: what lies behind it is no time that can be written as a date.

_GRACE_S = 30.0
# A starter that was killed between making the folder and noting the process leaves a run without a worker.


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    PREPARING = "preparing"
    TRAINING = "training"
    EVALUATING = "evaluating"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    DIED = "died"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in (
            RunState.PAUSED,
            RunState.FINISHED,
            RunState.STOPPED,
            RunState.FAILED,
            RunState.DIED,
        )

    @property
    def told(self) -> str:
        """The state behind a subject: `is training`, `has failed`, `was stopped`, `died`."""
        verbs = {
            RunState.PAUSED: "was paused",
            RunState.STOPPED: "was stopped",
            RunState.FINISHED: "has finished",
            RunState.FAILED: "has failed",
            RunState.DIED: "died",
        }
        return verbs.get(self, f"is {self.value}")


@dataclass(frozen=True)
class Run:
    """A training run as it was when it was looked at."""

    id: str
    """Its folder's name: the recipe's name and the time it was started."""

    name: str
    method: str
    directory: Path
    state: RunState
    step: int
    """Optimiser steps done."""

    total_steps: int
    """Optimiser steps planned; 0 while that is not known."""

    eta_s: float | None
    """Seconds until it ends, or None where that cannot be said yet."""

    started_at: float
    """Seconds since the epoch."""

    ended_at: float | None
    """Seconds since the epoch; of a run that died, when it was last heard of. None while it goes on."""

    metrics: dict[str, float]
    """The latest value of each of TRL's metrics: `loss`, `eval_loss`, `learning_rate`, `tokens_per_s` …"""

    message: str
    """One line: what it is doing, or why it failed or stopped."""

    base_model: str
    """The base model as a recipe names it."""

    adapter: Path | None
    """Folder of the adapter, once the run has ended and left one; what PEFT and vLLM load."""

    model: Path | None = None
    """Folder of the model, once a run that trains a whole model has ended and left one."""

    tuning: str = "lora"
    """Which weights learn, as a recipe says it."""

    resumable_from: int | None = None
    """Step of the newest whole checkpoint, where the run has ended and is not finished; else None."""

    after: str | None = None
    """Id of the run that it waits for, while it does."""

    queue_position: int | None = None
    """1 for the run that is next on the device, 2 for the one behind it …; None unless it waits."""

    peak_memory_bytes: int | None = None
    """Most memory that it has had so far: the card's on a GPU, else the process's."""

    began_at: float | None = None
    """When it got the device for the last time, in seconds since the epoch; None while it waits."""

    spent_s: float = 0.0
    """Seconds that it had the device before that, where it was resumed."""

    @property
    def seconds(self) -> float:
        """How long it has had the device; waiting, and lying idle before a resume, do not count."""
        if self.began_at is None:
            return self.spent_s
        return self.spent_s + max((self.ended_at or time.time()) - self.began_at, 0.0)


def list_runs(workspace: Workspace) -> list[Run]:
    """Return every run of a workspace, the newest first."""
    try:
        folders = [folder for folder in workspace.runs.iterdir() if (folder / STATUS).is_file()]
    except OSError:
        return []
    return sorted(
        (read_run(folder) for folder in folders), key=lambda run: (run.started_at, run.id), reverse=True
    )


def find_run(workspace: Workspace, key: str) -> Run:
    """Return the run with this id, else the newest of this name, else the one whose id begins so.

    Raises:
        FtarenaError: There is none, or the beginning fits several.
    """
    if key and "/" not in key and (workspace.runs / key / STATUS).is_file():
        return read_run(workspace.runs / key)
    runs = list_runs(workspace)
    for run in runs:
        if run.name == key:
            return run
    fitting = [run for run in runs if key and run.id.startswith(key)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise FtarenaError(
            f"{len(fitting)} runs begin with {key}: {', '.join(run.id for run in fitting[:5])}",
            "type more of the id",
        )
    names = list(dict.fromkeys(run.name for run in runs))[:5]
    raise FtarenaError(
        f"there is no run {key!r}" + (f"; there are {', '.join(names)}" if names else "; there are none yet"),
        "list them: ftarena runs",
    )


def read_run(directory: Path) -> Run:
    """Return a run as its folder says. Never raises: what is missing or broken reads as empty."""
    status = read_json(directory / STATUS)
    state = _state(directory, status)
    adapter = directory if state.ended and (directory / ADAPTER_WEIGHTS).is_file() else None
    model = directory if state.ended and any((directory / name).is_file() for name in MODEL_WEIGHTS) else None
    whole = newest_whole(directory) if state.ended and state is not RunState.FINISHED else None
    waits = state is RunState.QUEUED
    metrics, after = status.get("metrics"), status.get("after")
    started = _seconds(status.get("started_at"))
    return Run(
        id=directory.name,
        name=str(status.get("name") or directory.name),
        method=str(status.get("method") or ""),
        directory=directory,
        state=state,
        step=_whole(status.get("step")),
        total_steps=_whole(status.get("total_steps")),
        eta_s=_seconds(status.get("eta_s")) if not state.ended else None,
        started_at=started or 0.0,
        ended_at=(_seconds(status.get("updated_at")) or 0.0) if state.ended else None,
        metrics={
            key: number
            for key, value in (metrics.items() if isinstance(metrics, dict) else ())
            if (number := _number(value)) is not None
        },
        message=str(status.get("message") or "") if state is not RunState.DIED else _last_words(status),
        base_model=str(status.get("base_model") or ""),
        adapter=adapter,
        model=model,
        tuning=str(status.get("tuning") or "lora"),
        resumable_from=whole.step if whole is not None else None,
        after=after if waits and isinstance(after, str) else None,
        queue_position=(_whole(status.get("queue_position")) or None) if waits else None,
        peak_memory_bytes=_whole(status.get("peak_memory_bytes")) or None,
        began_at=_seconds(status.get("began_at")) if "began_at" in status else started,
        spent_s=_seconds(status.get("spent_s")) or 0.0,
    )


def worker_of(directory: Path) -> ProcessIdentity | None:
    """Return the identity of a run's worker, dead or alive, or None where none was ever noted."""
    for source in (read_json(directory / STATUS), read_json(directory / PROCESS)):
        pid, started = _whole(source.get("pid")), _seconds(source.get("started"))
        if 0 < pid < _PIDS and started is not None:
            return ProcessIdentity(pid, started)
    return None


def read_metrics(run: Run) -> list[dict[str, Any]]:
    """Return the rows of `metrics.jsonl`, oldest first: `step`, `time` (seconds since the epoch), metrics."""
    return list(_json_lines(run.directory / METRICS))


def read_events(run: Run) -> list[dict[str, Any]]:
    """Return what the run noted: rows with `time` (seconds since the epoch), `event`, `message`, details."""
    return list(_json_lines(run.directory / EVENTS))


def _state(directory: Path, status: dict[str, Any]) -> RunState:
    try:
        state = RunState(status.get("state", ""))
    except ValueError:
        return RunState.DIED
    if state.ended:
        return state
    worker = worker_of(directory)
    if worker is None:
        asked = max(_seconds(status.get(key)) or 0.0 for key in ("started_at", "asked_at"))
        fresh = time.time() - asked < _GRACE_S
        return state if fresh else RunState.DIED
    if worker.alive():
        return state
    # It may have written its last word and gone between the two looks.
    try:
        last = RunState(read_json(directory / STATUS).get("state", ""))
    except ValueError:
        return RunState.DIED
    return last if last.ended else RunState.DIED


def _last_words(status: dict[str, Any]) -> str:
    doing = str(status.get("message") or status.get("state") or "")
    return "its process is gone without a word (killed from outside, or out of memory)" + (
        f"; its last word: {doing}" if doing else ""
    )


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects in a JSONL file; a torn last line (a crash, or a write under way) is passed over."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError):  # the last: brackets nested thousands deep
                    continue
                if isinstance(value, dict):
                    yield value
    except OSError:
        return


def _whole(value: Any) -> int:
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST
    return value if fits else 0


def _number(value: Any) -> float | None:
    """Return what is a number; a whole one may have too many digits for a float."""
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None


def _seconds(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number < _LATEST_S else None
