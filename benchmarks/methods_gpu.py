"""Every method once on a GPU, on the demo's real model, and a killed run resumed there.

    python benchmarks/methods_gpu.py MODEL_FOLDER [--only WORD] [--budget-s 500]     # a JSON line a row

One process trains all of them, so that its libraries are loaded once: each row is a run as `ftarena train`
makes it, its folder included. `resume` uses processes of their own: one run is left alone, its twin is
killed with
SIGKILL after its first checkpoint and resumed, and the two curves and adapters are compared.
"""

import argparse
import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "demo"

ROWS: list[dict[str, Any]] = [
    *(
        {"method": method, "tuning": "lora"}
        for method in ("sft", "dpo", "ipo", "kto", "orpo", "simpo", "cpo")
    ),
    {"method": "reward", "tuning": "lora"},
    {"method": "grpo", "tuning": "lora"},
    *({"method": "sft", "tuning": tuning} for tuning in ("dora", "rslora", "qlora", "full", "last-3")),
    {"method": "sft", "tuning": "full", "bf16": "false", "named": "sft full float32"},
    {"method": "dpo", "tuning": "full"},
    {"method": "dpo", "tuning": "lora", "guards": True, "named": "dpo lora with all guards"},
]

STEPS = 6


def main() -> None:
    """Train each row and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--only", default="", help="rows whose name has this word")
    parser.add_argument("--budget-s", type=float, default=500.0)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        files = write_files(Path(folder))
        for row in ROWS:
            name = row.get("named", f"{row['method']} {row['tuning']}")
            if options.only not in name:
                continue
            if time.monotonic() - began > options.budget_s:
                print(json.dumps({"row": name, "failed": "no time left"}), flush=True)
                continue
            print(json.dumps({"row": name, **train(row, options.model, files)}), flush=True)
        if options.only in "resume" and time.monotonic() - began < options.budget_s:
            print(json.dumps({"row": "resume", **resume(options.model, files)}), flush=True)


def write_files(folder: Path) -> dict[str, Path]:
    """Write the data of the methods that the demo has none for."""
    pairs = [json.loads(line) for line in (DATA / "preferences.jsonl").read_text().splitlines()]
    asked = [json.loads(line) for line in (DATA / "sft.jsonl").read_text().splitlines()]
    kto = [
        {"prompt": pair["prompt"], "completion": pair[side], "label": side == "chosen"}
        for pair in pairs
        for side in ("chosen", "rejected")
    ]
    prompts = [
        {"prompt": one["prompt"]} if "prompt" in one else {"prompt": one["messages"][:-1]} for one in asked
    ]
    for name, rows in (("kto", kto), ("grpo", prompts)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"kto": folder / "kto.jsonl", "grpo": folder / "grpo.jsonl"}


def recipe_of(row: dict[str, Any], model: str, files: dict[str, Path], **keys: object) -> Any:
    """Return a short recipe of a row."""
    from ftarena.recipes.load import load_recipe

    method = row["method"]
    data = files.get(method, DATA / ("sft.jsonl" if method == "sft" else "preferences.jsonl"))
    said: dict[str, object] = {
        "method": method,
        "tuning": row["tuning"],
        "model_name_or_path": model,
        "dataset": f"{data}#48",
        "max_length": 256,
        "learning_rate": 1e-5 if row["tuning"] in ("full", "last-3") else 5e-5,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 1,
        "max_steps": STEPS,
        "logging_steps": 1,
        "examine": "false",
        "general_dataset": "builtin:general#20" if row.get("guards") else "[]",
        **({"eval_dataset": f"{DATA / 'heldout.jsonl'}#16"} if row.get("guards") else {}),
        **({"bf16": row["bf16"]} if "bf16" in row else {}),
        **(
            {
                "reward_funcs": "regex",
                "reward_pattern": "```",
                "num_generations": 4,
                "max_completion_length": 48,
            }
            if method == "grpo"
            else {}
        ),
        **keys,
    }
    return load_recipe(None, {key: str(value) for key, value in said.items()})


def train(row: dict[str, Any], model: str, files: dict[str, Path]) -> dict[str, Any]:
    """Train one row in this process."""
    import torch

    from ftarena.training.guards import read_guards
    from ftarena.training.jobs import lay_down
    from ftarena.training.runs import read_metrics, read_run
    from ftarena.training.worker.__main__ import main as worker
    from ftarena.workspace import Workspace

    began = time.monotonic()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    try:
        directory = lay_down(recipe_of(row, model, files), Workspace(Path.cwd() / ".ftarena"))
        worker([str(directory)])
        run = read_run(directory)
        losses = [entry["loss"] for entry in read_metrics(run) if "loss" in entry]
        return {
            "state": str(run.state),
            "message": run.message[:300],
            "losses": [round(loss, 4) for loss in losses],
            "finite": bool(losses) and all(map(math.isfinite, losses)),
            "guards": [f"{guard.name}: {guard.verdict}" for guard in read_guards(run)],
            "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2),
            "took_s": round(time.monotonic() - began, 1),
        }
    except Exception as error:  # noqa: BLE001 - a row that fails is a result, and the others are still wanted
        return {"failed": f"{type(error).__name__}: {error}"[:600]}


def resume(model: str, files: dict[str, Path]) -> dict[str, Any]:
    """Kill a run after its first checkpoint, resume it, and compare it with one that was left alone."""
    from ftarena.training.jobs import lay_down
    from ftarena.training.runs import read_metrics, read_run
    from ftarena.workspace import Workspace

    workspace = Workspace(Path.cwd() / ".ftarena-resume")
    recipe = recipe_of(ROWS[0], model, files, max_steps=12, save_steps=4)
    whole, killed = (lay_down(recipe, workspace) for _ in range(2))
    command = [sys.executable, "-m", "ftarena.training.worker"]
    subprocess.run([*command, str(whole)], check=True, capture_output=True)
    victim = subprocess.Popen([*command, str(killed)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while victim.poll() is None and not (killed / "checkpoint-4").is_dir():
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    done = subprocess.run([*command, str(killed), "--resume"], capture_output=True, text=True, check=False)
    curves = [[row.get("loss") for row in read_metrics(read_run(run))] for run in (whole, killed)]
    sums = [
        hashlib.sha256((run / "adapter_model.safetensors").read_bytes()).hexdigest()
        if (run / "adapter_model.safetensors").is_file()
        else ""
        for run in (whole, killed)
    ]
    steps = [len([loss for loss in curve if loss is not None]) for curve in curves]
    result = {
        "killed_before_the_end": victim.returncode == -signal.SIGKILL,
        "resumed": str(read_run(killed).state),
        "same_curve": curves[0] == curves[1],
        "largest_gap": max(
            (abs(a - b) for a, b in zip(*curves, strict=False) if a is not None and b is not None),
            default=None,
        ),
        "steps": steps,
        "same_adapter": sums[0] == sums[1] != "",
        "said": done.stdout[-300:],
    }
    shutil.rmtree(workspace.root, ignore_errors=True)
    return result


if __name__ == "__main__":
    main()
