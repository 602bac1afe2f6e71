"""A list of stages, worked off one by one, with what is done, how far it is and how long it will still take.

In a terminal the list is drawn in place; into a pipe or a dumb terminal goes a line at each change and every
15 seconds. What a stage took is remembered, so the next estimate is this machine's own.
"""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ftarena.processes import read_json, write_json
from ftarena.text import clean_line, duration, shorten

PIPE_INTERVAL_S = 15.0
MOST_SILENT = 20
"""Intervals after which a pipe is told the same words again: it still waits for the same thing."""


@dataclass
class Stage:
    """One stage. `expected_s` is the estimate on two CPU cores until this machine has its own; None: none."""

    key: str
    title: str
    expected_s: float | None
    fraction: float = 0.0
    detail: str = ""
    eta_s: float | None = None
    started: float | None = None
    seconds: float | None = None
    skipped: bool = False

    def update(self, detail: str, *, fraction: float | None = None, eta_s: float | None = None) -> None:
        """Say what is going on now, how far it is (0 to 1) and, where known, the seconds left."""
        self.detail = clean_line(detail)
        if fraction is not None:
            self.fraction = min(max(fraction, 0.0), 1.0)
        self.eta_s = eta_s

    def left_s(self, now: float) -> float | None:
        """Return the estimated seconds left in this stage, None as long as nobody can know."""
        if self.seconds is not None:
            return 0.0
        if self.started is None:
            return self.expected_s
        if self.eta_s is not None:
            return self.eta_s
        elapsed = now - self.started
        if self.fraction > 0.05:
            return elapsed * (1 - self.fraction) / self.fraction
        if self.expected_s is None:
            return None
        # Late already: half of what was expected in all is a better guess than "any moment now".
        return max(self.expected_s - elapsed, self.expected_s * 0.1)


class Stages:
    """Runs stages and shows them. Use as a context manager around all of them.

    Args:
        stages: In the order they are run.
        memory: File that remembers what each stage took here, or None.
        stream: Where to show it; by default standard error, so that a report on standard output stays clean.
    """

    def __init__(
        self, stages: Sequence[Stage], *, memory: Path | None = None, stream: TextIO | None = None
    ) -> None:
        self._stages = {stage.key: stage for stage in stages}
        self._memory = memory
        self._console = Console(file=stream or sys.stderr, highlight=False)
        self._live: Live | None = None
        self._stop = threading.Event()
        self._said, self._silent = "", 0
        self._ticker: threading.Thread | None = None
        self._started = time.monotonic()
        for key, seconds in (read_json(memory) if memory else {}).items():
            if key in self._stages and isinstance(seconds, int | float):
                self._stages[key].expected_s = float(seconds)

    def __enter__(self) -> "Stages":
        self._started = time.monotonic()
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(get_renderable=self._draw, console=self._console, refresh_per_second=4)
            self._live.start()
        else:
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._live is not None:
            self._live.stop()
        if self._ticker is not None:
            self._ticker.join(timeout=2)

    @contextmanager
    def run(self, key: str) -> Iterator[Stage]:
        """Work on one stage; its time is remembered when it ends well and was not skipped."""
        stage = self._stages[key]
        stage.started = time.monotonic()
        if self._live is None:
            self._say(stage, "…")
        yield stage
        stage.seconds = time.monotonic() - stage.started
        stage.fraction = 1.0
        if not stage.skipped and self._memory is not None:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._memory, {**read_json(self._memory), key: round(stage.seconds, 1)})
        if self._live is None:
            self._say(stage, "done" if not stage.skipped else "already done")

    @property
    def seconds(self) -> dict[str, float]:
        """What each finished stage took, by key."""
        return {key: stage.seconds for key, stage in self._stages.items() if stage.seconds is not None}

    def left_s(self) -> float | None:
        """Return the estimated seconds until all stages are done; None where that is not known of one."""
        now = time.monotonic()
        left = [stage.left_s(now) for stage in self._stages.values()]
        return None if None in left else sum(seconds for seconds in left if seconds is not None)

    def _tick(self) -> None:
        while not self._stop.wait(PIPE_INTERVAL_S):
            for stage in self._stages.values():
                if stage.started is not None and stage.seconds is None:
                    self._say(stage, "…", again=False)

    def _say(self, stage: Stage, state: str, *, again: bool = True) -> None:
        """Print where a stage is; with `again=False` not, as long as that is what was said last."""
        number = list(self._stages).index(stage.key) + 1
        words = [f"[{number}/{len(self._stages)}] {stage.title}: {state}"]
        if stage.seconds is not None:
            words.append(f"({duration(stage.seconds)})")
        elif stage.detail:
            words.append(stage.detail)
        if (stage.seconds is None or number < len(self._stages)) and (left := _left(self.left_s())):
            words.append(f"- {left}")
        line = " ".join(words)
        self._silent += 1
        if again or line != self._said or self._silent >= MOST_SILENT:
            self._said, self._silent = line, 0
            self._console.print(Text(line), soft_wrap=True)

    def _draw(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        width = self._console.width
        now = time.monotonic()
        for stage in self._stages.values():
            if stage.seconds is not None:
                took = "already done" if stage.skipped else duration(stage.seconds)
                table.add_row(Text("✓", style="green"), Text(stage.title), Text(took, style="dim"))
            elif stage.started is not None:
                told = (duration(now - stage.started), _left(stage.left_s(now)))
                elapsed = ", ".join(words for words in told if words)
                table.add_row(Text("▸", style="bold"), Text(stage.title, style="bold"), Text(elapsed))
                bar = ProgressBar(total=1.0, completed=stage.fraction, width=min(30, max(width - 50, 10)))
                detail = shorten(stage.detail, max(width - 12, 20))
                table.add_row("", bar, Text(detail, style="dim") if width >= 100 else "")
                if width < 100 and detail:
                    table.add_row("", Text(shorten(detail, 40), style="dim"), "")
            else:
                table.add_row(Text("·", style="dim"), Text(stage.title, style="dim"), "")
        if all(stage.seconds is not None for stage in self._stages.values()):
            return table
        if len(self._stages) == 1:  # its own line has said it
            return table
        told = (f"{duration(now - self._started)} so far", _left(self.left_s()))
        return Group(table, Text(f"\n  {', '.join(words for words in told if words)}", style="dim"))


def _left(seconds: float | None) -> str:
    """Return a time left in words; nothing where it is not known."""
    if seconds is None:
        return ""
    return f"about {duration(seconds)} left" if seconds >= 1 else "almost done"
