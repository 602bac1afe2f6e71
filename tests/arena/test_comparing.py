"""The checkpoints of a run as contestants."""

import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ftarena.arena.comparing import enlist_checkpoints
from ftarena.arena.contestants import contestant_of
from ftarena.errors import FtarenaError
from ftarena.plain.compare import compare
from ftarena.processes import write_json
from ftarena.serving.contestants import served_name
from ftarena.serving.pool import EnginePool
from ftarena.store import Store
from ftarena.training.checkpoints import BEST, checkpoint_name, write_manifest
from ftarena.training.runs import ADAPTER_WEIGHTS, STATUS, Run, read_run
from ftarena.workspace import Workspace

MakeRun = Callable[..., Run]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """A function that lays down a run with checkpoints, by step and what their weights are."""

    def make(checkpoints: dict[int, bytes], weights: bytes | None, state: str = "finished") -> Run:
        folder = Workspace(tmp_path / ".ftarena").ensure().runs / "lesson-1"
        folder.mkdir(parents=True)
        said = {
            "name": "lesson",
            "method": "sft",
            "state": state,
            "base_model": "m",
            "started_at": time.time(),
        }
        write_json(folder / STATUS, said)
        for step, content in checkpoints.items():
            checkpoint = folder / checkpoint_name(step)
            checkpoint.mkdir()
            (checkpoint / ADAPTER_WEIGHTS).write_bytes(content)
            write_manifest(checkpoint, step)
        if weights is not None:
            (folder / ADAPTER_WEIGHTS).write_bytes(weights)
            (folder / "adapter_config.json").write_text("{}")
        return read_run(folder)

    return make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "arena.db")


def test_each_kept_state_takes_part_once(make_run: MakeRun, store: Store, tmp_path: Path) -> None:
    """Three checkpoints, the last of which is what the run left: two new names beside the run's own."""
    run = make_run({10: b"a", 20: b"b", 30: b"c"}, b"c")
    (run.directory / BEST).symlink_to(checkpoint_name(20))
    found = enlist_checkpoints(store, run)
    assert [(one.contestant.name, one.step, one.best, one.final) for one in found] == [
        ("lesson@10", 10, False, False),
        ("lesson@20", 20, True, False),
        ("lesson", 30, False, True),
    ]
    assert enlist_checkpoints(store, run) == found
    contestant = contestant_of(found[0].contestant)
    assert served_name(contestant) == "lesson-1/checkpoint-10"
    assert found[0].contestant.run_id == "lesson-1"
    path = EnginePool(Workspace(tmp_path / ".ftarena")).adapter_path(contestant)
    assert path == run.directory / "checkpoint-10"


def test_the_best_state_may_be_what_the_run_left(make_run: MakeRun, store: Store) -> None:
    """The run's own weights are those of its best checkpoint: that one is not there twice."""
    run = make_run({10: b"a", 20: b"b"}, b"a")
    (run.directory / BEST).symlink_to(checkpoint_name(10))
    assert [(one.contestant.name, one.best, one.final) for one in enlist_checkpoints(store, run)] == [
        ("lesson", True, True),
        ("lesson@20", False, False),
    ]


def test_a_torn_checkpoint_does_not_take_part(make_run: MakeRun, store: Store) -> None:
    """A power cut tore one: it is passed over."""
    run = make_run({10: b"a", 20: b"b", 30: b"c"}, b"c")
    (run.directory / checkpoint_name(10) / ADAPTER_WEIGHTS).write_bytes(b"")
    assert [one.step for one in enlist_checkpoints(store, run)] == [20, 30]


@pytest.mark.parametrize(
    ("checkpoints", "weights", "state", "reason"),
    [
        ({10: b"a"}, b"a", "finished", "no state but its last one"),
        ({10: b"a"}, None, "failed", "nothing to answer with"),
        ({10: b"a", 20: b"b"}, None, "queued", "goes on"),
    ],
)
def test_nothing_to_choose_from_is_said(
    make_run: MakeRun, store: Store, checkpoints: dict[int, bytes], weights: bytes, state: str, reason: str
) -> None:
    """Where there is no choice I am told why."""
    run = make_run(checkpoints, weights, state)
    with pytest.raises(FtarenaError, match=reason):
        enlist_checkpoints(store, run)


def test_the_command_says_how_to_vote(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The names to vote on are there to be copied, with their held-out losses."""
    run = make_run({10: b"a", 20: b"b"}, b"b")
    with (run.directory / "metrics.jsonl").open("w") as file:
        file.write(json.dumps({"step": 10, "eval_loss": 1.5}) + "\n")
    out = io.StringIO()
    workspace = Workspace(tmp_path / ".ftarena")
    assert compare(workspace, workspace.database, "lesson", out=out) == 0
    assert out.getvalue().splitlines()[0] == "lesson@10  step 10  (held-out loss 1.500)"
    assert "ftarena vote --contestant lesson@10 --contestant lesson" in capsys.readouterr().err
    out = io.StringIO()
    compare(workspace, workspace.database, "lesson", as_json=True, out=out)
    assert [row["contestant"] for row in json.loads(out.getvalue())["contestants"]] == ["lesson@10", "lesson"]
