"""What makes an answer bad by its looks alone, whatever was asked."""

import re
from collections.abc import Iterator

from ftarena.curation.check.debris import template_tokens, without_code
from ftarena.curation.check.refusals import refuses

_LONG = 200
"""Letters from which on an answer that does not end with its sentence was probably cut off. Short ones are
labels, names and numbers."""

_REPEATED = 192
"""Letters that a loop has at least,"""

_TIMES = 4
"""and how often it says the same."""

_SEEN = 24
_TRIES = 5
_SIGNS = frozenset("0123456789_=\\/{}@#$<>|`~^&%+[];\t")


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


_BROKEN_OFF_LETTERS = 80
_BROKEN_OFF_WORDS = 6
_CODE_SIGNS = frozenset("_=\\/{}@#$<>|`~^&+[]\t")
# No sentence of English or German ends in one of these. Prepositions are not among them, nor a bare “to”: “if
# you want to” is the end of many a message without a full stop.
_NO_END = re.compile(
    r"(?:\b(?:the|an?|and|or|but|nor|because|although|whereas|whose|my|your|their|its|every|than"
    r"|und|oder|sowie|weil|dass|eines?|einem|einen|des|zum|zur)"
    r"|\b(?:will need|will have|in order|due|according|compared|leads?|is going|are going) to),?\Z"
)


def breaks_off(answer: str) -> str:
    """Return the last words of an answer that stops where no sentence can end; nothing for others.

    Stricter than `cut_off`, which only has to tell the worse of two answers.
    """
    text = answer.rstrip()
    if len(text) < _BROKEN_OFF_LETTERS or _NO_END.search(text, len(text) - 40) is None:
        return ""
    last = without_code(text.rsplit("\n", 1)[-1])
    words = last.split()
    # A row of a table or a line of code ends as it likes; `without_code` has cut a code block that is open.
    if len(words) < _BROKEN_OFF_WORDS or not _CODE_SIGNS.isdisjoint(last) or text.count("```") % 2:
        return ""
    return " ".join(words[-4:])


_CONTINUING = re.compile(
    r"complet|continu|fill|blank|unfinished|truncat|cut off|beginning|begins|starter|opening"
    r"|first (?:part|half|line)|next word|prefix|fragment|verse|poem|lyrics|haiku|song"
    r"|ergänz|vervollständig|fortsetz|gedicht",
    re.IGNORECASE,
)


def asks_for_a_part(question: str) -> bool:
    """Return whether a question wants a piece of a text, or verses, which may end anywhere."""
    return _CONTINUING.search(question) is not None


def loops(answer: str) -> str:
    """Return what an answer says over and over to its end, as a model does that cannot stop; else nothing.

    What repeats follows upon itself: the refrain of a poem does not. Rows of a table, code and numbers
    repeat, too; a loop of a model is made of words.
    """
    text = answer.rstrip()
    if len(text) < _REPEATED:
        return ""
    last = text[-_SEEN:]
    at = len(text) - _SEEN
    for _ in range(_TRIES):
        at = text.rfind(last, 0, at + _SEEN - 1)
        period = len(text) - _SEEN - at
        whole = max(_TIMES * period, _REPEATED)
        if at < 0 or whole > len(text):
            return ""
        if text[-whole:-period] == text[period - whole :]:
            unit = text[-period:]
            wordy = sum(map(str.isalpha, unit)) * 2 >= period and _SIGNS.isdisjoint(unit)
            return _unit(text, period) if wordy else ""
    return ""


_REPEATING = re.compile(
    r"repeat|\btimes\b|\bcopies\b|over and over|again and again|lyrics|\bsong|\bchant|\bmantra|\bloop"
    r"|wiederhol|\bmal\b|répét|\bfois\b|repit|\bveces\b|重复|重複|\bpad(?:ding)?\b|\bfill",
    re.IGNORECASE,
)


def asks_to_repeat(question: str) -> bool:
    """Return whether a question wants something said many times, or speaks of it."""
    return _REPEATING.search(question) is not None


def _unit(text: str, period: int) -> str:
    """Return what repeats, from a beginning of a line or a sentence on if it has one."""
    doubled = text[-2 * period :]
    begin = re.search(r"(?:\n|[.!?…。！？]\s*)(?=\S)", doubled[:period])
    start = begin.end() if begin else (doubled[:period].find(" ") + 1)
    return doubled[start : start + period].strip() or text[-period:]
