"""Our own signs for a terminal that has ASCII only: `◐` as `~`, a frame as `|` and `-`, a curve as dots."""

_SIGNS = {
    "│": "|", "┤": "+", "├": "+", "└": "+", "─": "-", "━": "=", "╸": "=", "┊": ":",
    "◆": "o", "◇": "x", "◎": "@", "●": "*", "·": ".", "◌": ".", "◐": "~", "■": "#", "✕": "x", "‖": "=",
    "▸": ">", "✓": "+", "–": "-", "−": "-", "→": "->", "…": "...", "“": '"', "”": '"', "σ": "sigma",
    "±": "+-", "×": "x", "▲": "!", "≥": ">=", "≤": "<=", "α": "alpha", "β": "beta",
}  # fmt: skip


def to_ascii(text: str) -> str:
    """Return a text with our signs in ASCII; each character of a curve as the dot nearest to it.

    Foreign characters are left as they are.
    """
    return "".join(_one(sign) for sign in text)


def _one(sign: str) -> str:
    dots = ord(sign) - 0x2800
    if 0 < dots < 256:  # braille: dots 1 2 4 5 are the upper half, 3 6 7 8 the lower (Unicode 21.1)
        upper, lower = dots & 0b00011011, dots & 0b11100100
        return ":" if upper and lower else "'" if upper else "."
    return _SIGNS.get(sign, sign)
