"""The only door from foreign text to a terminal.

Model output, data sets, file names and votes of other people are foreign: an OSC 52 inside an answer writes
the clipboard of who reads it, a title change could name the model behind a blind side. Terminals and Textual
pass such sequences on, so every control character is taken out one by one; what is left of a sequence is
harmless text. Nothing is parsed, so nothing can be mis-parsed.
"""

import re

# C0 without \t and \n, DEL, C1, the bidi overrides and isolates that reorder what is read (Trojan Source),
# line and paragraph separators that break the width of a line, and lone surrogates that cannot be encoded.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff\ufeff]"
)


def clean_text(text: str) -> str:
    """Return `text` without anything that a terminal would obey instead of show.

    Newlines and tabs stay; `\\r\\n` and lone `\\r` become newlines, since dropping them would glue lines.
    The function is idempotent.
    """
    return _UNSAFE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def spell_out(text: str) -> str:
    """Return `text` with what a terminal would obey or hide written out: an escape as `‹U+001B›`.

    For places where people look for exactly that. What is left is as `clean_text` leaves it.
    """
    return _UNSAFE.sub(lambda found: f"‹U+{ord(found[0]):04X}›", text.replace("\r\n", "\n"))


def clean_line(text: str) -> str:
    """Return `text` cleaned and on one line: for titles, table cells and log lines."""
    return " ".join(clean_text(text).split())


def shorten(text: str, width: int) -> str:
    """Return `text` cleaned, on one line and at most `width` characters long, with an ellipsis where cut."""
    line = clean_line(text)
    return line if len(line) <= width else line[: max(width - 1, 0)] + "…"


def duration(seconds: float) -> str:
    """Return a time span as people say it: `8 s`, `2 min 05 s`, `3 h 20 min`."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(n_bytes: float) -> str:
    """Return a number of bytes in decimal units: `98 MB`, `4.1 GB`."""
    for unit, power in (("TB", 4), ("GB", 3), ("MB", 2), ("kB", 1)):
        if n_bytes >= 1000**power:
            value = n_bytes / 1000**power
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{n_bytes:.0f} B"
