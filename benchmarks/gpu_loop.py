"""The demo's loop on a GPU, through the same code as on a laptop; figures as JSON lines on standard output.

    python benchmarks/gpu_loop.py --home /tmp/gpu --model FILE.gguf    # SFT, DPO, engine, answers, sleep
    python benchmarks/gpu_loop.py --home /tmp/gpu --seven-b            # one 7.6B recipe: memory and speed

The 7.6B model has random weights made on the spot: speed and memory do not depend on what they are.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from ftarena.evaluation.examples import load_examples
from ftarena.evaluation.forgetting import paired_difference, words
from ftarena.evaluation.loss import heldout_loss
from ftarena.recipes.load import load_recipe
from ftarena.recipes.models import resolve_model
from ftarena.serving.client import EngineClient
from ftarena.serving.contestants import Message, Sampling
from ftarena.serving.engine import Engine
from ftarena.training.jobs import Run, find_run, start_run
from ftarena.training.models import prepare_model
from ftarena.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data" / "demo"


def say(what: str, **figures: object) -> None:
    """Print one JSON line."""
    print(json.dumps({"what": what, **figures}), flush=True)


def gpu_mib() -> int:
    """Return the memory in use on the first card, in MiB."""
    asked = subprocess.run(
        ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        check=False,
    )
    return int(asked.stdout.split()[0]) if asked.returncode == 0 and asked.stdout.strip() else -1


def train(workspace: Workspace, recipe: Path, overrides: dict[str, str]) -> Run:
    """Run a recipe to its end, watching the card's memory."""
    started = time.monotonic()
    run = start_run(load_recipe(recipe, overrides), workspace, recipe)
    peak = 0
    while not (run := find_run(workspace, run.id)).state.ended:
        peak = max(peak, gpu_mib())
        time.sleep(0.5)
    say(
        "run",
        id=run.id,
        state=run.state,
        message=run.message,
        seconds=round(time.monotonic() - started, 1),
        steps=run.step,
        peak_gpu_mib=peak,
        metrics=run.metrics,
    )
    if run.state != "finished":
        print("\n".join((run.directory / "log.txt").read_text().splitlines()[-60:]), file=sys.stderr)
    return run


async def serve(workspace: Workspace, engine: Engine, sft: Run, dpo: Run) -> None:
    """Measure start, hot-load, sleep, speed and losses of the engine."""
    started = time.monotonic()
    engine.start()
    status = engine.wait_ready(timeout_s=500)
    say("engine ready", seconds=round(time.monotonic() - started, 1), gpu_mib=gpu_mib())
    for run in (sft, dpo):
        started = time.monotonic()
        engine.ensure_adapter(run.id, run.directory)
        say("hot-load", run=run.id, seconds=round(time.monotonic() - started, 3))
    client = EngineClient(socket=status.socket)
    greedy = Sampling(temperature=0.0, max_tokens=128)
    names = {"base": "base", "sft": sft.id, "dpo": dpo.id}
    try:
        heldout, general = load_examples(DATA / "heldout.jsonl"), load_examples(DATA / "general.jsonl")
        reports = {}
        for name, served in names.items():
            started = time.monotonic()
            reports[name] = (
                await heldout_loss(client, served, heldout),
                await heldout_loss(client, served, general),
            )
            say(
                "losses",
                model=name,
                heldout=round(reports[name][0].mean_loss, 3),
                general=round(reports[name][1].mean_loss, 3),
                seconds=round(time.monotonic() - started, 1),
            )
        for name in ("sft", "dpo"):
            say(
                "forgetting", model=name, words=words(paired_difference(reports["base"][1], reports[name][1]))
            )
        for example in heldout[:3]:
            messages = [Message(role=turn.role, content=turn.content) for turn in example.prompt]
            for name, served in names.items():
                answer = await client.complete(served, messages, greedy)
                say("answer", model=name, question=messages[-1].content, text=answer.text.strip())
        messages = [Message(role="user", content="Write a long story about a lighthouse.")]
        long = Sampling(temperature=0.7, max_tokens=256)
        rates = []
        for _ in range(5):
            answer = await client.complete("base", messages, long)
            rates.append((answer.n_tokens or 0) / answer.elapsed_s)
        say("one stream", tok_s=[round(min(rates)), round(statistics.median(rates)), round(max(rates))])
        started = time.monotonic()
        many = await asyncio.gather(
            *[client.complete(list(names.values())[n % 3], messages, long) for n in range(64)]
        )
        total = sum(answer.n_tokens or 0 for answer in many)
        say("64 streams over three models", tok_s=round(total / (time.monotonic() - started)))

        before = gpu_mib()
        started = time.monotonic()
        asleep = engine.sleep()
        say("sleep", done=asleep, seconds=round(time.monotonic() - started, 2), gpu_mib=[before, gpu_mib()])
        train(
            workspace,
            ROOT / "configs/demo-sft.yaml",
            {"model_name_or_path": sft.base_model, "max_steps": "5"},
        )
        started = time.monotonic()
        engine.wake()
        woken = time.monotonic() - started
        answer = await client.complete(sft.id, messages, long)
        say("wake", seconds=round(woken, 2), answer_s=round(answer.elapsed_s, 2), gpu_mib=gpu_mib())
    finally:
        await client.aclose()
        started = time.monotonic()
        engine.stop()
        say("stop", seconds=round(time.monotonic() - started, 1), gpu_mib=gpu_mib())


