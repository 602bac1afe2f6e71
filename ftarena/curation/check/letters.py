"""Characters that are not what they were: text decoded with the wrong encoding, and invisible controls."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from ftarena.text import clean_text, shorten

_NAMES = {
    "\0": "null",
    "\a": "bell",
    "\b": "backspace",
    "\v": "vertical tab",
    "\f": "form feed",
    "\x1b": "escape",
    "\x7f": "delete",
}
"""Unicode gives controls no names."""

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe]")
_DIRECTION_MARKS = frozenset("\u200e\u200f\u061c")
# Scripts without spaces break their lines there; between Latin letters a web page has left it behind.
_HIDDEN = re.compile("(?<![^\x00-\u024f\u2010-\u2027])([\u200b\u2060])(?![^\x00-\u024f\u2010-\u2027])")
# A C1 control after a letter beyond ASCII is a byte of broken UTF-8: `mojibake` names that.
_BROKEN_BYTES = re.compile("(?<=[\xc2-\xf4\x80-\x9f])[\x80-\x9f]+")


def control_characters(text: str) -> Iterator[str]:
    """Yield the first control character of a text, by its name: what a terminal would obey instead of show.

    Marks of direction are right in Hebrew and Arabic texts.
    """
    if text.replace("\n", " ").isprintable():
        return
    if (hidden := _HIDDEN.search(text)) is not None:
        yield f"U+{ord(hidden[1]):04X} ({unicodedata.name(hidden[1], '').lower()})"
        return
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(clean_text(plain)) == len(plain):
        return
    for character in _BROKEN_BYTES.sub("", plain):
        if clean_text(character):
            continue
        if character in _DIRECTION_MARKS and _RIGHT_TO_LEFT.search(plain):
            continue
        name = unicodedata.name(character, "").lower() or _NAMES.get(character, "a control character")
        yield f"U+{ord(character):04X} ({name})"
        return


# Where UTF-8 was read as one byte a letter, letters beyond ASCII stand side by side, or Ã before the space
# that a no-break space became.
_SIDE_BY_SIDE = re.compile(r"[^\x00-\x7f]{2}|[ÃÂ](?: |\Z)")
_ABOUT_LETTERS = re.compile(r"replacement|U\+FFFD|unicode|utf-?8|encod|decod|mojibake|charset", re.IGNORECASE)
_LETTERS_BY_THEMSELVES = ("Ã", "Â")
_BREAK = re.compile(r"[ \t\r\n]|\Z")
_LONGEST_WORD = 100


def mojibake(text: str) -> Iterator[str]:
    """Yield the words of a text that were decoded with the wrong encoding, and what they were.

    A word counts only if ftfy both finds it unlikely and can undo the mistake: an unlikely word alone may be
    a name, a formula or a face of punctuation.
    """
    if text.isascii():
        return
    if "\ufffd" in text and _ABOUT_LETTERS.search(text) is None:
        yield "the replacement character � (letters were lost)"
    if _SIDE_BY_SIDE.search(text) is None:
        return
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    for word in _suspect_words(text):
        # A letter of Portuguese by itself is spoken of; where it was “à”, other words are broken as well.
        if is_bad(word) and word.strip() not in _LETTERS_BY_THEMSELVES:
            mended = fix_encoding(word)
            if mended != word:
                yield f"“{shorten(word, 24)}” for “{shorten(mended, 24)}”"


def _suspect_words(text: str) -> Iterator[str]:
    """Yield the words that hold what could be one letter of UTF-8, read as two to four."""
    seen = 0
    for match in _suspects().finditer(text):
        if match.start() < seen:
            continue
        earliest = max(seen, match.start() - _LONGEST_WORD)
        start = max(earliest, *(text.rfind(space, earliest, match.start()) + 1 for space in " \t\r\n"))
        if match.group().endswith(" "):  # the space may have been the second half of a letter: it ends here
            seen = match.end()
        else:
            end = _BREAK.search(text, match.end(), match.end() + _LONGEST_WORD)
            seen = end.end() if end is not None else match.end() + _LONGEST_WORD
        yield text[start:seen]


@cache
def _suspects() -> re.Pattern[str]:
    """Return what finds a letter of UTF-8 read as one byte a letter, by ftfy's tables."""
    from ftfy.chardata import UTF8_CLUES

    two, three, four = (UTF8_CLUES[f"utf8_first_of_{length}"] for length in (2, 3, 4))
    rest = UTF8_CLUES["utf8_continuation"].replace(" ", "") + "\ufffd"
    return re.compile(f"[{two}][{rest}]|[{three}][{rest}]{{2}}|[{four}][{rest}]{{3}}|[ÃÂ](?: |$)")
