"""Rows of styled pieces, printed: in colour on a terminal, in ASCII where it has nothing else."""

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from ftarena.drawing.ascii import to_ascii
from ftarena.drawing.pieces import Row

STYLES = {
    "quiet": "dim",
    "first": "cyan",
    "second": "bold yellow",
    "third": "magenta",
    "fourth": "bold green",
    "strong": "bold",
    "good": "green",
    "bad": "bold red",
    "warn": "yellow",
}
"""What the names of pieces' styles look like in line mode."""


def printed(rows: Sequence[Row], *, ascii_only: bool = False) -> list[Text]:
    """Return rows as text that a console prints, one line each; what is too wide is cut.

    Args:
        rows: Their styles are `quiet`, `first`, `second`, `third`, `fourth`, `strong`, `good`, `bad`, `warn`.
        ascii_only: Draw with ASCII.
    """
    lines = []
    for row in rows:
        line = Text(no_wrap=True, overflow="crop")
        for text, style in row:
            line.append(to_ascii(text) if ascii_only else text, STYLES.get(style, ""))
        lines.append(line)
    return lines


def needs_ascii(stream: TextIO) -> bool:
    """Return whether a stream cannot take the signs that curves are drawn with."""
    try:
        "⠿│◆▲".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def is_live(console: Console) -> bool:
    """Return whether something can be drawn in place there."""
    return console.is_terminal and not console.is_dumb_terminal
