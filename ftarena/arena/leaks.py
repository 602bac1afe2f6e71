"""Answers that give themselves away: a name, "as a … model", or debris of a chat template.

A battle with such an answer is not blind. It is marked when it is drawn, drawn last, and left out of scores
unless asked for.
"""

import re
from collections.abc import Collection

_DEBRIS = re.compile(
    r"<\|[\w ]{2,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<unused\d+>|<pad>"
)


def giveaway(text: str, names: Collection[str]) -> str | None:
    """Return what an answer gives itself away by, in a few words, or `None`.

    Args:
        text: The answer, raw.
        names: Names that would tell: of contestants, runs and models.
    """
    if found := _DEBRIS.search(text):
        return f"template debris {found.group()}"
    lowered = text.lower()
    for name in sorted(names):
        if len(name) >= 4 and re.search(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", lowered):
            return f"the name {name}"
    return None
