"""The plan against reality: memory and time of short runs on a GPU, said before and measured after.

    python benchmarks/plan_table.py TOKENIZER_FOLDER                    # a JSON line a cell
    python benchmarks/plan_table.py TOKENIZER_FOLDER --only "7B lora"   # only cells with these words
    python benchmarks/plan_table.py --plan-only                         # what the plan says, without a GPU

Every cell is a process of its own, so that no memory is left over from the one before. Models have the shapes
of real ones and random weights made on the spot; what trains them is what a run uses: its own machine
settings, adapter and trainer. Only reading a model, encoding data and writing checkpoints are left out.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SHAPES: dict[str, dict[str, Any]] = {
    "135M": {"shape": (576, 1536, 30, 9, 3, 49152), "tied": True},  # SmolLM2
    "0.5B": {"shape": (896, 4864, 24, 14, 2, 151936), "tied": True},  # Qwen2.5
    "1.5B": {"shape": (1536, 8960, 28, 12, 2, 151936), "tied": True},
    "3B": {"shape": (2048, 11008, 36, 16, 2, 151936), "tied": True},
    "7B": {"shape": (3584, 18944, 28, 28, 4, 152064), "tied": False},
}
"""Width, width of the MLP, layers, heads, key-value heads, vocabulary."""

CELLS: list[dict[str, Any]] = [
    # What most people run, first: time may run out.
    {"size": "7B", "method": "sft", "tuning": "lora", "length": 2048, "batch": 1},
    {"size": "7B", "method": "sft", "tuning": "lora", "length": 2048, "batch": 4},
    {"size": "7B", "method": "sft", "tuning": "lora", "length": 2048, "batch": 1, "packing": True},
    {"size": "7B", "method": "dpo", "tuning": "lora", "length": 1024, "batch": 2},
    {"size": "7B", "method": "sft", "tuning": "qlora", "length": 2048, "batch": 1},
    {
        "size": "7B",
        "method": "sft",
        "tuning": "lora",
        "length": 2048,
        "batch": 1,
        "activation_memory_budget": 0.3,
    },
    {"size": "3B", "method": "sft", "tuning": "lora", "length": 1024, "batch": 4},
    {"size": "3B", "method": "dpo", "tuning": "lora", "length": 1024, "batch": 2},
    {"size": "3B", "method": "sft", "tuning": "full", "length": 1024, "batch": 4, "pure_bf16": True},
    {"size": "1.5B", "method": "sft", "tuning": "full", "length": 1024, "batch": 4},
    {"size": "1.5B", "method": "kto", "tuning": "lora", "length": 1024, "batch": 4},
    {"size": "1.5B", "method": "sft", "tuning": "qlora", "length": 1024, "batch": 4},
    {"size": "1.5B", "method": "sft", "tuning": "lora", "length": 2048, "batch": 4, "mixed": True},
    {
        "size": "1.5B",
        "method": "sft",
        "tuning": "lora",
        "length": 1024,
        "batch": 4,
        "gradient_checkpointing": False,
    },
    {"size": "0.5B", "method": "sft", "tuning": "lora", "length": 4096, "batch": 2},
    {"size": "0.5B", "method": "sft", "tuning": "lora", "length": 2048, "batch": 4, "packing": True},
    {"size": "0.5B", "method": "orpo", "tuning": "lora", "length": 1024, "batch": 4},
    {"size": "0.5B", "method": "sft", "tuning": "full", "length": 1024, "batch": 8},
    {"size": "0.5B", "method": "sft", "tuning": "dora", "length": 1024, "batch": 8},
    {"size": "0.5B", "method": "sft", "tuning": "last-4", "length": 1024, "batch": 8},
    {
        "size": "0.5B",
        "method": "dpo",
        "tuning": "lora",
        "length": 1024,
        "batch": 4,
        "gradient_checkpointing": False,
    },
    {"size": "135M", "method": "sft", "tuning": "lora", "length": 512, "batch": 32},
    {
        "size": "135M",
        "method": "sft",
        "tuning": "lora",
        "length": 1024,
        "batch": 16,
        "gradient_checkpointing": False,
    },
    {
        "size": "3B",
        "method": "sft",
        "tuning": "lora",
        "length": 2048,
        "batch": 2,
        "torch_compile": True,
        "gradient_checkpointing": True,
    },
]
_OWN = ("size", "length", "batch", "mixed")
CELL_KEYS = frozenset(key for cell in CELLS for key in cell)
"""What of a printed row describes its cell."""

STEPS, WARMING = 7, 3


def main() -> None:
    """Run the cells until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tokenizer", nargs="?", default="")
    parser.add_argument("--only", default="", help="cells whose description has all these words")
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--budget-s", type=float, default=560.0)
    parser.add_argument("--plan-only", action="store_true", help="no GPU: print what the plan says")
    parser.add_argument("--card", default="H100 80GB", help="for --plan-only")
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cell:
        print(json.dumps(compare(json.loads(options.cell), options.tokenizer)), flush=True)
        return
    wanted = [cell for cell in CELLS if all(word in json.dumps(cell) for word in options.only.split())]
    if options.plan_only:
        from ftarena.training.plan import card_named

        for cell in wanted:
            print(json.dumps({**cell, **planned(cell, card_named(options.card))}), flush=True)
        return
    from ftarena.training.jobs import worker_environment

    began = time.monotonic()
    for index, cell in enumerate(wanted[options.skip :], options.skip):
        left = options.budget_s - (time.monotonic() - began)
        if left < 30:
            print(json.dumps({"stopped_before": index}), flush=True)
            return
        command = [sys.executable, __file__, options.tokenizer, "--cell", json.dumps(cell)]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=left,
                check=False,
                env={**os.environ, **worker_environment()},
            )
        except subprocess.TimeoutExpired:
            print(json.dumps({**cell, "failed": "no time left"}), flush=True)
            return
        lines = [line for line in done.stdout.splitlines() if line.startswith('{"size"')]
        said = lines[-1] if lines else json.dumps({**cell, "failed": done.stderr[-700:]})
        print(said, flush=True)


