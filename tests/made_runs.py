"""Folders of runs as workers write them, with figures like a training's: for whatever reads them."""

import json
import math
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ftarena.processes import ProcessIdentity, write_json
from ftarena.training.checkpoints import write_manifest
from ftarena.training.guards import Guard, write_guards
from ftarena.workspace import Workspace

OVERFITS = Guard(
    name="overfitting",
    verdict="alarm",
    words="held-out loss +0.21 since step 60 (1.43 → 1.64): it overfits",
    figures={"since_step": 60, "delta_nats": 0.21},
    remedies=("stop earlier: num_train_epochs: 1", "the best checkpoint is kept: best"),
)
REMEMBERS = Guard(name="forgetting", verdict="ok", words="general loss +0.02 (2.60 → 2.62), 0.4 σ: no alarm")
UNKNOWN = Guard(name="stopping", verdict="unknown", words="not examined yet")


def make_run(
    workspace: Workspace,
    name: str,
    state: str = "training",
    *,
    step: int = 90,
    total: int = 120,
    method: str = "sft",
    guards: Sequence[Guard] = (),
    planned_bytes: float | None = None,
    checkpoints: Sequence[int] = (),
    best: int | None = None,
    overfit_from: int | None = None,
    **status: Any,
) -> Path:
    """Write a run's folder and return it. Its worker is this process, so a run that goes on is alive."""
    rows = metric_rows(step, total, method, overfit_from, random.Random(name))
    latest = {key: value for row in rows for key, value in row.items() if key not in ("step", "time")}
    folder = workspace.ensure().runs / f"{name}-20260102-030405"
    folder.mkdir(parents=True)
    me = ProcessIdentity.current()
    said = {
        "state": state, "name": name, "method": method, "tuning": "lora", "base_model": "demo:smollm2",
        "step": step, "total_steps": total, "eta_s": 75.0 if state == "training" else None,
        "started_at": time.time() - 60, "updated_at": time.time(), "pid": me.pid, "started": me.started,
        "message": "", "metrics": latest, **status,
    }  # fmt: skip
    write_json(folder / "status.json", said)
    with (folder / "metrics.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    told = [f"step {row['step']}/{total}  loss {row['loss']:.4g}\n" for row in rows if "loss" in row]
    (folder / "log.txt").write_text("loading model\n" + "".join(told))
    (folder / "recipe.resolved.yaml").write_text("method: sft\n")
    if guards:
        write_guards(folder / "guards.json", guards)
    if planned_bytes:
        write_json(folder / "plan.json", {"peak_bytes": planned_bytes})
    for at in checkpoints:
        (folder / f"checkpoint-{at}").mkdir()
        (folder / f"checkpoint-{at}" / "adapter_model.safetensors").write_bytes(b"")
        write_manifest(folder / f"checkpoint-{at}", at)
    if best is not None:
        (folder / "best").symlink_to(f"checkpoint-{best}")
    if state == "finished":
        (folder / "adapter_model.safetensors").write_bytes(b"")
    return folder


def metric_rows(
    step: int, total: int, method: str, overfit_from: int | None, rng: random.Random
) -> list[dict[str, Any]]:
    """Return rows of `metrics.jsonl` up to a step, in the order in which a worker writes them."""
    rows: list[dict[str, Any]] = []
    if not total:
        return rows
    for at in range(step + 1):
        fallen = math.exp(-4 * at / total)
        if at:
            row: dict[str, Any] = {
                "step": at, "time": 1e9 + at, "loss": round(1.2 + 1.7 * fallen + rng.gauss(0, 0.05), 4),
                "grad_norm": round(abs(1 + rng.gauss(0, 0.2)), 4), "epoch": at / total,
                "learning_rate": 2e-4 * min(at / 10, 1.0) * (1 - at / total), "num_tokens": 500.0 * at,
                "tokens_per_s": 125 + rng.gauss(0, 4), "memory_bytes": 1.4e9,
            }  # fmt: skip
            if method not in ("sft", "grpo", "reward"):
                row |= {
                    "loss": round(0.693 * fallen + 0.1, 4), "rewards/margins": 1.5 * (1 - fallen),
                    "rewards/accuracies": min(0.5 + 0.5 * (1 - fallen), 1.0),
                    "rewards/chosen": 0.4 * (1 - fallen), "rewards/rejected": -1.1 * (1 - fallen),
                }  # fmt: skip
            rows.append(row)
        if at % max(total // 8, 1) == 0:
            risen = max(at - overfit_from, 0) * 0.01 if overfit_from is not None else 0.0
            rows.append(
                {
                    "step": at, "time": 1e9 + at, "eval_loss": round(1.4 + 1.5 * fallen + risen, 4),
                    "general_loss": 2.6 + 0.02 * (1 - fallen), "kl": 0.08 * (1 - fallen), "eval_runtime": 1.0,
                }
            )  # fmt: skip
    return rows
