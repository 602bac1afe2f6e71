"""What a worker has to say, written where front ends read it. Imports no machine-learning library.

`status.json` is replaced as one step, a few times a second at most; `metrics.jsonl` and `events.jsonl` are
only appended to, a whole line a write; only a resumed run takes back the rows of steps that it does again.
The same words go to standard output, which is the run's `log.txt`. A full disk holds rows back, it does not
end a run: they are written as soon as there is room, and an event says that it was full. Lines of the log are
lost meanwhile.
"""

import errno
import json
import math
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ftarena.processes import ProcessIdentity, read_json, write_json
from ftarena.text import clean_line, duration
from ftarena.training.runs import EVENTS, METRICS, STATUS, RunState, read_events, read_metrics, read_run

_THROTTLE_S = 0.5

_SHOWN = (
    "loss",
    "eval_loss",
    "eval_accuracy",
    "rewards/margins",
    "rewards/accuracies",
    "learning_rate",
    "tokens_per_s",
)

_HELD_BACK = 100_000
# Lines kept in memory while the disk is full: 30 MB or so.


class Reporter:
    """The voice of one run.

    Args:
        directory: The run's folder, with the `status.json` that its starter wrote.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        me, before = ProcessIdentity.current(), read_run(directory)
        self._status: dict[str, Any] = {
            **read_json(directory / STATUS),
            "pid": me.pid,
            "started": me.started,
            # Of a run that is resumed, what it had come to: it may be stopped again before it goes on.
            "step": before.step,
            "total_steps": before.total_steps,
            "eta_s": None,
            "metrics": before.metrics,
        }
        self._progress_written = self._noted = self._eta_at = 0.0
        self._metrics_written = 0.0
        self._waiting_lines: defaultdict[str, list[str]] = defaultdict(list)
        self._said: set[tuple[str, str]] = set()
        self._is_full = False
        self._spent_s = before.spent_s
        self._status["began_at"] = None

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
        _log(message)
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
        _log(message)
        self._status |= {"state": state, "message": message, "after": None, "queue_position": None}
        self._begin()
        self._write()

    def note(self, message: str) -> None:
        """Say how far or for how long already something is; in the status only, the log would fill with it.

        Written at most twice a second; what is left of the time runs on. May be called from another thread
        while the run's own is busy.
        """
        self._status["message"] = clean_line(message)
        now = time.monotonic()
        if now - self._noted < _THROTTLE_S:
            return
        if self._status["eta_s"] is not None:
            self._status["eta_s"] = max(self._status["eta_s"] - (now - self._eta_at), 0.0)
            self._eta_at = now
        self._noted = now
        self._write()

    def progress(self, step: int, total_steps: int, eta_s: float | None) -> None:
        """Note how far it is; written at most twice a second."""
        self._said.clear()  # from here on everything is new
        self._eta_at = time.monotonic()
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
            _log(f"step {step}" + (f"/{total}" if total else "") + f"  {shown}")

    def event(self, event: str, message: str, **details: Any) -> None:
        """Append something worth knowing later; `event` is a stable name."""
        message = clean_line(message)
        _log(message)
        if (event, message) not in self._said:
            row = {"time": round(time.time(), 3), "event": event, "message": message, **details}
            self._append(EVENTS, row)

    def end(self, state: RunState, message: str) -> None:
        """Say the last word."""
        took = self._spent_s + (time.time() - began if (began := self._status.get("began_at")) else 0.0)
        message = clean_line(message)
        self._append(EVENTS, {"time": round(time.time(), 3), "event": str(state), "message": message})
        _log(f"{state} after {duration(took)}" + (f": {message}" if message else ""))
        self._status |= {
            "state": state,
            "message": message,
            "eta_s": None,
            "after": None,
            "queue_position": None,
        }
        self._write(at_any_price=True)

    def _begin(self) -> None:
        """Note from when on the device is this run's."""
        self._status["began_at"] = self._status["began_at"] or time.time()

    @contextmanager
    def unless_full(self) -> Iterator[None]:
        """Let the block pass where the disk is full; an event says so once there is room."""
        try:
            yield
        except OSError as error:
            self._full(error)

    def _note_memory(self, peak: float | None) -> None:
        if peak is not None:
            before = int(self._status.get("peak_memory_bytes") or 0)
            self._status["peak_memory_bytes"] = max(before, int(peak))

    def _write(self, *, at_any_price: bool = False) -> None:
        self._status["updated_at"] = time.time()
        path = self._directory / STATUS
        try:
            write_json(path, self._status)
        except OSError as error:
            self._full(error)
            if at_any_price:
                _write_over(path, self._status)

    def _append(self, name: str, row: Mapping[str, Any]) -> None:
        self._waiting_lines[name].append(_line(row))
        for waiting in (METRICS, EVENTS):
            self._write_lines(waiting)

    def _write_lines(self, name: str) -> None:
        """Write the lines of a file that wait, all or none of them."""
        lines = self._waiting_lines[name]
        if not lines:
            return
        path = self._directory / name
        before = path.stat().st_size if path.is_file() else 0
        try:
            with path.open("ab", buffering=0) as file:
                text = "".join(lines).encode()
                if file.write(text) != len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except OSError as error:
            self._full(error)
            if path.is_file() and path.stat().st_size != before:
                os.truncate(path, before)  # half a line would swallow the next one
            del lines[:-_HELD_BACK]
        else:
            lines.clear()
            self._is_full = bool(any(self._waiting_lines.values()))

    def _full(self, error: OSError) -> None:
        """Let a full disk pass, and nothing else; say so once there is room."""
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise error
        if not self._is_full:
            self._is_full = True
            message = f"the disk was full at step {self.step}; what there was to say was written later"
            row = {"time": round(time.time(), 3), "event": "disk-full", "message": message}
            self._waiting_lines[EVENTS].append(_line(row))
            _log("the disk is full: what there is to say is written later")


def _write_over(path: Path, status: Mapping[str, Any]) -> None:
    """Write the last word into the file that is there: on a full disk its own block still takes it."""
    text = json.dumps(status, indent=2, default=str).encode()
    try:
        with path.open("r+b", buffering=0) as file:
            file.write(text)
            file.truncate(len(text))
    except OSError as error:
        _log(f"the last word could not be written: {error}")


def _log(words: str) -> None:
    """Write a line of the log, if it can be written."""
    with suppress(OSError):
        print(f"{_now()} {words}", flush=True)


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=str) + "\n"


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _now() -> str:
    return time.strftime("%H:%M:%S")
