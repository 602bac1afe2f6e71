"""The mask view in line mode: every token, the learned ones between brackets, readable in a pipe.

    ┃ ⟦```│⏎
    ┃ docker│·logs│·--│tail│·│1│0│0│·api│⏎

`│` stands between two tokens, `⟦ ⟧` around those that are learned, and a line that holds one of them begins
with `┃`. Blanks are signs: `·` a space, `⏎` a line break, `⇥` a tab. Colour only repeats what the signs say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.text import Text

from ftarena.curation.tokens import MaskedToken, MaskView
from ftarena.text import clean_text, spell_out

LEGEND = "⟦learned⟧  │ between tokens  · space  ⏎ line break  ⇥ tab  ∘ rest of a character"

_SIGNS = str.maketrans({" ": "·", "\n": "⏎", "\t": "⇥"})
_LEARNED, _SPECIAL = "bold green", "cyan"


def token_lines(view: MaskView, width: int) -> list[Text]:
    """Return a view as lines, each no wider than `width` where a token is not wider itself.

    Args:
        view: What to show.
        width: Columns.
    """
    room = max(width - 2, 8)
    kept = _rows(view.tokens[: view.cut_at], room)
    lines = [Text.assemble(("┃ ", _LEARNED) if learned else "  ", *pieces) for learned, pieces in kept]
    if view.cut_at is not None:
        lines.append(Text(f"  ✂ from here on max_length {view.cut_at:,} cuts", "bold red"))
        lost = [replace(token, trained=False) for token in view.tokens[view.cut_at :]]
        lines += [Text.assemble("  ", *pieces, style="dim strike") for _, pieces in _rows(lost, room)]
    return lines


def _rows(tokens: Sequence[MaskedToken], width: int) -> Iterator[tuple[bool, list[tuple[str, str]]]]:
    """Yield rows of text with its style, and whether a row holds a learned token; a line break ends a row."""
    row: list[tuple[str, str]] = []
    used = 0
    learned = False
    for at, token in enumerate(tokens):
        opens = token.trained and not (at and tokens[at - 1].trained)
        closes = token.trained and not (at + 1 < len(tokens) and tokens[at + 1].trained)
        text = f"{'⟦' if opens else ''}{_shown(token)}{'⟧' if closes else ''}"
        if row and used + cell_len(text) + 1 > width:
            yield learned, row
            row, used, learned = [], 0, False
        if row and not opens and not row[-1][0].endswith("⟧"):
            row.append(("│", "dim"))
            used += 1
        row.append((text, _LEARNED if token.trained else _SPECIAL if token.special else ""))
        used += cell_len(text)
        learned = learned or token.trained
        if token.text.endswith("\n"):
            yield learned, row
            row, used, learned = [], 0, False
    if row:
        yield learned, row


def _shown(token: MaskedToken) -> str:
    if not token.text:
        return "∘"
    return spell_out(token.text).translate(_SIGNS)


def summary(view: MaskView, max_length: int | None) -> str:
    """Return in one sentence what is learned of a text and what is cut."""
    parts = [f"{view.trained:,} of {len(view.tokens):,} tokens are learned", *view.notes]
    if max_length is not None and view.cut_at is None:
        parts.append(f"max_length {max_length:,} cuts nothing")
    return clean_text("; ".join(parts))
