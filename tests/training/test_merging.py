"""Merging: the weights that are written give what base and adapter gave, whatever the adapter is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ftarena.errors import FtarenaError

torch = pytest.importorskip("torch")

from peft import LoraConfig, get_peft_model  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

from ftarena.training.worker.merged_weights import (  # noqa: E402
    INDEX,
    is_plain,
    read_adapter,
    stored_bytes,
    weight_files,
    write_merged,
)
from ftarena.training.worker.merging import merge  # noqa: E402
from ftarena.training.worker.verifying import (  # noqa: E402
    conversations,
    load,
    load_with_adapter,
    log_probs,
    verify,
)

torch.set_num_threads(1)  # two threads that wait for each other on a busy machine make seconds minutes

Adapt = Callable[..., Path]


@pytest.fixture(scope="module")
def adapt(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Adapt:
    """A function that writes an adapter which changes answers a good deal: `adapt(use_dora=True, …)`."""

    def write(base: Path = tiny_model, size: float = 0.05, **config: Any) -> Path:
        folder = tmp_path_factory.mktemp("adapter")
        config = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"} | config
        torch.manual_seed(1)
        model = get_peft_model(load(base), LoraConfig(**config))
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=size)
            elif "magnitude" in name:
                weight.data *= 1.1
        model.save_pretrained(folder)
        return folder

    return write


@pytest.fixture
def target(tiny_model: Path, tmp_path: Path) -> Path:
    """A folder with all of a model but its weights."""
    return beside(tiny_model, tmp_path / "merged")


def beside(base: Path, folder: Path) -> Path:
    folder.mkdir()
    for file in base.iterdir():
        if file.suffix in (".json", ".jinja") and file.name != INDEX:
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def in_format(base: Path, folder: Path, dtype: Any, **how: Any) -> Path:
    """Return the base written in another number format, or in several files."""
    beside(base, folder)
    AutoModelForCausalLM.from_pretrained(base, dtype=dtype).save_pretrained(folder, **how)
    return folder


@pytest.mark.parametrize("kind", [{}, {"use_rslora": True}, {"use_dora": True}])
def test_merged_is_what_peft_merges(
    adapt: Adapt, tiny_model: Path, target: Path, kind: dict[str, Any]
) -> None:
    """LoRA, rsLoRA and DoRA: every weight is the one that PEFT's own merging gives."""
    adapter = adapt(**kind)
    assert is_plain(adapter, tiny_model)
    count = write_merged(tiny_model, target, adapter=read_adapter(adapter))
    ours = load_file(target / "model.safetensors")
    theirs = load_with_adapter(tiny_model, adapter).merge_and_unload().state_dict()
    assert count.tensors == len(ours)
    assert count.changed == 14  # two layers of seven
    for name, weight in ours.items():
        assert torch.allclose(weight, theirs[name], atol=1e-6), name


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [({}, "as-base"), ({"use_rslora": True}, "float32"), ({}, "bfloat16"), ({"use_dora": True}, "bfloat16")],
)
def test_the_result_is_compared_with_the_adapter(
    adapt: Adapt, tiny_model: Path, target: Path, kind: dict[str, Any], dtype: str
) -> None:
    """What was written says what base and adapter say; in bfloat16 it says so but for its rounding."""
    result = merge(tiny_model, target, adapter=adapt(**kind), scale=1, dtype_name=dtype, verifies=True)
    agreement = result["agreement"]
    assert agreement["largest_error"] < 1e-3
    assert agreement["tokens"] > 100
    assert agreement["effect"] > 0.01
    if dtype == "bfloat16":
        assert 1e-5 < agreement["rounding"] < agreement["effect"]
    else:
        assert agreement["rounding"] < 1e-5


def test_a_base_in_several_files(adapt: Adapt, tiny_model: Path, tmp_path: Path) -> None:
    """A base that was published in shards comes out in the same shards, with an index that is right."""
    base = in_format(tiny_model, tmp_path / "base", torch.bfloat16, max_shard_size="1MB")
    assert len(weight_files(base)) > 1
    target = beside(base, tmp_path / "merged")
    adapter = adapt(base)
    result = merge(base, target, adapter=adapter, scale=1, dtype_name="as-base", verifies=True)
    assert [file.name for file in weight_files(target)] == [file.name for file in weight_files(base)]
    index = json.loads((target / INDEX).read_text())
    assert index["metadata"]["total_size"] == result["bytes"] == stored_bytes(base, None)
    assert result["agreement"]["largest_error"] < 1e-3
    wide = beside(base, tmp_path / "wide")
    write_merged(base, wide, adapter=read_adapter(adapter), dtype=torch.float32)
    assert json.loads((wide / INDEX).read_text())["metadata"]["total_size"] == 2 * result["bytes"]


