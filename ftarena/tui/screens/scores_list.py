"""The list of pairs in Scores: its columns and rows."""

from typing import TYPE_CHECKING

from ftarena.drawing.pieces import Piece
from ftarena.scoring.facing import facing
from ftarena.scoring.words import percent
from ftarena.tui.drawing.intervals import Axis, bar
from ftarena.tui.widgets.row_list import Column, ListRow

if TYPE_CHECKING:
    from ftarena.scoring.pairs import PairScore
    from ftarena.scoring.report import ScoreReport
    from ftarena.scoring.style import StylePair

_RATE = Axis(0.0, 1.0, 15)

COLUMNS = (
    Column("contestants", grow=True),
    Column("won", right=True),
    Column("lost", right=True),
    Column("ties", right=True),
    Column("both bad", right=True),
    Column("win rate", right=True),
    Column("0     50    100", drawn=True, from_width=100),
    Column("verdict"),
)
"""What a pair has where nothing is held equal."""

_EQUAL_AT = 6
"""Place of the column for what is held equal, behind the win rate."""


def pair_columns(control: tuple[str, ...]) -> tuple[Column, ...]:
    """Return the columns of the list, with one more for what is held equal."""
    if not control:
        return COLUMNS
    equal = Column(f"{' and '.join(control)} equal", right=True, from_width=100)
    return (*COLUMNS[:_EQUAL_AT], equal, *COLUMNS[_EQUAL_AT:])


def pair_key(pair: "PairScore") -> str:
    """Return what a row stands for."""
    return f"{pair.a}\0{pair.b}"


def pair_row(pair: "PairScore", control: tuple[str, ...], equal: "StylePair | None") -> ListRow:
    """Return the row of a pair, seen from who is ahead.

    Args:
        pair: The pair.
        control: What is held equal, too; as for `pair_columns`.
        equal: The pair with that held equal; None where there are no texts to tell it from.
    """
    seen = facing(pair)
    cells: list[str | Piece] = [
        f"{seen.first} against {seen.second}",
        Piece(str(seen.won), "good"),
        Piece(str(seen.lost), "bad"),
        str(pair.ties),
        str(pair.both_bad),
        Piece(percent(seen.rate), "strong"),
        bar(_RATE, seen.low, seen.rate, seen.high, mark=0.5),
        verdict_piece(pair),
    ]
    if control:
        rate = None if equal is None else equal.win_rate.value
        cells.insert(_EQUAL_AT, percent(rate if rate is None or not seen.turned else 1 - rate))
    return ListRow(pair_key(pair), tuple(cells))


def verdict_piece(pair: "PairScore") -> Piece:
    """Return the verdict in a word or two; the sentence stands below the list."""
    if pair.verdict == "equivalent":
        return Piece("no difference", "strong")
    if pair.verdict == "undecided":
        return Piece("undecided", "quiet")
    return Piece(f"{pair.a if pair.verdict == 'a' else pair.b} better", "good")


def best_first(report: "ScoreReport") -> "list[PairScore]":
    """Return the pairs as a reader of the ratings looks for them: the best against the next best first."""
    place = {one.name: number for number, one in enumerate(report.contestants)}
    return sorted(report.pairs, key=lambda pair: sorted((place[pair.a], place[pair.b])))
