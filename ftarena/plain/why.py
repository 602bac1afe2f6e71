"""`ftarena why A B`: why the votes on two contestants are as they are, on one page."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ftarena.arena.why.report import FeatureFinding, WhyReport, Word
from ftarena.arena.why.saying import (
    between,
    findings_said,
    headline,
    held_equal,
    judge_said,
    shown,
    slice_said,
    word_said,
    worth,
)
from ftarena.scoring.words import percent
from ftarena.store import Selection, Store
from ftarena.text import clean_line, shorten

_FEATURES = 12
_SLICES = 6
_WORDS = 76
_NAME = 12


def why(
    database: Path,
    one: str,
    other: str,
    selection: Selection,
    *,
    as_json: bool = False,
    out: TextIO | None = None,
) -> int:
    """Print why two contestants differ.

    Args:
        database: The arena.
        one: Name of a contestant; everything is seen from it.
        other: Name of another one.
        selection: Which votes.
        as_json: Print the whole report as JSON instead.
        out: Where to; standard output by default.

    Returns:
        The exit code.

    Raises:
        FtarenaError: The database cannot be read, or a contestant is unknown.
    """
    from ftarena.arena.why import why as explain

    out = out or sys.stdout
    with Store.open_existing(database) as store:
        report = explain(store, one, other, selection)
    if as_json:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=True, allow_nan=False), file=out)
        return 0
    console = Console(file=out, highlight=False)
    console.print(
        Text.assemble((clean_line(report.one), "bold"), " against ", (clean_line(report.other), "bold"))
    )
    for line in (headline(report), findings_said(report)):
        console.print(Text(clean_line(line)))
    if report.features:
        console.print(_features(report))
        console.print(
            Text("≠ they differ  * it counts (5 % of marks are chance)  odds: there, or twice it", "dim")
        )
    for line in (*_words(report.one, report.other, report.words), *_slices(report), *_judges(report)):
        console.print(Text(line))
    return 0


def _features(report: WhyReport) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("shown by", no_wrap=True)
    for name in (report.one, report.other):
        table.add_column(shorten(name, _NAME), justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("odds (95 %)", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("score at equal", justify="right", no_wrap=True)
    for found in report.features[:_FEATURES]:
        table.add_row(*_cells(report, found))
    return table


def _cells(report: WhyReport, found: FeatureFinding) -> tuple[str, ...]:
    return (
        found.label,
        shown(found.one, found.kind),
        shown(found.other, found.kind),
        "≠" if found.differs else " ",
        worth(found, found.alone),
        "*" if found.counts else " ",
        held_equal(report, found),
    )


def _words(one: str, other: str, words: Sequence[Word]) -> Iterator[str]:
    for name, side in (
        (one, [word for word in words if word.z > 0]),
        (other, [word for word in words if word.z < 0]),
    ):
        line = f"words of {shorten(name, 30)}:"
        for number, word in enumerate(side):
            longer = f"{line}{',' if number else ''} {clean_line(word_said(word))}"
            if cell_len(longer) > _WORDS:
                break
            line = longer
        if side:
            yield line


def _slices(report: WhyReport) -> Iterator[str]:
    turning = [part for part in report.slices if part.turns][:_SLICES]
    if turning:
        yield f"The verdict turns here ({shorten(report.one, 20)} scores):"
    elif report.slices:
        yield f"No slice of {len(report.slices)} turns the verdict."
    for part in turning:
        score = f"{percent(part.score.value)}{between(part.score)}"
        rest = "" if part.rest is None else f", elsewhere {percent(part.rest)}"
        yield f"  {shorten(slice_said(part), 34)}: {score}{rest}; {part.prompts} prompts"


def _judges(report: WhyReport) -> Iterator[str]:
    for said in report.judges[:1]:
        yield shorten(f"Reasons of {judge_said(report, said)}", _WORDS)
        yield from _words(f"reasons for {report.one}", f"reasons for {report.other}", said.words)
        for quote in said.quotes:
            yield f"  “{shorten(quote, _WORDS - 4)}”"
