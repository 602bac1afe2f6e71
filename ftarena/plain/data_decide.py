"""`ftarena data exclude|relabel|undo`: deciding about rows, the file left as it is."""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from ftarena.curation.decisions.ledger import Decisions
from ftarena.curation.findings import CODES
from ftarena.curation.formats import named_format
from ftarena.curation.resolving import resolve
from ftarena.curation.rows import Problem, Row
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.data_specs import one_source, rows_at, split_place
from ftarena.scoring.words import counted
from ftarena.text import clean_line, shorten

_OF_A_FILE = frozenset(
    ("no-rows", "torn", "length-bias", "label-imbalance", "no-template", "pad-is-end", "no-generation-marks")
)
"""Findings that say something about a whole file, so that no single row is to blame."""

_SHOWN = 10

BACK = "; it had been excluded, and is in again"
"""What is said where a newer decision takes a row in again that was left out."""


def exclude(
    places: Sequence[str],
    *,
    reason: str,
    by: str,
    codes: Sequence[str] = (),
    heldout: Sequence[str] = (),
    columns: str | None = None,
    shape: str | None = None,
) -> int:
    """Leave rows out: those that are named, or every row with one of some findings.

    Args:
        places: `FILE:3`, `FILE:3-7,9`; with a code also `FILE`, for all of its rows that have the finding.
        reason: Why; may be empty.
        by: Who decides.
        codes: The findings that led to it; one at most where lines are named.
        heldout: What the data must not have in them, for findings about leaks.
        columns: What the columns mean, as `prompt=question,completion=answer`.
        shape: What every row must be.

    Returns:
        The exit code: 0, also where no row has the finding.

    Raises:
        UsageError: Neither lines nor a code are named, or a code that is none.
        FtarenaError: A file or a row is not there, or nothing can be written down; nothing is decided then.
    """
    for code in codes:
        _check_code(code)
    plans = []
    for name, lines in _by_name(places).items():
        if not lines and not codes:
            raise UsageError(
                f"{shorten(name, 80)}: which rows?",
                "name their lines, FILE:3-7,9, or a finding: --code duplicate",
            )
        if lines and len(codes) > 1:
            raise UsageError(
                f"{shorten(name, 80)}: lines are left out for one finding, and {len(codes)} are named",
                "name one --code, or the file without lines",
            )
        source = one_source(name, columns, shape)
        code = codes[0] if codes else ""
        found: list[tuple[Row | Problem, str]] = (
            [(row, code) for row in rows_at(source, lines)]
            if lines
            else _with_findings(source, codes, heldout)
        )
        plans.append((name, source, found, opened(source)))
    for name, source, found, decisions in plans:
        new = [
            (row, code)
            for row, code in found
            if (last := decisions.of(row)) is None or last.action != "exclude"
        ]
        if new:
            decisions.exclude_all([row for row, _ in new], reason, by, codes=[code for _, code in new])
        _tell_excluded(source, [row for row, _ in found], [row for row, _ in new], codes)
        if found:
            tell_counts(name, source, decisions)
    return 0


def relabel(
    places: Sequence[str], *, reason: str, by: str, columns: str | None = None, shape: str | None = None
) -> int:
    """Swap chosen and rejected of preference pairs, flip the label of labelled answers; all of them or none.

    Raises:
        UsageError: No lines are named.
        FtarenaError: A row has no label, or nothing can be written down; nothing is decided then.
    """
    plans = _plans(places, columns, shape)
    for _, _, rows, decisions in plans:
        for row in rows:
            try:
                decisions.check_relabel(row)
            except FtarenaError as refused:
                if len(rows) > 1 or len(plans) > 1:
                    refused.message += "; no row was relabelled"
                raise
    for name, source, rows, decisions in plans:
        out = {row.line for row in rows if (last := decisions.of(row)) and last.action == "exclude"}
        decisions.relabel_all(rows, by, reason=reason)
        for row in rows:
            print(f"{_place(source, row)}: relabelled{BACK if row.line in out else ''}")
        tell_counts(name, source, decisions)
    return 0


def undo(places: Sequence[str], *, by: str, columns: str | None = None, shape: str | None = None) -> int:
    """Take back the newest decision about each row; rows about which nothing was decided are counted.

    Raises:
        UsageError: No lines are named.
        FtarenaError: Nothing was decided about any row of a file, or nothing can be written down.
    """
    plans = _plans(places, columns, shape)
    for _, _, rows, decisions in plans:
        if not any(decisions.of(row) for row in rows):
            decisions.undo_all(rows, by)  # says that there is nothing
    for name, source, rows, decisions in plans:
        undone = decisions.undo_all(rows, by)
        for row, decision in undone:
            now = decisions.of(row)
            stands = f"; what stands: {now.action}" if now else ""
            who = clean_line(decision.by)
            print(f"{_place(source, row)}: taken back: {decision.action} by {who}{stands}")
        if left := len(rows) - len(undone):
            shown = clean_line(str(source.path))
            print(f"{shown}: nothing was decided about {counted(left, 'other row')}")
        tell_counts(name, source, decisions)
    return 0


