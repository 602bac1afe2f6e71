"""What a worker has to say, written where front ends read it. Imports no machine-learning library.

`status.json` is replaced as one step, a few times a second at most; `metrics.jsonl` and `events.jsonl` are
only appended to, a whole line a write; only a resumed run takes back the rows of steps that it does again.
The same words go to standard output, which is the run's `log.txt`. A full disk holds rows back, it does not
end a run: they are written as soon as there is room.
"""

import errno
import json
import math
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ftarena.processes import ProcessIdentity, read_json, write_json
from ftarena.text import clean_line, duration
from ftarena.training.runs import EVENTS, METRICS, STATUS, RunState, read_events, read_metrics, read_run

_THROTTLE_S = 0.5

_SHOWN = ("loss", "eval_loss", "rewards/margins", "rewards/accuracies", "learning_rate", "tokens_per_s")

_HELD_BACK = 100_000
# Lines kept in memory while the disk is full: 30 MB or so.


class Reporter:
    """The voice of one run.

    Args:
        directory: The run's folder, with the `status.json` that its starter wrote.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        me = ProcessIdentity.current()
        self._status: dict[str, Any] = {
            **read_json(directory / STATUS),
            "pid": me.pid,
            "started": me.started,
            "step": 0,
            "total_steps": 0,
            "eta_s": None,
            "metrics": {},
        }
        self._progress_written = 0.0
        self._metrics_written = 0.0
        self._waiting_lines: defaultdict[str, list[str]] = defaultdict(list)
        self._said: set[tuple[str, str]] = set()

    @property
    def step(self) -> int:
        """Optimiser steps done so far."""
        return int(self._status["step"])

    def go_on_from(self, step: int) -> None:
        """Take back the rows of steps after a checkpoint, which are done again.

        What was told of the data at the start is not told a second time.

        Args:
            step: Of the checkpoint.
        """
        run = read_run(self._directory)
        all_rows = read_metrics(run)
        rows = [row for row in all_rows if isinstance(row.get("step"), int) and row["step"] <= step]
        aside = self._directory / f".{METRICS}.{os.getpid()}"
        with aside.open("w", encoding="utf-8") as file:
            file.writelines(_line(row) for row in rows)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._directory / METRICS)
        self._said = {(str(row.get("event")), str(row.get("message"))) for row in read_events(run)}
        known = {key: value for row in rows for key, value in row.items() if key not in ("step", "time")}
        self._status |= {
            "step": step,
            "total_steps": run.total_steps,
            "metrics": {key: value for key, value in known.items() if isinstance(value, int | float)},
        }
        for row in all_rows:
            self._note_memory(row.get("memory_bytes"))

    def waiting(self, message: str, after: str | None, position: int | None) -> None:
        """Say what the run waits for before it begins.

        Args:
            message: A line for a person.
            after: Id of the run that is waited for.
            position: 1 for the next one on the device; None where it waits for a certain run.
        """
        message = clean_line(message)
        print(f"{_now()} {message}", flush=True)
        self._status |= {
            "state": RunState.QUEUED,
            "message": message,
            "after": after,
            "queue_position": position,
        }
        self._write()

    def doing(self, state: RunState, message: str) -> None:
        """Say what happens now; always written at once."""
        message = clean_line(message)
        print(f"{_now()} {message}", flush=True)
        self._status |= {"state": state, "message": message, "after": None, "queue_position": None}
        self._write()

    def note(self, message: str) -> None:
        """Say for how long already something takes; in the status only, the log would fill with it.

        May be called from another thread while the run's own is busy.
        """
        self._status["message"] = clean_line(message)
        self._write()

    def progress(self, step: int, total_steps: int, eta_s: float | None) -> None:
        """Note how far it is; written at most twice a second."""
        self._said.clear()  # from here on everything is new
        self._status |= {
            "state": RunState.TRAINING,
            "step": step,
            "total_steps": total_steps,
            "eta_s": eta_s,
            "message": f"step {step} of {total_steps}",
        }
        if time.monotonic() - self._progress_written >= _THROTTLE_S:
            self._progress_written = time.monotonic()
            self._write()

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Append a row of metrics; values that are no finite numbers are written as null."""
        row = {key: _finite(value) for key, value in values.items()}
        self._append(METRICS, {"step": step, "time": round(time.time(), 3), **row})
        known = {key: value for key, value in row.items() if value is not None}
        self._status["metrics"] = {**self._status["metrics"], **known}
        self._note_memory(known.get("memory_bytes"))
        # Apart from progress, which was written a moment ago: the loss would otherwise lag a step behind.
        if time.monotonic() - self._metrics_written >= _THROTTLE_S:
            self._metrics_written = time.monotonic()
            self._write()
        shown = "  ".join(f"{key} {known[key]:.4g}" for key in _SHOWN if key in known)
        if shown:
            total = self._status["total_steps"]
            print(f"{_now()} step {step}" + (f"/{total}" if total else "") + f"  {shown}", flush=True)

    def event(self, event: str, message: str, **details: Any) -> None:
        """Append something worth knowing later; `event` is a stable name."""
        message = clean_line(message)
        print(f"{_now()} {message}", flush=True)
        if (event, message) not in self._said:
            row = {"time": round(time.time(), 3), "event": event, "message": message, **details}
            self._append(EVENTS, row)

    def end(self, state: RunState, message: str) -> None:
        """Say the last word."""
        took = time.time() - float(self._status.get("started_at") or time.time())
        message = clean_line(message)
        self._append(EVENTS, {"time": round(time.time(), 3), "event": str(state), "message": message})
        print(f"{_now()} {state} after {duration(took)}" + (f": {message}" if message else ""), flush=True)
        self._status |= {
            "state": state,
            "message": message,
            "eta_s": None,
            "after": None,
            "queue_position": None,
        }
        self._write()

    def _note_memory(self, peak: float | None) -> None:
        if peak is not None:
            before = int(self._status.get("peak_memory_bytes") or 0)
            self._status["peak_memory_bytes"] = max(before, int(peak))

    def _write(self) -> None:
        self._status["updated_at"] = time.time()
        try:
            write_json(self._directory / STATUS, self._status)
        except OSError as error:
            _only_full(error)

    def _append(self, name: str, row: Mapping[str, Any]) -> None:
        lines = self._waiting_lines[name]
        lines.append(_line(row))
        path = self._directory / name
        before = path.stat().st_size if path.is_file() else 0
        try:
            with path.open("ab", buffering=0) as file:
                text = "".join(lines).encode()
                if file.write(text) != len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except OSError as error:
            _only_full(error)
            if path.is_file() and path.stat().st_size != before:
                os.truncate(path, before)  # half a line would swallow the next one
            del lines[:-_HELD_BACK]
        else:
            lines.clear()


def _only_full(error: OSError) -> None:
    """Let a full disk pass, and nothing else."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error
    print(f"{_now()} the disk is full: what there is to say is written later", flush=True)


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=str) + "\n"


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _now() -> str:
    return time.strftime("%H:%M:%S")
