"""What `ftarena runs watch` draws: one page of a run, fitted to a terminal; and its lines for a pipe."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len

from ftarena.drawing.curves import number, plot
from ftarena.drawing.pieces import Piece, Row
from ftarena.text import clean_line, duration
from ftarena.training.figures.charts import Chart, charts_of, marks_of, series_of
from ftarena.training.figures.standing import (
    Standing,
    fact_rows,
    guard_facts,
    loss_words,
    measured_words,
    memory_words,
    state_words,
    waiting_words,
)
from ftarena.training.runs import Run, RunState

_SMALL_CHARTS = ("held-out", "margin", "accuracy", "reward", "general", "drift", "rate", "gradient")
"""What is drawn small below the loss, two of them that the run has, the first of these."""

_SMALL_ROWS = 6
_LOSS_ROWS = 5
"""Fewest rows that a curve of the loss is worth drawing in."""

_MOST_ROWS = 24
"""Rows from which a higher curve tells no more."""

_TWO_COLUMNS = 64
"""Cells from which two small charts stand side by side."""


def page(standing: Standing, width: int, height: int) -> list[Row]:
    """Return a page of a run, at most `height` rows of `width` cells: progress, figures, curves, guards."""
    run = standing.run
    top = [_title(run), _progress(run, width)]
    if words := waiting_words(run) or _doing(run):
        top.append([Piece(words, "quiet")])
    top += _figures(standing, width)
    bottom = fact_rows((fact for fact in guard_facts(standing.guards) if fact.style == "bad"), width)[:4]
    bottom.append([Piece(_last_line(run), "quiet")])
    charts = charts_of(standing.metrics)
    room = height - len(top) - len(bottom)
    return [*top, *_charts(standing, charts, width, room), *bottom][:height]


def step_line(row: Mapping[str, Any], run: Run) -> str:
    """Return a row of `metrics.jsonl` as one line of text: `step 12/120  loss 1.234  …`."""
    shown = [
        f"{name} {number(row[key])} {unit}".strip()
        for key, name, unit in _LINE
        if isinstance(row.get(key), int | float) and not isinstance(row.get(key), bool)
    ]
    total = f"/{run.total_steps}" if run.total_steps else ""
    return f"step {row.get('step')}{total}  " + "  ".join(shown) if shown else ""


_LINE = (
    ("loss", "loss", ""),
    ("eval_loss", "held-out", ""),
    ("general_loss", "general", ""),
    ("kl", "kl", ""),
    ("rewards/margins", "margin", ""),
    ("rewards/accuracies", "accuracy", ""),
    ("reward", "reward", ""),
    ("learning_rate", "lr", ""),
    ("grad_norm", "grad", ""),
    ("tokens_per_s", "", "tokens/s"),
)


def _title(run: Run) -> Row:
    how = ", ".join(word for word in (run.method.upper(), run.tuning) if word)
    what = clean_line(f"{how} on {run.base_model}")
    return [Piece(clean_line(run.id), "strong"), Piece(f"   {what}", "quiet")]


def _progress(run: Run, width: int) -> Row:
    share = run.step / run.total_steps if run.total_steps else 0.0
    share = min(max(share, 0.0), 1.0)
    state = f"{state_words(run)}  "
    count = f" {run.step}/{run.total_steps or '?'}  {100 * share:.0f} %"
    left = f"  {duration(run.eta_s)} left" if run.eta_s else ""
    cells = max(width - cell_len(state) - len(count) - len(left), 0)
    full = round(cells * share)
    style = {"failed": "bad", "died": "bad"}.get(str(run.state), "strong")
    return [
        Piece(state, style),
        Piece("━" * full, "first"),
        Piece("─" * (cells - full), "quiet"),
        Piece(count, "strong"),
        Piece(left),
    ]


def _doing(run: Run) -> str:
    if run.state is RunState.TRAINING or not run.message:
        return ""
    return clean_line(run.message)


def _figures(standing: Standing, width: int) -> list[Row]:
    metrics = standing.metrics
    found = []
    if words := loss_words(metrics):
        found.append(f"loss {words}")
    if words := measured_words(metrics.courses.get("eval_loss")):
        found.append(f"held-out {words}")
    if (margin := metrics.last("rewards/margins")) is not None:
        found.append(f"margin {number(margin)}")
    if (accuracy := metrics.last("rewards/accuracies")) is not None:
        found.append(f"{100 * accuracy:.0f} % ranked right")
    if (speed := metrics.last("tokens_per_s")) is not None:
        found.append(f"{speed:,.0f} tokens/s")
    if words := memory_words(standing):
        found.append(f"memory {words}")
    for key, name in (("learning_rate", "lr"), ("grad_norm", "grad norm")):
        if (value := metrics.last(key)) is not None:
            found.append(f"{name} {number(value)}")
    rows: list[Row] = []
    line = ""
    for words in found:
        joined = f"{line} · {words}" if line else words
        if line and cell_len(joined) > width:
            rows.append([Piece(line)])
            joined = words
        line = joined
    return [*rows, [Piece(line)]] if line else rows


def _charts(standing: Standing, charts: list[Chart], width: int, room: int) -> list[Row]:
    """Return the loss as large as there is room, and below it two small charts where there is more."""
    if room < _LOSS_ROWS or not charts:
        return []
    by_name = {chart.name: chart for chart in charts[1:]}
    small = [by_name[name] for name in _SMALL_CHARTS if name in by_name][:2]
    if width < _TWO_COLUMNS or room < _LOSS_ROWS + _SMALL_ROWS:
        small = []
    rows = _chart(standing, charts[0], width, min(room - (_SMALL_ROWS if small else 0), _MOST_ROWS))
    columns = [_chart(standing, one, (width - 2) // 2, _SMALL_ROWS) for one in small]
    for beside in zip_longest(*columns, fillvalue=[]):
        row: Row = []
        for cells in beside:
            row += [*_fit(cells, (width - 2) // 2), Piece("  ")]
        rows.append(row[:-1])
    return rows


def _chart(standing: Standing, chart: Chart, width: int, height: int) -> list[Row]:
    return plot(
        series_of(chart, standing.metrics, planned_bytes=standing.planned_bytes),
        width,
        height,
        marks=marks_of(chart, standing.metrics, standing.guards),
    )


def _fit(row: Row, width: int) -> Row:
    """Return a row that is exactly so wide."""
    cells = sum(cell_len(piece.text) for piece in row)
    return [*row, Piece(" " * max(width - cells, 0))]


def _last_line(run: Run) -> str:
    if run.state is RunState.PAUSED:
        return f"paused; go on: ftarena runs resume {clean_line(run.id)}"
    if run.state.ended:
        return ""
    return f"ctrl+c stops watching, the run goes on; ftarena runs stop {clean_line(run.name)} ends it"
