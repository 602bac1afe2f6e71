"""Light styling of what a model writes, one raw line at a time: code fences, `code`, **strong**, # headings.

No Markdown parser: the marks stay visible, because a person who compares two answers should see what was
written, and because a line must be dressable before the next one has arrived (a parser starts its last block
anew with each token: one long fence is quadratic).
"""

import re
from collections.abc import Sequence

from ftarena.drawing.pieces import Piece

# No nesting and no alternatives that overlap, so hostile input costs linear time.
_INLINE = re.compile(r"(`[^`]+`)|(\*\*[^*]+\*\*)")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")


def dress(line: str, in_fence: bool) -> tuple[list[Piece], bool]:
    """Return the pieces of one raw line, and whether the next line lies inside a code fence.

    Args:
        line: The line, without its newline.
        in_fence: Whether a code fence opened above it and has not closed.
    """
    if _FENCE.match(line):
        return [Piece(line, "fence")], not in_fence
    if in_fence:
        return [Piece(line, "code")], True
    if _HEADING.match(line):
        return [Piece(line, "strong")], False
    pieces, at = [], 0
    for match in _INLINE.finditer(line):
        if match.start() > at:
            pieces.append(Piece(line[at : match.start()]))
        pieces.append(Piece(match.group(), "code" if match.group(1) else "strong"))
        at = match.end()
    if at < len(line) or not pieces:
        pieces.append(Piece(line[at:]))
    return pieces, False


def mark(pieces: Sequence[Piece], ranges: Sequence[tuple[int, int]], style: str) -> list[Piece]:
    """Return the pieces with one more style where they lie in `ranges`.

    Args:
        pieces: A line.
        ranges: (start, end) in characters of the line, in order, not overlapping.
        style: Name of the style to add.
    """
    if not ranges:
        return list(pieces)
    out, offset = [], 0
    for piece in pieces:
        at = offset
        for start, end in ranges:
            first, last = max(start, at), min(end, offset + len(piece.text))
            if first >= last:
                continue
            if first > at:
                out.append(Piece(piece.text[at - offset : first - offset], piece.style))
            out.append(Piece(piece.text[first - offset : last - offset], piece.style).plus(style))
            at = last
        if at < offset + len(piece.text):
            out.append(Piece(piece.text[at - offset :], piece.style))
        offset += len(piece.text)
    return out
