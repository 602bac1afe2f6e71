"""Training a real model by the real worker: SmolLM2-135M, a few steps on the demo's data."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from real_runs import DATA, DPO, FEW, SFT, finished, wait_for
from safetensors.numpy import load_file

from ftarena.processes import ProcessIdentity, read_json
from ftarena.recipes.load import load_recipe
from ftarena.serving.client import EngineClient
from ftarena.serving.contestants import Message, Sampling
from ftarena.serving.engine import Engine
from ftarena.training.jobs import start_run, stop_run
from ftarena.training.runs import Run, RunState, find_run, read_events, read_metrics, worker_of
from ftarena.workspace import Workspace

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def dpo(workspace: Workspace, sft: Run) -> Run:
    """A finished preference run on top of the supervised one."""
    few = {
        "dataset": f"[{DATA}/preferences.jsonl#4]",
        "eval_dataset": "null",
        "init_from": sft.id,
        "per_device_train_batch_size": "2",
        "gradient_accumulation_steps": "1",
    }
    return wait_for(workspace, start_run(load_recipe(DPO, few), workspace, DPO), finished)


def weights(run: Run) -> dict[str, np.ndarray]:
    assert run.adapter is not None
    return load_file(run.adapter / "adapter_model.safetensors")


def test_a_run_outlives_its_terminal(sft: Run) -> None:
    """My SSH connection dropped; the run finished all the same and left an adapter."""
    assert (sft.state, sft.step, sft.total_steps) == (RunState.FINISHED, 3, 3)
    learned = [value for name, value in weights(sft).items() if "lora_B" in name]
    assert learned and all(np.isfinite(value).all() for value in learned)
    assert any(np.abs(value).max() > 0 for value in learned)


def test_a_run_leaves_what_is_needed_to_use_and_repeat_it(sft: Run, base_model: Path) -> None:
    """Adapter, template, recipe, data and versions are in one folder that PEFT and vLLM load as it is."""
    folder = sft.directory
    assert (folder / "chat_template.jinja").read_text() == (base_model / "chat_template.jinja").read_text()
    assert json.loads((folder / "adapter_config.json").read_text())["r"] == 16
    assert (folder / "recipe.yaml").is_file()
    assert load_recipe(folder / "recipe.resolved.yaml").max_steps == -1
    assert read_json(folder / "data.lock.json")["train"][0]["used"] == 12
    assert read_json(folder / "environment.json")["versions"]["trl"]
    assert (folder / "best").resolve().parent == folder and (folder / "best" / "optimizer.pt").is_file()
    assert "demo:smollm2" in (folder / "README.md").read_text()


def test_held_out_loss_is_measured_before_during_and_after(sft: Run) -> None:
    """I see whether it learned something that it was not shown."""
    losses = {row["step"]: row["eval_loss"] for row in read_metrics(sft) if "eval_loss" in row}
    assert list(losses) == [0, 2, 3]
    assert losses[3] < losses[0] - 0.1
    assert [row["step"] for row in read_metrics(sft) if "loss" in row] == [1, 2, 3]
    (data,) = [event for event in read_events(sft) if event["event"] == "train-data"]
    assert data["examples"] == 12 and data["answer_tokens"] < data["tokens"]


def test_preferences_are_learned_on_top_of_the_answers(sft: Run, dpo: Run) -> None:
    """DPO starts at the SFT adapter, has it as its reference, and leaves one adapter on the base."""
    first = next(row for row in read_metrics(dpo) if "loss" in row)
    assert abs(first["rewards/margins"]) < 1e-4 and abs(first["rewards/chosen"]) < 1e-4
    assert "reference-checked" in [event["event"] for event in read_events(dpo)]
    before, after = weights(sft), weights(dpo)
    assert before.keys() == after.keys()
    moved = max(float(np.abs(after[name] - before[name]).max()) for name in before)
    assert 0 < moved < 0.01
    assert not (dpo.directory / "ref").exists()


async def test_the_engine_answers_with_what_was_trained(engine: Engine, sft: Run, dpo: Run) -> None:
    """Base, SFT and DPO answer from one engine, loaded while it runs."""
    for run in (sft, dpo):
        assert run.adapter is not None
        engine.ensure_adapter(run.id, run.adapter)
    client = EngineClient(engine.status().socket)
    try:
        for model in ("base", sft.id, dpo.id):
            asked = [Message(role="user", content="List all files.")]
            answer = await client.complete(model, asked, Sampling(max_tokens=4, temperature=0))
            assert answer.text.strip()
    finally:
        await client.aclose()


def test_a_stopped_run_keeps_what_it_has_learned(workspace: Workspace, base_model: Path) -> None:
    """I stop a run: the step is finished, a checkpoint and a usable adapter are saved."""
    long = {**FEW, "num_train_epochs": "50", "eval_dataset": "null", "eval_steps": "null"}
    run = start_run(load_recipe(SFT, long), workspace, SFT)
    wait_for(workspace, run, lambda now: now.step >= 1)
    run = stop_run(run)
    assert run.state is RunState.STOPPED and "on request" in run.message
    assert 1 <= run.step < run.total_steps
    assert (run.directory / f"checkpoint-{run.step}" / "optimizer.pt").is_file()
    assert any(np.abs(value).max() > 0 for name, value in weights(run).items() if "lora_B" in name)
    worker = worker_of(run.directory)
    assert worker is not None and not worker.alive()


def test_a_killed_run_reads_as_died(workspace: Workspace, base_model: Path) -> None:
    """The machine ran out of memory and the kernel killed my run; it does not look alive."""
    run = start_run(load_recipe(SFT, FEW), workspace, SFT)
    run = wait_for(workspace, run, lambda now: now.state is RunState.PREPARING)
    worker = worker_of(run.directory)
    assert isinstance(worker, ProcessIdentity)
    os.kill(worker.pid, signal.SIGKILL)
    while worker.alive():
        time.sleep(0.01)
    run = find_run(workspace, run.id)
    assert run.state is RunState.DIED and run.ended_at is not None and run.adapter is None


def test_a_run_that_cannot_work_says_why_in_one_line(workspace: Workspace, base_model: Path) -> None:
    """Examples that are too long are not cut in silence: the status says how many, where, and what to do."""
    run = start_run(load_recipe(SFT, {**FEW, "max_length": "60"}), workspace, SFT)
    run = wait_for(workspace, run, lambda now: now.state is RunState.FAILED)
    assert "longer than max_length 60" in run.message and "too_long: drop" in run.message
    assert "\n" not in run.message
    assert "Traceback" in (run.directory / "log.txt").read_text()
