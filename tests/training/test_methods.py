"""Every method with every tuning, trained for real on a model that takes milliseconds.

The losses are held against their formulas in `test_losses`.
"""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ftarena.recipes.models import resolve_model
from ftarena.training.models import prepare_model
from ftarena.training.runs import Run, RunState, read_events, read_metrics
from ftarena.workspace import Workspace

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

DATA = Path(__file__).parents[2] / "data" / "demo"

METHODS = ("sft", "dpo", "ipo", "kto", "orpo", "simpo", "cpo", "reward", "grpo")
TUNINGS = ("lora", "dora", "rslora", "qlora", "full", "last-1")
ADAPTERS = ("lora", "dora", "rslora", "qlora")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny matrices are slower on two threads."""
    monkeypatch.setattr("ftarena.hardware.usable_cores", lambda: 1)


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The file of a method: a dozen short rows of the kind that it learns from."""
    folder = tmp_path_factory.mktemp("rows")
    kinds: dict[str, list[dict[str, object]]]
    asked = [f"What is {number} plus {number}?" for number in range(12)]
    pairs: list[dict[str, object]] = [
        {"prompt": ask, "chosen": f"It is {2 * number}.", "rejected": f"{2 * number + 1}, I think, or more."}
        for number, ask in enumerate(asked)
    ]
    kinds = {
        "sft": [{"prompt": row["prompt"], "completion": row["chosen"]} for row in pairs],
        "kto": [
            {"prompt": row["prompt"], "completion": row[side], "label": side == "chosen"}
            for number, row in enumerate(pairs)
            for side in (["chosen", "rejected"] if number % 2 else ["chosen"])
        ],
        "grpo": [{"prompt": row["prompt"], "reference": row["chosen"]} for row in pairs],
    }

    def file(method: str) -> Path:
        path = folder / f"{method}.jsonl"
        lines = kinds.get(method, pairs)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return file


@pytest.fixture
def trained(
    workspace: Workspace, tiny_model: Path, train_here: Callable[..., Run], rows: Callable[[str], Path]
) -> Callable[..., Run]:
    """A function that trains two steps of a method with a tuning."""

    def train(method: str, tuning: str, **keys: object) -> Run:
        grpo: dict[str, object] = {
            "reward_funcs": "regex",
            "reward_pattern": "th|in|er",
            "num_generations": 4,
            "max_completion_length": 4,
        }
        return train_here(
            workspace,
            **{
                "method": method,
                "tuning": tuning,
                "model_name_or_path": tiny_model,
                "dataset": rows(method),
                "general_dataset": "[]",
                "learning_rate": 0.01,
                "max_length": 128,
                "lora_r": 4,
                "per_device_train_batch_size": 4,
                "gradient_accumulation_steps": 1,
                "max_steps": 2,
                **(grpo if method == "grpo" and "reward_funcs" not in keys else {}),
                **keys,
            },
        )

    return train


@pytest.fixture(scope="session")
def table_model(request: pytest.FixtureRequest) -> Path:
    """The model of the table: a tiny one, or by night the real one that FTARENA_TABLE_MODEL names."""
    if name := os.environ.get("FTARENA_TABLE_MODEL"):
        return prepare_model(resolve_model(name))
    return Path(request.getfixturevalue("tiny_model"))


def weights_of(model: Any) -> dict[str, Any]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


