"""The user's own scorer: `score(prompt, answer, reference) -> float` of a Python file, in another process.

The file is the user's code and may do anything, so it runs only where that was said (`--allow-code`), never
in this process, and no longer than ten seconds an answer. What it prints goes to standard error.
"""

import json
import selectors
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from ftarena.errors import FtarenaError
from ftarena.text import clean_line

TIMEOUT_S = 10.0
"""How long one answer may take to score; the process is ended then, and a new one takes the next answer."""

_HOST = Path(__file__).with_name("scorer_host.py")
_START_TIMEOUT_S = 120.0  # it may import whatever it likes


class ScorerFailed(FtarenaError):
    """The scorer gave no score for one answer."""


class Scorer:
    """The process of one scorer; use as a context manager.

    Args:
        path: The user's file.
        timeout_s: How long one answer may take.

    Raises:
        FtarenaError: There is no such file.
    """

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        if not path.is_file():
            raise FtarenaError(
                f"there is no file {path}", "--scorer names a Python file with a function score"
            )
        self._path = path
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""

    def __enter__(self) -> Self:
        with self._lock:
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._end()

    def score(self, prompt: str, answer: str, reference: str) -> float:
        """Return the score of an answer, 0 to 1.

        Args:
            prompt: What was asked: the last turn of the user.
            answer: As it came.
            reference: The right answer; may be empty.

        Raises:
            ScorerFailed: It raised (with the line of the file), took too long, died, or gave no such number.
        """
        with self._lock:
            if self._process is None:
                self._start()
            told = self._ask({"prompt": prompt, "answer": answer, "reference": reference}, self._timeout_s)
        if "score" in told and isinstance(told["score"], int | float):
            return float(told["score"])
        raise ScorerFailed(clean_line(str(told.get("error", "the scorer said nothing that is understood"))))

    def _start(self) -> None:
        self._buffer = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_HOST), str(self._path.resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        told = self._ask(None, _START_TIMEOUT_S)
        if "ready" not in told:
            self._end()
            raise FtarenaError(
                clean_line(str(told.get("error"))),
                f"{self._path.name} must define: def score(prompt, answer, reference) -> float",
            )

    def _ask(self, question: dict[str, str] | None, timeout_s: float) -> dict[str, object]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the scorer was not started")
        try:
            if question is not None:
                process.stdin.write(json.dumps(question).encode() + b"\n")
                process.stdin.flush()
            line = self._line(process.stdout, timeout_s)
        except BrokenPipeError:
            line = b""
        if line is None:
            self._end()
            return {"error": f"{self._path.name}: no score after {timeout_s:g} s"}
        try:
            told = json.loads(line)
        except ValueError:
            code = process.wait() if not line else process.poll()
            self._end()
            return {"error": f"{self._path.name}: its process ended (exit code {code})"}
        return told if isinstance(told, dict) else {}

    def _line(self, stream: IO[bytes], timeout_s: float) -> bytes | None:
        """Return the next line, empty at the end, None where it takes too long."""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(timeout_s):
                    return None
                piece = stream.read1(65536) if hasattr(stream, "read1") else stream.read(1)
                if not piece:
                    return b""
                self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:  # what was still to be written nobody reads any more
                    continue
