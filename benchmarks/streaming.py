"""How a chat feels while two models stream: processor time, delay of a typed letter, whether it keeps up.

    python benchmarks/streaming.py --rate 300 --seconds 10

The real interface runs in a pseudo-terminal of 120×40, with two clients that yield a word every 1/RATE
seconds (Markdown with a code fence now and then). Meanwhile letters are typed into the prompt box, and the
time until each has come back from the terminal is taken. Prints one JSON object.
"""

import argparse
import json
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from fcntl import ioctl

import psutil

CHILD = """
import asyncio, sys, time
from pathlib import Path
from ftarena.arena import add_contestant
from ftarena.serving.contestants import Contestant
from ftarena.serving.protocol import Chunk
from ftarena.serving.status import EngineState, EngineStatus
from ftarena.store import Store
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.workspace import Workspace

RATE, SECONDS = {rate}, {seconds}
WORDS = ("There are **several** ways to see it, and `ss` is one of them. "
         "\\n\\n```\\nss -ltnp 'sport = :8080'\\n```\\nLists the process.\\n\\n").split(" ")

class Client:
    async def stream(self, model, messages, sampling):
        began = time.perf_counter()
        count = int(RATE * SECONDS)
        for n in range(count):
            wait = began + n / RATE - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            yield Chunk(" " + WORDS[n % len(WORDS)], None, n + 1)
        yield Chunk(" THE-END", "stop", count)

class Engine:
    def status(self):
        return EngineStatus(EngineState.READY, "", "", None, None, None, None, (), None, Path("model"))

class Pool:
    def engine_for(self, contestant):
        return Engine()
    async def client_for(self, contestant):
        return Client()
    async def aclose(self):
        pass

workspace = Workspace(Path({root!r})).ensure()
with Store.open(workspace.database) as store:
    for name, adapter in (("base", None), ("sft-1", "run-1")):
        add_contestant(store, name, Contestant(model="demo:smollm2", adapter=adapter))
desk = Desk(workspace, workspace.database, "ana")
desk.pool = Pool()
FtarenaApp(desk, "chat").run()
"""

LETTERS = "αβγδεζηθικλμνξοπρστυφχψωабвгдежзийклмнопрстуфхцчшщыэюя"
"""Typed one after the other; none occurs in what is streamed."""


class Terminal:
    """A pseudo-terminal with the interface in it."""

    def __init__(self, code: str) -> None:
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execve(sys.executable, [sys.executable, "-c", code], environment)
        self.seen = b""

    def read(self, timeout_s: float) -> None:
        """Read what there is, waiting a little for it."""
        if select.select([self.file], [], [], timeout_s)[0]:
            self.seen += os.read(self.file, 1 << 20)

    def wait_for(self, mark: bytes, timeout_s: float) -> float:
        """Wait until something has been drawn and return how long that took, in seconds."""
        began = time.perf_counter()
        while mark not in self.seen:
            if time.perf_counter() - began > timeout_s:
                raise TimeoutError(f"{mark!r} was never drawn")
            self.read(0.5)
        return time.perf_counter() - began

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.file, text.encode())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=300, help="words a second and side")
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(CHILD.format(rate=given.rate, seconds=given.seconds, root=f"{folder}/.ftarena"))
        process = psutil.Process(terminal.pid)
        try:
            terminal.wait_for(b"sft-1", 60)
            time.sleep(1)
            terminal.type("hello\r")
            terminal.wait_for(b"several", 20)
            began, before = time.perf_counter(), process.cpu_times()
            delays = []
            for letter in LETTERS:
                if time.perf_counter() - began > given.seconds - 1:
                    break
                terminal.seen = b""
                terminal.type(letter)
                delays.append(terminal.wait_for(letter.encode(), 20))
                terminal.read(0.1)
            terminal.wait_for(b"THE-END", given.seconds + 60)
            done, after = time.perf_counter() - began, process.cpu_times()
            memory = process.memory_info().rss / 1e6
        finally:
            os.kill(terminal.pid, signal.SIGKILL)
            os.waitpid(terminal.pid, 0)
    delays.sort()
    used = after.user + after.system - before.user - before.system
    print(
        json.dumps(
            {
                "words_per_s": given.rate,
                "cpu_percent": round(100 * used / done),
                "key_ms_p50": round(1000 * statistics.median(delays)),
                "key_ms_p99": round(1000 * delays[min(int(0.99 * len(delays)), len(delays) - 1)]),
                "keys": len(delays),
                "done_after_s": round(done, 1),
                "rss_mb": round(memory),
            }
        )
    )


if __name__ == "__main__":
    main()