@pytest.mark.parametrize("tuning", TUNINGS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_with_every_tuning(
    trained: Callable[..., Run], table_model: Path, method: str, tuning: str
) -> None:
    """The run ends well, what should learn has moved, nothing else has, and the folder loads."""
    if tuning == "qlora":
        pytest.importorskip("bitsandbytes", reason="qlora needs bitsandbytes")
    real = {} if "FTARENA_TABLE_MODEL" not in os.environ else {"learning_rate": 1e-4}
    layers = json.loads((table_model / "config.json").read_text())["num_hidden_layers"]
    tuning = tuning if tuning != "last-1" or not real else f"last-{layers // 10}"
    run = trained(method, tuning, model_name_or_path=table_model, **real)
    assert run.state is RunState.FINISHED, run.message
    losses = [row["loss"] for row in read_metrics(run) if "loss" in row]
    assert len(losses) == 2 and all(map(math.isfinite, losses))
    whole = tuning not in ADAPTERS or (method == "reward" and tuning != "qlora")
    if whole:
        check_whole(run.directory, table_model, method, tuning)
    else:
        check_adapter(run.directory, table_model, method, tuning, layers)


def check_whole(folder: Path, base: Path, method: str, tuning: str) -> None:
    """A model of its own: its frozen weights are those of the base, the others are not."""
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    kind = AutoModelForSequenceClassification if method == "reward" else AutoModelForCausalLM
    model, info = kind.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    AutoTokenizer.from_pretrained(folder, local_files_only=True)
    assert (folder / "chat_template.jinja").is_file()
    assert not (folder / "adapter_model.safetensors").exists()
    before = weights_of(AutoModelForCausalLM.from_pretrained(base, local_files_only=True))
    after = weights_of(model)
    moved = {name for name in before.keys() & after.keys() if not torch.equal(before[name], after[name])}
    assert {weight.dtype for weight in after.values()} == {torch.float32}
    layers = range(model.config.num_hidden_layers)
    if tuning.startswith("last-"):
        layers = layers[-int(tuning.removeprefix("last-")) :]
    assert {int(name.split(".")[2]) for name in moved if ".layers." in name} == set(layers)
    assert ("model.norm.weight" in moved) == (tuning not in ADAPTERS)
    assert ("model.embed_tokens.weight" in moved) == (tuning == "full")
    if method == "reward":
        assert model.config.pad_token_id not in (None, 2)  # 2 is <|im_end|>, which ends an answer


def check_adapter(folder: Path, base: Path, method: str, tuning: str, layers: int) -> None:
    """An adapter that PEFT loads, and that does something."""
    from peft import AutoPeftModelForCausalLM, PeftConfig
    from safetensors.torch import load_file

    assert not (folder / "model.safetensors").exists()
    config = PeftConfig.from_pretrained(folder)
    assert config.use_dora == (tuning == "dora") and config.use_rslora == (tuning == "rslora")
    saved = load_file(folder / "adapter_model.safetensors")
    ups = [weight for name, weight in saved.items() if "lora_B" in name]
    assert len(ups) == 7 * layers and all(weight.abs().max() > 0 for weight in ups)
    assert not [name for name in saved if ".ref." in name]
    if method == "reward":
        assert any("score" in name for name in saved)
        return
    assert not [name for name in saved if "lora_" not in name]
    model = AutoPeftModelForCausalLM.from_pretrained(folder, local_files_only=True)
    ids = torch.arange(3, 40)[None]
    with torch.no_grad():
        adapted = model(ids).logits
        with model.disable_adapter():
            assert not torch.allclose(adapted, model(ids).logits)


def rewards(run: Run, at: int) -> list[float]:
    """How much likelier the answers have become at a step; a batch of KTO may hold none of a kind."""
    row = read_metrics(run)[at]
    return [row.get(f"rewards/{side}", 0.0) for side in ("chosen", "rejected")]


@pytest.mark.parametrize("method", ["dpo", "ipo", "kto"])
@pytest.mark.parametrize("tuning", ["lora", "full"])
@pytest.mark.parametrize("ahead", ["true", "false"])
def test_the_reference_is_the_model_at_the_start(
    trained: Callable[..., Run], method: str, tuning: str, ahead: str
) -> None:
    """Whether it is kept, computed ahead or an adapter's twin: before the first step nothing has moved."""
    run = trained(method, tuning, precompute_ref_log_probs=ahead, max_steps=3)
    assert run.state is RunState.FINISHED, run.message
    assert rewards(run, 0) == pytest.approx([0, 0], abs=1e-4)
    assert max(map(abs, rewards(run, 2))) > 1e-4


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_going_on_from_an_adapter_keeps_it_as_the_reference(trained: Callable[..., Run], method: str) -> None:
    """After SFT the reference is the tuned model, not the bare base."""
    tuned = trained("sft", "lora", learning_rate=0.05)
    run = trained(method, "lora", init_from=tuned.directory)
    assert rewards(run, 0) == pytest.approx([0, 0], abs=1e-4)


def test_my_own_reward_runs_only_with_my_leave(trained: Callable[..., Run], tmp_path: Path) -> None:
    """A recipe that names a Python file does not get it run."""
    file = tmp_path / "mine.py"
    file.write_text("def f(completions, **rest):\n    return [1.0 for _ in completions]\n")
    run = trained("grpo", "lora", reward_funcs="f", reward_file=file, num_generations=4, max_length=300)
    assert run.state is RunState.FAILED and "was not allowed" in run.message


def test_what_has_no_heldout_loss_says_so(trained: Callable[..., Run]) -> None:
    """Bad answers are not held against the model."""
    run = trained("kto", "lora", eval_split=6)
    assert run.state is RunState.FINISHED, run.message
    assert any(event["event"] == "heldout-unused" for event in read_events(run))
    assert any("eval_loss" in row for row in read_metrics(run))


def test_a_reward_model_is_held_against_pairs_it_has_not_seen(
    trained: Callable[..., Run], rows: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """I see whether it ranks held-out pairs right, before and after, and how far the measuring is."""
    noted: list[str] = []
    monkeypatch.setattr(
        "ftarena.training.worker.reporter.Reporter.note", lambda self, message: noted.append(message)
    )
    for keys in ({"eval_split": 6}, {"eval_dataset": rows("dpo")}):
        run = trained("reward", "full", max_steps=20, **keys)
        assert run.state is RunState.FINISHED, run.message
        before, after = (row for row in read_metrics(run) if "eval_accuracy" in row)
        assert (before["step"], after["step"]) == (0, 20)
        assert 0 <= before["eval_accuracy"] <= 1 and "eval_loss" not in after
        # The better answers are the shorter ones: there is something to learn that holds for all.
        assert after["eval_accuracy"] >= 5 / 6
        assert not any(event["event"] == "heldout-unused" for event in read_events(run))
    assert noted[0] == "measuring at step 0: 4 of 6" and noted[-1] == "measuring at step 20: 12 of 12"


def test_a_reward_model_is_not_held_against_single_answers(
    trained: Callable[..., Run], rows: Callable[[str], Path]
) -> None:
    """Answers without a worse one are no use to it, and I am told."""
    run = trained("reward", "lora", eval_dataset=rows("sft"))
    assert run.state is RunState.FINISHED, run.message
    assert any(event["event"] == "heldout-unused" for event in read_events(run))
    assert not any("eval_accuracy" in row for row in read_metrics(run))


def test_questions_that_do_not_fill_a_step_fail_the_run(
    trained: Callable[..., Run], rows: Callable[[str], Path], tmp_path: Path
) -> None:
    """What is dropped for its length leaves too few: the run does not finish as if it had learned."""
    short = [{"prompt": f"What is {n}?"} for n in range(2)]
    long = [{"prompt": "Say it again. " * 60 + str(n)} for n in range(2)]
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in short + long))
    run = trained(
        "grpo", "lora", dataset=file, too_long="drop", num_generations=2, per_device_train_batch_size=8
    )
    assert run.state is RunState.FAILED and "after 0 of " in run.message, run.message


def test_what_cannot_be_served_is_said_before_training(trained: Callable[..., Run]) -> None:
    """vLLM takes no DoRA: I hear of it, and of the way out, before the night is over."""
    events = [event["event"] for event in read_events(trained("sft", "dora"))]
    assert events.index("not-servable") < events.index("train-data")


def test_more_layers_than_there_are(trained: Callable[..., Run]) -> None:
    """The message says how many there are."""
    run = trained("sft", "last-3")
    assert run.state is RunState.FAILED and "the model has 2 layers" in run.message
