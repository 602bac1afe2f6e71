"""Reading an arena from a medium that cannot be written."""

import os
import sqlite3
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.store import Store
from ftarena.store import database as database_module


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An arena with one contestant, on a disk that seems read-only (only root could make a real one)."""
    path = tmp_path / "a%20b?c#.db"
    with Store.open(path) as store:
        store.add_contestant("base")
    allowed, connect = os.access, sqlite3.connect

    def refuse(address: str, **options: object) -> sqlite3.Connection:
        if "immutable=1" not in address:  # SQLite cannot make its files beside it
            raise sqlite3.OperationalError("unable to open database file")
        return connect(address, **options)  # type: ignore[call-overload, no-any-return]  # handed on as given

    monkeypatch.setattr(
        database_module.os, "access", lambda path, mode: mode != os.W_OK and allowed(path, mode)
    )
    monkeypatch.setattr(database_module.sqlite3, "connect", refuse)
    return path


def test_it_can_be_read(sealed: Path) -> None:
    """Votes on a read-only disk can be read, and nothing appears beside them."""
    with Store.open_existing(sealed) as store:
        assert store.read_only
        assert [row.name for row in store.contestants()] == ["base"]
        with pytest.raises(FtarenaError, match="readonly"):
            store.add_contestant("late")
    assert list(sealed.parent.iterdir()) == [sealed]


def test_votes_in_its_log_are_not_passed_over(sealed: Path) -> None:
    """Where the last votes lie in a log that cannot be read, that is said; they are not left out."""
    sealed.with_name(f"{sealed.name}-wal").write_bytes(b"votes")
    with pytest.raises(FtarenaError, match="last votes") as caught:
        Store.open_existing(sealed)
    assert "--db" in caught.value.hint
