"""What makes an answer bad by its looks alone, whatever was asked."""

import re
from collections.abc import Iterator

from ftarena.curation.check.debris import template_tokens, without_code
from ftarena.curation.check.refusals import refuses

_LONG = 200
"""Letters from which on an answer that does not end with its sentence was probably cut off. Short ones are
labels, names and numbers."""

_TAIL = 48
_TIMES = 4


def bad_markers(answer: str) -> Iterator[str]:
    """Yield what is bad about an answer, as a predicate: `refuses`, `is cut off in mid-sentence` …

    Args:
        answer: The whole answer.
    """
    if refuses(answer):
        yield "refuses"
    if (token := next(template_tokens(answer), None)) is not None:
        yield f"holds {token}"
    if loops(answer):
        yield "repeats itself to the end"
    elif cut_off(answer):
        yield "is cut off in mid-sentence"


def cut_off(answer: str) -> bool:
    """Return whether a long answer of prose stops in the middle of a sentence, or inside a code block.

    Lists, headings, code and tables need no full stop; a line that begins like a sentence and has several
    words does.
    """
    text = answer.rstrip()
    if len(text) < _LONG:
        return False
    if text.count("```") % 2:
        return True
    last = text.rsplit("\n", 1)[-1]
    if text.endswith("```") or re.match(r"\s*(?:[-*+•#>|]|\d+[.)]|\w{1,3}[.)])", last) or ":" in last:
        return False
    words = without_code(last).split()
    return (
        len(words) >= 8
        and re.fullmatch(r"[a-z]+,?", words[-1]) is not None
        and text[-1] in ",abcdefghijklmnopqrstuvwxyz"
    )


def loops(answer: str) -> bool:
    """Return whether an answer ends in saying the same over and over, as a model does that cannot stop."""
    text = answer.rstrip()
    if len(text) < _TAIL * _TIMES:
        return False
    tail = text[-_TAIL:]
    # Lines of a table or a ruler repeat, too; a loop of a model is made of words.
    if sum(map(str.isalpha, tail)) < _TAIL // 2 or "```" in tail:
        return False
    return text.count(tail) >= _TIMES or text.endswith(text[-8:] * (_TAIL // 8))
