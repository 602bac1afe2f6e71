"""What a front end may not cost: a vote over SSH must not wait for torch."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ftarena.arena.contestants import add_contestant
from ftarena.serving.contestants import Contestant
from ftarena.store import Store, Turn

HEAVY = {"torch", "transformers", "trl", "peft", "datasets", "accelerate", "vllm", "pandas"}


def imported(arguments: list[str], folder: Path, typed: str = "") -> set[str]:
    """Run ftarena and return the top-level packages it imported, from `-X importtime`."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ftarena", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "FTARENA_HOME": str(folder), "FTARENA_CACHE": str(folder / "cache")},
    )
    return {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}


def test_help_costs_little_more_than_typer(tmp_path: Path) -> None:
    """`ftarena --help` answers at once."""
    packages = imported(["--help"], tmp_path)
    assert not packages & (HEAVY | {"textual", "numpy", "sqlite_utils", "httpx", "pydantic"})
    assert "typer" in packages  # the measurement itself works
    assert not list(tmp_path.iterdir()), "asking for help created something"


def test_a_vote_needs_no_machine_learning(tmp_path: Path) -> None:
    """A colleague's laptop votes without loading a training library."""
    with Store.open(tmp_path / "arena.db") as store:
        (prompt,) = store.add_prompts([((Turn("user", "Q?"),), None)], source="test")
        for name in ("one", "two"):
            row = add_contestant(store, name, Contestant(model="demo:smollm2", system_prompt=name))
            store.add_answer(row.id, prompt, text=f"text {name}")
    packages = imported(["vote", "--plain", "--labeler", "ana"], tmp_path, typed="a\nq\n")
    assert not packages & (HEAVY | {"textual", "numpy"})
    with Store.open(tmp_path / "arena.db") as store:
        assert [vote.outcome for vote in store.standing_votes()] == ["left"]
    assert not imported(["score", "--json"], tmp_path) & (HEAVY | {"textual"})


@pytest.mark.parametrize("command", [["contestants", "list"], ["runs"], ["engine", "status"]])
def test_looking_around_needs_no_machine_learning(tmp_path: Path, command: list[str]) -> None:
    """Lists are there in a blink."""
    assert not imported(command, tmp_path) & (HEAVY | {"textual"})


def test_the_arrows_are_drawn_in_one_place() -> None:
    """Every package of the house has its line in the import contract."""
    root = Path(__file__).parent.parent
    contract = (root / "pyproject.toml").read_text()
    rooms = {path.name.removesuffix(".py") for path in (root / "ftarena").iterdir()}
    rooms -= {"__init__", "__main__", "__pycache__"}
    named = set(re.findall(r"\w+", contract.split("layers = [")[1].split("]")[0]))
    assert rooms == named
