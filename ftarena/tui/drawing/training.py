"""Training runs on the full screen: a row of the list, the facts of one, the names of its charts."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ftarena.drawing.curves import number
from ftarena.drawing.pieces import Piece, Row
from ftarena.text import clean_line, duration
from ftarena.training.figures.standing import (
    Fact,
    Standing,
    checkpoint_words,
    fact_rows,
    figure_facts,
    guard_facts,
    progress_words,
    short_path,
    start_words,
    state_facts,
    state_words,
)

if TYPE_CHECKING:
    from ftarena.training.figures.charts import Chart
    from ftarena.training.runs import Run

_STATE_STYLES = {"failed": "bad", "died": "bad", "finished": "good", "paused": "warn"}


def run_cells(run: "Run", guards: tuple[str, str]) -> Sequence[str | Piece]:
    """Return the cells of a run in the list of runs.

    Args:
        run: The run.
        guards: What its guards found in a word or two, and the style of it.
    """
    loss, held_out = run.metrics.get("loss"), run.metrics.get("eval_loss")
    return (
        clean_line(run.name),
        clean_line(run.method),
        Piece(state_words(run), _STATE_STYLES.get(str(run.state), "strong")),
        progress_words(run),
        "–" if loss is None else number(loss),
        "–" if held_out is None else number(held_out),
        Piece(*guards),
        duration(run.eta_s) if run.eta_s else "–",
    )


def facts_of(standing: Standing, recipe: Path) -> Iterator[Fact]:
    """Yield what is known about a run, what matters most first.

    Args:
        standing: The run.
        recipe: The resolved one: typed in a shell, it does the same again.
    """
    run = standing.run
    yield from state_facts(standing)
    if run.resumable_from is not None:
        yield Fact("go on", f"r resumes from step {run.resumable_from}")
    yield from guard_facts(standing.guards)
    yield from figure_facts(standing)
    if words := checkpoint_words(run):
        yield Fact("checkpoints", words)
    if run.adapter is not None or run.model is not None:
        yield Fact("result", clean_line(short_path(run.adapter or run.model or run.directory)), folds=True)
    yield Fact("base", clean_line(f"{run.base_model}, {run.tuning}"))
    if words := start_words(run):
        yield Fact("begins with", words)
    yield Fact("in a shell", clean_line(shlex.join(["ftarena", "train", short_path(recipe)])), folds=True)


def run_rows(standing: Standing, recipe: Path, width: int) -> list[Row]:
    """Return the facts of a run as rows of so many cells."""
    return fact_rows(facts_of(standing, recipe), width)


def tab_row(charts: Sequence["Chart"], shown: int, over: str, width: int) -> Row:
    """Return the names of the charts, the one that is shown first in bold; as many as fit.

    Args:
        charts: In their order.
        shown: Number of the one that is shown.
        over: Name of the run that is laid over, or nothing.
        width: Cells.
    """
    if not charts:
        return []
    unit = charts[shown].unit
    note = (f"  {unit}" if unit else "") + (f"  dotted: {clean_line(over)}" if over else "")
    room = width - cell_len(note) - 4
    row: Row = [Piece("[ ", "quiet")]
    # From the one before the shown on, so that it is in view however narrow the pane is.
    first = max(shown - 1, 0) if sum(len(one.name) + 2 for one in charts) > room else 0
    for at, chart in list(enumerate(charts))[first:]:
        room -= len(chart.name) + 2
        if room < 0:
            row.append(Piece("… ", "quiet"))
            break
        name = f"‹{chart.name}› " if at == shown else f"{chart.name}  "
        row.append(Piece(name, "strong" if at == shown else "quiet"))
    return [*row, Piece("]", "quiet"), Piece(note, "quiet")]
