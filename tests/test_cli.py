"""The command line at the edges of a machine: what it says when the disk, a stream or a path refuses."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ftarena import cli


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("FTARENA_HOME", str(home))
    return home


def main(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the command line in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["ftarena", *words])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def run(*words: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ftarena", *words],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "no space left"), (errno.EROFS, "Read-only"), (errno.EACCES, "Permission denied")],
)
def test_a_disk_that_refuses_is_one_message(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    words: str,
) -> None:
    """A full or read-only disk is named with what to type, and there is no traceback."""
    path = home / "engines" / "x" / "spec.json"

    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr("ftarena.plain.engine.start", refuse)
    assert main(monkeypatch, "engine", "start") == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {path}: ")
    assert words in said
    assert f"df -h {path.parent}" in said
    assert len(said.splitlines()) == 2


def test_a_log_that_cannot_be_written_is_no_traceback(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a mistake in ftarena cannot be logged, I read where it happened, on one line."""

    def fail(*_: object, **__: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("ftarena.plain.engine.start", fail)
    (home / "ftarena.log").mkdir(parents=True)
    assert main(monkeypatch, "engine", "start") == 1
    said = capsys.readouterr().err
    assert "test_cli.py:" in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_output_onto_a_full_disk_is_one_message(home: Path) -> None:
    """`ftarena score > FILE` on a full disk fails, and says so once."""
    with Path("/dev/full").open("w") as full:
        for words in (["score"], ["score", "--json"]):
            done = run(*words, stdout=full.fileno())
            assert done.returncode == 1
            assert "no space left on the disk\n" in done.stderr
            assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    "words",
    [["score"], ["export", "votes"], ["export", "dpo"], ["contestants", "list"]],
    ids=lambda words: " ".join(words),
)
@pytest.mark.parametrize("name", ["typo.db", "nowhere/deeper/arena.db", "folder"])
def test_a_database_that_i_mistyped(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    name: str,
) -> None:
    """A file that I name with --db and that is not there is an error, not an arena without votes."""
    (tmp_path / "folder").mkdir()
    assert main(monkeypatch, *words, "--db", str(tmp_path / name)) == 1
    assert f"{tmp_path / name}" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_an_arena_that_nobody_named_may_be_missing(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a new project there are no votes yet, and that is no error."""
    assert main(monkeypatch, "score") == 0
    assert "No votes yet" in capsys.readouterr().out