def test_tied_embeddings_stay_tied(adapt: Adapt, tiny_model: Path, target: Path) -> None:
    """A model whose output layer is its embedding has it once in the file, and once in memory."""
    write_merged(tiny_model, target, adapter=read_adapter(adapt()))
    assert "lm_head.weight" not in load_file(target / "model.safetensors")
    model = load(target)
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()


def test_half_of_what_was_learned(adapt: Adapt, tiny_model: Path, target: Path) -> None:
    """`--scale 0.5` goes half the way from the base to the adapter, weight by weight."""
    adapter = adapt()
    result = merge(tiny_model, target, adapter=adapter, scale=0.5, dtype_name="as-base", verifies=True)
    assert result["agreement"]["largest_error"] < 1e-3
    name = "model.layers.0.mlp.up_proj.weight"
    before = load_file(tiny_model / "model.safetensors")[name]
    whole = read_adapter(adapter).apply(name, before)
    half = load_file(target / "model.safetensors")[name]
    assert torch.allclose(half, (before + whole) / 2, atol=1e-6)


def test_a_wrong_merge_is_noticed(adapt: Adapt, tiny_model: Path, target: Path) -> None:
    """A merge with the wrong factor loads and talks; it is refused all the same."""
    adapter = adapt()
    write_merged(tiny_model, target, adapter=read_adapter(adapter, 1.02))
    with pytest.raises(FtarenaError, match="does not say what the adapter says"):
        verify(target, tiny_model, adapter, 1.0)


def test_an_adapter_that_changes_nothing(adapt: Adapt, tiny_model: Path, target: Path) -> None:
    """A merge that leaves the base as it was is no success."""
    with pytest.raises(FtarenaError, match="it changes nothing"):
        merge(tiny_model, target, adapter=adapt(size=0), scale=1, dtype_name="as-base", verifies=False)


def test_rounding_that_undoes_the_training(adapt: Adapt, tiny_model: Path, target: Path) -> None:
    """A little learning that bfloat16 cannot hold is told, with the way out."""
    with pytest.raises(FtarenaError, match=r"rounding undoes|lost in this number format") as caught:
        merge(tiny_model, target, adapter=adapt(size=1e-5), scale=1, dtype_name="bfloat16", verifies=True)
    assert "--dtype float32" in caught.value.hint


def test_what_only_peft_can_merge(tmp_path: Path, adapt: Adapt, tiny_model: Path) -> None:
    """Weights that lie transposed, or are called otherwise in memory, are merged by PEFT itself."""
    from transformers import GPT2Config, GPT2LMHeadModel

    base = beside(tiny_model, tmp_path / "gpt2")
    (base / "generation_config.json").unlink(missing_ok=True)
    vocabulary = json.loads((tiny_model / "config.json").read_text())["vocab_size"]
    torch.manual_seed(0)
    small = GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=vocabulary, n_positions=256)
    GPT2LMHeadModel(small).save_pretrained(base)
    adapter = adapt(base, target_modules=["c_attn"], fan_in_fan_out=True)
    assert not is_plain(adapter, base)
    target = beside(base, tmp_path / "merged")
    result = merge(base, target, adapter=adapter, scale=1, dtype_name="as-base", verifies=True)
    assert result["agreement"]["largest_error"] < 1e-3


def test_a_base_that_is_quantised_itself(adapt: Adapt, tiny_model: Path, tmp_path: Path) -> None:
    """Nothing is merged into weights of four bits."""
    base = beside(tiny_model, tmp_path / "base")
    weights = load_file(tiny_model / "model.safetensors")
    name = "model.layers.0.mlp.up_proj.weight"
    weights[name] = weights[name].to(torch.float8_e4m3fn)
    save_file(weights, base / "model.safetensors")
    target = beside(base, tmp_path / "merged")
    with pytest.raises(FtarenaError, match="quantised itself"):
        merge(base, target, adapter=adapt(), scale=1, dtype_name="as-base", verifies=False)


def test_the_checked_texts_pass_through_the_template(tiny_model: Path) -> None:
    """The comparison asks what a chat asks, with the model's own template around it."""
    from transformers import AutoTokenizer

    texts = conversations(tiny_model)
    assert len(texts) == 10
    assert "<|im_start|>user\nWhat is the capital" in AutoTokenizer.from_pretrained(tiny_model).decode(
        texts[0]
    )
    assert len(log_probs(load(tiny_model), texts)) == sum(len(text) - 1 for text in texts)
