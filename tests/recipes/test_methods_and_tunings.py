"""What a recipe may say about methods and tunings, and what it is told where the two do not fit."""

from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.recipes.load import load_recipe


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Any file; it is not read here."""
    path = tmp_path / "data.jsonl"
    path.write_text('{"prompt": "q", "completion": "a"}\n')
    return path


def said(data: Path, **keys: object) -> str:
    """What I am told about a recipe that cannot be."""
    with pytest.raises(FtarenaError) as error:
        load_recipe(
            None,
            {
                "model_name_or_path": "demo:smollm2",
                "dataset": str(data),
                **{key: str(value) for key, value in keys.items()},
            },
        )
    return str(error.value)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"method": "grpo"}, "reward_funcs is not set"),
        ({"method": "grpo", "reward_funcs": "mine"}, "no reward_file that could define it"),
        ({"method": "grpo", "reward_funcs": "regex"}, "reward_pattern is not set"),
        ({"method": "grpo", "reward_funcs": "regex", "reward_pattern": "("}, "a regular expression"),
        ({"method": "grpo", "reward_funcs": "length", "reward_weights": "[1, 2]"}, "has 2 values"),
        ({"method": "grpo", "reward_funcs": "length", "num_generations": 5}, "multiple of num_generations"),
        ({"method": "grpo", "reward_funcs": "length", "max_length": 128}, "no room for the question"),
        ({"method": "grpo", "reward_funcs": "length", "reward_file": "x.txt"}, "a Python file"),
        ({"method": "kto", "per_device_train_batch_size": 1}, "at least 2"),
        ({"method": "reward", "init_from": "x"}, "starts from a base model"),
        ({"method": "sft", "reward_funcs": "length"}, "belongs to method grpo"),
        ({"method": "sft", "tuning": "lora", "pure_bf16": True}, "weights of the base that learn"),
        ({"method": "sft", "tuning": "half"}, "lora, dora, rslora, qlora, full, or last-4"),
        ({"method": "sft", "modules_to_save": "[lm_head]"}, "vLLM serves no adapter"),
        ({"method": "sft", "new_special_tokens": "[<x>]"}, "new tokens need new embeddings"),
    ],
)
def test_what_cannot_be_is_said_before_anything_loads(
    data: Path, keys: dict[str, object], words: str
) -> None:
    """I am told in a second what does not fit, not after the model has loaded."""
    assert words in said(data, **keys)


def resolved(data: Path, **keys: object) -> object:
    return load_recipe(
        None,
        {
            "model_name_or_path": "demo:smollm2",
            "dataset": str(data),
            **{key: str(value) for key, value in keys.items()},
        },
    ).resolved()


def test_a_reference_is_computed_ahead_where_that_saves_something(data: Path) -> None:
    """Without an adapter no second model is held; with several epochs nothing is computed twice."""
    ahead = {
        (tuning, epochs): resolved(  # type: ignore[attr-defined]  # a recipe
            data, method="dpo", tuning=tuning, num_train_epochs=epochs
        ).precompute_ref_log_probs
        for tuning in ("lora", "full", "last-2")
        for epochs in (1, 3)
    }
    assert [pair for pair, yes in ahead.items() if not yes] == [("lora", 1)]


@pytest.mark.parametrize("method", ["sft", "dpo", "ipo", "kto", "orpo", "simpo", "cpo", "reward"])
def test_a_full_tuning_starts_ten_times_slower(data: Path, method: str) -> None:
    """Nobody has to know that LoRA's learning rate is too high for whole weights."""
    lora, full = (resolved(data, method=method, tuning=tuning) for tuning in ("lora", "full"))
    assert lora.learning_rate == pytest.approx(10 * full.learning_rate)  # type: ignore[attr-defined]  # a recipe
