"""How an answer looks, in counts: what style control holds equal.

The four are those of LMArena's style control ("Does style matter?", 2024): length in tokens, Markdown
headers, bold spans and list items. Looks inside code are not looks of the answer, so fenced blocks are taken
out first.
"""

import re
from typing import Final, NamedTuple

FEATURES: Final = {"length": ("tokens",), "style": ("headers", "bold", "lists")}
"""What may be held equal, and the features that it takes."""

_FENCE = re.compile(r"^(```|~~~).*?(?:^\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_HEADER = re.compile(r"^ {0,3}#{1,6}[ \t]", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*|\b__[^_\n]+__\b")
_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]", re.MULTILINE)


class Looks(NamedTuple):
    """Counts of one answer."""

    words: int
    headers: int
    bold: int
    lists: int
    """List items, bulleted and numbered."""


def looks(text: str) -> Looks:
    """Count what catches the eye.

    Args:
        text: An answer, raw.

    Returns:
        The counts.
    """
    prose = _FENCE.sub("", text)
    return Looks(
        words=len(text.split()),
        headers=len(_HEADER.findall(prose)),
        bold=len(_BOLD.findall(prose)),
        lists=len(_ITEM.findall(prose)),
    )
