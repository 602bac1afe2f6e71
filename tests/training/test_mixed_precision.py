"""Frozen weights in bfloat16 beside float32 ones that learn, as on a GPU; here on a CPU."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ftarena.training.runs import Run, RunState
from ftarena.workspace import Workspace

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

DATA = Path(__file__).parents[2] / "data" / "demo"


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny matrices are slower on two threads."""
    monkeypatch.setattr("ftarena.hardware.usable_cores", lambda: 1)


@pytest.fixture(scope="module")
def small_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model in bfloat16, as most models on a hub are."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("models") / "small"
    AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder)
    return folder


def train(train_here: Callable[..., Run], workspace: Workspace, model: Path, method: str, tuning: str) -> Run:
    run = train_here(
        workspace,
        method=method,
        tuning=tuning,
        model_name_or_path=model,
        dataset=f"{DATA}/{'sft' if method == 'sft' else 'preferences'}.jsonl#4",
        general_dataset="[]",
        bf16="true",
        learning_rate=1e-5,
        max_length=512,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=1,
        max_steps=2,
    )
    assert run.state is RunState.FINISHED, run.message
    return run


def tensors(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "model.safetensors"))


@pytest.mark.parametrize("method", ["sft", "dpo", "orpo", "reward"])
@pytest.mark.parametrize("tuning", ["lora", "full", "last-1"])
def test_a_base_in_bfloat16_stays_one(
    workspace: Workspace, small_model: Path, train_here: Callable[..., Run], method: str, tuning: str
) -> None:
    """Whatever it is trained in, the result has its base's number format, and what is frozen is untouched."""
    run = train(train_here, workspace, small_model, method, tuning)
    if tuning == "lora":
        return
    before, after = tensors(small_model), tensors(run.directory)
    assert {weight.dtype for weight in after.values()} == {torch.bfloat16}
    if tuning == "last-1":
        frozen = [name for name in before if ".layers.0." in name or "embed" in name]
        assert frozen and all(torch.equal(before[name], after[name]) for name in frozen)


@pytest.mark.parametrize("tuning", ["full", "last-1"])
def test_small_steps_are_not_lost(
    workspace: Workspace, tiny_model: Path, train_here: Callable[..., Run], tuning: str
) -> None:
    """Computing in bfloat16 does not round weights that learn: nearly all move, by what AdamW gave them."""
    before = tensors(tiny_model)
    after = tensors(train(train_here, workspace, tiny_model, "sft", tuning).directory)
    name = "model.layers.1.mlp.up_proj.weight"
    change = (after[name] - before[name]).abs()
    assert (change > 0).float().mean() > 0.9
    assert change.max() < 1e-4
    if tuning == "last-1":
        assert torch.equal(before["model.embed_tokens.weight"], after["model.embed_tokens.weight"])
