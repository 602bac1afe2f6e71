"""Many at once, and the plug pulled: no vote that was acknowledged is lost or counted twice."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from ftarena.store import Store

from .conftest import fill

_VOTER = """
import sys
from pathlib import Path
from ftarena.arena import Arena
from ftarena.store import Store
with Store.open(Path(sys.argv[1])) as store:
    arena = Arena(store, labeler=sys.argv[2])
    while (battle := arena.next()) is not None:
        print("shown", battle.id, flush=True)
        arena.vote(battle.id, "right", elapsed_ms=1)
        print("voted", battle.id, flush=True)
"""


def voter(path: Path, labeler: str) -> "subprocess.Popen[str]":
    """Start a process that votes as fast as it can and says what it was shown and what was acknowledged."""
    return subprocess.Popen(
        [sys.executable, "-c", _VOTER, str(path), labeler], stdout=subprocess.PIPE, text=True
    )


def test_six_labelers_vote_at_once(tmp_path: Path) -> None:
    """Six processes vote on one file at full speed; nobody waits in vain and every vote is there once."""
    path = tmp_path / "arena.db"
    with Store.open(path) as store:
        fill(store, ["base", "sft"], [f"question {number}" for number in range(25)])
    labelers = [f"labeler {number}" for number in range(6)]
    processes = [voter(path, labeler) for labeler in labelers]
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 6
    assert [text.count("voted") for text in said] == [25] * 6
    with Store.open(path) as store:
        votes = store.standing_votes()
        assert Counter(vote.labeler for vote in votes) == dict.fromkeys(labelers, 25)
        assert len({(vote.labeler, vote.prompt) for vote in votes}) == 150


def test_a_killed_front_end_loses_nothing(tmp_path: Path) -> None:
    """Killed at any moment: what was acknowledged stands, what was shown is there, and voting goes on."""
    path = tmp_path / "arena.db"
    with Store.open(path) as store:
        fill(store, ["base", "sft"], [f"question {number}" for number in range(200)])
    acknowledged: list[str] = []
    shown: list[str] = []
    for lines in (3, 8, 15):
        process = voter(path, "ana")
        assert process.stdout is not None
        for _ in range(lines):
            word, battle_id = process.stdout.readline().split()
            (acknowledged if word == "voted" else shown).append(battle_id)
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:  # what it had said before the blow
            word, _, battle_id = line.strip().partition(" ")
            (acknowledged if word == "voted" else shown).append(battle_id)
        process.wait()
        process.stdout.close()
        with Store.open(path) as store:
            assert store.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            standing = {row[0] for row in store.rows("SELECT battle_id FROM votes")}
            assert standing >= set(acknowledged)
            assert all(store.ballots.battle(battle_id) is not None for battle_id in shown)
            assert len(store.ballots.open_battles("ana")) <= 1


def test_an_arena_is_light(tmp_path: Path) -> None:
    """Voting loads neither numpy nor an HTTP client nor anything that learns."""
    code = (
        "import sys; from pathlib import Path\n"
        "from ftarena.arena import Arena; from ftarena.store import Store\n"
        "arena = Arena(Store.open(Path(sys.argv[1])), labeler='ana'); arena.next(); arena.progress()\n"
        "print({'numpy', 'pandas', 'httpx', 'torch', 'transformers', 'textual', 'rich'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "arena.db")], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"