def tell_counts(name: str, source: Source, decisions: Decisions) -> None:
    """Print what is decided about a source by now, and the command that carries it out.

    Args:
        name: What the user called it.
        source: The file, with what the user said about its columns.
        decisions: What is decided about it.
    """
    words = {"exclude": "excluded", "edit": "edited", "relabel": "relabelled"}
    told = ", ".join(f"{count:,} {words[action]}" for action, count in decisions.counts.items() if count)
    print(f"{clean_line(str(source.path))}: {told or 'nothing is decided'}")
    if told:
        print(f"next: {apply_command(name, source)}")


def apply_command(name: str, source: Source) -> str:
    """Return the command that carries out what is decided about a source.

    Args:
        name: What the user called it.
        source: The file, with what was said about its columns.
    """
    return f"ftarena data apply {clean_line(name)}{source.options} -o {curated_name(source.path)}"


def curated_name(path: Path) -> str:
    """Return what the curated set of a file is called where nobody says: `sft.curated.jsonl`.

    Packed where the file is: `sft.jsonl` and `sft.jsonl.gz` have two sets.
    """
    packed = {"gz": ".gz", "zst": ".zst"}.get(named_format(path)[1], "")
    return f"{stem_of(path)}.curated.jsonl{packed}"


def stem_of(path: Path) -> str:
    """Return what new files that are made of a file are named after: `sft`, of what is piped in `stdin`."""
    return "stdin" if path.name == "-" else clean_line(path.name.split(".")[0] or path.name)


def _by_name(places: Sequence[str]) -> dict[str, list[range]]:
    """Return what is named, each once, with all lines that are named in it; none where it is named alone."""
    found: dict[str, list[range]] = {}
    for place in places:
        name, lines = split_place(place)
        if name in found and bool(found[name]) != bool(lines):
            raise UsageError(f"{shorten(name, 80)} is named with lines and without", "keep one of the two")
        found.setdefault(name, []).extend(lines)
    return found


def _plans(
    places: Sequence[str], columns: str | None, shape: str | None
) -> list[tuple[str, Source, list[Row | Problem], Decisions]]:
    """Return what is named, its file, the rows that are meant and what is decided about that file."""
    plans = []
    for name, lines in _by_name(places).items():
        if not lines:
            raise UsageError(f"{shorten(name, 80)}: which rows?", "name their lines: FILE:3-7,9")
        source = one_source(name, columns, shape)
        plans.append((name, source, rows_at(source, lines), opened(source)))
    return plans


def _place(source: Source, row: Row | Problem) -> str:
    return f"{clean_line(str(source.path))}:{row.line}"


def opened(source: Source) -> Decisions:
    """Return the decisions about a source; say what was passed over in them, and if they are elsewhere."""
    decisions = Decisions.open(source)
    for line in (*decisions.problems, decisions.sidecar.note):
        if line:
            print(f"note: {clean_line(line)}", file=sys.stderr)
    return decisions


def _check_code(code: str) -> None:
    if code not in CODES:
        near = difflib.get_close_matches(code, CODES, 1)
        rows = [known for known in CODES if known not in _OF_A_FILE]
        raise UsageError(
            f"there is no finding {shorten(code, 40)}",
            f"did you mean {near[0]}?" if near else f"there are {', '.join(rows)}",
        )
    if code in _OF_A_FILE:
        raise UsageError(
            f"{code} says something about a whole file, so there are no rows to exclude for it",
            CODES[code].remedy,
        )


def _with_findings(
    source: Source, codes: Sequence[str], heldout: Sequence[str]
) -> list[tuple[Row | Problem, str]]:
    """Return the rows of a source that have one of some findings, each with the first that it has."""
    from ftarena.curation.check import check_sources

    aside = [other for name in heldout for other in resolve(name)]
    report = check_sources([source], aside, keep=sys.maxsize)
    found: dict[int, str] = {}
    for code in codes:
        for finding in report.findings:
            if finding.code != code:
                continue
            if finding.file == source.path:
                found.setdefault(finding.line, code)
            elif finding.twin is not None and finding.twin[0] == source.path:
                found.setdefault(finding.twin[1], code)
    if not found:
        return []
    rows = rows_at(source, [range(line, line + 1) for line in sorted(found)])
    return [(row, found[row.line]) for row in rows]


def _tell_excluded(
    source: Source,
    rows: Sequence[Row | Problem],
    new: Sequence[Row | Problem],
    codes: Sequence[str],
) -> None:
    shown = clean_line(str(source.path))
    if not rows:
        print(f"{shown}: no row has the finding {' or '.join(codes)}")
        return
    before = len(rows) - len(new)
    if new:
        lines = ", ".join(str(row.line) for row in new[:_SHOWN])
        more = f" and {len(new) - _SHOWN:,} more" if len(new) > _SHOWN else ""
        print(f"{shown}: excluded {counted(len(new), 'row')}: line {lines}{more}")
    if before:
        had = "had been excluded before"
        others = counted(before, "other row" if new else "row")
        print(f"{shown}: {others} {had}" if new else f"{shown}: nothing new, {others} {had}")
