"""How fast a 7.6B model trains with LoRA on one GPU: each measure by itself, against TRL's defaults.

    python benchmarks/train_gpu.py TOKENIZER_FOLDER [--only WORDS] [--budget-s 560]   # a JSON line a row
    python benchmarks/train_gpu.py MODEL_FOLDER --losses                              # do the losses agree?

Rows are processes of their own. The model has the shape of Qwen2.5-7B and random weights; examples have
random tokens and a realistic mix of lengths (log-normal, median 420, at most 2,048), half of each learned.
Tokens are counted without padding, their rate is that of the median step; TFLOP/s count 4 operations a weight
and token (forward, and backward to the inputs). `card_mib` is what the whole card had in use at the end.

`--losses` trains the demo's model on the demo's data with the measures on and off: speed that changes the
result does not count.
"""

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LENGTH = 2048
STEPS = 7
WARM_UP = 3

OFF = {"compile": False, "short_lora": False, "fused_head": False, "varlen": False, "fp8": False}
ON = {"short_lora": True, "fused_head": True, "varlen": True}

ROWS: list[dict[str, Any]] = [
    {"row": "TRL's defaults, batch 8", "trl": True, "batch": 8},
    {"row": "same batches, short LoRA and head", "batch": 8, "machine": {**OFF, **ON}},
    {"row": "packed rows, batch 2", "batch": 2, "packing": True, "machine": {**OFF, "varlen": True}},
    {
        "row": "+ short LoRA",
        "batch": 2,
        "packing": True,
        "machine": {**OFF, "varlen": True, "short_lora": True},
    },
    {"row": "+ head in pieces", "batch": 2, "packing": True, "machine": {**OFF, **ON}},
    {"row": "+ compiled layers", "batch": 2, "packing": True, "machine": {**ON, "compile": True}},
    *(
        {
            "row": f"24 GB: compiled, budget {budget}, batch 1",
            "batch": 1,
            "packing": True,
            "machine": {**ON, "compile": True, "activation_budget": budget, "gradient_checkpointing": False},
        }
        for budget in (0.3, 0.45)
    ),
    *(
        {
            "row": f"memory free: compiled, budget {budget}, batch {batch}",
            "batch": batch,
            "packing": True,
            "machine": {**ON, "compile": True, "activation_budget": budget, "gradient_checkpointing": False},
        }
        for budget, batch in ((1.0, 4), (0.5, 8))
    ),
    {
        "row": "24 GB: fp8, compiled, checkpointing, batch 2",
        "batch": 2,
        "packing": True,
        "machine": {**ON, "compile": True, "fp8": True},
    },
    {
        "row": "memory free: fp8, compiled, batch 4",
        "batch": 4,
        "packing": True,
        "machine": {
            **ON,
            "compile": True,
            "fp8": True,
            "activation_budget": 1.0,
            "gradient_checkpointing": False,
        },
    },
]


def main() -> None:
    """Run the rows until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokenizer")
    parser.add_argument("--only", default="", help="rows whose name has all these words")
    parser.add_argument("--budget-s", type=float, default=560.0)
    parser.add_argument("--losses", action="store_true")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        row = json.loads(options.row)
        print(
            json.dumps(losses(row, options.tokenizer) if "loss" in row else measure(row, options.tokenizer))
        )
        return
    began = time.monotonic()
    rows: list[dict[str, Any]] = LOSS_ROWS if options.losses else [{"matmul": True, "row": "matmul"}, *ROWS]
    for row in rows:
        if not all(word in row["row"] for word in options.only.split()):
            continue
        left = options.budget_s - (time.monotonic() - began)
        if left < 20:
            print(json.dumps({"row": row["row"], "failed": "no time left"}), flush=True)
            continue
        command = [sys.executable, __file__, options.tokenizer, "--row", json.dumps(row)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=left, check=False)
        except subprocess.TimeoutExpired:
            print(json.dumps({"row": row["row"], "failed": "no time left"}), flush=True)
            continue
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        print(
            lines[-1] if lines else json.dumps({"row": row["row"], "failed": done.stderr[-1500:]}), flush=True
        )


def matmul_rate() -> float:
    """Return the card's bfloat16 rate on 8192 × 8192 × 8192, in multiply-adds × 2 a second."""
    import torch

    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(5):
        a @ b
    times = []
    for _ in range(3):
        torch.cuda.synchronize()
        began = time.monotonic()
        for _ in range(40):
            a @ b
        torch.cuda.synchronize()
        times.append((time.monotonic() - began) / 40)
    return 2 * 8192**3 / statistics.median(times)


