"""Keys that terminals send and Textual does not know.

alt+enter is ESC CR in tmux and in every terminal without the Kitty keyboard protocol. Textual 8.2.8 reads it
as plain enter, so "new line" would send a half-written prompt. `test_stock_textual_needs_help` says when that
has changed.
"""

from enum import StrEnum

from textual import _ansi_sequences


class TerminalKey(StrEnum):
    """A key with the name that bindings use."""

    ALT_ENTER = "alt+enter"


def teach_textual() -> None:
    """Add the sequences to what Textual's parser knows; once is enough."""
    known = _ansi_sequences.ANSI_SEQUENCES_KEYS
    known.setdefault("\x1b\r", (TerminalKey.ALT_ENTER,))  # type: ignore[attr-defined]  # a dict, declared Mapping
