"""A training run as curves and facts."""

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ftarena.drawing.curves import Series, number
from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.text import clean_line, duration

if TYPE_CHECKING:
    from ftarena.training.runs import Run

SIGNS = {
    "queued": "·",
    "preparing": "◌",
    "training": "◐",
    "evaluating": "◐",
    "finished": "●",
    "stopped": "■",
    "failed": "✕",
    "died": "✕",
}
"""A sign a state, since colour may be missing."""


def curves(metrics: Sequence[Mapping[str, object]]) -> list[Series]:
    """Return the curves of training and held-out loss from the rows of `metrics.jsonl`.

    Args:
        metrics: Rows with `step` and TRL's names (`loss`, `eval_loss`); others are left out.
    """
    return [
        Series("train loss", _points(metrics, "loss"), "first"),
        Series("held-out loss", _points(metrics, "eval_loss"), "second", "◆"),
    ]


def _points(metrics: Sequence[Mapping[str, object]], key: str) -> list[tuple[float, float]]:
    found = []
    for row in metrics:
        step, value = row.get("step"), row.get(key)
        if isinstance(step, int | float) and isinstance(value, int | float) and math.isfinite(value):
            found.append((float(step), float(value)))
    return found


def progress_words(run: "Run") -> str:
    """Return how far a run is: `120/360 33 %`."""
    if not run.total_steps:
        return "–"
    return f"{run.step}/{run.total_steps} {100 * run.step / run.total_steps:.0f} %"


def fact_rows(run: "Run", command: Sequence[str], width: int) -> list[Row]:
    """Return what is known about a run, a fact a row (wrapped).

    Args:
        run: The run.
        command: What would do the same in a shell.
        width: Cells a row.
    """
    left = f", {duration(run.eta_s)} left" if run.eta_s else ""
    facts = [("state", f"{SIGNS.get(str(run.state), '?')} {run.state}, {progress_words(run)}{left}")]
    if run.message:
        facts.append(("", clean_line(run.message)))
    names = {"loss": "loss", "eval_loss": "held-out", "rewards/accuracies": "accuracy"}
    now = [f"{name} {number(run.metrics[key])}" for key, name in names.items() if key in run.metrics]
    if "tokens_per_s" in run.metrics:
        now.append(f"{run.metrics['tokens_per_s']:,.0f} tokens/s")
    if now:
        facts.append(("now", " · ".join(now)))
    if run.adapter is not None:
        facts.append(("adapter", clean_line(short_path(run.adapter))))
    facts += [("in a shell", clean_line(shlex.join(command))), ("base", clean_line(run.base_model))]
    rows: list[Row] = []
    for name, value in facts:
        first, *rest = wrap([Piece(value)], max(width - 12, 10), fold=name in ("adapter", "in a shell"))
        rows.append([Piece(name.ljust(12), "quiet"), *first])
        rows += [[Piece(" " * 12), *row] for row in rest]
    return rows


def short_path(path: Path) -> str:
    """Return a path relative to the current folder where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
