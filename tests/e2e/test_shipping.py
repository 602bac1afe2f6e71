"""What is shipped, used as a stranger would: by transformers and vLLM in processes of their own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftarena.recipes.load import load_recipe
from ftarena.serving.client import EngineClient
from ftarena.serving.contestants import Message, Sampling
from ftarena.serving.engine import Engine
from ftarena.training.jobs import start_run
from ftarena.training.runs import Run, RunState, find_run
from ftarena.workspace import Workspace

pytestmark = pytest.mark.e2e

TIMEOUT_S = 300
DATA = Path(__file__).parents[2] / "data" / "demo"

STRANGER = """
import json, sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, adapter = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
model = AutoModelForCausalLM.from_pretrained(folder)
if adapter:
    from peft import PeftModel
    model = PeftModel.from_pretrained(model, adapter)
tokenizer = AutoTokenizer.from_pretrained(adapter or folder)
turns = [("user", "What is the capital of France?"), ("assistant", "The capital of France is Paris.")]
turns = [{"role": role, "content": content} for role, content in turns]
ids = tokenizer(tokenizer.apply_chat_template(turns, tokenize=False), return_tensors="pt").input_ids
with torch.inference_mode():
    logits = model.eval()(ids).logits[0, :-1].float()
told = logits.log_softmax(-1).gather(1, ids[0, 1:, None]).squeeze(1).tolist()
print(json.dumps({"log_probs": told, "ends": model.generation_config.eos_token_id}))
"""


@pytest.fixture(scope="module")
def run(workspace: Workspace, base_model: Path) -> Run:
    """A finished run of the real model."""
    few = {
        "name": "shipped",
        "method": "sft",
        "model_name_or_path": "demo:smollm2",
        "dataset": f"{DATA}/sft.jsonl#12",
        "general_dataset": f"[{DATA}/general.jsonl#2]",
        "max_length": "256",
        "max_steps": "3",
        "learning_rate": "1e-3",
        "per_device_train_batch_size": "4",
        "gradient_accumulation_steps": "1",
    }
    run = start_run(load_recipe(None, few), workspace)
    deadline = time.monotonic() + TIMEOUT_S
    while not run.state.ended and time.monotonic() < deadline:
        time.sleep(0.2)
        run = find_run(workspace, run.id)
    assert run.state is RunState.FINISHED, run.message
    return run


@pytest.fixture(scope="module")
def shipped(workspace: Workspace, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run merged by the command that people type."""
    folder = tmp_path_factory.mktemp("shipped") / "french"
    words = ["export", "model", run.id, "-o", str(folder), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "ftarena", *words],
        env={**os.environ, "FTARENA_HOME": str(workspace.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["form"] == "merged"
    assert told["agreement"]["largest_error"] < 1e-3 < told["agreement"]["effect"]
    return folder


@pytest.fixture
def merged_engine(workspace: Workspace, shipped: Path) -> Iterator[Engine]:
    """An engine of the merged model alone."""
    engine = Engine(workspace, shipped)
    engine.start()
    try:
        engine.wait_ready(300)
        yield engine
    finally:
        engine.stop()


def asked(*folders: Path) -> dict[str, list[float]]:
    done = subprocess.run(
        [sys.executable, "-c", STRANGER, *map(str, folders)], capture_output=True, text=True, check=True
    )
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_transformers_loads_it_and_says_what_the_adapter_says(
    run: Run, shipped: Path, base_model: Path
) -> None:
    """My colleague loads the folder without knowing ftarena, and gets the model that I chose."""
    merged, adapter, base = asked(shipped), asked(base_model, run.directory), asked(base_model)
    pairs = list(zip(merged["log_probs"], adapter["log_probs"], base["log_probs"], strict=True))
    assert max(abs(one - two) for one, two, _ in pairs) < 1e-3
    assert max(abs(one - three) for one, _, three in pairs) > 1e-2
    ends = merged["ends"] if isinstance(merged["ends"], list) else [merged["ends"]]
    assert 2 in ends  # <|im_end|>


async def test_vllm_serves_it_and_answers_as_the_adapter(
    engine: Engine, merged_engine: Engine, run: Run
) -> None:
    """The folder is served on its own and says, word for word, what the adapter said in the arena."""
    engine.ensure_adapter(run.id, run.directory)
    greedy = Sampling(temperature=0, max_tokens=24)
    for question in ("What is the capital of France?", "How do I list files in Linux?"):
        turns = [Message(role="user", content=question)]
        async with (
            EngineClient(socket=engine.status().socket) as arena,
            EngineClient(socket=merged_engine.status().socket) as alone,
        ):
            before = await arena.complete(run.id, turns, greedy)
            after = await alone.complete("base", turns, greedy)
        assert after.text == before.text
        assert after.text.strip()
