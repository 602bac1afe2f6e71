"""What a training step costs on a GPU: peak memory and seconds over sizes, methods, lengths and batches.

    python benchmarks/step_table.py TOKENIZER_FOLDER [--only WORDS] [--budget-s 560]    # a JSON line a cell

Every cell is a process of its own, so that no memory is left over from the one before. Models have the shapes
of real ones and random weights, examples have exactly `length` tokens, and the trainers are those of a run.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SHAPES: dict[str, dict[str, Any]] = {
    # hidden, intermediate, layers, heads, key-value heads, vocabulary, tied embeddings
    "135M": {"shape": (576, 1536, 30, 9, 3, 49152), "tied": True},  # SmolLM2
    "0.5B": {"shape": (896, 4864, 24, 14, 2, 151936), "tied": True},  # Qwen2.5
    "1.5B": {"shape": (1536, 8960, 28, 12, 2, 151936), "tied": True},
    "3B": {"shape": (2048, 11008, 36, 16, 2, 151936), "tied": True},
    "7B": {"shape": (3584, 18944, 28, 28, 4, 152064), "tied": False},
}

CELLS: list[dict[str, Any]] = [
    {
        "size": size,
        "method": method,
        "length": length,
        "batch": batch,
        "checkpointing": ckpt,
        "tuning": tuning,
    }
    for size, method, length, batch, ckpt, tuning in [
        ("7B", "sft", 2048, 1, True, "lora"),
        ("7B", "sft", 1024, 2, True, "lora"),
        ("7B", "sft", 2048, 4, True, "lora"),
        ("7B", "sft", 1024, 1, False, "lora"),
        ("7B", "dpo", 1024, 1, True, "lora"),
        ("7B", "dpo", 1024, 2, True, "lora"),
        ("3B", "sft", 1024, 4, True, "lora"),
        ("3B", "sft", 2048, 2, False, "lora"),
        ("3B", "dpo", 1024, 2, True, "lora"),
        ("1.5B", "sft", 1024, 8, True, "lora"),
        ("1.5B", "sft", 1024, 4, False, "lora"),
        ("1.5B", "sft", 1024, 4, True, "full"),
        ("1.5B", "dpo", 512, 8, True, "lora"),
        ("0.5B", "sft", 1024, 8, True, "lora"),
        ("0.5B", "sft", 1024, 8, False, "lora"),
        ("0.5B", "sft", 4096, 2, True, "lora"),
        ("0.5B", "sft", 1024, 8, True, "full"),
        ("0.5B", "dpo", 1024, 4, False, "lora"),
        ("135M", "sft", 1024, 16, False, "lora"),
        ("135M", "sft", 512, 32, True, "lora"),
        ("135M", "sft", 1024, 16, False, "full"),
        ("135M", "dpo", 512, 16, False, "lora"),
        ("3B", "sft", 1024, 4, True, "full"),
        ("7B", "sft", 4096, 1, True, "lora"),
    ]
]
STEPS = 6


def main() -> None:
    """Run the cells until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokenizer")
    parser.add_argument("--only", default="", help="cells whose description has all these words")
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--budget-s", type=float, default=560.0)
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cell:
        print(json.dumps(measure(json.loads(options.cell), options.tokenizer)), flush=True)
        return
    began = time.monotonic()
    wanted = [cell for cell in CELLS if all(word in json.dumps(cell) for word in options.only.split())]
    for index, cell in enumerate(wanted[options.skip :], options.skip):
        left = options.budget_s - (time.monotonic() - began)
        if left < 45:
            print(json.dumps({"stopped_before": index}), flush=True)
            return
        command = [sys.executable, __file__, options.tokenizer, "--cell", json.dumps(cell)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=left, check=False)
        except subprocess.TimeoutExpired:
            print(json.dumps({**cell, "failed": "no time left"}), flush=True)
            return
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        said = lines[-1] if lines else json.dumps({**cell, "failed": done.stderr[-600:]})
        print(said, flush=True)


def measure(cell: dict[str, Any], tokenizer_folder: str) -> dict[str, Any]:
    """Train a few steps and return what they took.

    Returns:
        The cell with `parameters`, `trainable`, `allocated`, `reserved` and `card` (bytes at the peak: of
        tensors, of torch, of the whole card), `step_s` (median of the steps after the first two), and
        `tokens_per_s`.
    """
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, TrainerCallback

    from ftarena.curation.examples import Example
    from ftarena.curation.tokens.encoding import Encoded, EncodedPair
    from ftarena.recipes.schema import Recipe
    from ftarena.training.worker.loading import Plan, add_adapter
    from ftarena.training.worker.trainers import dpo_trainer, sft_trainer

    started = time.monotonic()
    hidden, intermediate, layers, heads, kv_heads, vocabulary = SHAPES[cell["size"]]["shape"]
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=32768,
        tie_word_embeddings=SHAPES[cell["size"]]["tied"],
    )
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder, local_files_only=True)
    recipe = Recipe(
        method=cell["method"],
        model_name_or_path="random",
        dataset=["none"],
        max_length=cell["length"],
        per_device_train_batch_size=cell["batch"],
        gradient_accumulation_steps=1,
        max_steps=STEPS,
        **cell.get("recipe", {}),
    ).resolved()
    machine = Plan("cuda", True, cell["checkpointing"], 8)
    if cell["tuning"] == "lora":
        model = add_adapter(model, recipe)
    times: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            torch.cuda.synchronize()
            self.began = time.monotonic()

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            torch.cuda.synchronize()
            times.append(time.monotonic() - self.began)

    n, length = STEPS * cell["batch"], cell["length"]
    example = Example(Path("none"), 1, "messages", (), ())
    trainer: Any
    with tempfile.TemporaryDirectory() as folder:
        if cell["method"] == "sft":
            ids = [[(i * 31 + j * 17) % 40000 + 10 for j in range(length)] for i in range(n)]
            rows = [Encoded(row, [-100] * (length // 2) + row[length // 2 :], example) for row in ids]
            trainer = sft_trainer(model, tokenizer, rows, recipe, machine, Path(folder), Clock())
            tokens = cell["batch"] * length
        else:
            half = length // 2
            ids = [[(i * 31 + j * 17) % 40000 + 10 for j in range(length + half)] for i in range(n)]
            pairs = [EncodedPair(row[:half], row[half:length], row[length:], example) for row in ids]
            trainer = dpo_trainer(model, tokenizer, pairs, recipe, machine, Path(folder), Clock())
            tokens = 2 * cell["batch"] * length
        made_s = time.monotonic() - started
        torch.cuda.reset_peak_memory_stats()
        trainer.train()
    card = subprocess.run(
        ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        check=False,
    )
    step_s = statistics.median(times[2:])
    parameters = sum(p.numel() for p in model.parameters())
    return {
        **cell,
        "parameters": parameters,
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "allocated": torch.cuda.max_memory_allocated(),
        "reserved": torch.cuda.max_memory_reserved(),
        "card": int(card.stdout.split()[0]) * 2**20 if card.returncode == 0 else None,
        "step_s": round(step_s, 4),
        "first_step_s": round(times[0], 3),
        "tokens_per_s": round(tokens / step_s),
        "made_s": round(made_s, 1),
    }


if __name__ == "__main__":
    main()
