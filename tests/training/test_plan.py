"""What a run will take: shapes, cards, batches, remedies; no torch, no model."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.errors import FtarenaError, UsageError
from ftarena.recipes.load import load_recipe
from ftarena.recipes.presets import Preset, presets
from ftarena.recipes.schema import Recipe
from ftarena.training.data import RunData, load_data
from ftarena.training.plan import (
    Card,
    Measured,
    Unplannable,
    admit,
    card_named,
    fit_recipe,
    plan_of,
    refusing,
    shape_of,
)
from ftarena.training.plan.lengths import Lengths
from ftarena.training.plan.refusing import changes_of
from ftarena.training.plan.schedule import grouped, pack

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
LENGTHS = st.lists(st.integers(1, 64), min_size=1, max_size=300)


def measured(*lengths: int, config: dict[str, object] = QWEN_7B) -> Measured:
    """A model and examples of these lengths, half of each learned."""
    tokens = sum(lengths)
    return Measured(shape_of(config, "a model"), Lengths(lengths, tokens // 2, tokens, (), (), 0))


def recipe(**keys: object) -> Recipe:
    """A recipe for them."""
    said = {"method": "sft", "model_name_or_path": "m", "dataset": ["d"], "max_length": 2048, **keys}
    return Recipe.model_validate(said).resolved()


@pytest.mark.parametrize(
    ("config", "weights"),
    [
        # As the models' cards and transformers count them.
        (QWEN_7B, 7_615_616_512),
        (
            {
                "model_type": "llama",
                "hidden_size": 4096,
                "intermediate_size": 14336,
                "num_hidden_layers": 32,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "vocab_size": 128256,
            },
            8_030_261_248,
        ),
        (
            {
                "model_type": "mistral",
                "hidden_size": 4096,
                "intermediate_size": 14336,
                "num_hidden_layers": 32,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "vocab_size": 32000,
            },
            7_241_732_096,
        ),
        (
            {
                "model_type": "qwen3",
                "hidden_size": 1024,
                "intermediate_size": 3072,
                "num_hidden_layers": 28,
                "num_attention_heads": 16,
                "num_key_value_heads": 8,
                "head_dim": 128,
                "vocab_size": 151936,
                "tie_word_embeddings": True,
            },
            596_049_920,
        ),
        (
            {
                "model_type": "gemma2",
                "hidden_size": 2304,
                "intermediate_size": 9216,
                "num_hidden_layers": 26,
                "num_attention_heads": 8,
                "num_key_value_heads": 4,
                "head_dim": 256,
                "vocab_size": 256000,
            },
            2_614_341_888,
        ),
        (
            {
                "model_type": "mixtral",
                "hidden_size": 4096,
                "intermediate_size": 14336,
                "num_hidden_layers": 32,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "num_local_experts": 8,
                "num_experts_per_tok": 2,
                "vocab_size": 32000,
            },
            46_702_792_704,
        ),
    ],
    ids=["qwen2.5-7b", "llama-3-8b", "mistral-7b", "qwen3-0.6b", "gemma-2-2b", "mixtral-8x7b"],
)
def test_config_json_says_how_large_a_model_is(config: dict[str, object], weights: int) -> None:
    """Nothing is downloaded but a page of JSON, and the size is right to the last weight."""
    assert shape_of(config, "it").parameters == weights


def test_a_model_of_another_kind_is_named_not_guessed() -> None:
    """A plan for something that is no such decoder would be worse than none."""
    with pytest.raises(Unplannable, match="rwkv is of the kind rwkv"):
        shape_of({"model_type": "rwkv"}, "rwkv")
    with pytest.raises(Unplannable, match="does not say how large"):
        shape_of({"model_type": "llama", "hidden_size": 64}, "it")


@pytest.mark.parametrize(
    ("words", "name", "gib"),
    [
        ("24GB", "a card of 24 GB", 24),
        ("12 GiB", "a card of 12 GB", 12),
        ("H100 80GB", "H100 80GB", 79.6),
        ("h100", "H100 80GB", 79.6),
        ("4090", "RTX 4090", 23.99),
        ("NVIDIA A100-SXM4-80GB", "A100 80GB", 79.3),
        ("NVIDIA H100 80GB HBM3", "H100 80GB", 79.6),
        ("L4", "L4", 22.5),
    ],
)
def test_a_card_is_known_by_what_people_call_it(words: str, name: str, gib: float) -> None:
    """I type the card that I think of renting."""
    card = card_named(words)
    assert (card.name, round(card.memory_bytes / 2**30, 2)) == (name, gib)


def test_an_unknown_card_is_said() -> None:
    """A typing error is no plan for another card."""
    with pytest.raises(UsageError, match="no card is called 'H900'"):
        card_named("H900")


@given(LENGTHS)
def test_packing_loses_no_token_and_overfills_no_row(lengths: list[int]) -> None:
    """Whatever the lengths, rows hold all examples, whole."""
    rows = pack(lengths, 64)
    assert sum(rows) == sum(lengths)
    assert max(rows) <= 64
    assert -(-sum(lengths) // 64) <= len(rows) <= len(lengths)


@given(LENGTHS, st.integers(1, 20), st.integers(0, 5))
def test_batches_hold_every_example_once(lengths: list[int], size: int, seed: int) -> None:
    """Grouping by length changes who sits together, not who is there."""
    batches = grouped(lengths, size, seed)
    assert sorted(length for batch in batches for length in batch) == sorted(lengths)
    assert len(batches) == -(-len(lengths) // size)
    assert max(lengths) == batches[0][0]


@given(st.integers(1, 8), st.sampled_from(["8GB", "12GB", "24GB", "80GB"]))
def test_auto_keeps_the_examples_a_step(accumulation: int, words: str) -> None:
    """`auto` is about speed: a step learns from as many examples as it did."""
    given_recipe = recipe(per_device_train_batch_size="auto", gradient_accumulation_steps=accumulation)
    known = measured(*[1500] * 64)

    fitted = fit_recipe(given_recipe, card=card_named(words), measured=known)

    assert fitted.batch_size * fitted.gradient_accumulation_steps == 4 * accumulation
    plan = plan_of(fitted, card=card_named(words), measured=known)
    assert fitted.batch_size == 1 or plan.peak_bytes <= 0.9 * plan.card.memory_bytes


def test_auto_takes_more_on_a_larger_card() -> None:
    """On 80 GB more examples are in memory at once than on 24."""
    small, large = (
        fit_recipe(
            recipe(per_device_train_batch_size="auto"),
            card=card_named(words),
            measured=measured(*[1500] * 64),
        ).batch_size
        for words in ("24GB", "80GB")
    )
    assert small < large


def test_dora_keeps_the_outputs_of_each_layer() -> None:
    """DoRA takes more memory than LoRA: what the layers put out is kept for the way back, three times."""
    card = Card("cpu", "cpu", 64 * 2**30, 100e9, 20e9, True)
    kept = {
        tuning: next(
            line.amount
            for line in plan_of(recipe(tuning=tuning), card=card, measured=measured(*[100] * 16)).memory
            if line.name == "activations"
        )
        for tuning in ("lora", "dora")
    }
    shape = shape_of(QWEN_7B, "a model")
    tokens = (kept["dora"] - kept["lora"]) / (shape.layers * 3 * 4 * shape.linear_outputs)
    assert shape.linear_outputs == 3 * 3584 + 2 * 512 + 2 * 18944
    assert tokens == pytest.approx(round(tokens)) and round(tokens) % 100 == 0 and tokens > 0


def test_what_does_not_fit_comes_with_what_to_change() -> None:
    """Too large for my card: I am told what to change, the least harm first, until it fits."""
    plan = plan_of(
        recipe(per_device_train_batch_size=8, gradient_accumulation_steps=2, gradient_checkpointing=False),
        card=card_named("12GB"),
        measured=measured(2000, *[700] * 63),
    )

    assert not plan.fits
    assert [remedy.name for remedy in plan.remedies] == ["packing", "checkpointing", "QLoRA"]
    assert plan.remedies[-1].fits
    peaks = [plan.peak_bytes, *(remedy.peak_bytes for remedy in plan.remedies)]
    assert peaks == sorted(peaks, reverse=True)
    assert changes_of(plan.remedies)["--tuning"] == "qlora"


def test_preference_pairs_are_not_packed() -> None:
    """Packing is SFT's; for DPO a smaller batch is the first thing that helps beside checkpointing."""
    plan = plan_of(
        recipe(method="dpo", per_device_train_batch_size=8, gradient_checkpointing=False),
        card=card_named("24GB"),
        measured=measured(*[1500] * 64),
    )
    names = [remedy.name for remedy in plan.remedies]
    assert (names[0], names[-1]) == ("checkpointing", "batch 1")
    assert changes_of(plan.remedies)["--gradient-accumulation-steps"] == "32"


