"""Real runs of the demo's model that several end-to-end tests look at, and how they are waited for."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ftarena.training.runs import Run, RunState, find_run
from ftarena.workspace import Workspace

ROOT = Path(__file__).parents[2]
SFT = ROOT / "configs" / "demo-sft.yaml"
DPO = ROOT / "configs" / "demo-dpo.yaml"
DATA = ROOT / "data" / "demo"
TIMEOUT_S = 300

FEW = {
    "dataset": f"[{DATA}/sft.jsonl#12]",
    "eval_dataset": f"[{DATA}/heldout.jsonl#4]",
    "per_device_train_batch_size": "4",
    "general_dataset": "[builtin:general#8]",
    "eval_steps": "2",
}


def wait_for(workspace: Workspace, run: Run, enough: Callable[[Run], bool]) -> Run:
    """Look at a run until it is as wanted, or has ended otherwise."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        run = find_run(workspace, run.id)
        if enough(run):
            return run
        if run.state.ended:
            break
        time.sleep(0.1)
    pytest.fail(f"{run.state} at step {run.step}: {run.message}\n{(run.directory / 'log.txt').read_text()}")


def finished(run: Run) -> bool:
    return run.state is RunState.FINISHED


STARTER = """
import sys
from pathlib import Path
from ftarena.recipes.load import load_recipe
from ftarena.training.jobs import start_run
from ftarena.workspace import Workspace
import json
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it would be ignored, here and in what is started
recipe = load_recipe(Path(sys.argv[1]), json.loads(sys.argv[3]))
print(start_run(recipe, Workspace(Path(sys.argv[2]))).id, flush=True)
signal.pause()  # not input(): the end of the terminal could be read before the signal has come
"""


def train_from_a_terminal(workspace: Workspace) -> Run:
    """Start a supervised run from a terminal that is closed right after, and return it finished."""
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(SFT), str(workspace.root), json.dumps(FEW)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    said = b""
    while b"\n" not in said:
        said += os.read(ours, 1000)
    os.close(ours)  # the terminal is gone: the kernel sends SIGHUP to everybody in its session
    assert shell.wait(10) == -signal.SIGHUP
    run = find_run(workspace, said.decode().strip())
    assert not run.state.ended
    return wait_for(workspace, run, finished)
