"""The mask view: every token of an example, and which of them are learned.

A ruler below each row of text has one mark a token: `┗━━` below one that is learned, `╵` below one that is
only read. So the boundaries and the mask are seen without colour, too. Newlines are shown as `⏎`, tabs as
`⇥`, a further token of a character that is shown already as `·`; a space is a space, and the ruler says whose
it is.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.cells import cell_len, split_graphemes

from ftarena.drawing.pieces import Piece, Row, wrap
from ftarena.tui.drawing.example import written_out

if TYPE_CHECKING:
    from ftarena.curation.tokens.mask import MaskedToken, MaskView

MOST_TOKENS = 8_000
"""Of one view that are drawn; a longer text is told to go on."""

_LEARNED, _READ = ("┗", "━"), ("╵", " ")


def mask_rows(views: "Sequence[tuple[str, MaskView]]", width: int) -> list[Row]:
    """Return the views of one example below each other, each with its legend.

    Args:
        views: Titled, as `mask_views` returns them: one, or `chosen` and `rejected` of a pair.
        width: Cells a row.
    """
    rows: list[Row] = []
    for title, view in views:
        if rows:
            rows.append([])
        heading = [Piece(f"{title}  ", "role")] if len(views) > 1 else []
        rows += wrap([*heading, *_summary(view), *(_LEGEND if not rows else ())], width)
        for note in view.notes:
            rows += wrap([Piece(f"· {' '.join(written_out(note).split())}", "quiet")], width)
        rows += _tokens(view, max(width, 4))
    return rows


_LEGEND = (
    Piece("   ┗━━", "learned"), Piece(" learned"),
    Piece("  ╵", "tick"), Piece(" only read"),
    Piece("  ⏎", "quiet"), Piece(" newline"),
)  # fmt: skip


def _summary(view: "MaskView") -> list[Piece]:
    total = len(view.tokens)
    pieces = [Piece(f"{view.trained:,} of {total:,} learned", "strong")]
    if view.cut_at is not None:
        pieces.append(Piece(f"  ✂ {max(total - view.cut_at, 0):,} cut off", "bad"))
    return pieces


def _tokens(view: "MaskView", width: int) -> list[Row]:
    ruled = _Ruled(width)
    for number, token in enumerate(view.tokens[:MOST_TOKENS]):
        if number == view.cut_at:
            ruled.rule(f"✂ cut here: {number:,} tokens fit")
        ruled.add(token, lost=view.cut_at is not None and number >= view.cut_at)
    ruled.end_row()
    if len(view.tokens) > MOST_TOKENS:
        ruled.rows.append([Piece(f"… and {len(view.tokens) - MOST_TOKENS:,} tokens more", "quiet")])
    return ruled.rows


class _Ruled:
    """Rows of text, each with its ruler."""

    def __init__(self, width: int) -> None:
        self.rows: list[Row] = []
        self._width = width
        self._text: Row = []
        self._ruler: Row = []
        self._cells = 0

    def add(self, token: "MaskedToken", *, lost: bool) -> None:
        """Add a token; only one that is longer than a row is broken, and a row ends after a newline."""
        text = _shown(token.text)
        style = "special" if token.special else "learned" if token.trained else ""
        if token.special and token.trained:
            style = "special+learned"
        if lost:
            style = "quiet"
        first, line = _LEARNED if token.trained and not lost else _READ
        marks = "learned" if token.trained and not lost else "tick"
        cells_of_token = cell_len(text)
        if self._cells and self._cells + cells_of_token > self._width >= cells_of_token:
            self.end_row()
        begins = True
        for start, end, cells in split_graphemes(text)[0]:
            sign = text[start:end]
            if self._cells + cells > self._width:
                self.end_row()
            self._text.append(Piece(sign, style))
            if not cells:
                continue
            self._ruler.append(Piece((first if begins else line) + line * (cells - 1), marks))
            self._cells += cells
            begins = False
            if sign == "⏎":
                self.end_row()
        if begins:  # no cell of its own: a further token of the character before it, or a joiner
            self.add(replace(token, text="·"), lost=lost)

    def rule(self, text: str) -> None:
        """End the row and draw a line across with a text."""
        self.end_row()
        dashes = max(self._width - cell_len(text) - 4, 0)
        self.rows.append([Piece(f"── {text} {'─' * dashes}", "bad")])

    def end_row(self) -> None:
        """Put the row and its ruler below the others."""
        if self._text:
            self.rows += [_joined(self._text), _joined(self._ruler)]
        self._text, self._ruler, self._cells = [], [], 0


def _shown(text: str) -> str:
    return written_out(text).replace("\n", "⏎").replace("\t", "⇥")


def _joined(row: Row) -> Row:
    """Join neighbours of one style: a row has some pieces, not one a character."""
    joined: Row = []
    for piece in row:
        if joined and joined[-1].style == piece.style:
            joined[-1] = Piece(joined[-1].text + piece.text, piece.style)
        else:
            joined.append(piece)
    return joined
