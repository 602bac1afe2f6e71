"""A text as its reader takes it in: without emphasis, what is invisible, and other forms of letters."""

import re
import unicodedata

_HYPHENS = re.compile("[\u00ad\u2010-\u2013\u2212\ufe58\ufe63\uff0d]")
_EMPHASIS = re.compile(r"[*`]+|~~|(?<![^\W_])_+|_+(?![^\W_])")
"""Signs of Markdown. A line below is one at a word's end, and a part of the name inside it."""

_GAP = re.compile(r"\s+")


def plain_words(text: str) -> str:
    """Return a text in which a name is found however it was written.

    Letters are composed and of plain width (NFKC), what is not seen is gone, hyphens and apostrophes are
    those of ASCII, Markdown's emphasis is dropped, and a gap is one space, or one newline if it holds any.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
        text = _HYPHENS.sub("-", text).replace("’", "'")
    return _GAP.sub(lambda gap: "\n" if "\n" in gap[0] else " ", _EMPHASIS.sub("", text))
