"""`ftarena data exclude|relabel|undo|decisions`: deciding about rows, the file left as it is."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from ftarena.curation.decisions.ledger import Decision, Decisions
from ftarena.curation.findings import CODES
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


def exclude(
    places: Sequence[str],
    *,
    reason: str,
    by: str,
    code: str | None = None,
    heldout: Sequence[str] = (),
    columns: str | None = None,
    shape: str | None = None,
) -> int:
    """Leave rows out: those that are named, or every row with a finding.

    Args:
        places: `FILE:3`, `FILE:3-7,9`; with a code also `FILE`, for all of its rows that have the finding.
        reason: Why; may be empty.
        by: Who decides.
        code: The finding that led to it.
        heldout: What the data must not have in them, for findings about leaks.
        columns: What the columns mean, as `prompt=question,completion=answer`.
        shape: What every row must be.

    Returns:
        The exit code: 0, also where no row has the finding.

    Raises:
        UsageError: Neither lines nor a code are named, or a code that is none.
        FtarenaError: A file or a row is not there, or nothing can be written down.
    """
    if code is not None:
        _check_code(code)
    for place in places:
        name, lines = split_place(place)
        if lines:
            source = one_source(name, columns, shape)
            rows = rows_at(source, lines)
        elif code is None:
            raise UsageError(
                f"{shorten(name, 80)}: which rows?",
                "name their lines, FILE:3-7,9, or a finding: --code duplicate",
            )
        else:
            source = one_source(name, columns, shape)
            rows = _with_finding(source, code, heldout)
        decisions = _opened(source)
        new = [row for row in rows if (last := decisions.of(row)) is None or last.action != "exclude"]
        if new:
            decisions.exclude_all(new, reason, by, code=code or "")
        _tell_excluded(source, rows, new, code)
        if rows:
            tell_counts(name, source, decisions, columns)
    return 0


def relabel(
    places: Sequence[str], *, reason: str, by: str, columns: str | None = None, shape: str | None = None
) -> int:
    """Swap chosen and rejected of preference pairs, flip the label of labelled answers.

    Raises:
        UsageError: No lines are named.
        FtarenaError: A row has no label, or nothing can be written down; rows before it are decided.
    """

    def turn(decisions: Decisions, row: Row | Problem) -> str:
        if isinstance(row, Problem):
            raise FtarenaError(f"{row}, so there is no label to turn round", "exclude it, or mend it")
        decisions.relabel(row, by, reason=reason)
        return "relabelled"

    return _each(places, turn, columns, shape)


def undo(places: Sequence[str], *, by: str, columns: str | None = None, shape: str | None = None) -> int:
    """Take back the newest decision about each row.

    Raises:
        UsageError: No lines are named.
        FtarenaError: Nothing was decided about a row, or nothing can be written down.
    """

    def take_back(decisions: Decisions, row: Row | Problem) -> str:
        undone = decisions.undo(row, by)
        now = decisions.of(row)
        stands = f"; what stands: {now.action}" if now else ""
        return f"taken back: {undone.action} by {clean_line(undone.by)}{stands}"

    return _each(places, take_back, columns, shape)


def list_decisions(name: str, *, as_json: bool) -> int:
    """Print what stands about the rows of some files, with those that apply to no row any more.

    Returns:
        The exit code 0.

    Raises:
        FtarenaError: A file or its sidecar cannot be read.
    """
    found = [_account(source) for source in resolve(name)]
    if as_json:
        print(json.dumps(found[0] if len(found) == 1 else found, indent=2, ensure_ascii=True))
        return 0
    for account in found:
        _print_account(account)
    return 0


def tell_counts(name: str, source: Source, decisions: Decisions, columns: str | None = None) -> None:
    """Print what is decided about a source by now, and the command that carries it out.

    Args:
        name: What the user called it.
        source: The file.
        decisions: What is decided about it.
        columns: What the user said about its columns.
    """
    words = {"exclude": "excluded", "edit": "edited", "relabel": "relabelled"}
    told = ", ".join(f"{count:,} {words[action]}" for action, count in decisions.counts.items() if count)
    print(f"{clean_line(str(source.path))}: {told or 'nothing is decided'}")
    if told:
        meant = f" --columns {clean_line(columns)}" if columns else ""
        print(f"next: ftarena data apply {clean_line(name)}{meant} -o {curated_name(source.path)}")


def curated_name(path: Path) -> str:
    """Return what the curated set of a file is called where nobody says: `sft.curated.jsonl`."""
    return clean_line(f"{path.name.split('.')[0] or path.name}.curated.jsonl")


def _each(
    places: Sequence[str],
    decide: Callable[[Decisions, Row | Problem], str],
    columns: str | None,
    shape: str | None,
) -> int:
    for place in places:
        name, lines = split_place(place)
        if not lines:
            raise UsageError(f"{shorten(name, 80)}: which rows?", "name their lines: FILE:3-7,9")
        source = one_source(name, columns, shape)
        decisions = _opened(source)
        for row in rows_at(source, lines):
            print(f"{clean_line(str(source.path))}:{row.line}: {decide(decisions, row)}")
        tell_counts(name, source, decisions, columns)
    return 0


def _opened(source: Source) -> Decisions:
    """Return the decisions about a source; say what was passed over in them, and if they are elsewhere."""
    decisions = Decisions.open(source)
    for line in (*decisions.problems, decisions.sidecar.note):
        if line:
            print(f"note: {clean_line(line)}", file=sys.stderr)
    return decisions


def _check_code(code: str) -> None:
    if code not in CODES:
        raise UsageError(f"there is no finding {shorten(code, 40)}", "see which there are: docs/findings.md")
    if code in _OF_A_FILE:
        raise UsageError(
            f"{code} says something about a whole file, so there are no rows to exclude for it",
            CODES[code].remedy,
        )


def _with_finding(source: Source, code: str, heldout: Sequence[str]) -> list[Row | Problem]:
    """Return the rows of a source that have a finding."""
    from ftarena.curation.check import check_sources

    aside = [other for name in heldout for other in resolve(name)]
    report = check_sources([source], aside, keep=sys.maxsize)
    lines = set()
    for finding in report.findings:
        if finding.code != code:
            continue
        if finding.file == source.path:
            lines.add(finding.line)
        elif finding.twin is not None and finding.twin[0] == source.path:
            lines.add(finding.twin[1])
    return rows_at(source, [range(line, line + 1) for line in sorted(lines)]) if lines else []


def _tell_excluded(
    source: Source,
    rows: Sequence[Row | Problem],
    new: Sequence[Row | Problem],
    code: str | None,
) -> None:
    shown = clean_line(str(source.path))
    if not rows:
        print(f"{shown}: no row has the finding {code}")
        return
    lines = ", ".join(str(row.line) for row in new[:_SHOWN])
    more = f" and {len(new) - _SHOWN:,} more" if len(new) > _SHOWN else ""
    what = f"excluded {counted(len(new), 'row')}"
    print(f"{shown}: {what}{f': line {lines}{more}' if new else ''}")
    if len(new) < len(rows):
        print(f"{shown}: {len(rows) - len(new):,} of them had been excluded before")


def _account(source: Source) -> dict[str, object]:
    """Return what stands about the rows of a file, as JSON."""
    decisions = _opened(source)
    lines: dict[int, int] = {}
    for decided in decisions.walk() if decisions else ():
        for decision in decided.decisions:
            lines[id(decision)] = decided.item.row.line
    return {
        "file": str(source.path),
        "sidecar": str(decisions.sidecar.path),
        "counts": dict(decisions.counts),
        "decisions": [
            {
                **decision.to_json(),
                "line": lines.get(id(decision), decision.line),
                "applies": id(decision) in lines,
            }
            for decision in _in_order(decisions.standing, lines)
        ],
    }


def _in_order(standing: Sequence[Decision], lines: dict[int, int]) -> list[Decision]:
    return sorted(standing, key=lambda decision: lines.get(id(decision), sys.maxsize))


def _print_account(account: dict[str, object]) -> None:
    shown = clean_line(str(account["file"]))
    decisions = account["decisions"]
    assert isinstance(decisions, list)
    if not decisions:
        print(f"{shown}: nothing is decided")
        return
    for decision in decisions:
        why = " ".join(part for part in (decision["code"], shorten(decision["reason"], 40)) if part)
        line = f"{decision['line']:>6}  {decision['action']:<8} {shorten(decision['by'], 12):<12} {why}"
        print(line.rstrip() if decision["applies"] else f"{line.rstrip()}  (applies to no row)")
    strays = Counter(bool(decision["applies"]) for decision in decisions)[False]
    if strays:
        print(f"{strays:,} of them: there is no such row any more")
    kept = clean_line(str(account["sidecar"]))
    print(f"{shown}: {counted(len(decisions), 'decision')}, kept in {kept}")
    print(f"next: ftarena data apply {shown} -o {curated_name(Path(str(account['file'])))}")
