"""Which figures of a run belong into one picture, what they are called, and in what unit they are.

Drawn by the full screen and by line mode alike; a chart whose figures a run never wrote is left out.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ftarena.drawing.curves import Mark, Series
from ftarena.training.figures.metrics import MetricsTail
from ftarena.training.guards import Guard


class Line(NamedTuple):
    """One metric of a chart."""

    key: str
    """Its name in `metrics.jsonl`."""

    name: str
    measured: bool = False
    """Measured at intervals: each point is marked."""


class Chart(NamedTuple):
    """Metrics with one vertical axis."""

    name: str
    """What `--metric` and the tabs call it."""

    unit: str
    """Of its vertical axis; empty where it has none."""

    lines: tuple[Line, ...]
    scale: float = 1.0
    """What values are multiplied with to be in that unit."""


_NATS = "nats per token"

CHARTS = (
    Chart("loss", _NATS, (Line("loss", "train loss"), Line("eval_loss", "held-out loss", True))),
    Chart("held-out", _NATS, (Line("eval_loss", "held-out loss", True),)),
    Chart("general", _NATS, (Line("general_loss", "general loss", True),)),
    Chart("drift", _NATS, (Line("kl", "KL to the start", True),)),
    Chart("margin", "", (Line("rewards/margins", "reward margin"),)),
    Chart("accuracy", "", (Line("rewards/accuracies", "pairs ranked right"),)),
    Chart("rewards", "", (Line("rewards/chosen", "chosen"), Line("rewards/rejected", "rejected"))),
    Chart("logps", "nats per answer", (Line("logps/chosen", "chosen"), Line("logps/rejected", "rejected"))),
    Chart("reward", "", (Line("reward", "reward"), Line("reward_std", "spread in a group"))),
    Chart("length", "tokens", (Line("completions/mean_length", "length of answers"),)),
    Chart("rate", "", (Line("learning_rate", "learning rate"),)),
    Chart("gradient", "", (Line("grad_norm", "gradient norm"),)),
    Chart("tokens", "", (Line("mean_token_accuracy", "next tokens right"),)),
    Chart("speed", "tokens/s", (Line("tokens_per_s", "tokens/s"),)),
    Chart("memory", "GB", (Line("memory_bytes", "memory"),), 1e-9),
)
"""All charts, the most telling first."""

_OTHER_LOSS = ("rewards/margins", "reward")
"""Metrics of methods whose loss is not that of the next token."""

_STYLES = (("first", 1), ("second", 2))
"""Style and gap of the lines of a chart: told apart without colour, too."""

_OVER_STYLES = (("third", 3), ("fourth", 5))
"""The same of the second run of two."""


def charts_of(metrics: MetricsTail) -> list[Chart]:
    """Return the charts that a run has figures for.

    The loss of pairs is in other units than the held-out loss of answers, which then has a chart of its own.
    """
    fitting = [chart for chart in CHARTS if any(metrics.points(line.key) for line in chart.lines)]
    if not any(metrics.points(key) for key in _OTHER_LOSS):
        return [chart for chart in fitting if chart.name != "held-out"]
    return [
        Chart("loss", "", chart.lines[:1]) if chart.name == "loss" else chart
        for chart in fitting
        if chart.name != "loss" or metrics.points("loss")
    ]


def charts_named(names: Sequence[str], metrics: MetricsTail) -> list[Chart]:
    """Return charts by their names or by a metric in them; a metric that is in none gets a chart of its own.

    Args:
        names: Such as `loss`, `grad_norm`, `rewards/margins`; the same chart twice is there once.
        metrics: Where a metric of another name is looked for.

    Raises:
        KeyError: A name that is neither; its argument is that name.
    """
    found: list[Chart] = []
    own = charts_of(metrics)
    for name in names:
        chart = next((one for one in (*own, *CHARTS) if one.name == name), None)
        chart = chart or next((one for one in own if any(name == line.key for line in one.lines)), None)
        if chart is None and metrics.points(name):
            chart = Chart(name, "", (Line(name, name),))
        if chart is None:
            raise KeyError(name)
        if chart not in found:
            found.append(chart)
    return found


def series_of(
    chart: Chart,
    metrics: MetricsTail,
    *,
    label: str = "",
    over: bool = False,
    planned_bytes: float | None = None,
) -> list[Series]:
    """Return a chart's curves, ready to be drawn.

    Args:
        chart: The chart.
        metrics: The run's figures.
        label: Put before the names: two runs in one picture need it.
        over: Whether this is the second run of two, laid over the first: dotted, in other colours.
        planned_bytes: What the plan said of memory, drawn as a level line in the chart of memory.
    """
    styles = _OVER_STYLES if over else _STYLES
    drawn = []
    for line, (style, gap) in zip(chart.lines, styles, strict=False):
        points = [(step, value * chart.scale) for step, value in metrics.points(line.key)]
        if points:
            sign = ("◇" if over else "◆") if line.measured else ""
            name = f"{label} {line.name}".strip()
            drawn.append(Series(name, points, style, sign, gap=gap))
    if chart.name == "memory" and planned_bytes and drawn and not over:
        level = planned_bytes * chart.scale
        ends = [drawn[0].points[0][0], drawn[0].points[-1][0]]
        drawn.append(Series("plan", [(end, level) for end in ends], "quiet", gap=3))
    return drawn


def marks_of(chart: Chart, metrics: MetricsTail, guards: Sequence[Guard]) -> list[Mark]:
    """Return what to mark in a chart: the best step, and from where on it overfits.

    Args:
        chart: The chart; only one with the held-out loss has marks.
        metrics: The run's figures.
        guards: What its guards found.
    """
    if all(line.key != "eval_loss" for line in chart.lines):
        return []
    marks = []
    since = overfit_since(guards)
    best = best_step(metrics)
    last = metrics.courses["eval_loss"].last if "eval_loss" in metrics.courses else None
    if since is not None:
        marks.append(Mark(since, f"overfit since step {since:g}", "bad"))
    if best is not None and last is not None and best != last[0]:
        marks.append(Mark(best, f"best: step {best:g}", "good"))
    return marks


def best_step(metrics: MetricsTail) -> float | None:
    """Return the step of the lowest held-out loss, or None where none was measured."""
    course = metrics.courses.get("eval_loss")
    lowest = course.lowest if course is not None else None
    return lowest[0] if lowest is not None else None


def overfit_since(guards: Sequence[Guard]) -> float | None:
    """Return the step since which a run overfits, as its guard says; None where it does not."""
    for guard in guards:
        since = guard.figures.get("since_step")
        if guard.name == "overfitting" and guard.verdict == "alarm" and isinstance(since, int | float):
            return float(since)
    return None
