"""The figures of runs as files: a table of every one (CSV), or pictures of their curves (PNG, SVG).

Pictures are drawn by matplotlib, which is loaded only here and only when one is asked for.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError, from_os_error
from ftarena.text import clean_line
from ftarena.training.figures.charts import Chart, marks_of, series_of
from ftarena.training.figures.standing import Standing
from ftarena.training.runs import Run, read_metrics

SUFFIXES = (".csv", ".png", ".svg")
"""Kinds of file that curves are written as."""

_COLOURS = {
    "first": "#0072b2",
    "second": "#d55e00",
    "third": "#009e73",
    "fourth": "#cc79a7",
    "quiet": "#777777",
    "good": "#009e73",
    "bad": "#d55e00",
}
# Okabe and Ito's colours, which people of any colour vision tell apart (jfly.uni-koeln.de/color).

_INCHES = (7.2, 2.6)
"""Width and height of one chart."""

_DOTS_PER_INCH = 150


def export_curves(standings: Sequence[Standing], charts: Sequence[Chart], path: Path) -> str:
    """Write the figures of one run or two, and return what was written in a sentence.

    Args:
        standings: The runs; the second one is laid over the first.
        charts: What to draw; for a table, which metrics it has, all where this is empty.
        path: The file; its ending, one of `SUFFIXES`, says what it becomes.

    Raises:
        FtarenaError: The file cannot be written, matplotlib is missing, or there are no figures yet.
    """
    if not any(standing.metrics.courses for standing in standings):
        raise FtarenaError(f"{clean_line(standings[0].run.id)} has no figures yet", "wait for its first step")
    try:
        if path.suffix.lower() == ".csv":
            keys = [line.key for chart in charts for line in chart.lines]
            text, rows = _table([standing.run for standing in standings], keys)
            path.write_text(text, encoding="utf-8")
            return f"{rows:,} rows: {path}"
        _picture(standings, charts, path)
    except OSError as error:
        words = from_os_error(error, str(path))
        raise words or FtarenaError(f"{path}: {error.strerror or error}", "check the folder") from error
    return f"{len(charts)} chart{'s' if len(charts) != 1 else ''}: {path}"


def run_label(run: Run, standings: Sequence[Standing]) -> str:
    """Return what a run is called beside others: its name, or its id where two have the same name."""
    same = sum(standing.run.name == run.name for standing in standings)
    return clean_line(run.name if same == 1 else run.id)


def _table(runs: Sequence[Run], keys: Sequence[str]) -> tuple[str, int]:
    """Return the rows of `metrics.jsonl` as CSV, a column a metric, and how many rows there are."""
    rows = [{"run": run.id, **row} for run in runs for row in read_metrics(run)]
    columns = dict.fromkeys(key for row in rows for key in row)
    kept = [key for key in columns if not keys or key in ("run", "step", "time") or key in keys]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, kept, extrasaction="ignore")
    writer.writeheader()
    shown = [row for row in rows if not keys or any(row.get(key) is not None for key in keys)]
    writer.writerows(shown)
    return out.getvalue(), len(shown)


def _picture(standings: Sequence[Standing], charts: Sequence[Chart], path: Path) -> None:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise FtarenaError(
            f"{path.suffix} needs matplotlib, which is not installed",
            "pip install matplotlib; or -o FILE.csv",
        ) from error
    figure = Figure(figsize=(_INCHES[0], _INCHES[1] * len(charts)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(" and ".join(_title(standing.run) for standing in standings), fontsize=10)
    for axes, chart in zip(figure.subplots(len(charts), squeeze=False)[:, 0], charts, strict=True):
        _draw(axes, chart, standings)
    figure.axes[-1].set_xlabel("step")
    # Without the date, so that the same figures make the same file.
    kept = {"Date": None} if path.suffix.lower() == ".svg" else {}
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=_DOTS_PER_INCH, format=path.suffix[1:].lower(), metadata=kept)
    path.write_bytes(drawn.getvalue())  # whole or not at all, should drawing be interrupted


def _draw(axes: Any, chart: Chart, standings: Sequence[Standing]) -> None:
    for number, standing in enumerate(standings):
        label = run_label(standing.run, standings) if len(standings) > 1 else ""
        for series in series_of(
            chart,
            standing.metrics,
            label=label,
            over=number > 0,
            planned_bytes=standing.planned_bytes,
        ):
            x, y = zip(*series.points, strict=True)
            axes.plot(
                x,
                y,
                # Dollars would begin a formula in matplotlib's own notation.
                label=series.name.replace("$", r"\$"),
                color=_COLOURS.get(series.style, "#000000"),
                linestyle="-" if series.gap == 1 else (0, (1 + 2 * (series.gap == 2), series.gap)),
                marker={"◆": "D", "◇": "d"}.get(series.marker, ""),
                markersize=4,
                linewidth=1.3,
            )
        if len(standings) == 1:
            for mark in marks_of(chart, standing.metrics, standing.guards):
                colour = _COLOURS.get(mark.style, "#777777")
                axes.axvline(mark.x, color=colour, linewidth=1, linestyle=":", label=mark.name)
    axes.set_ylabel(chart.unit or chart.lines[0].name, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, color="#dddddd", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False)


def _title(run: Run) -> str:
    return clean_line(run.id).replace("$", r"\$")