@pytest.mark.parametrize("batch", [1, 2, 4, 8])
def test_a_larger_batch_takes_more_memory_and_no_more_steps(batch: int) -> None:
    """What I pay for a batch is memory."""
    known = measured(*[1000] * 96)
    one = plan_of(recipe(per_device_train_batch_size=batch), card=card_named("H100"), measured=known)
    two = plan_of(recipe(per_device_train_batch_size=2 * batch), card=card_named("H100"), measured=known)
    assert two.peak_bytes > one.peak_bytes
    assert two.steps < one.steps


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_presets_fit_the_card_they_are_named_after(preset: Preset, tmp_path: Path) -> None:
    """`24gb-7b-lora` fits a 7B model into 24 GB, with examples as long as it allows."""
    data = tmp_path / "mine.jsonl"
    data.write_text('{"prompt": "a", "completion": "b"}\n')
    path = Path(preset.name)
    keys = load_recipe(path, {"dataset": str(data)})
    words = path.name.partition("-")[0]
    card = card_named("24GB" if words == "cpu" else words)

    plan = plan_of(keys, card=card, measured=measured(*[keys.max_length] * 40))

    assert plan.fits


def test_presets_open_with_the_command_that_runs_them() -> None:
    """I open a preset and see at once how to run it."""
    assert [one.name for one in presets()] == ["24gb-7b-lora", "24gb-7b-qlora", "80gb-7b-full", "cpu-tiny"]
    assert all(one.command.startswith(f"ftarena train {one.name} ") for one in presets())


