"""Keys of a recipe that contradict each other."""

from pathlib import Path

import pytest

from ftarena.errors import UsageError
from ftarena.recipes.agreement import BELONGS
from ftarena.recipes.load import load_recipe
from ftarena.recipes.schema import Recipe

GRPO = {"method": "grpo", "reward_funcs": "exact_match", "gradient_accumulation_steps": "2"}


def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **keys: str) -> list[str]:
    (tmp_path / "data.jsonl").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    given = {"method": "sft", "model_name_or_path": "demo:smollm2", "dataset": "data.jsonl"} | keys
    try:
        load_recipe(None, given)
    except UsageError as error:
        return error.message.splitlines()
    return []


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"method": "dpo", "loss_type": "simpo"}, "does not fit method dpo: write method: simpo"),
        ({"loss_type": "[nll, dft]"}, "loss_type is a list, but method sft takes one loss"),
        (
            {"method": "kto", "loss_type": "sigmoid"},
            "loss_type belongs to method sft, dpo, but method is kto",
        ),
        ({"method": "kto", "per_device_train_batch_size": "1"}, "it needs at least 2"),
        ({"method": "reward", "beta": "0.1"}, "beta belongs to method dpo"),
        ({"early_stopping_threshold": "0.1"}, "early_stopping_patience is not: nothing stops early"),
        ({"tuning": "full", "load_in_4bit": "true"}, "a base in 4 bits needs qlora"),
        (
            {"tuning": "last-4", "init_from": "x"},
            "init_from names an adapter to go on from, but tuning is last-4",
        ),
        ({"tuning": "qlora", "base_precision": "fp8"}, "whose frozen weights are in 4 bits"),
        ({"tuning": "full", "base_precision": "fp8"}, "no weights are frozen"),
        ({"bf16": "false", "base_precision": "fp8"}, "bf16 is false"),
        ({"activation_memory_budget": "0.5", "torch_compile": "false"}, "only compiled layers have one"),
        ({"activation_memory_budget": "0.5", "gradient_checkpointing": "true"}, "one replaces the other"),
        ({**GRPO, "reward_funcs": "[]"}, "reward_funcs is not set, but method grpo needs what scores"),
        ({**GRPO, "reward_funcs": "mine"}, "there is no reward_file that could define it"),
        ({**GRPO, "reward_funcs": "my-own", "reward_file": "r.py"}, "no function can be called that"),
        ({**GRPO, "reward_file": "r.py"}, "reward_funcs names none of its functions"),
        ({**GRPO, "reward_funcs": "[regex, format]"}, "regex, format, but reward_pattern is not set"),
        ({**GRPO, "reward_pattern": "a+"}, "names neither regex nor format"),
        ({**GRPO, "reward_weights": "[1, 2]"}, "reward_weights has 2 values, but reward_funcs has 1"),
        ({**GRPO, "max_length": "256"}, "leaves no room for the question"),
        ({**GRPO, "num_generations": "3"}, "must be a multiple of num_generations, which is 3"),
    ],
)
def test_a_contradiction_names_both_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, str], expected: str
) -> None:
    """Two keys that cannot both hold are named, with what to choose, before a night is lost."""
    (line,) = said(tmp_path, monkeypatch, **keys)
    assert expected in line


def test_all_contradictions_are_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I mend a recipe once, also where several of its keys disagree."""
    lines = said(tmp_path, monkeypatch, beta="0.1", tuning="full", load_in_4bit="true", base_precision="fp8")
    assert len(lines) == 3


@pytest.mark.parametrize("method", ["sft", "dpo", "ipo", "kto", "orpo", "simpo", "cpo", "reward", "grpo"])
@pytest.mark.parametrize("tuning", ["lora", "dora", "rslora", "qlora", "full", "last-4"])
def test_every_method_goes_with_every_tuning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, tuning: str
) -> None:
    """What I have not set never contradicts what I have, and a resolved recipe contradicts nothing either."""
    keys = {"method": method, "tuning": tuning} | ({"reward_funcs": "length"} if method == "grpo" else {})
    assert said(tmp_path, monkeypatch, **keys) == []


def test_keys_that_belong_to_methods_are_keys() -> None:
    """The table of which methods have a key names only keys."""
    assert set(BELONGS) <= set(Recipe.model_fields)