def recipe_of(cell: dict[str, Any]) -> Any:
    """Return the recipe of a cell: its own keys, and as many steps as are measured."""
    from ftarena.recipes.schema import Recipe

    own = {key: value for key, value in cell.items() if key not in _OWN}
    return Recipe(
        model_name_or_path="random",
        dataset=["none"],
        general_dataset=[],
        max_length=cell["length"],
        per_device_train_batch_size=cell["batch"],
        gradient_accumulation_steps=1,
        max_steps=STEPS,
        **own,
    ).resolved()


def model_config(cell: dict[str, Any]) -> dict[str, Any]:
    """Return the model's `config.json`."""
    hidden, intermediate, layers, heads, kv_heads, vocabulary = SHAPES[cell["size"]]["shape"]
    return {
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "max_position_embeddings": 32768,
        "tie_word_embeddings": SHAPES[cell["size"]]["tied"],
    }


def example_lengths(cell: dict[str, Any]) -> list[int]:
    """Return how long each example is: all alike, or a mix as chats have it where the cell says so."""
    length, batch = cell["length"], cell["batch"]
    if cell.get("packing"):
        draw = random.Random(7)
        wanted = STEPS * batch * length
        lengths: list[int] = []
        while sum(lengths) < 1.1 * wanted:
            lengths.append(min(max(int(draw.lognormvariate(5.7, 0.9)), 16), length))
        return lengths
    if cell.get("mixed"):
        draw = random.Random(7)
        drawn = [
            min(max(int(draw.lognormvariate(5.7, 0.9)), 16), length) for _ in range(STEPS * batch * 4 - 1)
        ]
        return [length, *drawn]
    return [length] * (STEPS * batch)


def examples_of(cell: dict[str, Any]) -> list[Any]:
    """Return the examples as tokens: half of each is learned."""
    from ftarena.curation.examples import Example
    from ftarena.curation.tokens import Encoded, EncodedLabelled, EncodedPair

    example = Example(Path("none"), 1, "messages", (), ())
    made: list[Any] = []
    for number, length in enumerate(example_lengths(cell)):
        half = length // 2
        ids = [(number * 31 + at * 17) % 40000 + 10 for at in range(length + half)]
        if cell["method"] == "sft":
            made.append(Encoded(ids[:length], [-100] * half + ids[half:length], example))
        elif cell["method"] == "kto":
            made.append(EncodedLabelled(ids[:half], ids[half:length], number % 2 == 0, example))
        else:
            made.append(
                EncodedPair(ids[:half], ids[half:length], ids[length : length + length - half], example)
            )
    return made