def long_examples(path: Path, n: int, sentences: int, *, pairs: bool = False) -> Path:
    """Write examples of about `13 * sentences + 50` tokens each: answers, or pairs of two such answers."""

    def text(number: int, animal: str) -> str:
        return (
            f"Example {number}. "
            + f"The quick brown {animal} jumps over the lazy dog at the river. " * sentences
        )

    with path.open("w") as file:
        for number in range(n):
            question = [{"role": "user", "content": f"Tell me story {number}."}]
            answers = [[{"role": "assistant", "content": text(number, animal)}] for animal in ("fox", "cat")]
            row = (
                {"prompt": question, "chosen": answers[0], "rejected": answers[1]}
                if pairs
                else {"messages": question + answers[0]}
            )
            file.write(json.dumps(row) + "\n")
    return path


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="demo:smollm2")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--seven-b", action="store_true")
    parser.add_argument("--logs", type=Path, help="copy the logs here at the end")
    options = parser.parse_args()
    os.environ.setdefault("FTARENA_CACHE", str(options.home / "cache"))
    workspace = Workspace(options.home.absolute()).ensure()
    started = time.monotonic()
    base = prepare_model(resolve_model(options.model))
    say("base model", seconds=round(time.monotonic() - started, 1))
    engine = Engine(workspace, base)
    try:
        if options.seven_b:
            folder = options.home / "seven-b"
            if not folder.exists():  # in a process of its own, so that the card is empty afterwards
                maker = Path(__file__).with_name("random_7b.py")
                subprocess.run([sys.executable, str(maker), str(folder), str(base)], check=True)
            common = {"model_name_or_path": str(folder), "eval_split": "0", "num_train_epochs": "1"}
            answers = long_examples(options.home / "answers.jsonl", 64, 150)
            sft = train(
                workspace,
                Path("24gb-7b-lora"),
                {**common, "dataset": str(answers), "eval_steps": "null", "save_steps": "null"},
            )
            pairs = long_examples(options.home / "pairs.jsonl", 32, 112, pairs=True)
            train(
                workspace,
                ROOT / "configs/dpo-lora-7b-24gb.yaml",
                {**common, "dataset": str(pairs), "init_from": sft.id},
            )
        else:
            sft = train(
                workspace,
                ROOT / "configs/demo-sft.yaml",
                {"model_name_or_path": options.model, "dataset": str(DATA / "sft.jsonl")},
            )
            dpo = train(
                workspace,
                ROOT / "configs/demo-dpo.yaml",
                {"model_name_or_path": options.model, "init_from": sft.id},
            )
            asyncio.run(serve(workspace, engine, sft, dpo))
    finally:
        engine.stop()
        if options.logs:
            logs = [*workspace.runs.glob("*/log.txt"), *workspace.engines.glob("*/log.txt")]
            for log in logs:
                shutil.copyfile(log, options.logs / f"{log.parent.name}.log")


if __name__ == "__main__":
    main()
