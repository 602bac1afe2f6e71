"""Rows of styled text: how they are wrapped to a width in cells.

A *piece* is a text with the names of its styles; what a style looks like is up to the widget. Wide
characters and emoji take two cells, combining marks none, so widths are counted in cells, never characters.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, split_graphemes

TAB = 4
"""A tab in a model's answer is indentation; eight columns of a narrow pane would be a waste."""

_WORDS = re.compile(r"\s+|\S+")


class Piece(NamedTuple):
    """A text and the names of its styles, joined by `+` (empty: the normal style)."""

    text: str
    style: str = ""

    def plus(self, style: str) -> "Piece":
        """Return the same text with one more style."""
        return Piece(self.text, f"{self.style}+{style}" if self.style else style)


Row = list[Piece]


def wrap(pieces: Sequence[Piece], width: int, *, fold: bool = False) -> list[Row]:
    """Wrap one line of text to rows of at most `width` cells.

    Args:
        pieces: The line, without newlines; tabs become spaces up to the next multiple of `TAB`.
        width: Cells a row; a width below 2 counts as 2, so that a wide character always fits.
        fold: Keep all white space, as code must; words are broken only where that would waste half a row.

    Returns:
        At least one row. White space at which a row ends is dropped, unless `fold`.
    """
    pieces = _expand_tabs(pieces)
    text = "".join(piece.text for piece in pieces)
    width = max(width, 2)
    if len(text) <= width // 2 or cell_len(text) <= width:
        return [[piece for piece in pieces if piece.text]]
    spans = _fold_at_words(text, width) if fold else _break(text, width)
    return _cut(pieces, spans)


def _expand_tabs(pieces: Sequence[Piece]) -> list[Piece]:
    if not any("\t" in piece.text for piece in pieces):
        return list(pieces)
    column, out = 0, []
    for text, style in pieces:
        parts = text.split("\t")
        expanded = parts[0]
        column += cell_len(parts[0])
        for part in parts[1:]:
            spaces = TAB - column % TAB
            expanded += " " * spaces + part
            column += spaces + cell_len(part)
        out.append(Piece(expanded, style))
    return out


def _fold(text: str, width: int, start: int = 0) -> list[tuple[int, int]]:
    """Cut every `width` cells; return (start, end) in characters, moved by `start`."""
    if text.isascii():
        return [(start + i, start + min(i + width, len(text))) for i in range(0, len(text), width)]
    spans, begin, cells = [], 0, 0
    for first, _, size in split_graphemes(text)[0]:
        if cells + size > width:
            spans.append((start + begin, start + first))
            begin, cells = first, 0
        cells += size
    spans.append((start + begin, start + len(text)))
    return spans


def _fold_at_words(text: str, width: int) -> list[tuple[int, int]]:
    """Cut as `_fold` does, but behind a space where one is in the second half of a row; nothing is lost."""
    spans, begin = [], 0
    while cell_len(text[begin:]) > width:
        _, end = _fold(text[begin : begin + 2 * width], width, begin)[0]
        space = text.rfind(" ", begin, end) + 1
        if text[end].isspace() or space <= begin + (end - begin) // 2:
            space = end
        spans.append((begin, space))
        begin = space
    return [*spans, (begin, len(text))]


def _break(text: str, width: int) -> list[tuple[int, int]]:
    """Break between words; a word longer than a row is folded. Return (start, end) in characters."""
    spans: list[tuple[int, int]] = []
    begin = end = 0  # the row so far, without the white space that follows it
    cells = 0  # its width, that white space included
    for match in _WORDS.finditer(text):
        word, at = match.group(), match.start()
        size = cell_len(word)
        if word.isspace():
            if begin == end and spans:  # white space at which the row before ended
                begin = end = match.end()
            elif begin == end:  # indentation of the first row
                end = match.end() if size < width else at
            cells += 0 if begin == match.end() else size
            continue
        if cells + size <= width:
            end = match.end()
            cells += size
            continue
        if end > begin and text[begin:end].strip():
            spans.append((begin, end))
        if size <= width:
            begin, end, cells = at, match.end(), size
            continue
        *full, last = _fold(word, width, at)
        spans += full
        begin, end = last
        cells = cell_len(text[begin:end])
    if end > begin or not spans:
        spans.append((begin, end))
    return spans


def _cut(pieces: Sequence[Piece], spans: Sequence[tuple[int, int]]) -> list[Row]:
    """Cut pieces at offsets of their joined text; spans are in order and do not overlap."""
    rows: list[Row] = []
    queue = iter(pieces)
    piece = next(queue, Piece(""))
    offset = 0  # where `piece` begins in the joined text
    for start, end in spans:
        row: Row = []
        at = start
        while at < end:
            while at >= offset + len(piece.text):
                offset += len(piece.text)
                piece = next(queue)
            stop = min(end, offset + len(piece.text))
            row.append(Piece(piece.text[at - offset : stop - offset], piece.style))
            at = stop
        rows.append(row)
    return rows