def planned(cell: dict[str, Any], card: Any) -> dict[str, Any]:
    """Return what the plan says of a cell: `plan_bytes` (the card's) and `plan_step_s`."""
    from ftarena.training.plan import Measured, plan_of, shape_of
    from ftarena.training.plan.lengths import Lengths

    lengths = example_lengths(cell)
    rows = 1 if cell["method"] in ("sft", "kto") else 2
    tokens = rows * sum(lengths)
    given = Lengths(tuple(lengths), tokens // 2, tokens, heldout=(), general=(), left_out=0)
    shape = shape_of(model_config(cell), cell["size"])
    plan = plan_of(recipe_of(cell), card=card, measured=Measured(shape, given))
    return {
        "plan_bytes": plan.peak_bytes,
        "plan_step_s": round(plan.step_s, 4),
        "plan_lines": {line.name: round(line.amount / 1e6) for line in plan.memory},
        "plan_parameters": shape.parameters,
        "plan_compiles": plan.choices.compiled,
    }


def compare(cell: dict[str, Any], tokenizer_folder: str) -> dict[str, Any]:
    """Train a few steps and return what was planned and what they took.

    Returns:
        The cell, the plan's figures, `allocated`, `reserved` and `card_bytes` (bytes at the peak: of tensors,
        of torch, of the whole card), `step_s` (mean of the steps after the first three), and `memory_error`
        and `time_error` (plan over measurement, less one).
    """
    import torch
    from transformers import AutoTokenizer, TrainerCallback

    from ftarena.processes import write_json
    from ftarena.training.plan import this_card
    from ftarena.training.worker.job import Job
    from ftarena.training.worker.loading import tune
    from ftarena.training.worker.machine import machine_for
    from ftarena.training.worker.reporter import Reporter
    from ftarena.training.worker.stopping import StopFlag
    from ftarena.training.worker.trainers import build_trainer

    started = time.monotonic()
    recipe = recipe_of(cell)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder, local_files_only=True)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    times: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]  # transformers is not followed by mypy
        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            torch.cuda.synchronize()
            self.began = time.monotonic()

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            torch.cuda.synchronize()
            times.append(time.monotonic() - self.began)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_json(folder / "status.json", {"state": "queued"})
        job = Job(folder, recipe, Reporter(folder), StopFlag(), machine_for(recipe))
        model = tune(random_model(cell, recipe, job.machine, folder), recipe)
        trainer = build_trainer(job, model, tokenizer, examples_of(cell), [Clock()])
        made_s = time.monotonic() - started
        torch.cuda.reset_peak_memory_stats()
        trainer.train()
        reserved = torch.cuda.max_memory_reserved()
        card_bytes = used_bytes() - torch.cuda.memory_reserved() + reserved
    step_s = statistics.fmean(times[WARMING:])
    figures = planned(cell, this_card())
    return {
        **cell,
        "card": torch.cuda.get_device_name(0),
        **figures,
        "parameters": sum(p.numel() for p in model.parameters()),
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "allocated": torch.cuda.max_memory_allocated(),
        "reserved": reserved,
        "card_bytes": card_bytes,
        "step_s": round(step_s, 4),
        "first_step_s": round(times[0], 2),
        "made_s": round(made_s, 1),
        "memory_error": round(figures["plan_bytes"] / card_bytes - 1, 3),
        "time_error": round(figures["plan_step_s"] / step_s - 1, 3),
    }


def random_model(cell: dict[str, Any], recipe: Any, machine: Any, folder: Path) -> Any:
    """Return a model with random weights on the GPU, in the number format that a run would load it in."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from ftarena.training.worker.loading import load_base

    settings = model_config(cell)
    del settings["model_type"]
    whole = recipe.tuning == "full" and not recipe.pure_bf16
    torch.set_default_dtype(torch.float32 if whole or not machine.bf16 else torch.bfloat16)
    with torch.device("cuda"):
        model = LlamaForCausalLM(LlamaConfig(**settings))
    torch.set_default_dtype(torch.float32)
    if recipe.tuning != "qlora":
        return model
    model.save_pretrained(folder / "model")  # four bits are made while loading
    del model
    torch.cuda.empty_cache()
    return load_base(folder / "model", recipe, machine)


def used_bytes() -> int:
    """Return what is in use on the card, by all of CUDA."""
    import torch

    free, total = torch.cuda.mem_get_info()
    return int(total - free)


if __name__ == "__main__":
    main()
