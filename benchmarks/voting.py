"""How fast one can vote: from the key to the next battle on the screen, in a real terminal.

    python benchmarks/voting.py --battles 100

The real interface runs in a pseudo-terminal of 120×40 over an arena of two contestants (or more). A scripted
labeler decides each battle at once, with another key than the one before (the same key twice within 0.15 s
counts once). Measured is the time from the key until question and both answers of the next battle have come
back from the terminal; and, apart, how long the arena takes to draw and commit a battle. Prints one JSON
object.
"""

import argparse
import json
import os
import pty
import re
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

CHILD = """
import sys
from pathlib import Path
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.workspace import Workspace
workspace = Workspace(Path({root!r}))
FtarenaApp(Desk(workspace, workspace.database, "ana"), "vote").run()
"""

NUMBER = re.compile(rb"question (\d{5})|answer (\d{5})")


def fill(root: Path, contestants: int, prompts: int) -> None:
    """Make an arena with all answers."""
    from ftarena.arena import add_contestant, write_settings
    from ftarena.serving.contestants import Contestant
    from ftarena.store import Store
    from ftarena.workspace import Workspace

    workspace = Workspace(root).ensure()
    with Store.open(workspace.database) as store, store.transaction():
        write_settings(store, {"names": "never"})
        rows = [
            add_contestant(store, f"model-{n}", Contestant(model="demo:smollm2", adapter=f"run-{n}"))
            for n in range(contestants)
        ]
        ids = store.add_prompts(
            [([("user", f"This is question {n:05}. What now?")], None) for n in range(prompts)], "heldout"
        )
        for n, prompt_id in enumerate(ids):
            for which, row in enumerate(rows):
                store.add_answer(row.id, prompt_id, f"This is answer {n:05}. " + "A word. " * (10 + which))


def draw_ms(root: Path, battles: int) -> list[float]:
    """Return how long the arena takes to draw and commit each of some battles."""
    from ftarena.arena import Arena
    from ftarena.store import Store
    from ftarena.workspace import Workspace

    took = []
    with Store.open(Workspace(root).database) as store:
        arena = Arena(store, labeler="ben")
        for _ in range(battles):
            began = time.perf_counter()
            battle = arena.next()
            took.append(1000 * (time.perf_counter() - began))
            if battle is None:
                break
            arena.vote(battle.id, "left", elapsed_ms=1)
    return took[1:]  # the first one reads everything


class Terminal:
    """A pseudo-terminal with the interface in it."""

    def __init__(self, code: str) -> None:
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execve(sys.executable, [sys.executable, "-c", code], environment)

    def battle_after(self, last: bytes, timeout_s: float) -> bytes:
        """Wait until another battle than the last one is there, question and both answers; return its number.

        Raises:
            TimeoutError: None came.
        """
        seen, began = b"", time.perf_counter()
        while time.perf_counter() - began < timeout_s:
            if select.select([self.file], [], [], 0.5)[0]:
                seen += os.read(self.file, 1 << 20)
            found: list[bytes] = [one or other for one, other in NUMBER.findall(seen)]
            for number in set(found) - {last}:
                if found.count(number) >= 3:
                    return number
        raise TimeoutError("no other battle was drawn")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--battles", type=int, default=100)
    parser.add_argument("--contestants", type=int, default=2)
    parser.add_argument("--prompts", type=int, default=200)
    given = parser.parse_args()
    delays = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / ".ftarena"
        fill(root, given.contestants, given.prompts)
        terminal = Terminal(CHILD.format(root=str(root)))
        try:
            number = terminal.battle_after(b"", 60)
            for turn in range(given.battles):
                time.sleep(0.02)
                began = time.perf_counter()
                os.write(terminal.file, b"abt"[turn % 3 : turn % 3 + 1])
                number = terminal.battle_after(number, 20)
                delays.append(1000 * (time.perf_counter() - began))
        finally:
            os.kill(terminal.pid, signal.SIGKILL)
            os.waitpid(terminal.pid, 0)
        drawing = draw_ms(root, min(given.battles, 30))
    print(
        json.dumps(
            {
                "combinations": given.contestants * (given.contestants - 1) // 2 * given.prompts,
                "battles": len(delays),
                "key_to_next_ms_p50": round(statistics.median(delays)),
                "key_to_next_ms_p95": round(statistics.quantiles(delays, n=20)[-1]),
                "draw_ms_p50": round(statistics.median(drawing), 1),
                "draw_ms_p95": round(statistics.quantiles(drawing, n=20)[-1], 1),
            }
        )
    )


if __name__ == "__main__":
    main()
