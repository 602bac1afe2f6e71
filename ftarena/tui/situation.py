"""What is going on in a project right now: its engines and its runs, read from the files they leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ftarena.text import clean_line, duration, shorten
from ftarena.workspace import Workspace

if TYPE_CHECKING:
    from ftarena.serving.engine import EngineStatus
    from ftarena.training.runs import Run


@dataclass(frozen=True)
class Situation:
    """Engines and runs at one moment."""

    engines: tuple["EngineStatus", ...] = ()
    runs: tuple["Run", ...] = ()
    """Newest first."""

    looked: bool = True
    """False only before the first look: then nothing is known, rather than nothing there."""

    @property
    def going(self) -> tuple["Run", ...]:
        """The runs that have not ended."""
        return tuple(run for run in self.runs if not run.state.ended)

    @property
    def able(self) -> frozenset[str]:
        """Ids of the runs that have finished and left an adapter or a model: each can be a contestant."""
        return frozenset(
            run.id for run in self.runs if str(run.state) == "finished" and (run.adapter or run.model)
        )

    def engine_words(self) -> str:
        """Return the state of the engines in two or three words, with a sign that needs no colour."""
        states = [str(engine.state) for engine in self.engines]
        if "starting" in states:
            engine = self.engines[states.index("starting")]
            share = f" {engine.progress * 100:.0f} %" if engine.progress is not None else ""
            left = f", {duration(engine.eta_s)}" if engine.eta_s else ""
            return f"◐ engine starting{share}{left}"
        if "ready" in states:
            return "● engine ready"
        if "failed" in states:
            return "✕ engine failed"
        return "○ engine off"

    def run_words(self, *, with_time: bool) -> str:
        """Return the progress of the run that has the device, or else of the newest that waits, or nothing.

        Args:
            with_time: Whether there is room for how long it still takes.
        """
        if not self.going:
            return ""
        run = min(self.going, key=lambda run: str(run.state) == "queued")
        share = f" {run.step / run.total_steps * 100:.0f} %" if run.total_steps else f" {run.state}"
        left = f", {duration(run.eta_s)}" if run.eta_s and with_time else ""
        more = f" (+{len(self.going) - 1})" if len(self.going) > 1 else ""
        return f"run {shorten(run.name, 20)}{share}{left}{more}"


def farewell(situation: Situation) -> Sequence[str]:
    """Return what is said after quitting: what goes on without the interface, and how to end it."""
    lines = [
        f"Run {clean_line(run.name)} goes on: ftarena runs ({clean_line(run.id)})" for run in situation.going
    ]
    if any(str(engine.state) in ("ready", "starting") for engine in situation.engines):
        lines.append("The engine stays ready: ftarena engine stop ends it.")
    return lines


def look(workspace: Workspace) -> Situation:
    """Read the state of every engine and run of a project. Takes milliseconds; call it off the event loop."""
    from ftarena.arena.sharing import wake_engines
    from ftarena.serving.engine import list_engines
    from ftarena.training.runs import list_runs

    engines = tuple(engine.status() for engine in list_engines(workspace))
    if any(engine.asleep for engine in engines):
        wake_engines(workspace)  # the next look, a moment later, sees it awake
    return Situation(engines, tuple(list_runs(workspace)))
