"""The scores as rows of text: ratings as bars on one axis, a pair in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.scoring.facing import Facing, facing
from ftarena.scoring.words import counted, hundredths, percent, summary
from ftarena.text import clean_line, shorten
from ftarena.tui.drawing.intervals import Axis, bar

if TYPE_CHECKING:
    from ftarena.arena.standings.scoreboard import Standing
    from ftarena.evaluation.beside import Beside
    from ftarena.evaluation.measures import Measure
    from ftarena.scoring.pairs import PairScore
    from ftarena.scoring.report import ContestantScore, ScoreReport
    from ftarena.scoring.style import StylePair

_LEAST_SPAN = 200.0
"""Rating points that the axis shows at least: else two equals would look worlds apart."""


def rating_rows(contestants: "tuple[ContestantScore, ...]", width: int) -> list[Row]:
    """Return one row a contestant: rank, name, rating, interval as a bar, battles, note.

    Args:
        contestants: Best first.
        width: Cells a row.
    """
    names = [shorten(one.name, 24) for one in contestants]
    size = max(map(cell_len, names), default=0)
    axis = _axis(contestants, max(width - size - 36, 12))
    rows: list[Row] = []
    for one, name in zip(contestants, names, strict=True):
        interval = "" if one.low is None or one.high is None else f"{one.low:.0f} … {one.high:.0f}"
        rows.append(
            [
                Piece(f"{one.rank:>3}  ", "quiet"),
                Piece(name + " " * (size - cell_len(name)), "strong"),
                Piece(f" {one.rating:>5.0f}  "),
                Piece(bar(axis, one.low, one.rating, one.high, mark=1000), "first"),
                Piece(f"  {interval:<13}", "quiet"),
                Piece(f"{one.battles:>5,}", "quiet"),
            ]
        )
        if one.note:
            note = wrap([Piece(clean_line(one.note), "quiet")], max(width - 5, 20))
            rows += [[Piece("     "), *row] for row in note]
    return rows


def board_rows(report: "ScoreReport", width: int) -> list[Row]:
    """Return the rows of everybody on a board, see `rating_rows`."""
    return rating_rows(report.contestants, width)


def _axis(contestants: "tuple[ContestantScore, ...]", width: int) -> Axis:
    found = [x for one in contestants for x in (one.low, one.rating, one.high) if x is not None]
    low, high = min(found, default=900.0), max(found, default=1100.0)
    missing = max(_LEAST_SPAN - (high - low), 0) / 2
    return Axis(low - missing, high + missing, width)


def pair_rows(pair: "PairScore", verdict: str, width: int) -> list[Row]:
    """Return a pair in full: the verdict, the win rate with its interval, what it rests on, what to know.

    Args:
        pair: The pair.
        verdict: It in words (`ftarena.scoring.words.summary`).
        width: Cells a row.
    """
    seen = facing(pair)
    rows: list[Row] = [[Piece(clean_line(verdict), "strong")]]
    if seen.rate is not None and seen.low is not None and seen.high is not None:
        names = f"{shorten(seen.first, 20)} against {shorten(seen.second, 20)}  "
        axis = Axis(0.0, 1.0, min(max(width - cell_len(names) - 20, 21), 41))
        rows.append(
            [
                Piece(names),
                Piece(f"{percent(seen.rate)}  ", "strong"),
                Piece(bar(axis, seen.low, seen.rate, seen.high, mark=0.5), "first"),
                Piece(f"  {hundredths(seen.low)} … {hundredths(seen.high)} %"),
            ]
        )
    facts = [
        f"{seen.won} won · {seen.lost} lost · {counted(pair.ties, 'tie')} · {pair.both_bad} both bad",
        f"{counted(pair.prompts, 'prompt')}, {counted(pair.labelers, 'labeler')}",
    ]
    if pair.left_rate is not None:
        facts.append(f"left won {100 * pair.left_rate:.0f} %")
    rows += flow(facts, width)
    evidence = [
        f"evidence {_evidence(pair.e_value)} (decides at 20 : 1)",
        f"always-valid p {pair.p_value:.2g}",
    ]
    if seen.difference_low is not None and seen.difference_high is not None:
        ends = f"[{seen.difference_low:+.0f} … {seen.difference_high:+.0f}]"
        evidence.append(f"rating {seen.difference:+.0f} {ends}")
    rows += flow(evidence, width, "quiet")
    if pair.note:
        rows.append([Piece(clean_line(pair.note), "quiet")])
    return [wrapped for row in rows for wrapped in wrap(row, width)]


def flow(facts: Sequence[str], width: int, style: str = "") -> list[Row]:
    """Return facts beside each other, as many a row as fit; none is broken unless it is wider than a row."""
    rows: list[Row] = []
    line = ""
    for fact in facts:
        longer = f"{line}   {fact}" if line else fact
        if line and cell_len(longer) > width:
            rows.append([Piece(line, style)])
            longer = fact
        line = longer
    return [*rows, [Piece(line, style)]] if line else rows


def headline(told: "Standing") -> list[str]:
    """Return the facts above everything: how many votes, whose, and whether they can be trusted."""
    report, who = told.report, "labeler" if told.asked.selection.voters == "people" else "judge"
    whose = f"by {counted(told.labelers, who)} on {counted(told.prompts, 'prompt')}"
    parts = [f"{counted(report.votes, 'vote')} {whose}"]
    for number, words in ((told.not_blind, "not blind"), (told.leaked, "leaked"), (told.repeats, "repeated")):
        if number:
            parts.append(f"{number:,} {words}, not scored")
    if told.trained:
        parts.append(f"{told.trained:,} on prompts that were trained on")
    if report.agreement is not None and report.agreement.alpha is not None:
        parts.append(f"agreement α {report.agreement.alpha:.2f} (raw {100 * report.agreement.raw:.0f} %)")
    bias = report.side_bias
    if bias.gamma is not None and bias.low is not None and bias.high is not None:
        parts.append(f"side bias {bias.gamma:+.2f} [{bias.low:+.2f} … {bias.high:+.2f}]")
    return parts


def judge_facts(told: "Standing") -> list[str]:
    """Return how far judges agree with people, a fact each."""
    facts = []
    for judge in told.judges:
        words = f"{shorten(judge.name, 30)}: {judge.votes:,} votes apart"
        if judge.shared:
            words += f", as people on {percent(judge.raw)} of {judge.shared:,}"
        if judge.kappa is not None:
            words += f", κ {judge.kappa:.2f}"
        facts.append(words)
    return facts


def judged_row(pair: "PairScore") -> Row:
    """Return what judges say of a pair: `judges: sft-1 80 % of 30 decisive votes; sft-1 is better …`."""
    seen = facing(pair)
    decisive = counted(seen.won + seen.lost, "decisive vote")
    words = f"{shorten(seen.first, 20)} {percent(seen.rate)} of {decisive}; {clean_line(summary(pair))}"
    return [Piece(f"judges: {words}")]


def equal_row(pair: "PairScore", equal: "StylePair", control: Sequence[str]) -> Row:
    """Return the win rate with length or looks held equal, and how much longer one is.

    Args:
        pair: The pair as the votes have it; who is ahead there is named.
        equal: The pair with something held equal.
        control: What is held equal.
    """
    seen = facing(pair)
    rate, low, high = equal.win_rate
    if seen.turned:
        rate, low, high = 1 - rate, None if high is None else 1 - high, None if low is None else 1 - low
    row = [Piece(f"with {' and '.join(control)} held equal  "), Piece(percent(rate), "strong")]
    if low is not None and high is not None:
        row.append(Piece(f"  {hundredths(low)} … {hundredths(high)} %"))
    tokens = equal.ratios.get("tokens")
    if tokens is not None:
        ratio = 1 / tokens if seen.turned else tokens
        longer, times = (seen.first, ratio) if ratio >= 1 else (seen.second, 1 / ratio)
        row.append(Piece(f"   {shorten(longer, 20)} is longer by {times:.1f} ×", "quiet"))
    return row


def beside_facts(seen: Facing, told: "Sequence[Beside]") -> list[str]:
    """Return what was measured of both beside preference: `held-out loss: base 2.91, sft-1 1.43`.

    Args:
        seen: The pair; the figures go from who is behind to who is ahead.
        told: What was measured, of these two and perhaps of others.
    """
    by_name = {one.contestant: {measure.name: measure for measure in one.measures} for one in told}
    before, after = by_name.get(seen.second, {}), by_name.get(seen.first, {})
    facts = []
    for name, measure in after.items():
        if name in before:
            unit = f" {measure.unit}" if measure.unit not in ("share", "nats/token") else ""
            facts.append(
                f"{clean_line(name)}: {shorten(seen.second, 20)} {_value(before[name])},"
                f" {shorten(seen.first, 20)} {_value(measure)}{unit}"
            )
    return facts


def _value(measure: "Measure") -> str:
    if measure.unit == "share":
        return percent(measure.value)
    return f"{measure.value:.2f}" if measure.unit == "nats/token" else f"{measure.value:.3g}"


def _evidence(e_value: float) -> str:
    return f"{e_value:,.0f} : 1" if e_value >= 10 else f"{e_value:.1f} : 1"
