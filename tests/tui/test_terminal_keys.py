"""Keys as terminals send them."""

import subprocess
import sys

from textual._xterm_parser import XTermParser
from textual.events import Key

from ftarena.tui.terminal_keys import teach_textual


def test_alt_enter_without_kitty() -> None:
    """In tmux and old terminals alt+enter arrives as escape and return: it is alt+enter all the same."""
    teach_textual()
    keys = [event.key for event in XTermParser().feed("\x1b\r") if isinstance(event, Key)]
    assert keys == ["alt+enter"]


def test_stock_textual_needs_help() -> None:
    """When this fails, Textual has learned the key, and `terminal_keys` can go."""
    code = "from textual._ansi_sequences import ANSI_SEQUENCES_KEYS as k; print('\\x1b\\r' in k)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
