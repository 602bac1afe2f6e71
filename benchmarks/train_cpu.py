"""How fast the demo's SFT trains on a CPU, against TRL's defaults: seconds a step of 8 examples.

    python benchmarks/train_cpu.py [--rounds 3] [--steps 4] [--bf16]    # a JSON line each, then ratios

Every measurement is a process of its own; the ways take turns, so that a busy neighbour slows all of them.
TRL's own default on a CPU is bfloat16: minutes a step without AMX or AVX512-bf16. `--bf16` measures
one such step; the ratio is that to TRL in float32.
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

ROOT = Path(__file__).resolve().parents[1]
WAYS = ("TRL, float32", "ftarena")


def main() -> None:
    """Measure in turns and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measure(options.way, options.steps)))
        return
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    turns = [(way, options.steps) for _ in range(options.rounds) for way in WAYS]
    for way, steps in [*turns, *([("TRL, bfloat16", 1)] if options.bf16 else [])]:
        command = [sys.executable, __file__, "--way", way, "--steps", str(steps)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith('{"way"')]
        print(lines[-1] if lines else json.dumps({"way": way, "failed": done.stderr[-800:]}), flush=True)
        if lines:
            seconds.setdefault(way, []).append(json.loads(lines[-1])["step_s"])
    theirs, ours = (seconds[way] for way in WAYS)
    ratios = [a / b for a, b in zip(theirs, ours, strict=False)]
    if ratios:
        print(json.dumps({"ratio": [round(f(ratios), 2) for f in (min, statistics.median, max)]}))


def measure(way: str, steps: int) -> dict[str, Any]:
    """Train some steps one way; `step_s` is the median of those after the first, `losses` are all."""
    import transformers
    from datasets import disable_progress_bars

    from ftarena.curation.reading import load_examples
    from ftarena.curation.tokens import ChatEncoder, ChatTokenizer
    from ftarena.recipes.load import load_recipe
    from ftarena.recipes.models import resolve_model
    from ftarena.training.models import prepare_model
    from ftarena.training.worker.job import Job
    from ftarena.training.worker.loading import load_base, load_tokenizer, tune
    from ftarena.training.worker.machine import machine_for
    from ftarena.training.worker.trainers import build_trainer

    disable_progress_bars()
    keys = {"max_steps": str(steps), "eval_dataset": "null", "eval_steps": "null", "examine": "false"}
    recipe = load_recipe(ROOT / "configs" / "demo-sft.yaml", keys)
    folder = prepare_model(resolve_model(recipe.model_name_or_path))
    examples = load_examples(ROOT / "data" / "demo" / "sft.jsonl", "sft")[: 8 * steps * 2]
    encoded = list(ChatEncoder(ChatTokenizer.load(folder, "demo")).encode(examples))
    transformers.set_seed(recipe.seed)
    tokenizer = load_tokenizer(folder)
    clock = _clock()
    with tempfile.TemporaryDirectory() as output:
        if way == "ftarena":
            machine = machine_for(recipe)
            job = Job(Path(output), recipe, _Quiet(), None, machine)  # type: ignore[arg-type]  # stand-ins
            model = tune(load_base(folder, recipe, machine), recipe)
            trainer = build_trainer(job, model, tokenizer, encoded, [clock])
        else:
            trainer = _trls(folder, tokenizer, encoded, recipe, output, clock, bf16="bfloat16" in way)
        trainer.train()
    return {
        "way": way,
        "step_s": round(statistics.median(clock.seconds[1:] or clock.seconds), 2),
        "steps": [round(one, 2) for one in clock.seconds],
        "losses": [round(one, 4) for one in clock.losses],
    }


def _trls(
    folder: Path, tokenizer: Any, encoded: list[Any], recipe: Any, output: str, clock: Any, *, bf16: bool
) -> Any:
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    return SFTTrainer(
        model=str(folder),
        args=SFTConfig(
            output_dir=output,
            max_steps=recipe.max_steps,
            learning_rate=recipe.learning_rate,
            warmup_steps=0,
            max_length=recipe.max_length,
            bf16=bf16,
            use_cpu=True,
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        ),
        train_dataset=Dataset.from_list([{"input_ids": e.input_ids, "labels": e.labels} for e in encoded]),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[clock],
    )


def _clock() -> Any:
    from transformers import TrainerCallback

    class Clock(TrainerCallback):  # type: ignore[misc]  # transformers is not followed by mypy
        def __init__(self) -> None:
            self.seconds: list[float] = []
            self.losses: list[float] = []
            self.began = 0.0

        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            self.began = time.monotonic()

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            self.seconds.append(time.monotonic() - self.began)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if "loss" in logs:
                self.losses.append(float(logs["loss"]))

    return Clock()


class _Quiet:
    """A reporter that says nothing."""

    def event(self, event: str, message: str, **details: Any) -> None:
        """Say nothing."""


if __name__ == "__main__":
    main()
