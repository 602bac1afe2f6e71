"""Every method, and every kind of weights that learn, goes on to the last bit after an interruption."""

import json
from pathlib import Path

import pytest
from resuming_support import curve, lay, work, work_until

from ftarena.training.runs import Run, RunState
from ftarena.workspace import Workspace

pytest.importorskip("trl")

TWELVE = range(12)
PAIRS: list[dict[str, object]] = [
    {
        "prompt": f"What is {n} plus {n}?",
        "chosen": f"It is {2 * n}.",
        "rejected": f"{2 * n + 1}, or more.",
    }
    for n in TWELVE
]
ROWS: dict[str, list[dict[str, object]]] = {
    "sft": [{"prompt": row["prompt"], "completion": row["chosen"]} for row in PAIRS],
    "kto": [
        {"prompt": row["prompt"], "completion": row["chosen"], "label": bool(n % 3)}
        for n, row in enumerate(PAIRS)
    ],
    "grpo": [{"prompt": row["prompt"]} for row in PAIRS],
}
MORE: dict[str, dict[str, object]] = {
    "grpo": {
        "reward_funcs": "regex",
        "reward_pattern": "th|in|er",
        "num_generations": 4,
        "max_completion_length": 4,
    }
}


@pytest.mark.parametrize(
    ("method", "tuning"),
    [
        *((method, "lora") for method in ("ipo", "kto", "orpo", "simpo", "cpo", "reward", "grpo")),
        *(("sft", tuning) for tuning in ("dora", "qlora", "full", "last-1")),
        ("dpo", "full"),
        ("reward", "full"),
    ],
)
def test_it_goes_on_as_if_nothing_had_happened(
    workspace: Workspace,
    tiny_model: Path,
    tmp_path: Path,
    method: str,
    tuning: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed in its second epoch and resumed: the curve and the weights of a run that never was."""
    data = tmp_path / f"{method}.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS.get(method, PAIRS)))
    keys: dict[str, object] = {
        "name": method,
        "method": method,
        "tuning": tuning,
        "model_name_or_path": tiny_model,
        "dataset": data,
        "general_dataset": "[]",
        "learning_rate": 0.01,
        "lora_r": 4,
        "lora_dropout": 0.0 if tuning in ("full", "last-1") else 0.1,
        "max_length": 128,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 1,
        "num_train_epochs": 2,
        "max_steps": 6,
        "save_steps": 1,
        "logging_steps": 3,
        **MORE.get(method, {}),
    }
    whole = work(lay(workspace, **keys))
    assert whole.state is RunState.FINISHED, whole.message
    directory = lay(workspace, **keys)
    work_until(directory, 4, patch=monkeypatch)
    run = work(directory, "--resume")
    assert run.state is RunState.FINISHED, run.message
    assert curve(run) == curve(whole)
    assert _weights(run) == _weights(whole)


def _weights(run: Run) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in run.directory.glob("*.safetensors")}
    assert found
    return found
