"""What a worker has to say, written where front ends read it. Imports no machine-learning library.

`status.json` is replaced as one step, a few times a second at most; `metrics.jsonl` and `events.jsonl` are
only appended to, a whole line a write. The same words go to standard output, which is the run's `log.txt`.
"""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ftarena.processes import ProcessIdentity, read_json, write_json
from ftarena.text import clean_line, duration
from ftarena.training.runs import EVENTS, METRICS, STATUS, RunState

_THROTTLE_S = 0.5

_SHOWN = ("loss", "eval_loss", "rewards/margins", "rewards/accuracies", "learning_rate", "tokens_per_s")


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

    @property
    def step(self) -> int:
        """Optimiser steps done so far."""
        return int(self._status["step"])

    def doing(self, state: RunState, message: str) -> None:
        """Say what happens now; always written at once."""
        message = clean_line(message)
        print(f"{_now()} {message}", flush=True)
        self._status |= {"state": state, "message": message}
        self._write()

    def progress(self, step: int, total_steps: int, eta_s: float | None) -> None:
        """Note how far it is; written at most twice a second."""
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
        self._append(EVENTS, {"time": round(time.time(), 3), "event": event, "message": message, **details})

    def end(self, state: RunState, message: str) -> None:
        """Say the last word."""
        took = time.time() - float(self._status.get("started_at") or time.time())
        message = clean_line(message)
        self._append(EVENTS, {"time": round(time.time(), 3), "event": str(state), "message": message})
        print(f"{_now()} {state} after {duration(took)}" + (f": {message}" if message else ""), flush=True)
        self._status |= {"state": state, "message": message, "eta_s": None}
        self._write()

    def _write(self) -> None:
        self._status["updated_at"] = time.time()
        write_json(self._directory / STATUS, self._status)

    def _append(self, name: str, row: Mapping[str, Any]) -> None:
        line = json.dumps(row, ensure_ascii=False, default=str) + "\n"
        with (self._directory / name).open("a", encoding="utf-8") as file:
            file.write(line)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _now() -> str:
    return time.strftime("%H:%M:%S")
