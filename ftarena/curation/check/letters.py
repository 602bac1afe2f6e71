"""Characters that are not what they were: text decoded with the wrong encoding, and invisible controls."""

import re
import unicodedata
from collections.abc import Iterator

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
# A C1 control after a letter beyond ASCII is a byte of broken UTF-8: `mojibake` names that.
_BROKEN_BYTES = re.compile("(?<=[\xc2-\xf4\x80-\x9f])[\x80-\x9f]+")


def control_characters(text: str) -> Iterator[str]:
    """Yield the first control character of a text, by its name: what a terminal would obey instead of show.

    Marks of direction are right in Hebrew and Arabic texts.
    """
    if text.replace("\n", " ").isprintable():
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
_SIDE_BY_SIDE = re.compile(r"[^\x00-\x7f]{2}|[ÃÂ] ")
_LOST = re.compile(r"\w�|�\w")


def mojibake(text: str) -> Iterator[str]:
    """Yield the words of a text that were decoded with the wrong encoding, and what they were.

    A word counts only if ftfy both finds it unlikely and can undo the mistake: an unlikely word alone may be
    a name, a formula or a face of punctuation.
    """
    if text.isascii():
        return
    if "\ufffd" in text and _LOST.search(text) is not None:
        yield "the replacement character � (letters were lost)"
    if _SIDE_BY_SIDE.search(text) is None:
        return
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    suspects = _suspects()
    if suspects.search(text) is None:
        return
    for word in re.split(r"[ \t\r\n]+", text):
        if not word.isascii() and suspects.search(word) is not None and is_bad(word):
            mended = fix_encoding(word)
            if mended != word:
                yield f"“{shorten(word, 24)}” for “{shorten(mended, 24)}”"


_compiled: list[re.Pattern[str]] = []


def _suspects() -> re.Pattern[str]:
    """Return what finds the beginning of UTF-8 sequence read as one byte a letter, by ftfy's tables."""
    if not _compiled:
        from ftfy.chardata import UTF8_CLUES

        first = "".join(UTF8_CLUES[f"utf8_first_of_{length}"] for length in (2, 3, 4))
        _compiled.append(re.compile(f"[{first}][{UTF8_CLUES['utf8_continuation']}]|[ÃÂ](?: |$)"))
    return _compiled[0]
