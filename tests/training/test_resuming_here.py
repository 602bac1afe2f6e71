"""A run that was interrupted goes on as if nothing had happened: on a CPU to the last bit."""

import errno
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from resuming_support import DATA, Killed, at_step, curve, lay, work, work_until

from ftarena.processes import read_json
from ftarena.training.checkpoints import MANIFEST, checkpoints_of, newest_whole
from ftarena.training.runs import ADAPTER_WEIGHTS, Run, RunState, read_events, read_metrics
from ftarena.workspace import Workspace

pytest.importorskip("torch")

ANSWERS: dict[str, object] = {
    "method": "sft",
    "dataset": f"[{DATA}/sft.jsonl#24]",
    "eval_dataset": f"[{DATA}/heldout.jsonl#4]",
    "replay_dataset": f"[{DATA}/general.jsonl#8]",
    "replay_ratio": 0.2,
    "learning_rate": 0.01,
    "lora_dropout": 0.1,
}
PAIRS: dict[str, object] = {
    "method": "dpo",
    "dataset": f"[{DATA}/preferences.jsonl#12]",
    "eval_dataset": f"[{DATA}/heldout.jsonl#4]",
    "learning_rate": 0.001,
    "lora_dropout": 0.1,
}
SHARED: dict[str, object] = {
    "max_length": 256,
    "per_device_train_batch_size": 2,
    "gradient_accumulation_steps": 2,
    "num_train_epochs": 2,
    "eval_steps": 3,
    "logging_steps": 2,
    "general_dataset": "[]",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project whose runs several tests look at."""
    return Workspace(tmp_path_factory.mktemp("project") / ".ftarena").ensure()


@pytest.fixture(scope="module")
def keys(tiny_model: Path) -> dict[str, dict[str, object]]:
    """A small recipe of each method."""
    shared = {**SHARED, "model_name_or_path": tiny_model}
    return {"sft": {**ANSWERS, **shared}, "dpo": {**PAIRS, **shared}}


@pytest.fixture(scope="module")
def whole(project: Workspace, keys: dict[str, dict[str, object]]) -> dict[str, Run]:
    """Of each method a run that was never interrupted."""
    return {method: work(lay(project, name=method, **said)) for method, said in keys.items()}


def weights(run: Run) -> bytes:
    return (run.directory / ADAPTER_WEIGHTS).read_bytes()


@pytest.mark.parametrize(
    ("method", "killed_at"), [("sft", 4), ("sft", 8), ("sft", 11), ("dpo", 4), ("dpo", 5)]
)
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    workspace: Workspace,
    keys: dict[str, dict[str, object]],
    whole: dict[str, Run],
    method: str,
    killed_at: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whenever my run is killed: once resumed, its curve and adapter are those of one that never was."""
    expected = whole[method]
    assert expected.state is RunState.FINISHED, expected.message
    logged = [row["step"] for row in curve(expected) if "loss" in row]
    assert logged == list(range(2, expected.total_steps + 1, 2))
    directory = lay(workspace, name=method, **keys[method])
    work_until(directory, killed_at, patch=monkeypatch)
    from_step = newest_whole(directory)
    assert from_step is not None and from_step.step == killed_at // 3 * 3
    run = work(directory, "--resume")
    assert run.state is RunState.FINISHED, run.message
    assert curve(run) == curve(expected)
    assert weights(run) == weights(expected)


def test_it_may_be_killed_again_and_again(
    workspace: Workspace,
    keys: dict[str, dict[str, object]],
    whole: dict[str, Run],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three power cuts in one night, one of them before a new checkpoint was there."""
    directory = lay(workspace, name="sft", **keys["sft"])
    work_until(directory, 5, patch=monkeypatch)
    work_until(directory, 5, "--resume", patch=monkeypatch)
    work_until(directory, 10, "--resume", patch=monkeypatch)
    run = work(directory, "--resume")
    assert curve(run) == curve(whole["sft"]) and weights(run) == weights(whole["sft"])
    steps = [event["step"] for event in read_events(run) if event["event"] == "resumed"]
    assert steps == [3, 3, 9]
    assert [event["event"] for event in read_events(run)].count("train-data") == 1


def test_the_same_recipe_and_seed_give_the_same_adapter(
    workspace: Workspace, keys: dict[str, dict[str, object]], whole: dict[str, Run]
) -> None:
    """I repeat a run and get the very same bytes; what it was made with is noted beside it."""
    run = work(lay(workspace, name="again", **keys["sft"]))
    assert weights(run) == weights(whole["sft"])
    noted = read_json(run.directory / "environment.json")
    assert noted["seed"] == 42 and noted["hardware"]["cores"] >= 1
    assert len(noted["recipe_sha256"]) == len(noted["base_model_fingerprint"]) == 64
    assert set(noted["git"] or {"commit": "", "dirty": False}) == {"commit", "dirty"}


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_paused_run_goes_on_where_it_was(
    workspace: Workspace,
    keys: dict[str, dict[str, object]],
    whole: dict[str, Run],
    method: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I need the card for an hour: pause, and later resume; nothing is lost, not even half a log."""
    directory = lay(workspace, name=method, **keys[method])
    at_step(monkeypatch, 4, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    run = work(directory)
    monkeypatch.undo()
    assert (run.state, run.step, run.resumable_from, run.adapter) == (RunState.PAUSED, 5, 5, None)
    assert "paused after step 5" in run.message
    run = work(directory, "--resume")
    assert curve(run) == curve(whole[method]) and weights(run) == weights(whole[method])


def test_a_stopped_run_can_be_taken_up_again(
    workspace: Workspace,
    keys: dict[str, dict[str, object]],
    whole: dict[str, Run],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I stopped too early, at a step that was to be measured; the measurement is made up for."""
    directory = lay(workspace, name="sft", **keys["sft"])
    at_step(monkeypatch, 5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    run = work(directory)
    monkeypatch.undo()
    assert (run.state, run.resumable_from, run.adapter) == (RunState.STOPPED, 6, directory)
    run = work(directory, "--resume")
    assert weights(run) == weights(whole["sft"])

    def by_step(row: dict[str, Any]) -> tuple[int, bool]:
        return row["step"], "loss" in row

    assert sorted(curve(run), key=by_step) == sorted(curve(whole["sft"]), key=by_step)


def test_a_kill_in_the_middle_of_saving_costs_that_checkpoint_only(
    workspace: Workspace,
    keys: dict[str, dict[str, object]],
    whole: dict[str, Run],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The power goes while a checkpoint is written: the one before it is used."""
    from ftarena.training.worker import checkpoints

    real = checkpoints.write_manifest

    def cut(folder: Path, step: int) -> None:
        if step == 6:
            raise Killed
        real(folder, step)

    directory = lay(workspace, name="sft", **keys["sft"])
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "write_manifest", cut)
        with pytest.raises(Killed):
            work(directory)
    assert [one.step for one in checkpoints_of(directory)] == [3]
    run = work(directory, "--resume")
    assert curve(run) == curve(whole["sft"]) and weights(run) == weights(whole["sft"])
    assert not (directory / ".saving").exists()


@pytest.mark.parametrize("harm", ["emptied", "changed", "no manifest"])
def test_a_torn_checkpoint_is_skipped_and_said(
    workspace: Workspace,
    keys: dict[str, dict[str, object]],
    whole: dict[str, Run],
    harm: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that lied about what it had written does not spoil the run."""
    directory = lay(workspace, name="sft", **keys["sft"])
    work_until(directory, 7, patch=monkeypatch)
    weights_file = directory / "checkpoint-6" / ADAPTER_WEIGHTS
    if harm == "emptied":
        weights_file.write_bytes(b"")
    elif harm == "changed":
        content = bytearray(weights_file.read_bytes())
        content[-1] ^= 1
        weights_file.write_bytes(content)
    else:
        (directory / "checkpoint-6" / MANIFEST).unlink()
    run = work(directory, "--resume")
    assert curve(run) == curve(whole["sft"]) and weights(run) == weights(whole["sft"])
    (torn,) = [event for event in read_events(run) if event["event"] == "torn-checkpoint"]
    assert torn["step"] == 6 and "checkpoint-6 is torn" in torn["message"]


def full_disk(patch: pytest.MonkeyPatch, *steps: int) -> None:
    """Have the disk be full whenever a checkpoint of one of these steps is written."""
    from ftarena.training.worker import checkpoints

    real = checkpoints.write_manifest

    def write(folder: Path, step: int) -> None:
        if step in steps:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        real(folder, step)

    patch.setattr(checkpoints, "write_manifest", write)


def test_a_full_disk_leaves_the_older_checkpoint_and_is_told(
    workspace: Workspace,
    keys: dict[str, dict[str, object]],
    whole: dict[str, Run],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody fills the disk for an hour: the run goes on, says so, and saves again when there is room."""
    directory = lay(workspace, name="sft", **keys["sft"])
    full_disk(monkeypatch, 6)
    run = work(directory)
    assert run.state is RunState.FINISHED and weights(run) == weights(whole["sft"])
    (failed,) = [event for event in read_events(run) if event["event"] == "checkpoint-failed"]
    assert failed["message"] == (
        "the checkpoint of step 6 could not be saved, the disk is full; the one of step 3 is whole"
    )


def test_a_disk_that_stays_full_ends_the_run_with_a_way_on(
    workspace: Workspace,
    keys: dict[str, dict[str, object]],
    whole: dict[str, Run],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the end nothing can be saved: I read what to do, and what was saved before is not lost."""
    directory = lay(workspace, name="sft", **keys["sft"])
    with monkeypatch.context() as patch:
        full_disk(patch, 9, 12, 15, 16)
        run = work(directory)
    assert run.state is RunState.FAILED and run.resumable_from == 6
    assert "the disk is full; the one of step 6 is whole" in run.message
    assert f"ftarena runs resume {run.id}" in run.message
    run = work(directory, "--resume")
    assert curve(run) == curve(whole["sft"]) and weights(run) == weights(whole["sft"])


def test_the_newest_checkpoints_and_the_best_are_kept(
    project: Workspace, keys: dict[str, dict[str, object]], workspace: Workspace
) -> None:
    """The best one by held-out loss is still there when I want it, though it is the oldest."""
    said = {**keys["sft"], "learning_rate": 0.9, "eval_steps": 1, "save_total_limit": 2, "warmup_steps": 0}
    run = work(lay(workspace, name="worse", **said, lr_scheduler_type="constant"))
    assert run.state is RunState.FINISHED, run.message
    losses = {row["step"]: row["eval_loss"] for row in read_metrics(run) if "eval_loss" in row}
    steps = [step for step in losses if step > 0]
    best = min(steps, key=lambda step: (losses[step], step))
    assert (run.directory / "best").resolve() == run.directory / f"checkpoint-{best}"
    assert {one.step for one in checkpoints_of(run.directory)} == {best, *steps[-2:]}


def test_other_data_are_noticed_by_the_worker_itself(
    workspace: Workspace,
    keys: dict[str, dict[str, object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that changes between the check and the start is not trained on under the old run's name."""
    data = tmp_path / "mine.jsonl"
    rows = [json.dumps({"prompt": f"question {i}", "completion": f"answer {i}"}) for i in range(24)]
    data.write_text("\n".join(rows) + "\n")
    directory = lay(workspace, name="mine", **{**keys["sft"], "dataset": f"[{data}]"})
    work_until(directory, 4, patch=monkeypatch)
    data.write_text("\n".join(reversed(rows)) + "\n")
    run = work(directory, "--resume")
    assert run.state is RunState.FAILED and "are not what they were: train" in run.message
    assert run.resumable_from == 3