def measure(row: dict[str, Any], tokenizer_folder: str) -> dict[str, Any]:
    """Train a few steps and return what they took."""
    if row.get("matmul"):
        return {"row": "matmul", "tflops": round(matmul_rate() / 1e12, 1)}
    import torch
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    began = time.monotonic()
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = Qwen2ForCausalLM(
            Qwen2Config(
                vocab_size=152064,
                hidden_size=3584,
                intermediate_size=18944,
                num_hidden_layers=28,
                num_attention_heads=28,
                num_key_value_heads=4,
                max_position_embeddings=32768,
                tie_word_embeddings=False,
            )
        )
    torch.set_default_dtype(torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder, local_files_only=True)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    weights = sum(weight.numel() for weight in model.parameters())
    examples = mixed_lengths(row["batch"] * (STEPS + 2) * (5 if row.get("packing") else 1))
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        trainer = (
            trls_own(model, tokenizer, examples, row["batch"], folder, clock)
            if row.get("trl")
            else ours(model, tokenizer, examples, row, folder, clock)
        )
        count_tokens(trainer, clock)
        torch.cuda.reset_peak_memory_stats()
        trainer.train()
    step_s = statistics.median(clock.seconds[WARM_UP:])
    steps = list(zip(clock.tokens, clock.seconds, strict=True))[WARM_UP:]
    rate = statistics.median(tokens / seconds for tokens, seconds in steps)
    return {
        "row": row["row"],
        "tokens_per_s": round(rate),
        "tflops": round(4 * weights * rate / 1e12, 1),
        "step_s": [
            round(one, 3) for one in (min(clock.seconds[WARM_UP:]), step_s, max(clock.seconds[WARM_UP:]))
        ],
        "first_step_s": round(clock.seconds[0], 1),
        "allocated_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2),
        "card_mib": card_mib(),
        "losses": [round(one, 4) for one in clock.losses],
        "took_s": round(time.monotonic() - began, 1),
    }