def test_a_run_that_cannot_fit_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """I find out now, not after the model has been loaded for a minute; with --force I may try."""
    small = Card("a small card", "cuda", 6 * 2**30, 100e12, 1e12, False)
    (tmp_path / "tokenizer.json").write_text("{}")
    keys = recipe()
    known = plan_of(keys, card=small, measured=measured(*[1500] * 16))
    monkeypatch.setattr(refusing, "tokenizer_folder", lambda ref: tmp_path)
    monkeypatch.setattr(refusing, "resolve_model", lambda name: None)
    monkeypatch.setattr(refusing, "measure", lambda recipe, data: None)
    monkeypatch.setattr(refusing, "plan_of", lambda recipe, measured: known)

    with pytest.raises(
        FtarenaError, match=r"needs about [\d.]+ GiB of memory, but a small card has 6.0 GiB"
    ) as failed:
        admit(keys, RunData([], []))

    assert "--force" in str(failed.value.hint)
    assert admit(keys, RunData([], []), force=True) is known


def test_more_layers_than_the_model_has_are_refused_before_the_run(tmp_path: Path) -> None:
    """`tuning: last-1000` is told by the plan, and at the start, not by the worker hours later."""
    data = tmp_path / "d.jsonl"
    data.write_text(json.dumps({"prompt": "q", "completion": "a"}) + "\n")
    keys = {"method": "sft", "model_name_or_path": "demo:smollm2", "tuning": "last-1000"}
    asked = load_recipe(None, {**keys, "dataset": str(data)})
    with pytest.raises(FtarenaError, match="last-1000, but the model has 30 layers"):
        plan_of(asked)
    with pytest.raises(FtarenaError, match="last-1000, but the model has 30 layers"):
        admit(asked, load_data(asked), force=True)


def test_a_plan_loads_no_torch(tmp_path: Path) -> None:
    """The plan is there in a second, not after ten of imports."""
    code = (
        "import sys; import ftarena.training.plan, ftarena.plain.plan; "
        "print([name for name in ('torch', 'transformers', 'trl', 'peft', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []


@pytest.mark.parametrize(
    ("card", "keys", "budget"),
    [
        ("H100 80GB", {"packing": True}, 1.0),
        ("24GB", {"packing": True, "per_device_train_batch_size": 1}, 0.45),
        ("24GB", {"packing": True, "per_device_train_batch_size": 8}, None),  # only checkpointing fits
        ("H100 80GB", {"packing": True, "gradient_checkpointing": True}, None),  # said by the recipe
        ("H100 80GB", {"packing": True, "torch_compile": False}, None),
        ("H100 80GB", {"packing": True, "max_steps": 2}, None),  # too short to compile
        ("cpu", {"packing": True}, None),
    ],
)
def test_free_memory_is_made_use_of(card: str, keys: dict[str, object], budget: float | None) -> None:
    """A long run on a card keeps as many activations as fit, instead of computing them twice."""
    data = measured(*[1500] * 20_000)
    assert fit_recipe(recipe(**keys), card=card_named(card), measured=data).activation_memory_budget == budget
