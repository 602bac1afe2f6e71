"""`ftarena votes merge`: what came in from other arenas, and what is called otherwise now."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ftarena.scoring.words import counted
from ftarena.store import Store
from ftarena.store.merging import MergeReport, merge
from ftarena.text import clean_line, shorten


def merge_votes(database: Path, others: Sequence[Path], *, as_json: bool = False) -> int:
    """Merge other arenas into one and say what became of it.

    Args:
        database: The arena; made where there is none.
        others: Files of other arenas, which are only read.
        as_json: Print the report as one JSON object.

    Raises:
        FtarenaError: One of them cannot be merged; then nothing was.
    """
    from ftarena.store.ledger import read_ahead  # loads numpy

    with Store.open(database) as store:
        report = merge(store, others)
        read_ahead(store)
    if as_json:
        print(json.dumps(asdict(report), indent=2))
        return 0
    for line in words_of(report):
        print(line)
    return 0


def words_of(report: MergeReport) -> list[str]:
    """Return in words what a merge did, a sentence a line."""
    lines = [
        f"{counted(report.votes, 'vote')}, {counted(report.prompts, 'prompt')} and"
        f" {counted(report.answers, 'answer')} added."
    ]
    for names, what in ((report.contestants, "New contestants"), (report.labelers, "New labelers")):
        if names:
            lines.append(f"{what}: {_listed(names)}.")
    for old, new in report.renamed:
        why = "" if "@" not in new else ", since another one is called that too"
        lines.append(f"{clean_line(old)} is called {clean_line(new)} now{why}.")
    if report.hidden:
        lines.append(
            f"Hidden, as in another file: {_listed(report.hidden)}."
            " Back: ftarena contestants hide --undo NAME"
        )
    if report.twice:
        lines.append(
            f"{counted(report.twice, 'vote')} had been imported as a table, and came with their arena now:"
            " they count twice. Merge into an arena without that table."
        )
    return lines


def _listed(names: Sequence[str]) -> str:
    return shorten(", ".join(clean_line(name) for name in names), 200)
