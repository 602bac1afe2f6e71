"""Where things lie, and who may read them."""

import stat
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.workspace import Workspace, cache_dir, make_private, runtime_dir


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_found_from_a_folder_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I may stand anywhere in my project."""
    monkeypatch.delenv("FTARENA_HOME", raising=False)
    (tmp_path / "project" / ".ftarena").mkdir(parents=True)
    below = tmp_path / "project" / "a" / "b"
    below.mkdir(parents=True)
    found = Workspace.find(below)
    assert found.root == tmp_path / "project" / ".ftarena"
    assert found.name == "project"


def test_looking_creates_nothing_and_ensure_makes_it_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only I can read my prompts and votes."""
    monkeypatch.delenv("FTARENA_HOME", raising=False)
    workspace = Workspace.find(tmp_path)
    assert workspace.database.parent == workspace.root
    assert not workspace.root.exists()
    assert mode(workspace.ensure().root) == 0o700


def test_the_environment_chooses_the_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """My home is small; the scratch disk is large."""
    monkeypatch.setenv("FTARENA_HOME", str(tmp_path / "w"))
    monkeypatch.setenv("FTARENA_CACHE", str(tmp_path / "c"))
    assert Workspace.find().root == tmp_path / "w"
    assert cache_dir() == tmp_path / "c"


def test_sockets_lie_in_a_short_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a shared host nobody else reaches my engine, however deep my project lies."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first, again, other = runtime_dir("a" * 500), runtime_dir("a" * 500), runtime_dir("b")
    assert first == again != other
    assert mode(first) == mode(first.parent) == 0o700
    assert len(str(first / "s.sock")) < 100


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """A trap laid in /tmp is not walked into."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(FtarenaError, match="not a folder of yours"):
        make_private(tmp_path / "link")


def test_a_place_that_cannot_be_made_says_which_and_what_to_do(tmp_path: Path) -> None:
    """A file in the way gives one clear line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FtarenaError, match=r"cannot create .*file/x") as caught:
        make_private(tmp_path / "file" / "x")
    assert "FTARENA_HOME" in caught.value.hint
