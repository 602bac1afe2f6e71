"""Whose turn it is to measure by the engine: exams and scale curves go one after the other.

Two at once would answer no faster, and what one of them loads or sends to sleep the other would miss.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ftarena.text import clean_line
from ftarena.workspace import Workspace

LOCK = "exam.lock"
"""In the workspace; held while somebody measures, and says what."""

_LONGEST = 300


@contextmanager
def turn(workspace: Workspace, doing: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Wait until nobody else measures, then keep the turn.

    Args:
        workspace: Whose engines are asked.
        doing: What others are told to wait for: `the exam of the run x`.
        tell: Told what is waited for, once.
    """
    workspace.ensure()
    with (workspace.root / LOCK).open("a+", encoding="utf-8", errors="replace") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            tell(f"waiting for {clean_line(file.read(_LONGEST)) or 'another exam'}")
            fcntl.flock(file, fcntl.LOCK_EX)
        _write(file.fileno(), doing)
        try:
            yield
        finally:
            _write(file.fileno(), "")


def _write(file: int, words: str) -> None:
    os.ftruncate(file, 0)
    os.write(file, words.encode())
