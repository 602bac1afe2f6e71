"""The table of `ftarena runs`: one line a run, its id whole, because it is what the next command wants."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ftarena.text import clean_line, duration
from ftarena.training.figures.standing import guards_in_short
from ftarena.training.guards import read_guards
from ftarena.training.runs import Run

_GAP = 2
"""Cells between two columns."""

_GIVEN_UP = ("method", "time", "held out", "guards", "loss")
"""What a narrow terminal goes without, in this order; `ftarena runs show` has it all."""

_LONGEST_COUNT = 10_000_000
"""Steps from which a count is written as 2.4e8: real runs have fewer, a typing error may have 300 digits."""


class _Column(NamedTuple):
    name: str
    cells: list[str]
    right: bool

    @property
    def width(self) -> int:
        return max(Text(cell).cell_len for cell in (self.name, *self.cells))


def print_runs(runs: Sequence[Run], out: TextIO) -> None:
    """Print runs, one line each.

    A terminal that is too narrow loses columns, never a part of an id. A file or a pipe loses nothing.

    Args:
        runs: What to print, in this order.
        out: Where to.
    """
    columns = [
        _Column("run", [clean_line(run.id) for run in runs], False),
        _Column("method", [clean_line(run.method) for run in runs], False),
        _Column("state", [str(run.state) for run in runs], False),
        _Column("step", [_steps(run) for run in runs], True),
        _Column("loss", [number(run.metrics.get("loss")) for run in runs], True),
        _Column("held out", [number(run.metrics.get("eval_loss")) for run in runs], True),
        _Column("time", [duration(run.seconds) for run in runs], True),
        _Column("guards", [guards_in_short(read_guards(run))[0] for run in runs], False),
    ]
    console = Console(file=out, highlight=False)
    for name in _GIVEN_UP if console.is_terminal else ():
        if _width(columns) > console.width:
            columns = [column for column in columns if column.name != name]
    # Wider than the terminal where even that does not fit: a line that wraps can still be copied whole.
    console = Console(file=out, highlight=False, width=max(console.width, _width(columns)))
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.name, justify="right" if column.right else "left", no_wrap=True)
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def number(value: float | None) -> str:
    """A loss in a few cells: "1.234", "1.2e+30", and "-" where there is none."""
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 100_000 else f"{value:.1e}"


def _steps(run: Run) -> str:
    return f"{_count(run.step)}/{_count(run.total_steps)}" if run.total_steps else "-"


def _count(steps: int) -> str:
    if steps < _LONGEST_COUNT:
        return str(steps)
    # Decimal, because such a number may be too large for a float.
    return f"{Decimal(steps):.1e}".replace("e+", "e")


def _width(columns: Sequence[_Column]) -> int:
    return sum(column.width for column in columns) + _GAP * (len(columns) - 1)
