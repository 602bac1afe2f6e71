"""Everybody against everybody: win rates as a table, a row against a column."""

from typing import TYPE_CHECKING

from rich.cells import cell_len

from ftarena.drawing.pieces import Piece, Row
from ftarena.scoring.words import percent
from ftarena.text import shorten

if TYPE_CHECKING:
    from ftarena.scoring.pairs import PairScore
    from ftarena.scoring.report import ScoreReport

_CELL = 9
"""Cells a column takes, its space included: `  75 % ▲`."""

_NAME = 20


def matrix_rows(report: "ScoreReport", width: int) -> list[Row]:
    """Return the table: who is best first, `▲` where the row is better beyond doubt, `▼` where it is worse.

    Args:
        report: The scores.
        width: Cells a row; contestants that do not fit are counted below.
    """
    everybody = [one.name for one in report.contestants]
    names = [shorten(name, _NAME) for name in everybody]
    size = max(map(cell_len, names), default=0)
    shown = max((width - size - 2) // _CELL, 1)
    head = [_right(shorten(name, _CELL - 1), _CELL) for name in everybody[:shown]]
    rows: list[Row] = [[Piece(" " * (size + 2)), *(Piece(title, "quiet") for title in head)]]
    pairs = {(pair.a, pair.b): pair for pair in report.pairs}
    for name, label in zip(everybody[:shown], names, strict=False):
        row = [Piece(f"  {label}{' ' * (size - cell_len(label))}", "strong")]
        row += [_cell(pairs, name, other) for other in everybody[:shown]]
        rows.append(row)
    if len(everybody) > shown:
        rows.append([Piece(f"  and {len(everybody) - shown} more: ftarena score --csv", "quiet")])
    rows.append([Piece("  won by the row against the column; ▲ better, ▼ worse, decided", "quiet")])
    return rows


def _cell(pairs: "dict[tuple[str, str], PairScore]", row: str, column: str) -> Piece:
    pair = pairs.get((min(row, column), max(row, column)))
    if pair is None or pair.win_rate is None:
        return Piece(_right("·" if row == column else "–", _CELL - 2) + "  ", "quiet")
    mine = pair.a == row
    rate = percent(pair.win_rate if mine else 1 - pair.win_rate)
    if pair.verdict in ("a", "b"):
        better = (pair.verdict == "a") == mine
        return Piece(_right(f"{rate} {'▲' if better else '▼'}", _CELL), "good" if better else "bad")
    return Piece(_right(f"{rate}  ", _CELL))


def _right(text: str, cells: int) -> str:
    return " " * (cells - cell_len(text)) + text
