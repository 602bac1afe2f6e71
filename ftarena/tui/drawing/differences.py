"""Which words of two answers differ."""

import re
from difflib import SequenceMatcher

MAX_WORDS = 2_000
"""`SequenceMatcher` is quadratic at worst; answers longer than this are compared up to here."""

_WORDS = re.compile(r"\w+|[^\w\s]")

Ranges = list[tuple[int, int]]


def differing_words(left: str, right: str) -> tuple[Ranges, Ranges]:
    """Return where each text says something that the other does not.

    Compared word by word (runs of letters and digits, or one other sign), white space ignored.

    Returns:
        For each text (start, end) in characters, in order, adjoining words joined.
    """
    ours = list(_WORDS.finditer(left))[:MAX_WORDS]
    theirs = list(_WORDS.finditer(right))[:MAX_WORDS]
    matcher = SequenceMatcher(None, [m.group() for m in ours], [m.group() for m in theirs], autojunk=False)
    in_left: Ranges = []
    in_right: Ranges = []
    for tag, i, j, k, end in matcher.get_opcodes():
        if tag == "equal":
            continue
        if j > i:
            in_left.append((ours[i].start(), ours[j - 1].end()))
        if end > k:
            in_right.append((theirs[k].start(), theirs[end - 1].end()))
    return in_left, in_right
