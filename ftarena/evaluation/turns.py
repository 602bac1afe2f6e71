"""Whose turn it is to measure by the engine: exams and scale curves go one after the other.

Two at once would answer no faster, and what one of them loads or sends to sleep the other would miss.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from ftarena.text import clean_line, duration
from ftarena.workspace import Workspace

LOCK = "exam.lock"
"""In the workspace; held while somebody measures, and says what."""

_LONGEST = 300


@contextmanager
def turn(
    workspace: Workspace, doing: str, tell: Callable[[str], None], *, every_s: float | None = None
) -> Iterator[None]:
    """Wait until nobody else measures, then keep the turn.

    Args:
        workspace: Whose engines are asked.
        doing: What others are told to wait for: `the exam of the run x`.
        tell: Told what is waited for, once.
        every_s: Where somebody watches: tell it again so often, in seconds, with the seconds waited.
    """
    workspace.ensure()
    with (workspace.root / LOCK).open("a+", encoding="utf-8", errors="replace") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _wait(file, tell, every_s)
        _write(file.fileno(), doing)
        try:
            yield
        finally:
            _write(file.fileno(), "")


def _wait(file: TextIO, tell: Callable[[str], None], every_s: float | None) -> None:
    began = time.monotonic()
    while True:
        file.seek(0)  # who has the turn may change meanwhile
        words = f"waiting for {clean_line(file.read(_LONGEST)) or 'another exam'}"
        if every_s is None:
            tell(words)
            fcntl.flock(file, fcntl.LOCK_EX)
            return
        tell(f"{words} ({duration(time.monotonic() - began)} so far)")
        time.sleep(every_s)
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return


def _write(file: int, words: str) -> None:
    os.ftruncate(file, 0)
    os.write(file, words.encode())
