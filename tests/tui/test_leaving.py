"""How the terminal is left."""

import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

DRAWN = """
from textual.app import App
from textual.widgets import Static
from ftarena.tui.leaving import leaving_nothing

class Drawn(App):
    BINDINGS = [("q", "quit", "quit"), ("w", "write", "write")]
    def compose(self):
        yield Static("ready")
    def action_write(self):
        self.query_one(Static).update("\\n".join(f"drawn {n}" for n in range(60)))

app = Drawn()
app.driver_class = leaving_nothing(app.driver_class)
app.run()
print("left")
"""


class Tmux:
    """A terminal of 80 by 24 in which a shell runs."""

    def __init__(self, socket: Path) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
        self("new-session", "-d", "-x", "80", "-y", "24", "sh")

    def __call__(self, *words: str) -> str:
        """Run a command of tmux and return what it says."""
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=True).stdout

    def shows(self, text: str) -> str:
        """Wait until a line is on the screen and return the screen.

        A shell that is told of another size while a program ends may have put its prompt in front of it.
        """
        end = time.monotonic() + 20
        while True:
            seen = self("capture-pane", "-p")
            if text in {line.removeprefix("# ").removeprefix("$ ") for line in seen.split("\n")}:
                return seen
            assert time.monotonic() < end, seen
            time.sleep(0.05)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """A terminal that is ended with the test."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not here")
    started = Tmux(tmp_path / "socket")
    yield started
    started("kill-server")


def test_nothing_stays_behind(tmux: Tmux, tmp_path: Path) -> None:
    """In tmux I make the window larger and quit: nothing of the program is left on my shell's screen."""
    script = tmp_path / "script.py"
    script.write_text(DRAWN)
    tmux(
        "send-keys", shlex.join(["env", "-u", "COLUMNS", "-u", "LINES", sys.executable, str(script)]), "Enter"
    )
    tmux.shows("ready")
    tmux("send-keys", "w")
    tmux.shows("drawn 20")
    tmux("resize-window", "-x", "120", "-y", "34")
    tmux.shows("drawn 33")
    tmux("send-keys", "q")
    assert "drawn" not in tmux.shows("left")
