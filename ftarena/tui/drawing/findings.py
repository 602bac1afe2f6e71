"""Findings in words: what is open and wrong, and of one finding why it hurts and what to do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ftarena.curation.findings import CODES, Finding, Severity
from ftarena.curation.shapes.columns import written_columns
from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.text import clean_line, duration, shorten
from ftarena.tui.drawing.board import flow

if TYPE_CHECKING:
    from ftarena.curation.check import CheckReport
    from ftarena.curation.check.report import Progress
    from ftarena.tui.data_rows import Place
    from ftarena.tui.workbench import Model, Workbench

EXCLUDED = "✗"
"""The sign of rows that are left out."""

SIGNS: Mapping[Severity, Piece] = {
    "error": Piece("✕", "bad"),
    "warning": Piece("!", "warn"),
    "note": Piece("·", "quiet"),
}
"""How bad a finding is, told without colour, too."""


def title(code: str) -> str:
    """Return what a code means, in a few words."""
    return CODES[code].what if code in CODES else code


def why_rows(finding: Finding | None, code: str, width: int) -> list[Row]:
    """Return of a finding what it is, why it hurts and what to do.

    Args:
        finding: The chosen one; None: only its kind is known.
        code: Its kind; one that is no finding gives nothing.
        width: Cells a row.
    """
    if code not in CODES:
        return []
    kind = CODES[code]
    said = kind.what if finding is None else finding.message
    rows = wrap(
        [SIGNS[kind.severity], Piece(f" {clean_line(said)}  ", "strong"), Piece(code, "quiet")], width
    )
    rows += wrap([Piece(kind.why)], width)
    return rows + wrap([Piece("→ ", "good"), Piece(kind.remedy)], width)


def headline(bench: "Workbench", changed: bool, note: str, said: str = "") -> list[str]:
    """Return the facts about what is open: files, rows, what was found, decided, with which model.

    Args:
        bench: What is open.
        changed: Whether a file has changed since it was checked.
        note: What is going on; may be empty.
        said: What was just done; may be empty.
    """
    facts = [_files(bench)]
    report = bench.report
    if report is not None:
        facts.append(f"{report.examples:,} examples")
        facts.append(_verdict(report, bench.signs))
    if said:
        facts.append(said)
    if note:
        facts.append(note)
    elif changed:
        facts.append("! changed since the check: C checks again")
    facts += _columns(bench)
    if report is not None and report.counts and len(report.findings) < sum(report.counts.values()):
        facts.append(f"the first {_most(report):,} of each kind are listed")
    if decisions := _decisions(bench.counts):
        facts.append(decisions)
    facts.append(_model(bench.model))
    return facts


def _files(bench: "Workbench") -> str:
    names = [shorten(source.path.name, 32) for source in bench.train]
    text = f"{names[0]} + {len(names) - 1} more" if len(names) > 1 else "".join(names)
    kept = [shorten(source.path.name, 24) for source in bench.heldout]
    if kept:
        text += f"{' · ' if text else ''}held out: {kept[0]}" + (
            f" + {len(kept) - 1}" if len(kept) > 1 else ""
        )
    return text


def _columns(bench: "Workbench") -> list[str]:
    """Return how columns are read that have names of their own, or seem to."""
    looks = dict.fromkeys(guess.looks for guess in bench.guesses.values())
    named = dict.fromkeys(written_columns(source.columns.names) for source in bench.sources)
    return [
        *(f"▸ looks like {shorten(one, 60)}: c reads it so" for one in looks),
        *(f"columns {shorten(one, 60)}" for one in named if one),
    ]


def _verdict(report: "CheckReport", signs: "Mapping[Place, str]") -> str:
    """Return how much is wrong, and how much of that is left, after what was decided."""
    if not report.counts:
        return "● nothing wrong"
    # Not all findings are listed, and about those that are not nothing can be decided here.
    done = Counter(
        CODES[one.code].severity
        for one in report.findings
        if (one.file, one.line) in signs or (one.twin is not None and signs.get(one.twin) == EXCLUDED)
    )
    words = []
    for severity, count in (("error", report.errors), ("warning", report.warnings)):
        if count:
            left = f", {count - done[severity]:,} left" if done[severity] else ""
            sign = SIGNS[severity].text
            words.append(f"{sign} {count:,} {severity}{'s' if count > 1 else ''}{left}")
    return "  ".join(words) or "no error, no warning"


def _most(report: "CheckReport") -> int:
    return max(Counter(one.code for one in report.findings).values(), default=0)


def _decisions(counts: Mapping[str, int]) -> str:
    named = (("exclude", "✗ {} excluded"), ("edit", "✎ {} edited"), ("relabel", "⇄ {} relabelled"))
    return ", ".join(words.format(f"{counts[key]:,}") for key, words in named if counts.get(key))


def _model(model: "Model | None") -> str:
    if model is None:
        return "no model: m chooses one"
    return f"{shorten(model.name, 28)}, max_length {model.max_length:,}"


def progress_words(progress: "Progress") -> str:
    """Return how far a check is."""
    left = f", {duration(progress.eta_s)} left" if progress.eta_s and progress.eta_s >= 1 else ""
    return f"◐ checking {100 * progress.share:.0f} %, {progress.rows:,} rows{left}  (esc cancels)"


def headline_rows(facts: Sequence[str], width: int) -> list[Row]:
    """Return the headline wrapped between its facts; what it is about stands out."""
    rows = flow(facts, width)
    if rows and rows[0][0].text.startswith(facts[0]):
        text = rows[0][0].text
        rows[0] = [Piece(facts[0], "strong"), Piece(text[len(facts[0]) :])]
    return rows
