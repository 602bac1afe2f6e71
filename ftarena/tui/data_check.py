"""The check of data as a process of its own, so that the screen never waits for it and can end it.

    python -m ftarena.tui.data_check        started by `check`, spoken to in frames of pickle

A thread would share the interpreter with the screen (typing would stutter), could not be ended, and would
leave a gigabyte behind; a process gives all of it back. It dies with the program that asked: its standard
input is the line it hangs on.
"""

import asyncio
import os
import pickle
import signal
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError
from ftarena.processes import python_module

if TYPE_CHECKING:
    from ftarena.curation.check import CheckReport
    from ftarena.curation.tokens.checking import TokenSpec

_SIZE = struct.Struct("!Q")


@dataclass(frozen=True)
class CheckOrder:
    """What is to be checked."""

    train: tuple[Source, ...]
    heldout: tuple[Source, ...] = ()
    arena_prompts: tuple[str, ...] = ()
    """The questions of the project's battles, as text."""

    tokens: "TokenSpec | None" = None
    """The model whose tokens are counted; None: no model is asked."""


async def check(order: CheckOrder, on_progress: Callable[[Any], None]) -> "CheckReport":
    """Check data in another process; cancelling this ends it and everything it has started.

    Args:
        order: What.
        on_progress: Told, in this thread, how far it is.

    Raises:
        FtarenaError: A file cannot be read, or the process was ended by something else.
    """
    argv, env = python_module("ftarena.tui.data_check")
    child = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a library's warning would be written over the screen
        env={**os.environ, **env},
        start_new_session=True,
    )
    assert child.stdin is not None and child.stdout is not None
    try:
        child.stdin.write(_frame(order))
        await child.stdin.drain()
        while True:
            kind, value = await _next_frame(child.stdout)
            if kind == "progress":
                on_progress(value)
            elif kind == "report":
                return value  # type: ignore[no-any-return]  # what `main` sends with that word
            else:
                raise value
    except (asyncio.IncompleteReadError, ConnectionError):
        code = await child.wait()
        raise FtarenaError(
            f"the check was ended from outside (exit code {code})",
            "if memory ran out, check fewer files at once; in a terminal: ftarena check FILE",
        ) from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.stdin.close()
        await child.wait()


async def _next_frame(stream: asyncio.StreamReader) -> tuple[str, Any]:
    (size,) = _SIZE.unpack(await stream.readexactly(_SIZE.size))
    kind, value = pickle.loads(await stream.readexactly(size))
    return kind, value


def _frame(value: object) -> bytes:
    data = pickle.dumps(value)
    return _SIZE.pack(len(data)) + data


def main() -> None:
    """Check what standard input asks for and write frames to standard output: progress, then the report."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints must not get between the frames
    (size,) = _SIZE.unpack(sys.stdin.buffer.read(_SIZE.size))
    order: CheckOrder = pickle.loads(sys.stdin.buffer.read(size))
    threading.Thread(target=_hang_on, args=(sys.stdin.buffer,), daemon=True).start()

    def say(kind: str, value: object) -> None:
        out.write(_frame((kind, value)))
        out.flush()

    try:
        from ftarena.curation.check import check_sources

        report = check_sources(
            order.train,
            order.heldout,
            arena_prompts=order.arena_prompts,
            tokens=order.tokens,
            on_progress=lambda progress: say("progress", progress),
        )
        say("report", report)
    except FtarenaError as error:
        say("error", error)
    except BrokenPipeError:
        return
    except Exception as error:  # noqa: BLE001 - told to the one who asked, whose log keeps it
        import traceback

        say("error", RuntimeError("".join(traceback.format_exception(error))))


def _hang_on(line: BinaryIO) -> None:
    """End this process and those that it has started when the one that asked is gone."""
    line.read()
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    main()
