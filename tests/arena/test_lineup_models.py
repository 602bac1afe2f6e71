"""Runs that trained whole models take part with engines of their own; what cannot answer says why."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ftarena.arena.contestants import contestant_of
from ftarena.arena.lineup import entry_of, find_contestant, sync_lineup
from ftarena.errors import FtarenaError
from ftarena.hardware import Gpu
from ftarena.plain.contestants import add
from ftarena.processes import write_json
from ftarena.serving.contestants import Contestant, served_name
from ftarena.serving.engine import Engine
from ftarena.serving.launch import GIB, MIB, EngineSpec, memory_share
from ftarena.serving.pool import EnginePool, name_on_disk
from ftarena.store import Store
from ftarena.training.runs import find_run
from ftarena.workspace import Workspace

MakeRun = Callable[..., Path]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / ".ftarena").ensure()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return looks_like_a_model(tmp_path / "base")


@pytest.fixture
def make_run(workspace: Workspace, base: Path) -> MakeRun:
    """A function that lays down a run as it lies when it has ended."""

    def make(name: str, *, tuning: str = "lora", method: str = "sft", state: str = "finished") -> Path:
        folder = workspace.runs / f"{name}-20260101-120000"
        folder.mkdir(parents=True)
        write_json(
            folder / "status.json",
            {"state": state, "name": name, "method": method, "tuning": tuning, "base_model": str(base)},
        )
        if tuning == "full" or method == "reward":
            looks_like_a_model(folder)
        else:
            (folder / "adapter_model.safetensors").write_bytes(b"0")
        return folder

    return make


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "arena.db") as opened:
        yield opened


def card_of(total_mib: int, free_mib: int) -> Gpu:
    return Gpu(0, "GPU-0", "a card", total_mib, free_mib, "575.57")


def looks_like_a_model(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    (folder / "model.safetensors").write_bytes(b"0" * 100)
    return folder


def test_a_whole_model_takes_part(workspace: Workspace, store: Store, make_run: MakeRun, base: Path) -> None:
    """I trained all weights; the model is a contestant beside its base and my adapters."""
    folder = make_run("full", tuning="full")
    make_run("lora")
    rows = {row.name: row for row in sync_lineup(store, workspace)}
    assert {name: row.kind for name, row in rows.items()} == {
        "base": "base",
        "full": "model",
        "lora": "adapter",
    }
    whole = contestant_of(rows["full"])
    assert rows["full"].run_id == whole.run_id == folder.name
    assert served_name(whole) == "base"  # an engine calls the model that it was started for so
    pool = EnginePool(workspace)
    engines = {name: pool.engine_for(contestant_of(row)) for name, row in rows.items()}
    found = {name: engine.model_path for name, engine in engines.items() if engine is not None}
    assert found == {"base": base.resolve(), "lora": base.resolve(), "full": folder.resolve()}
    assert len(sync_lineup(store, workspace)) == 3  # done twice, nobody is there twice


def test_a_project_that_was_moved(workspace: Workspace, store: Store, make_run: MakeRun) -> None:
    """Its whole models are who they were: a contestant names its run, not a folder of this machine."""
    make_run("full", tuning="full")
    before = {row.id for row in sync_lineup(store, workspace)}
    moved = Workspace(workspace.root.rename(workspace.root.with_name("elsewhere")))
    assert {row.id for row in sync_lineup(store, moved)} == before


def test_what_cannot_answer_says_why(workspace: Workspace, store: Store, make_run: MakeRun) -> None:
    """A reward model, a DoRA adapter and a run that left nothing are no contestants; each says what to do."""
    make_run("judge", method="reward")
    dora = make_run("dora", tuning="dora")
    (make_run("broken", state="failed") / "adapter_model.safetensors").unlink()
    assert not sync_lineup(store, workspace)
    with pytest.raises(FtarenaError, match="scores answers and gives none"):
        find_contestant(store, workspace, "run:judge")
    with pytest.raises(FtarenaError, match="nothing to answer with: it has failed"):
        find_contestant(store, workspace, "run:broken")
    with pytest.raises(FtarenaError, match="DoRA adapter, which the engine") as caught:
        find_contestant(store, workspace, "run:dora")
    assert f"ftarena export model {dora.name} -o DIR" in caught.value.hint
    assert "ftarena contestants add dora --model DIR" in caught.value.hint


def test_added_by_hand(
    workspace: Workspace, store: Store, make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`contestants add --run` samples a whole model differently; `--model DIR` adds what was exported."""
    folder = make_run("full", tuning="full")
    database = tmp_path / "arena.db"
    add(workspace, database, "cold", model="demo:smollm2", run="full", temperature=0)
    row = store.contestant("cold")
    assert row is not None
    assert contestant_of(row).model == f"run:{folder.name}"
    assert contestant_of(row).sampling.temperature == 0
    add(workspace, database, "merged", model=str(looks_like_a_model(tmp_path / "export")))
    make_run("judge", method="reward")
    with pytest.raises(FtarenaError, match="scores answers"):
        add(workspace, database, "judge", model="demo:smollm2", run="judge")
    assert capsys.readouterr().out == "cold takes part.\nmerged takes part.\n"


def test_a_run_that_is_gone(workspace: Workspace, make_run: MakeRun) -> None:
    """Its folder was deleted: one line says so, and no engine is started for nothing."""
    folder = make_run("full", tuning="full")
    contestant = entry_of(find_run(workspace, "full"))
    assert name_on_disk(workspace, contestant.model) == str(folder)
    assert name_on_disk(workspace, "demo:smollm2") == "demo:smollm2"
    (folder / "config.json").unlink()
    with pytest.raises(FtarenaError, match="has no model of its own here"):
        EnginePool(workspace).engine_for(contestant)


def test_a_remote_model_that_is_called_so() -> None:
    """A server elsewhere may call a model what it likes."""
    remote = Contestant(model="run:4711", endpoint="http://localhost:8000/v1")
    assert not remote.is_whole
    assert remote.run_id is None


def test_two_engines_share_a_card(workspace: Workspace, make_run: MakeRun, base: Path) -> None:
    """On 80 GB a 7B model and its base are served at once; each leaves the other room."""
    card, weights = card_of(80_000, 80_000), 15 * GIB
    assert memory_share(card, weights) == 0.85
    first = memory_share(card, weights, weights)
    assert 0.4 < first <= 0.425
    left = card_of(80_000, 80_000 - int(first * 80_000))
    second = memory_share(left, weights, weights)
    assert second == first
    assert second * 80_000 * MIB > weights + GIB
    assert Engine(workspace, base)._beside() == 0
    whole = make_run("full", tuning="full")
    assert Engine(workspace, base)._beside() == Engine(workspace, whole)._beside() == 100


def test_a_card_that_holds_one_of_them() -> None:
    """On 24 GB only one 7B model fits: it gets all, and the other is told how to get the card."""
    card, weights = card_of(24_000, 24_000), 15 * GIB
    assert memory_share(card, weights, weights) == 0.85
    with pytest.raises(FtarenaError, match=r"3\.6 GB free, and the model needs 17 GB") as caught:
        memory_share(card_of(24_000, 3_400), weights, weights)
    assert "ftarena engine stop" in caught.value.hint


def test_an_engine_that_was_started_by_an_older_version() -> None:
    """What an engine's folder said before is still understood."""
    assert EngineSpec.load({"model_path": "/m", "max_lora_rank": 16}).beside_bytes == 0
