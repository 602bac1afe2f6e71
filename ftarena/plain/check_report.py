"""A report of a check in words: files, counts by code, figures, then each kind of finding with its places."""

import re
import shlex
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from ftarena.curation.check import CheckReport
from ftarena.curation.examples import KINDS, Shape
from ftarena.curation.findings import CODES, Finding, Severity
from ftarena.text import clean_line

SHOWN = 10
"""Places of a code that are shown unless all are asked for, and files."""

LINES = 5
"""Lines, or runs of them, that are named where one message is about many rows."""

_COLUMNS = re.compile(r"looks like .*: --columns (.+)\Z")

_STYLES: Mapping[Severity, str] = {"error": "bold red", "warning": "yellow", "note": "cyan"}

_SHAPES: Mapping[Shape, tuple[str, str]] = {
    "messages": ("conversation", "conversations"),
    "sharegpt": ("ShareGPT conversation", "ShareGPT conversations"),
    "alpaca": ("Alpaca instruction", "Alpaca instructions"),
    "completion": ("prompt with a completion", "prompts with a completion"),
    "preference": ("preference pair", "preference pairs"),
    "kto": ("labelled answer", "labelled answers"),
    "text": ("plain text", "plain texts"),
    "reference": ("prompt with a reference", "prompts with a reference"),
    "prompt": ("prompt without an answer", "prompts without an answer"),
}

_KIND_WORDS = {
    "answer": "answers to learn",
    "preference": "preference pairs",
    "labelled": "labelled answers",
    "text": "plain texts",
    "question": "questions",
}


