"""The program in a real terminal: keys go in through tmux, screens come out, SQLite is read afterwards."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ftarena.arena.contestants import add_contestant
from ftarena.serving.contestants import Contestant
from ftarena.store import Store, Turn

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]

# Names that occur nowhere else, so that finding one on a screen means that it was shown.
NAMES = ("kestrel-41", "plover-87")
PROMPTS = 6


class Terminal:
    """A tmux session of its own server, so that the user's is not touched."""

    def __init__(self, folder: Path, width: int, height: int) -> None:
        self._socket = folder / "tmux"
        self.bytes = folder / "bytes"
        self._size = ["-x", str(width), "-y", str(height)]

    def start(self, command: str, environment: dict[str, str]) -> None:
        variables = [word for key, value in environment.items() for word in ("-e", f"{key}={value}")]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-s", "t", *self._size, *variables, "sh")
        # Every byte that reaches the terminal is kept, also what a later repaint covers.
        self._tmux("pipe-pane", "-t", "t", "-o", f"cat >> {self.bytes}")
        self._tmux("send-keys", "-t", "t", command, "Enter")

    def keys(self, *keys: str) -> None:
        self._tmux("send-keys", "-t", "t", *keys)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-t", "t")

    def wait(self, condition: Callable[[str], bool], what: str, timeout_s: float = 30) -> str:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            screen = self.screen()
            if condition(screen):
                return screen
            time.sleep(0.05)
        raise AssertionError(f"{what} did not appear; the screen is:\n{self.screen()}")

    def close(self) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, check=False)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), *words], capture_output=True, text=True, check=True
        )
        return done.stdout


@pytest.fixture(params=[(80, 24), (200, 60)], ids=["80x24", "200x60"])
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, *request.param)
    yield terminal
    terminal.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two contestants that have answered six prompts."""
    path = tmp_path / "w" / "arena.db"
    path.parent.mkdir(mode=0o700)
    with Store.open(path) as store:
        for name in NAMES:
            add_contestant(store, name, Contestant(model="demo:smollm2", system_prompt=f"You are {name}."))
        for number in range(PROMPTS):
            (prompt,) = store.add_prompts(
                [((Turn("user", f"Question number {number}?"),), None)], source="test"
            )
            for row in store.contestants():
                text = f"Answer of style {NAMES.index(row.name)} to question {number}."
                store.add_answer(row.id, prompt, text=text)
    return path


def ballots(path: Path) -> list[tuple[str, str | None]]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return connection.execute("SELECT kind, outcome FROM ballot_events ORDER BY rowid").fetchall()


def test_three_votes_and_one_undo_are_exactly_what_the_file_holds(
    terminal: Terminal, database: Path, tmp_path: Path
) -> None:
    """I log in to vote: one key decides, `u` takes it back, and no name is shown before its vote."""
    program = Path(sys.executable).parent / "ftarena"
    terminal.start(
        f"{program} vote --db {database} --labeler ana; echo left with $?",
        {
            "FTARENA_HOME": str(tmp_path / "w"),
            "FTARENA_CACHE": str(tmp_path / "c"),
            "PATH": os.environ["PATH"],
        },
    )

    def battle(number: int) -> str:
        """Wait for the n-th battle: its two answers are on the screen."""
        return terminal.wait(
            lambda screen: screen.count("Answer of style") == 2 and len(ballots(database)) == number - 1,
            f"battle {number}",
        )

    screen = battle(1)
    assert not any(name in screen for name in NAMES)
    before = terminal.bytes.read_text(errors="replace")
    assert not any(name in before for name in NAMES), "a name reached the terminal before the first vote"

    time.sleep(0.3)  # the guard against a key pressed twice
    for number, (key, outcome) in enumerate([("a", "left"), ("t", "tie"), ("x", "both_bad")], start=1):
        battle(number)
        time.sleep(0.3)
        terminal.keys(key)
        terminal.wait(lambda _, n=number: len(ballots(database)) == n, f"vote {number}")
        assert ballots(database)[-1] == ("vote", outcome)
        terminal.wait(lambda screen: "Last battle" in screen, "what was recorded")
    battle(4)
    terminal.keys("u")
    terminal.wait(lambda _: len(ballots(database)) == 4, "the undo")
    terminal.keys("q")
    terminal.wait(lambda screen: "left with 0" in screen, "the shell")

    assert ballots(database) == [("vote", "left"), ("vote", "tie"), ("vote", "both_bad"), ("undo", None)]
    with sqlite3.connect(database) as connection:
        standing = connection.execute("SELECT outcome FROM votes ORDER BY created_at").fetchall()
        shown = connection.execute("SELECT count(*) FROM battles").fetchone()[0]
    assert standing == [("left",), ("tie",)]
    assert shown == 4  # each was committed before it was shown, the fourth included
