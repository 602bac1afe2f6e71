"""`ftarena score`: who is better and how sure that is, for people, for programs, for spreadsheets."""

import csv
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Literal, TextIO

from rich.console import Console

from ftarena.arena.standings.scoreboard import Asked, Standing
from ftarena.plain.scores_page import print_page
from ftarena.plain.scores_view import Slicing, View, held_equal, look
from ftarena.text import clean_line
from ftarena.workspace import Workspace

Form = Literal["text", "json", "csv"]

_PAIR = (
    "a", "b", "wins", "losses", "ties", "both_bad", "win_rate", "low", "high", "score", "verdict",
    "decided_after", "votes_needed", "e_value", "p_value", "sequence_low", "sequence_high", "prompts",
    "labelers", "left_rate", "difference", "difference_low", "difference_high",
)  # fmt: skip
"""Columns of the table: fields of a pair."""


def score(
    database: Path,
    asked: Asked = Asked(),  # noqa: B008 - immutable
    *,
    slicing: Slicing | None = None,
    form: Form = "text",
    workspace: Workspace | None = None,
    out: TextIO | None = None,
) -> int:
    """Print the scores of an arena.

    Args:
        database: The arena; one that is not there has no votes, and is not created.
        asked: Which votes, and how they are to be taken.
        slicing: Take the votes apart by this, too.
        form: A page for people; one JSON object; or CSV with a row a pair (and slice). JSON and CSV are of
            the votes alone: the same bytes wherever the same votes are.
        workspace: The project whose measurements stand beside the votes on the page.
        out: Where to; standard output by default.

    Returns:
        The exit code.

    Raises:
        FtarenaError: The database cannot be read, or what is asked cannot be.
    """
    out = out or sys.stdout
    view = look(database, asked, slicing=slicing, workspace=workspace if form == "text" else None)
    if form == "json":
        # ASCII, so that control characters in a name are data that does nothing when it is shown.
        print(json.dumps(to_json(view), indent=2, ensure_ascii=True, allow_nan=False), file=out)
    elif form == "csv":
        out.write(to_csv(view))
    else:
        print_page(Console(file=out, highlight=False, soft_wrap=False), view)
    return 0


def to_json(view: View) -> dict[str, object]:
    """Return a page as strictly valid JSON, the same for the same votes in whatever order they were
    written."""
    told: dict[str, object] = view.standing.to_json()
    told["labeler_reports"] = [asdict(report) for report in view.labelers]
    if view.slicing is not None:
        told["by"] = {
            "what": view.slicing,
            "slices": {name: part.to_json() for name, part in view.slices},
        }
    return told


def to_csv(view: View) -> str:
    """Return the pairs as CSV: a row a pair, or a row a slice and pair, with the slice in the first
    column."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    controlled = view.standing.style is not None
    head = [view.slicing] if view.slicing else []
    writer.writerow(
        [*head, *_PAIR, *(("equal_rate", "equal_low", "equal_high", "control") if controlled else ())]
    )
    if view.slicing:
        for name, part in view.slices:
            writer.writerows([clean_line(name), *row] for row in _rows(part))
    else:
        writer.writerows(_rows(view.standing))
    return text.getvalue()


def _rows(told: Standing) -> Iterator[list[object]]:
    for pair in told.report.pairs:
        row = [getattr(pair, name) for name in _PAIR]
        row[:2] = map(clean_line, row[:2])
        if (equal := held_equal(told, pair)) is not None:
            row += [*equal.win_rate, "+".join(told.asked.control)]
        yield row
