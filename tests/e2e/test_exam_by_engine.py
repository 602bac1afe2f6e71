"""The exam, the scale curve and the comparison of checkpoints, of a real run on a real engine."""

import math
from pathlib import Path

import pytest

from ftarena.arena.comparing import enlist_checkpoints
from ftarena.arena.contestants import contestant_of
from ftarena.evaluation.exam import examine
from ftarena.evaluation.scaling import scale_curve
from ftarena.processes import read_json
from ftarena.serving.contestants import Message, Sampling, served_name
from ftarena.serving.engine import Engine
from ftarena.serving.pool import EnginePool
from ftarena.store import Store
from ftarena.training.guards import EXAM, read_guards
from ftarena.training.runs import Run
from ftarena.training.shipping.scaled import keep_scaled
from ftarena.workspace import Workspace

pytestmark = pytest.mark.e2e

GREEDY = Sampling(temperature=0.0, max_tokens=8)


def test_a_real_run_is_examined(workspace: Workspace, engine: Engine, sft: Run) -> None:
    """Twelve examples in three steps harm nothing, and the exam says so beside the base's figures."""
    found = {guard.name: guard for guard in examine(sft, workspace)}
    assert {guard.verdict for guard in found.values()} <= {"ok", "alarm"}
    assert found["knowledge"].figures["questions"] == 8
    assert found["knowledge"].figures["base_right"] >= 2, "it knows some of them"
    assert found["memorisation"].verdict == "ok"
    assert found["memorisation"].figures["training_answers"] >= 6
    assert found["stopping"].figures["answers"] == 4
    assert all(row["run"] for row in read_json(sft.directory / EXAM)["answers"])
    assert [guard for guard in read_guards(sft) if guard.name in found] == list(found.values())


def test_part_of_an_adapter_lies_between_base_and_run(workspace: Workspace, engine: Engine, sft: Run) -> None:
    """Half of what it learned is between nothing and all, and a kept half answers as it measures."""
    curve = scale_curve(sft, workspace, (0.5, 1))
    base, half, full = [point.heldout.mean_loss for point in curve.points if point.heldout]
    assert full < half < base
    assert curve.suggested == 1
    again = scale_curve(keep_scaled(sft, workspace, 0.5), workspace, (1,))
    assert again.points[-1].heldout is not None
    assert math.isclose(again.points[-1].heldout.mean_loss, half, abs_tol=1e-3)


async def test_a_checkpoint_answers_as_a_contestant(
    workspace: Workspace, engine: Engine, sft: Run, tmp_path: Path
) -> None:
    """What the trainer saved on the way is served as it is, beside what the run left."""
    with Store.open(tmp_path / "arena.db") as store:
        found = enlist_checkpoints(store, sft)
    assert [candidate.step for candidate in found] == [2, 3]
    pool = EnginePool(workspace)
    try:
        for candidate in found:
            contestant = contestant_of(candidate.contestant)
            client = await pool.client_for(contestant)
            asked = [Message(role="user", content="List all files.")]
            answer = await client.complete(served_name(contestant), asked, GREEDY)
            assert answer.text.strip()
    finally:
        await pool.aclose()
