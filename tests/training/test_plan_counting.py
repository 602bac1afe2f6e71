"""What a plan counts and warns of, and what it says of broken models: no torch, no model."""

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ftarena.cli import main as _commands  # noqa: F401 - puts the commands into the app
from ftarena.cli.app import app
from ftarena.errors import FtarenaError, UsageError
from ftarena.evaluation.exam import paper
from ftarena.recipes.load import load_recipe
from ftarena.recipes.models import resolve_model
from ftarena.recipes.schema import Recipe
from ftarena.training.plan import (
    Card,
    Measured,
    Unplannable,
    card_named,
    constants,
    plan_of,
    read_shape,
    refusing,
    shape_of,
)
from ftarena.training.plan.lengths import Lengths, with_own_answers
from ftarena.training.plan.refusing import changes_of
from ftarena.training.plan.shapes import NoConfig
from ftarena.training.plan.telling import plan_lines

QWEN_7B = {
    "model_type": "qwen2",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "tie_word_embeddings": False,
}


def measured(*lengths: int, config: dict[str, object] = QWEN_7B) -> Measured:
    """A model and examples of these lengths, half of each learned."""
    tokens = sum(lengths)
    return Measured(shape_of(config, "a model"), Lengths(lengths, tokens // 2, tokens, (), (), 0))


def recipe(**keys: object) -> Recipe:
    """A recipe for them."""
    said = {"method": "sft", "model_name_or_path": "m", "dataset": ["d"], "max_length": 2048, **keys}
    return Recipe.model_validate(said).resolved()


@pytest.mark.parametrize(("given", "advised"), [(1e-5, "0.0001"), (5e-5, "0.0002"), (1e-3, None)])
def test_an_adapter_instead_of_all_weights_gets_its_learning_rate(given: float, advised: str | None) -> None:
    """The advice that turns full fine-tuning into LoRA turns 1e-5 into 1e-4 with it."""
    plan = plan_of(
        recipe(tuning="full", pure_bf16=True, learning_rate=given),
        card=card_named("24GB"),
        measured=measured(*[1500] * 16),
    )
    changes = changes_of(plan.remedies)
    assert changes["--tuning"] in ("lora", "qlora") and changes.get("--learning-rate") == advised


def test_measuring_probing_and_the_exam_take_time() -> None:
    """The plan counts what is measured before and after, the answers that are looked at, and the exam."""
    lengths = Lengths((300,) * 64, 6400, 19200, (300,) * 8, (60,) * 120, 0)
    known = Measured(shape_of(QWEN_7B, "a model"), lengths)

    def times(**keys: object) -> dict[str, float]:
        plan = plan_of(recipe(**keys), card=card_named("H100"), measured=known)
        return {line.name: line.amount for line in plan.time}

    usual = times(method="dpo")
    assert usual["exam"] > 60 and "exam" not in times(method="dpo", examine=False)
    assert usual["measuring"] > times(method="dpo", probe_answers=False)["measuring"] > 0
    assert times(method="sft")["measuring"] == times(method="sft", probe_answers=False)["measuring"]
    assert times(method="dpo", eval_steps=1)["measuring"] > 2 * usual["measuring"]


def test_what_is_asked_is_what_is_counted() -> None:
    """The plan counts as many answers as the probe and the exam ask for."""
    probe = (Path(refusing.__file__).parents[1] / "worker" / "guarding" / "probe.py").read_text()
    found = dict(re.findall(r"^(QUESTIONS|MOST_TOKENS) = (\d+)", probe, re.MULTILINE))
    assert (int(found["QUESTIONS"]), int(found["MOST_TOKENS"])) == (
        constants.PROBE_ANSWERS,
        constants.PROBE_TOKENS,
    )
    assert (paper.QUESTIONS, paper.TAUGHT, paper.GENERAL) == (
        constants.EXAM_QUESTIONS,
        constants.EXAM_TAUGHT,
        constants.EXAM_GENERAL,
    )


def test_answers_that_the_base_will_give_are_counted() -> None:
    """`replay_dataset: self` makes the run longer before a single answer is drawn."""
    lengths = measured(*[300] * 90).lengths
    keys = recipe(replay_dataset=["self"], replay_ratio=0.1)
    own = with_own_answers(keys, lengths, 90)
    assert (own.drawn, len(own.lengths)) == (10, 100) and own.tokens > lengths.tokens
    assert with_own_answers(keys, lengths, 90, replayed=4).drawn == 6
    assert with_own_answers(recipe(replay_dataset=["self#3"], replay_ratio=0.1), lengths, 90).drawn == 3
    assert with_own_answers(recipe(), lengths, 90) is lengths
    plan = plan_of(keys, card=card_named("H100"), measured=Measured(shape_of(QWEN_7B, "m"), own))
    assert plan.time[0].name == "replay" and plan.time[0].amount > 0


def test_a_warm_up_longer_than_the_run_is_told() -> None:
    """I typed a million steps of warm-up for twenty: I am warned, in the plan and at the start."""
    known = measured(*[100] * 16)
    plan = plan_of(recipe(warmup_steps=99_999_999), card=card_named("H100"), measured=known)
    assert "never reaches its peak" in plan.warnings[0] and plan.to_json()["warnings"] == plan.warnings
    assert any(line.startswith("warning: warmup_steps") for line in plan_lines(plan, "r.yaml", {}))
    assert plan_of(recipe(warmup_steps=0), card=card_named("H100"), measured=known).warnings == []


@pytest.mark.parametrize("text", ["{", "[1, 2]", "[" * 200_000, "\x00"])
def test_a_broken_config_is_called_broken(text: str, tmp_path: Path) -> None:
    """A torn config.json is not "no config.json", and never a mistake in ftarena."""
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(NoConfig, match=r"config\.json is (broken JSON|no object)"):
        read_shape(tmp_path, "m")
    with pytest.raises(Unplannable, match=r"has no config\.json"):
        read_shape(tmp_path / "gone", "m")


def test_a_folder_without_weights_can_be_planned(tiny_model: Path, tmp_path: Path) -> None:
    """The plan reads config.json and the tokenizer only, so these are all that I need to have here."""
    folder, data = tmp_path / "bare", tmp_path / "d.jsonl"
    folder.mkdir()
    for file in tiny_model.iterdir():
        if file.suffix != ".safetensors":
            shutil.copy(file, folder)
    data.write_text(json.dumps({"prompt": "q", "completion": "a"}) + "\n")
    keys = {"method": "sft", "model_name_or_path": str(folder), "dataset": str(data)}
    assert plan_of(load_recipe(None, keys), card=card_named("cpu")).steps == 1
    with pytest.raises(FtarenaError, match="holds no"):
        resolve_model(str(folder))


def test_a_plan_needs_no_recipe(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ftarena plan --method sft --model M --data F` plans what `ftarena sft` would start."""
    data = tmp_path / "d.jsonl"
    data.write_text(json.dumps({"prompt": "q", "completion": "a"}) + "\n")
    words = ["plan", "--method", "sft", "--gpu", "24GB", "--model", str(tiny_model), "--data", str(data)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "SFT, lora" in done.output, done.output
    small = Card("a tiny card", "cuda", 2**20, 100e12, 1e12, False)
    plan = plan_of(
        load_recipe(None, {"method": "sft", "dataset": str(data), "model_name_or_path": str(tiny_model)}),
        card=small,
    )
    said = list(plan_lines(plan, None, {"--method": "sft", "--dataset": "F"}))
    assert any(line.startswith("  ftarena sft --dataset F") for line in said) or not plan.remedies


def test_a_card_without_memory_is_no_card() -> None:
    """`--gpu 0GB` is a slip, not a card to plan for."""
    with pytest.raises(UsageError, match="no card has 0GB"):
        card_named("0GB")