def print_report(
    report: CheckReport, console: Console, *, codes: Sequence[str] = (), show_all: bool = False
) -> None:
    """Print a report.

    Args:
        report: What was found.
        console: Where to; wrapped to its width only if it is a terminal, so that a pipe gets whole lines.
        codes: Only these are shown in detail; all if there are none.
        show_all: Show every finding that the report keeps, not only the first ten of each code.
    """
    page = _Page(console)
    for line in _files(report.stats["rows"]):
        page.line(line)
    for line in (*_mixed(report.stats["rows"]), *_figures(report.stats, report.examples)):
        page.line(line)
    _print_tokens(report.stats.get("tokens"), page)
    page.line(_verdict(report))
    for code, count in report.counts.items():
        severity = CODES[code].severity
        page.line(f"  {count:>7,}  ", (f"{severity:<8}", _STYLES[severity]), f" {code}: {CODES[code].what}")
    by_code: dict[str, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        by_code[finding.code].append(finding)
    for code in report.counts:
        if by_code[code] and (not codes or code in codes):
            _print_code(code, report.counts[code], by_code[code], show_all, page)


class _Page:
    """Lines of text, wrapped with a hanging indent where somebody reads them on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.width = console.width if console.is_terminal else 0

    def line(self, *parts: str | tuple[str, str], hang: int = 4) -> None:
        """Print one line, of texts and of texts with their style."""
        text = Text.assemble(*parts)
        if not self.width or len(text) <= self.width:
            self._console.print(text, soft_wrap=True)
            return
        # Only lines of one style are long.
        style = parts[0][1] if isinstance(parts[0], tuple) else ""
        begin = len(text.plain) - len(text.plain.lstrip())
        for line in textwrap.wrap(
            text.plain.strip(),
            max(self.width, 40),
            initial_indent=" " * begin,
            subsequent_indent=" " * (begin + hang),
            break_on_hyphens=False,
        ):
            self._console.print(Text(line, style), soft_wrap=True)


def _print_code(code: str, count: int, findings: Sequence[Finding], show_all: bool, page: _Page) -> None:
    severity = CODES[code].severity
    page.line("")
    page.line((f"{severity} {code}", _STYLES[severity]), f": {CODES[code].what} ({count:,})")
    page.line(f"  why: {CODES[code].why}", hang=5)
    page.line(f"  do:  {CODES[code].remedy}", hang=5)
    groups = [[finding] for finding in findings] if show_all else list(_alike(findings).values())
    shown = groups if show_all else groups[:SHOWN]
    for group in shown:
        page.line(f"  {_place(group)}: {clean_line(group[0].message)}")
        if (command := _command(group[0])) is not None:
            page.line(f"    try: {command}", hang=5)
    told = sum(map(len, shown))
    if told < len(findings):
        page.line(f"  … and {count - told:,} more: --code {code} --all")
    elif told < count:
        page.line(f"  … and {count - told:,} more, which were only counted: --keep {count}")


def _alike(findings: Sequence[Finding]) -> dict[tuple[object, ...], list[Finding]]:
    """Return the findings that say the same of rows of one file together; a twin makes each its own."""
    groups: dict[tuple[object, ...], list[Finding]] = defaultdict(list)
    for finding in findings:
        own = (finding.line,) if finding.twin else ()
        groups[(finding.file, finding.message, *own)].append(finding)
    return groups


def _place(group: Sequence[Finding]) -> str:
    """Return where some findings are: `FILE:7`, `FILE:2-44 (43 rows)`, `FILE:2,5,9-12 and 37 more`."""
    file = clean_line(str(group[0].file))
    if CODES[group[0].code].whole_file:
        return file
    spans: list[list[int]] = []
    for finding in group:
        if spans and spans[-1][1] == finding.line - 1:
            spans[-1][1] = finding.line
        else:
            spans.append([finding.line, finding.line])
    lines = ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans[:LINES])
    left = sum(last - first + 1 for first, last in spans[LINES:])
    more = f" and {left:,} more" if left else f" ({len(group):,} rows)" if len(group) > 1 else ""
    return f"{file}:{lines}{more}"


def _command(finding: Finding) -> str | None:
    """Return the command that a finding suggests, ready to copy."""
    columns = _COLUMNS.search(finding.message)
    if columns is None:
        return None
    return f"ftarena check {shlex.quote(clean_line(str(finding.file)))} --columns {shlex.quote(columns[1])}"


def _verdict(report: CheckReport) -> str:
    told = _counted(report.examples, "example")
    if report.heldout:
        held = f"{report.heldout:,} held out"
        told = f"{told}, {held}" if report.examples else f"{report.heldout:,} held-out examples"
    if unusable := report.stats["unusable"]:
        told += f", {_counted(unusable, 'row')} that cannot be used"
    if not report.counts:
        return f"{told}, nothing wrong."
    notes = sum(report.counts.values()) - report.errors - report.warnings
    counts = [
        _counted(count, word)
        for count, word in ((report.errors, "error"), (report.warnings, "warning"), (notes, "note"))
        if count
    ]
    return f"{told}: {', '.join(counts)}"


def _files(rows: Mapping[str, Mapping[Shape, int]]) -> Iterator[str]:
    for name, shapes in list(rows.items())[:SHOWN]:
        counts = [f"{count:,} {_SHAPES[shape][count != 1]}" for shape, count in shapes.items()]
        yield f"{clean_line(name)}: {', '.join(counts) or 'nothing usable'}"
    if len(rows) > SHOWN:
        total = sum(sum(shapes.values()) for shapes in list(rows.values())[SHOWN:])
        yield f"… and {len(rows) - SHOWN:,} more files: {_counted(total, 'row')}"


def _mixed(rows: Mapping[str, Mapping[Shape, int]]) -> Iterator[str]:
    for name, shapes in rows.items():
        kinds = list(dict.fromkeys(KINDS[shape] for shape in shapes))
        if len(kinds) > 1 and set(kinds) != {"answer", "question"}:
            told = " and ".join(_KIND_WORDS[kind] for kind in kinds)
            yield f"{clean_line(name)} mixes {told}: no one method trains on both"


def _figures(stats: Mapping[str, Any], examples: int) -> Iterator[str]:
    if "answer_characters_median" in stats:
        median, longest = stats["answer_characters_median"], stats["answer_characters_longest"]
        yield f"answers: {median:,} characters in the median, {longest:,} at most"
    languages: dict[str, int] = defaultdict(int)
    for counts in stats.get("languages", {}).values():
        for language, count in counts.items():
            languages[language] += count
    if languages:
        total = sum(languages.values())
        ranked = sorted(languages.items(), key=lambda item: (-item[1], item[0]))
        told = [
            f"{language} {_percent(count / total)}" for language, count in ranked if count >= 0.01 * total
        ]
        if rare := len(ranked) - len(told):
            told.append(f"{rare} other {'language' if rare == 1 else 'languages'} below 1 %")
        judged = "" if total == examples else f", of {total:,} of {examples:,} answers that can be told"
        yield f"languages{judged}: {', '.join(told)}"
    if bias := stats.get("length_bias"):
        yield f"pairs: {bias['verdict']}"
    if labels := stats.get("labels"):
        yield f"labels: {labels['good']:,} good, {labels['bad']:,} bad"


def _print_tokens(stats: Mapping[str, Any] | None, page: _Page) -> None:
    if stats is None or not stats["examples"]:
        return
    from ftarena.curation.tokens.histogram import draw_histogram

    length, limit = stats["length"], stats["max_length"]
    page.line(
        f"tokens of {clean_line(str(stats['model']))}: {length['p50']:,} in the median, {length['p99']:,} at "
        f"the 99th percentile, {length['max']:,} at most; {_percent(stats['trained_share'])} carry loss"
    )
    for line in draw_histogram(stats, page.width or 80):
        page.line(f"{line}")
    if length["p99"] > limit:
        page.line(
            f"max_length is {limit:,}: the longest of a hundred examples is {length['p99']:,} tokens long"
        )


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
