"""The steps that the plan says are the steps that the trainer takes."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ftarena.recipes.load import load_recipe
from ftarena.training.plan import measure
from ftarena.training.plan.cards import Card
from ftarena.training.plan.planning import plan_of
from ftarena.training.plan.schedule import pack
from ftarena.training.runs import Run
from ftarena.workspace import Workspace

CPU = Card("a CPU", "cpu", 16 * 2**30, 50e9, 10e9, True, bf16=False)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-three examples, of which three are far longer than the others."""
    file = tmp_path_factory.mktemp("data") / "answers.jsonl"
    rows = [
        {
            "prompt": f"Question {number}?",
            "completion": "An answer. " * (60 if number % 8 == 3 else number % 5 + 1),
        }
        for number in range(23)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine preference pairs."""
    file = tmp_path_factory.mktemp("data") / "pairs.jsonl"
    rows = [
        {"prompt": f"Question {number}?", "chosen": "Yes.", "rejected": "No, no. " * 3} for number in range(9)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven labelled answers."""
    file = tmp_path_factory.mktemp("data") / "labelled.jsonl"
    rows = [
        {"prompt": f"Question {number}?", "completion": "Yes.", "label": number % 2 == 0}
        for number in range(7)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.parametrize(
    ("method", "keys"),
    [
        ("sft", {"per_device_train_batch_size": 3, "gradient_accumulation_steps": 1}),
        ("sft", {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 5}),
        (
            "sft",
            {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "num_train_epochs": 2.5},
        ),
        ("sft", {"per_device_train_batch_size": 64, "gradient_accumulation_steps": 4}),
        ("sft", {"max_steps": 3}),
        ("sft", {"max_length": 60, "too_long": "drop", "per_device_train_batch_size": 3}),
        ("sft", {"max_length": 60, "too_long": "truncate", "per_device_train_batch_size": 5}),
        ("sft", {"eval_split": 0.2, "per_device_train_batch_size": 3, "gradient_accumulation_steps": 2}),
        ("dpo", {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}),
        ("orpo", {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 1}),
        (
            "grpo",
            {
                "per_device_train_batch_size": 4,
                "gradient_accumulation_steps": 2,
                "num_generations": 4,
                "max_completion_length": 4,
                "reward_funcs": "length",
            },
        ),
        ("kto", {"per_device_train_batch_size": 3, "gradient_accumulation_steps": 1, "num_train_epochs": 2}),
    ],
)
def test_the_planned_steps_are_taken(
    method: str,
    keys: dict[str, object],
    answers: Path,
    pairs: Path,
    labelled: Path,
    tiny_model: Path,
    tmp_path: Path,
    train_here: Callable[..., Run],
) -> None:
    """I plan my evening by the number of steps; it is not a guess."""
    said = {
        "method": method,
        "model_name_or_path": str(tiny_model),
        "dataset": str({"sft": answers, "grpo": f"{answers}#5", "kto": labelled}.get(method, pairs)),
        "general_dataset": "[]",
        **keys,
    }
    recipe = load_recipe(None, {key: str(value) for key, value in said.items()})
    plan = plan_of(recipe, card=CPU)

    run = train_here(Workspace(tmp_path / ".ftarena"), **said)

    assert run.state == "finished", run.message
    assert (plan.steps, plan.steps) == (run.total_steps, run.step)


def test_replay_counts_among_the_steps(
    answers: Path, tiny_model: Path, tmp_path: Path, train_here: Callable[..., Run]
) -> None:
    """Replayed examples are examples: a run with replay takes longer, and the plan says by how much."""
    said = {
        "method": "sft",
        "model_name_or_path": str(tiny_model),
        "dataset": f"{answers}#11",
        "replay_dataset": str(answers),
        "replay_ratio": 0.3,
        "general_dataset": "[]",
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 1,
    }
    recipe = load_recipe(None, {key: str(value) for key, value in said.items()})

    run = train_here(Workspace(tmp_path / ".ftarena"), **said)

    assert plan_of(recipe, card=CPU).steps == run.total_steps > 6


def test_rows_are_packed_as_trl_packs_them() -> None:
    """Packing decides how many rows there are, and so the steps: ours are TRL's, to the token."""
    pytest.importorskip("trl")
    from datasets import Dataset
    from trl import pack_dataset

    draw = random.Random(3)
    lengths = [draw.randint(1, 100) for _ in range(2300)]
    rows = Dataset.from_dict({"input_ids": [[1] * length for length in lengths]})
    packed = pack_dataset(rows, seq_length=100, strategy="bfd")

    assert pack(lengths, 100) == [len(row) for row in packed["input_ids"]]


def test_measuring_loads_no_weights(answers: Path, tiny_model: Path, tmp_path: Path) -> None:
    """I plan for a model that is not here yet: its config and tokenizer are enough."""
    import shutil

    bare = tmp_path / "bare"
    shutil.copytree(tiny_model, bare, ignore=shutil.ignore_patterns("*.safetensors"))
    (bare / "model.safetensors").write_bytes(b"")  # so that the folder counts as a model
    recipe = load_recipe(None, {"method": "sft", "model_name_or_path": str(bare), "dataset": str(answers)})

    measured = measure(recipe)

    assert measured.shape.layers == 2
    assert len(measured.lengths.lengths) == 23
