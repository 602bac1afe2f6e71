"""Real workers that are killed by the kernel's own signal, and go on in a new process."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from ftarena.processes import ProcessIdentity, python_module, write_json
from ftarena.recipes.load import load_recipe
from ftarena.training.jobs import lay_down, resume_run, worker_environment
from ftarena.training.runs import ADAPTER_WEIGHTS, LOG, PROCESS, Run, RunState, read_metrics, read_run
from ftarena.training.terms import RUN_FOLDER, Terms
from ftarena.workspace import Workspace

pytestmark = pytest.mark.e2e

DATA = Path(__file__).parents[2] / "data" / "demo"
TIMEOUT_S = 300

PACED = """
import sys, time
from ftarena.training.worker.callback import RunCallback
begin = RunCallback.on_step_begin
def slowly(*arguments, **more):
    time.sleep(0.3)
    return begin(*arguments, **more)
RunCallback.on_step_begin = slowly
from ftarena.training.worker.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
# Steps of the small model take milliseconds: too quick for a signal from outside to hit a certain one.

KEYS: dict[str, dict[str, object]] = {
    "sft": {
        "dataset": f"[{DATA}/sft.jsonl#24]",
        "replay_dataset": f"[{DATA}/general.jsonl#8]",
        "learning_rate": 0.01,
    },
    "dpo": {"dataset": f"[{DATA}/preferences.jsonl#20]", "learning_rate": 0.001},
}


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_run_that_the_kernel_killed_goes_on_as_if_nothing_had_happened(
    workspace: Workspace,
    tiny_model: Path,
    train_here: Callable[..., Run],
    tmp_path: Path,
    method: str,
) -> None:
    """`kill -9` at a random moment, resumed after a new login: same curve, same adapter, to the last bit."""
    keys: dict[str, object] = {
        "name": f"killed-{method}",
        "method": method,
        "model_name_or_path": tiny_model,
        "eval_dataset": f"[{DATA}/heldout.jsonl#4]",
        "general_dataset": "[]",
        "examine": "false",
        "max_length": 256,
        "lora_dropout": 0.1,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 2,
        "num_train_epochs": 3,
        "eval_steps": 3,
        **KEYS[method],
    }
    whole = train_here(workspace, **keys)
    assert whole.state is RunState.FINISHED, whole.message

    noted = tmp_path / "afterwards"
    touch = (sys.executable, "-c", f"open({str(noted)!r}, 'a').write({RUN_FOLDER!r} + chr(10))")
    said = {key: str(value) for key, value in keys.items()}
    directory = lay_down(load_recipe(None, said), workspace, terms=Terms(afterwards=(touch,)))
    _, env = python_module("ftarena.training.worker")
    with (directory / LOG).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", PACED, str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **worker_environment(), **env},
            start_new_session=True,
        )
    write_json(directory / PROCESS, asdict(ProcessIdentity.of(child.pid)))
    at = random.randint(4, whole.total_steps - 2)
    until(directory, lambda run: run.step >= at)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    died = read_run(directory)
    assert died.state is RunState.DIED and died.resumable_from is not None
    assert died.resumable_from >= at // 3 * 3 - 3 and not noted.exists()

    run = resume_run(died, workspace)
    assert run.state is RunState.QUEUED
    run = until(directory, lambda run: run.state is RunState.FINISHED)
    assert curve(run) == curve(whole), f"killed at step {at}"
    assert (directory / ADAPTER_WEIGHTS).read_bytes() == (whole.directory / ADAPTER_WEIGHTS).read_bytes()
    deadline = time.monotonic() + TIMEOUT_S
    while not noted.exists() or not noted.read_text():
        assert time.monotonic() < deadline, "what was to come afterwards did not"
        time.sleep(0.05)
    assert noted.read_text() == f"{directory}\n"


def until(directory: Path, enough: Callable[[Run], bool]) -> Run:
    """Look at a run until it is as wanted."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        run = read_run(directory)
        if enough(run):
            return run
        if run.state.ended:
            break
        time.sleep(0.02)
    pytest.fail(f"{run.state} at step {run.step}: {run.message}\n{(directory / LOG).read_text()[-3000:]}")


def curve(run: Run) -> list[dict[str, object]]:
    """Return every row of metrics without what the clock and the machine have put into it."""
    untold = ("time", "tokens_per_s", "memory_bytes", "eval_runtime", "step_time")
    return [{key: row[key] for key in row if key not in untold} for row in read_metrics(run)]
