"""Errors as a command line tells them: one message and what to do; a traceback goes to the log only."""

import os
import sys
import traceback
from datetime import UTC, datetime

from ftarena.errors import FtarenaError, from_os_error
from ftarena.text import clean_line, clean_text
from ftarena.workspace import Workspace


def explain(error: Exception) -> tuple[str, str]:
    """Return message and hint for what nobody below has put into words."""
    if isinstance(error, OSError):
        place = None
        try:
            sys.stdout.flush()
        except OSError:  # so it was our own output that could not be written
            place = "standard output"
            drop_output()
        if (words := from_os_error(error, place)) is not None:
            return words.message, words.hint
    return (
        f"{type(error).__name__}: {error}",
        f"this is a mistake in ftarena; the details are in {_log(error)}",
    )


def drop_output() -> None:
    """Send what is left of standard output nowhere: Python would complain once more while it closes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: str, hint: str) -> None:
    """Print an error to standard error, foreign text in it cleaned."""
    bold, reset = (
        ("\033[1;31m", "\033[0m") if sys.stderr.isatty() and not os.environ.get("NO_COLOR") else ("", "")
    )
    print(f"{bold}error:{reset} {clean_text(message)}", file=sys.stderr)
    if hint:
        print(f"  → {clean_text(hint)}", file=sys.stderr)


def _log(error: Exception) -> str:
    """Append the traceback to the workspace's log; return where that is, or else where it happened."""
    try:
        path = Workspace.find().ensure().log
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{datetime.now(UTC).isoformat()} {' '.join(sys.argv)}\n{traceback.format_exc()}")
    except (FtarenaError, OSError) as refused:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{frame.filename}:{frame.lineno} (the log cannot be written: {clean_line(str(refused))})"
    return str(path)