def mixed_lengths(count: int) -> list[Any]:
    """Return examples of random tokens whose lengths are spread as those of real chats."""
    import numpy as np

    from ftarena.curation.examples import Example
    from ftarena.curation.tokens import Encoded

    random = np.random.default_rng(0)
    example = Example(Path("none"), 1, "messages", (), ())
    lengths = np.clip(random.lognormal(np.log(420), 0.9, count), 32, LENGTH).astype(int)
    return [
        Encoded(ids, [-100] * (len(ids) // 2) + ids[len(ids) // 2 :], example)
        for ids in (random.integers(10, 40_000, length).tolist() for length in lengths)
    ]


class Clock:
    """Times steps and counts their tokens."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.tokens: list[int] = []
        self.losses: list[float] = []

    def callback(self) -> Any:
        """Return the trainer's callback."""
        import torch
        from transformers import TrainerCallback

        clock = self

        class Timer(TrainerCallback):  # type: ignore[misc]
            def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
                torch.cuda.synchronize()
                self.began = time.monotonic()
                clock.tokens.append(0)

            def on_step_end(self, *args: Any, **kwargs: Any) -> None:
                torch.cuda.synchronize()
                clock.seconds.append(time.monotonic() - self.began)

            def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
                if "loss" in logs:
                    clock.losses.append(float(logs["loss"]))

        return Timer()


def count_tokens(trainer: Any, clock: Clock) -> None:
    """Count what is no padding, batch by batch; the step under way is the last of the clock's."""
    inner = trainer.training_step

    def step(model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if inputs.get("attention_mask") is not None:
            real = int(inputs["attention_mask"].sum())
        else:
            real = int((inputs["input_ids"] != trainer.processing_class.pad_token_id).sum())
        clock.tokens[-1] += real
        return inner(model, inputs, *args, **kwargs)

    trainer.training_step = step


def trls_own(model: Any, tokenizer: Any, examples: list[Any], batch: int, folder: str, clock: Clock) -> Any:
    """Return TRL's trainer with its own defaults (bf16, gradient checkpointing, padded batches)."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    return SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=folder,
            per_device_train_batch_size=batch,
            max_length=LENGTH,
            max_steps=STEPS,
            logging_steps=1,
            report_to=[],
            disable_tqdm=True,
            save_strategy="no",
        ),
        train_dataset=Dataset.from_list([{"input_ids": e.input_ids, "labels": e.labels} for e in examples]),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[clock.callback()],
    )


def ours(
    model: Any, tokenizer: Any, examples: list[Any], row: dict[str, Any], folder: str, clock: Clock
) -> Any:
    """Return a run's trainer with the row's measures."""
    from ftarena.recipes.schema import Recipe
    from ftarena.training.worker.job import Job
    from ftarena.training.worker.loading import tune
    from ftarena.training.worker.machine import Machine
    from ftarena.training.worker.trainers import build_trainer

    recipe = Recipe(
        method="sft",
        model_name_or_path="random",
        dataset=["none"],
        max_length=LENGTH,
        packing=bool(row.get("packing")),
        per_device_train_batch_size=row["batch"],
        gradient_accumulation_steps=1,
        max_steps=STEPS,
    ).resolved()
    machine = Machine("cuda", True, **{"gradient_checkpointing": True, "threads": 8, **row["machine"]})
    job = Job(Path(folder), recipe, Quiet(), None, machine)  # type: ignore[arg-type]  # stand-ins
    return build_trainer(job, tune(model, recipe), tokenizer, examples, [clock.callback()])


class Quiet:
    """A reporter that says it on standard error."""

    def event(self, event: str, message: str, **details: Any) -> None:
        """Say what was applied."""
        print(event, message, file=sys.stderr)


def card_mib() -> int | None:
    """Return what of the card is in use, in MiB."""
    done = subprocess.run(
        ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        check=False,
    )
    return int(done.stdout.split()[0]) if done.returncode == 0 else None


LOSS_ROWS: list[dict[str, Any]] = [
    {"row": f"{name}, seed {seed}", "loss": True, "machine": machine, "recipe": {**recipe, "seed": seed}}
    for seed in (1, 2)
    for name, machine, recipe in (
        ("plain", OFF, {}),
        ("short LoRA, head, compiled", {**ON, "compile": True}, {}),
        ("the same, packed", {**ON, "compile": True}, {"packing": True, "per_device_train_batch_size": 3}),
        ("the same, fp8", {**ON, "compile": True, "fp8": True}, {}),
        (
            "the same, packed in fp8",
            {**ON, "compile": True, "fp8": True},
            {"packing": True, "per_device_train_batch_size": 3},
        ),
    )
]


def losses(row: dict[str, Any], model: str) -> dict[str, Any]:
    """Train the demo's SFT with a row's measures and return its losses."""
    root = Path(__file__).resolve().parents[1]
    os.chdir(root)
    from ftarena.recipes.load import load_recipe
    from ftarena.training.jobs import lay_down
    from ftarena.training.runs import read_metrics, read_run
    from ftarena.training.worker import __main__ as worker
    from ftarena.training.worker import machine, training
    from ftarena.workspace import Workspace

    decided = machine.machine_for
    training.machine_for = lambda recipe: dataclasses.replace(decided(recipe), **row["machine"])
    keys = {
        "general_dataset": "[]",
        "examine": "false",
        **{key: str(value) for key, value in row["recipe"].items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        recipe = load_recipe(root / "configs" / "demo-sft.yaml", {"model_name_or_path": model, **keys})
        directory = lay_down(recipe, Workspace(Path(folder) / ".ftarena"))
        began = time.monotonic()
        worker.main([str(directory)])
        run = read_run(directory)
        history = read_metrics(run)
        return {
            "row": row["row"],
            "state": str(run.state),
            "message": run.message,
            "train": [round(one["loss"], 4) for one in history if "loss" in one],
            "heldout": [round(one["eval_loss"], 4) for one in history if "eval_loss" in one],
            "took_s": round(time.monotonic() - began, 1),
        }


if __name__ == "__main__":
    main()
