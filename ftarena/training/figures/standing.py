"""How a run stands, in words: what a page of it says, in line mode and on the full screen alike.

Everything is read from the run's folder; what is not there yet is left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.processes import read_json
from ftarena.text import clean_line, duration, size
from ftarena.training.checkpoints import checkpoints_of, read_best, why_torn
from ftarena.training.examining import exam_under_way
from ftarena.training.figures.metrics import Course, MetricsTail, trend_of
from ftarena.training.guards import Guard, read_guards
from ftarena.training.runs import METRICS, PLAN, RESOLVED_RECIPE, Run, RunState

SIGNS = {
    "queued": "·",
    "preparing": "◌",
    "training": "◐",
    "evaluating": "◐",
    "paused": "‖",
    "finished": "●",
    "stopped": "■",
    "failed": "✕",
    "died": "✕",
}
"""A sign a state, since colour may be missing."""

GUARD_SIGNS = {"ok": "✓", "alarm": "▲", "unknown": "·"}
"""A sign a verdict."""

_SHORT = {
    "overfitting": "overfits",
    "forgetting": "forgets",
    "drift": "drifts",
    "degeneration": "degenerates",
    "stopping": "does not stop",
    "memorisation": "recites",
    "knowledge": "knows less",
}


_TITLE_CELLS = 14
"""As many as the longest title, `memorisation`, and a gap."""


class Fact(NamedTuple):
    """One line of a run's page."""

    title: str
    words: str
    style: str = ""
    """`good`, `bad`, `warn`, `quiet` or nothing."""

    folds: bool = False
    """Whether it may be broken anywhere, as a path or a command must."""


@dataclass
class Standing:
    """A run as its folder says, read at one moment; `look` brings it up to date."""

    run: Run
    metrics: MetricsTail
    guards: Sequence[Guard] = ()
    planned: Mapping[str, Any] = field(default_factory=dict)
    """What `plan.json` says."""

    @classmethod
    def of(cls, run: Run) -> "Standing":
        """Return how a run stands now; its figures are read from their beginning."""
        standing = cls(run, MetricsTail(run.directory / METRICS))
        standing.look(run)
        return standing

    def look(self, run: Run) -> bool:
        """Read what was written since; return whether there are new figures.

        Args:
            run: The same run, as it is now.
        """
        self.run = run
        self.planned = read_json(run.directory / PLAN)
        self.guards = read_guards(run)
        return self.metrics.read()

    @property
    def planned_bytes(self) -> float | None:
        """The peak of memory that the plan expects."""
        value = self.planned.get("peak_bytes")
        return float(value) if isinstance(value, int | float) and value > 0 else None

    @property
    def memory_bytes(self) -> float | None:
        """The peak of memory so far, as it was measured."""
        return self.metrics.last("memory_bytes") or self.run.peak_memory_bytes


def progress_words(run: Run) -> str:
    """Return how far a run is: `120/360 33 %`."""
    if not run.total_steps:
        return "–"
    return f"{run.step}/{run.total_steps} {100 * run.step / run.total_steps:.0f} %"


def state_words(run: Run) -> str:
    """Return a run's state with its sign: `◐ training`."""
    return f"{SIGNS.get(str(run.state), '?')} {run.state}"


def waiting_words(run: Run) -> str:
    """Return for whom a queued run waits, or nothing."""
    words = f"waits for {clean_line(run.after)} to end" if run.after else ""
    if run.queue_position:
        words += (", " if words else "waits, ") + f"number {run.queue_position} in the queue"
    return words


def loss_words(metrics: MetricsTail) -> str:
    """Return the loss and where it is going: `0.412, falling (−0.051 in the last 20 steps)`."""
    course = metrics.courses.get("loss")
    if course is None or course.last is None:
        return ""
    words = f"{course.last[1]:.3f}"
    trend = trend_of(course)
    if trend is None:
        return words
    change = f"{trend.change:+.3f}".replace("-", "−")
    return f"{words}, {trend.word} ({change} in the last {trend.steps} steps)"


def measured_words(course: Course | None) -> str:
    """Return a figure measured at intervals: `2.104 → 1.433, lowest 1.401 at step 80`; empty without one."""
    if course is None or course.last is None or course.first is None:
        return ""
    first, last, lowest = course.first, course.last, course.lowest
    words = f"{first[1]:.3f} → {last[1]:.3f}" if last[0] > first[0] else f"{last[1]:.3f}"
    if lowest is not None and lowest[0] != last[0] and lowest[0] != first[0]:
        words += f", lowest {lowest[1]:.3f} at step {lowest[0]:g}"
    return words


def memory_words(standing: Standing) -> str:
    """Return the peak of memory against the plan: `1.4 GB at the peak, plan 1.5 GB (7 % less)`."""
    used, planned = standing.memory_bytes, standing.planned_bytes
    if used is None:
        return f"plan {size(planned)}" if planned else ""
    words = f"{size(used)} at the peak"
    if not planned:
        return words
    off = 100 * (used / planned - 1)
    how = "as planned" if abs(off) < 0.5 else f"{abs(off):.0f} % {'more' if off > 0 else 'less'}"
    return f"{words}, plan {size(planned)} ({how})"


def guards_in_short(guards: Sequence[Guard]) -> tuple[str, str]:
    """Return the guards as a sign with a word or two, for a list of runs, and the style of it."""
    alarms = [guard for guard in guards if guard.verdict == "alarm"]
    if alarms:
        more = f" +{len(alarms) - 1}" if len(alarms) > 1 else ""
        return f"{GUARD_SIGNS['alarm']} {_SHORT.get(alarms[0].name, alarms[0].name)}{more}", "bad"
    fine = [guard for guard in guards if guard.verdict == "ok"]
    if fine:
        return f"{GUARD_SIGNS['ok']} {len(fine)} ok", "good"
    return "–", "quiet"


