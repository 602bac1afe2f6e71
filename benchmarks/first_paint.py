"""How long until the first frame, compared with a bare Textual app, and how much memory that takes.

    python benchmarks/first_paint.py --runs 10

Runs of both are interleaved, each in a fresh process and a pseudo-terminal of its own, so that a busy machine
slows both alike. The first frame counts when the names of the places have arrived at the terminal (it is
written as one); for the bare app, when its one word has. Memory is the resident set two seconds later, when
contestants have been read. Prints one JSON object a line.
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
from pathlib import Path

import psutil

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("first-frame")
Bare().run()
"""

OURS = """
from pathlib import Path
from ftarena.tui.app import run
from ftarena.workspace import Workspace
workspace = Workspace(Path({root!r}))
run(workspace, db=workspace.database, place={place!r}, labeler="ana")
"""

SETTLE_S = 2.0
TIMEOUT_S = 60.0


def measure(code: str, mark: bytes) -> dict[str, float]:
    """Start a program in a pseudo-terminal and wait for its first frame.

    Args:
        code: The Python program.
        mark: Bytes that the first frame ends with.

    Returns:
        Seconds until the frame, processor seconds until then, and resident megabytes once settled.
    """
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        os.execve(sys.executable, [sys.executable, "-c", code], environment)
    process = psutil.Process(pid)
    seen = b""
    try:
        while mark not in seen:
            if time.perf_counter() - began > TIMEOUT_S:
                raise TimeoutError(seen[-2000:].decode(errors="replace"))
            if select.select([terminal], [], [], 0.5)[0]:
                seen += os.read(terminal, 65536)
        wall = time.perf_counter() - began
        times = process.cpu_times()
        settled = time.perf_counter() + SETTLE_S
        while time.perf_counter() < settled:  # keep reading: a full pipe would stop the program
            if select.select([terminal], [], [], 0.1)[0]:
                os.read(terminal, 65536)
        memory = process.memory_info().rss / 1e6
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return {"wall_s": wall, "cpu_s": times.user + times.system, "rss_mb": memory}


def summary(name: str, runs: list[dict[str, float]]) -> dict[str, object]:
    """Return median, least and most of each figure."""
    figures: dict[str, object] = {"name": name, "runs": len(runs)}
    for key in runs[0]:
        values = [run[key] for run in runs]
        figures[key] = {
            "median": round(statistics.median(values), 3),
            "min": round(min(values), 3),
            "max": round(max(values), 3),
        }
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10, help="of each program")
    parser.add_argument("--place", default="chat", choices=["chat", "vote", "scores", "runs"])
    parser.add_argument("--project", type=Path, help="a .ftarena folder; default: an empty project")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = given.project.absolute() if given.project else Path(folder) / ".ftarena"
        ours = OURS.format(root=str(root), place=given.place)
        results: dict[str, list[dict[str, float]]] = {"bare textual": [], f"ftarena {given.place}": []}
        measure(BARE, b"first-frame")  # warms the disk cache
        measure(ours, b"4 Runs")
        for _ in range(given.runs):
            for name, code, mark in zip(results, (BARE, ours), (b"first-frame", b"4 Runs"), strict=True):
                results[name].append(measure(code, mark))
    for name, runs in results.items():
        print(json.dumps(summary(name, runs)))
    bare, mine = (
        {key: statistics.median(run[key] for run in runs) for key in runs[0]} for runs in results.values()
    )
    print(json.dumps({"ratio": {key: round(mine[key] / bare[key], 2) for key in bare}}))


if __name__ == "__main__":
    main()
