"""The scores as rows of text: ratings as bars on one axis, a pair in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.scoring.words import hundredths, percent
from ftarena.text import clean_line, shorten
from ftarena.tui.drawing.intervals import Axis, bar

if TYPE_CHECKING:
    from ftarena.scoring.pairs import PairScore
    from ftarena.scoring.report import ContestantScore, ScoreReport

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
            rows.append([Piece("     " + clean_line(one.note), "quiet")])
    return rows


def _axis(contestants: "tuple[ContestantScore, ...]", width: int) -> Axis:
    found = [x for one in contestants for x in (one.low, one.rating, one.high) if x is not None]
    low, high = min(found, default=900.0), max(found, default=1100.0)
    missing = max(_LEAST_SPAN - (high - low), 0) / 2
    return Axis(low - missing, high + missing, width)


class Facing(NamedTuple):
    """A pair seen from the side that is ahead: `dpo-1 against base 82 %` reads better than its mirror."""

    first: str
    """Name of who is ahead (of equals, the first by name)."""

    second: str
    won: int
    """Votes for `first`."""

    lost: int
    rate: float | None
    low: float | None
    high: float | None
    """The win rate of `first` with Wilson's interval."""

    difference: float
    """Rating of `first` minus rating of `second`."""

    difference_low: float | None
    difference_high: float | None


def facing(pair: "PairScore") -> Facing:
    """Turn a pair so that who is ahead comes first."""
    if pair.losses <= pair.wins:
        return Facing(
            pair.a, pair.b, pair.wins, pair.losses, pair.win_rate, pair.low, pair.high,
            pair.difference, pair.difference_low, pair.difference_high,
        )  # fmt: skip
    rate, low, high = (None if x is None else 1 - x for x in (pair.win_rate, pair.high, pair.low))
    below, above = (None if x is None else -x for x in (pair.difference_high, pair.difference_low))
    return Facing(pair.b, pair.a, pair.losses, pair.wins, rate, low, high, -pair.difference, below, above)


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
        f"{seen.won} won · {seen.lost} lost · {pair.ties} ties · {pair.both_bad} both bad",
        f"{_counted(pair.prompts, 'prompt')}, {_counted(pair.labelers, 'labeler')}",
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


def headline(report: "ScoreReport", prompts: int, labelers: int, not_blind: int = 0) -> list[str]:
    """Return the facts above everything: how many votes, whose, and whether they can be trusted.

    Args:
        report: The scores.
        prompts: Different prompts voted on.
        labelers: Different people who voted.
        not_blind: Votes that are not scored, since the names had been told.
    """
    whose = f"by {_counted(labelers, 'labeler')} on {_counted(prompts, 'prompt')}"
    parts = [f"{_counted(report.votes, 'vote')} {whose}"]
    if not_blind:
        parts.append(f"{not_blind:,} not blind, not scored")
    if report.agreement is not None and report.agreement.alpha is not None:
        parts.append(f"agreement α {report.agreement.alpha:.2f} (raw {100 * report.agreement.raw:.0f} %)")
    bias = report.side_bias
    if bias.gamma is not None and bias.low is not None and bias.high is not None:
        parts.append(f"side bias {bias.gamma:+.2f} [{bias.low:+.2f} … {bias.high:+.2f}]")
    return parts


def _evidence(e_value: float) -> str:
    return f"{e_value:,.0f} : 1" if e_value >= 10 else f"{e_value:.1f} : 1"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