def guard_facts(guards: Sequence[Guard]) -> Iterator[Fact]:
    """Yield what the guards found, alarms first, each with its remedies below."""
    styles = {"ok": "good", "alarm": "bad", "unknown": "quiet"}
    order = {"alarm": 0, "ok": 1, "unknown": 2}
    for guard in sorted(guards, key=lambda guard: order[guard.verdict]):
        words = f"{GUARD_SIGNS[guard.verdict]} {clean_line(guard.words)}"
        yield Fact(guard.name, words, styles[guard.verdict])
        if guard.verdict == "alarm":
            for remedy in guard.remedies:
                yield Fact("", f"  → {clean_line(remedy)}")


def checkpoint_words(run: Run) -> str:
    """Return the checkpoints that are kept: `steps 40, 80 (best), 120`; empty without one."""
    best = read_best(run.directory)
    steps = []
    for one in checkpoints_of(run.directory):
        notes = [note for note, holds in (("best", one == best), ("torn", why_torn(one))) if holds]
        steps.append(f"{one.step} ({', '.join(notes)})" if notes else str(one.step))
    return f"step{'s' if len(steps) > 1 else ''} {', '.join(steps)}" if steps else ""


def start_words(run: Run) -> str:
    """Return whose adapter a run went on from (`init_from`), or nothing where it began with a new one."""
    try:
        recipe = yaml.safe_load((run.directory / RESOLVED_RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return ""
    given = recipe.get("init_from") if isinstance(recipe, dict) else None
    if not isinstance(given, str) or not given:
        return ""
    folder = Path(given)
    step = f", {folder.name}" if folder.name.startswith("checkpoint-") else ""
    folder = folder.parent if step else folder
    own = folder.parent == run.directory.parent
    name = folder.name if own else short_path(folder)
    return clean_line(f"the adapter of {name}{step}" if own else f"the adapter in {name}{step}")


def next_facts(run: Run) -> Iterator[Fact]:
    """Yield what can be done with a run, each as a command that can be typed."""
    key = clean_line(run.id)
    if not run.state.ended:
        yield Fact("watch it", f"ftarena runs watch {key}", folds=True)
        return
    if run.resumable_from is not None:
        yield Fact("go on", f"ftarena runs resume {key}   (from step {run.resumable_from})", folds=True)
    if run.state in (RunState.FAILED, RunState.DIED):
        yield Fact("its log", f"ftarena runs logs {key}", folds=True)
    if run.adapter is not None or run.model is not None:
        if run.method != "reward":
            yield Fact("ask it", f'ftarena chat --left base --right run:{key} -p "…"', folds=True)
        yield Fact("ship it", f"ftarena export model {key} -o DIR", folds=True)


def figure_facts(standing: Standing) -> Iterator[Fact]:
    """Yield the figures of a run as they are now: losses, pairs, speed, memory."""
    metrics = standing.metrics
    if standing.run.state.ended:
        # Not its lowest: of single batches that is noise.
        words = measured_words(metrics.courses.get("loss")).partition(",")[0]
    else:
        words = loss_words(metrics)
    if words:
        yield Fact("loss", words)
    for key, title in (
        ("eval_loss", "held out"),
        ("general_loss", "general"),
        ("kl", "KL"),
    ):
        if words := measured_words(metrics.courses.get(key)):
            yield Fact(title, words + (" nats a token from the start" if key == "kl" else ""))
    pairs = []
    if (margin := metrics.last("rewards/margins")) is not None:
        pairs.append(f"margin {margin:.3g}")
    if (accuracy := metrics.last("rewards/accuracies")) is not None:
        pairs.append(f"{100 * accuracy:.0f} % ranked right")
    if pairs:
        yield Fact("pairs", ", ".join(pairs))
    if (speed := metrics.last("tokens_per_s")) is not None:
        yield Fact("speed", f"{speed:,.0f} tokens/s")
    if words := memory_words(standing):
        yield Fact("memory", words)


def state_facts(standing: Standing) -> Iterator[Fact]:
    """Yield where a run stands: its state, why, for whom it waits, how long it still takes."""
    run = standing.run
    left = f", {duration(run.eta_s)} left" if run.eta_s else ""
    style = {"failed": "bad", "died": "bad", "finished": "good"}.get(str(run.state), "")
    yield Fact("state", f"{state_words(run)}, {progress_words(run)}{left}", style)
    if waiting := waiting_words(run):
        yield Fact("", waiting)
    elif run.message and run.message != f"step {run.step} of {run.total_steps}":
        yield Fact("", clean_line(run.message))
    if doing := exam_under_way(run.directory):
        yield Fact("exam", doing)


def fact_rows(facts: Iterable[Fact], width: int) -> list[Row]:
    """Return facts as rows, their titles in a column of their own.

    Args:
        facts: What to say, in this order.
        width: Cells a row.
    """
    rows: list[Row] = []
    for fact in facts:
        room = max(width - _TITLE_CELLS, 16)
        first, *rest = wrap([Piece(fact.words, fact.style)], room, fold=fact.folds)
        rows.append([Piece(fact.title.ljust(_TITLE_CELLS), "quiet"), *first])
        rows += [[Piece(" " * _TITLE_CELLS), *row] for row in rest]
    return rows


def short_path(path: Path) -> str:
    """Return a path relative to the current folder where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
