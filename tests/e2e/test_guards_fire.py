"""The guards on the demo's model and data: silent over what is fine, loud over what is ruined."""

from pathlib import Path

import pytest
from real_runs import DATA, DPO, finished, wait_for

from ftarena.recipes.load import load_recipe
from ftarena.training.guards import Guard, read_guards
from ftarena.training.jobs import start_run
from ftarena.training.runs import Run, read_metrics
from ftarena.workspace import Workspace

pytestmark = pytest.mark.e2e

HOT = {
    "dataset": f"[{DATA}/preferences.jsonl#36]",
    "learning_rate": "1e-4",
    "lr_scheduler_type": "constant",
    "loss_type": "sigmoid",
    "loss_weights": "1.0",
    "max_steps": "24",
}
"""What people try first: a learning rate of supervised training, no SFT term, a second epoch."""


def prefer(workspace: Workspace, sft: Run, **keys: str) -> tuple[Run, dict[str, Guard]]:
    few = {
        "dataset": f"[{DATA}/preferences.jsonl#4]",
        "eval_dataset": f"[{DATA}/heldout.jsonl#8]",
        "general_dataset": "[builtin:general#8]",
        "init_from": sft.id,
        "per_device_train_batch_size": "2",
        "gradient_accumulation_steps": "1",
        "examine": "false",
        **keys,
    }
    run = wait_for(workspace, start_run(load_recipe(DPO, few), workspace, Path(DPO)), finished)
    return run, {guard.name: guard for guard in read_guards(run)}


def test_a_sane_run_raises_no_alarm(workspace: Workspace, sft: Run) -> None:
    """With the demo's own learning rate and loss I am not bothered."""
    _, guards = prefer(workspace, sft)
    assert set(guards) == {"overfitting", "forgetting", "drift", "degeneration"}
    assert not [guard.words for guard in guards.values() if guard.verdict != "ok"]


def test_a_ruined_run_raises_one_while_its_margin_looks_fine(workspace: Workspace, sft: Run) -> None:
    """At 1e-4 the margin rises while the answers fall apart: I am told, and what to do."""
    run, guards = prefer(workspace, sft, **HOT)
    margins = [row["rewards/margins"] for row in read_metrics(run) if "rewards/margins" in row]
    assert sum(margins[-5:]) / 5 > 0.3
    alarms = [guard for guard in guards.values() if guard.verdict == "alarm"]
    # From a supervised run of three steps its answers loop; from one of twenty it forgets (docs/guards.md).
    assert {guard.name for guard in alarms} & {"degeneration", "forgetting"}, [
        guard.words for guard in guards.values()
    ]
    for guard in alarms:
        assert any(line.startswith("learning_rate: ") for line in guard.remedies)
