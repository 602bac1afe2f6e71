"""`ftarena runs chart`: the curves of one run or of two, in the terminal or in a file."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console

from ftarena.drawing.curves import plot
from ftarena.drawing.pieces import Row
from ftarena.errors import UsageError
from ftarena.plain.drawn import needs_ascii, printed
from ftarena.text import clean_line
from ftarena.training.figures.charts import CHARTS, Chart, charts_named, charts_of, marks_of, series_of
from ftarena.training.figures.exporting import SUFFIXES, export_curves, run_label
from ftarena.training.figures.standing import Standing
from ftarena.training.runs import find_run
from ftarena.workspace import Workspace

_ROWS = 14
_PIPE_WIDTH = 100


def chart(
    workspace: Workspace,
    key: str,
    other: str | None = None,
    *,
    file: Path | None = None,
    metrics: Sequence[str] = (),
    out: TextIO | None = None,
) -> int:
    """Draw the curves of a run, a second one laid over it; or write them into a file.

    Args:
        workspace: The project.
        key: A run's id, the beginning of one, or its name.
        other: The same of a second run.
        file: Where to: `.csv` holds every figure, `.png` and `.svg` the picture. None: the terminal.
        metrics: Names of charts or metrics. Empty: the loss in the terminal, every chart in a file.
        out: Where it is printed or said; standard output by default.

    Raises:
        UsageError: A file of another kind, or a metric that the run has not.
        FtarenaError: There is no such run, or the file cannot be written.
    """
    out = out or sys.stdout
    standings = [Standing.of(find_run(workspace, one)) for one in (key, other) if one is not None]
    chosen = _chosen(standings, metrics, all_of_them=file is not None)
    if file is not None:
        if file.suffix.lower() not in SUFFIXES:
            raise UsageError(f"{file}: not a kind of file that curves are written as", ", ".join(SUFFIXES))
        said = export_curves(standings, chosen if metrics or file.suffix.lower() != ".csv" else (), file)
        print(clean_line(said), file=out)
        return 0
    console = Console(file=out, highlight=False)
    width = console.width if console.is_terminal else _PIPE_WIDTH
    for one in chosen:
        if len(chosen) > 1:
            console.print(f"{one.name}{f', {one.unit}' if one.unit else ''}", style="bold")
        for line in printed(_rows(one, standings, width), ascii_only=needs_ascii(out)):
            console.print(line, soft_wrap=True)
    if len(standings) > 1:
        console.print(f"solid: {clean_line(standings[0].run.id)}", markup=False)
        console.print(f"dotted: {clean_line(standings[1].run.id)}", markup=False)
    return 0


def _chosen(standings: Sequence[Standing], names: Sequence[str], *, all_of_them: bool) -> list[Chart]:
    first = standings[0]
    if names:
        try:
            return charts_named(names, first.metrics)
        except KeyError as error:
            have = [one.name for one in charts_of(first.metrics)]
            raise UsageError(
                f"{clean_line(first.run.id)} has no metric {error.args[0]!r}",
                f"it has {', '.join(have)}" if have else "it has no figures yet",
            ) from None
    found = charts_of(first.metrics) or [CHARTS[0]]
    return found if all_of_them else found[:1]


def _rows(one: Chart, standings: Sequence[Standing], width: int) -> list[Row]:
    series = []
    for number, standing in enumerate(standings):
        label = run_label(standing.run, standings) if len(standings) > 1 else ""
        planned = standing.planned_bytes
        series += series_of(one, standing.metrics, label=label, over=number > 0, planned_bytes=planned)
    marks = marks_of(one, standings[0].metrics, standings[0].guards) if len(standings) == 1 else []
    return plot(series, width, _ROWS, marks=marks)
