"""What vLLM is started with: never a port, never foreign code, never more memory than there is."""

import json
import struct
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.hardware import Gpu
from ftarena.serving import launch
from ftarena.serving.launch import EngineSpec
from ftarena.serving.modelfiles import context_length, linear_layers

CARD = Gpu(0, "GPU-a", "NVIDIA RTX 4090", 24_000, 23_500, "580")


def write_weights(file: Path, shapes: dict[str, list[int]]) -> None:
    header = json.dumps(
        {"__metadata__": {"format": "pt"}}
        | {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()}
    ).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header)


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


@pytest.mark.parametrize("gpus", [(), (CARD,)])
def test_requests_come_through_the_socket_only(model: Path, gpus: tuple[Gpu, ...]) -> None:
    """Nobody else on the host reaches my engine, no code of a model is run, my prompts are in no log."""
    words = launch.command(EngineSpec(model), Path("/run/s.sock"), gpus)
    assert option(words, "--uds") == "/run/s.sock"
    assert not {"--port", "--host", "--trust-remote-code", "--enable-log-requests"} & set(words)
    assert "--disable-uvicorn-access-log" in words
    env = launch.environment(EngineSpec(model), gpus, [0, 1], Path("/run"))
    assert env["VLLM_NO_USAGE_STATS"] == env["DO_NOT_TRACK"] == env["HF_HUB_OFFLINE"] == "1"
    assert env["TMPDIR"] == "/run"


def test_on_a_cpu(model: Path) -> None:
    """Without a card: float32, all cores, a small cache, and threads that sleep while they wait."""
    words = launch.command(EngineSpec(model), Path("s"), ())
    assert option(words, "--dtype") == "float32"
    assert option(words, "--max-model-len") == "512"  # the model's own
    assert "--enable-sleep-mode" not in words
    env = launch.environment(EngineSpec(model), (), [2, 5], Path("t"))
    assert (env["OMP_NUM_THREADS"], env["VLLM_CPU_OMP_THREADS_BIND"]) == ("2", "2,5")
    assert (env["VLLM_CPU_KVCACHE_SPACE"], env["OMP_WAIT_POLICY"]) == ("1", "passive")


def test_on_a_gpu(model: Path) -> None:
    """With a card: compiled, able to sleep, most of the memory."""
    words = launch.command(EngineSpec(model), Path("s"), (CARD,))
    assert option(words, "--gpu-memory-utilization") == "0.85"
    assert "--enable-sleep-mode" in words
    assert "--enforce-eager" not in words
    assert launch.environment(EngineSpec(model), (CARD,), [0], Path("t"))["VLLM_SERVER_DEV_MODE"] == "1"


def test_a_shared_card_is_shared() -> None:
    """What others hold of the card is theirs; if the rest is too little I am told before the start."""
    half = Gpu(0, "GPU-a", "NVIDIA RTX 4090", 24_000, 12_512, "580")
    assert launch.memory_share(half, weights=2 * launch.GIB) == 0.5
    with pytest.raises(FtarenaError, match=r"RTX 4090 has 13 GB free, and the model needs 16 GB") as caught:
        launch.memory_share(half, weights=15_000_000_000)
    assert "nvidia-smi" in caught.value.hint


def test_a_model_that_memory_cannot_hold(model: Path) -> None:
    """A 7B model without a GPU is refused before the machine starts to swap."""
    write_weights(model / "model.safetensors", {"w.weight": [7_000_000, 1000]})
    launch.check_memory(EngineSpec(model), available=64_000_000_000)
    with pytest.raises(FtarenaError, match=r"tiny takes about 31 GB .* and 16 GB are free"):
        launch.check_memory(EngineSpec(model), available=16_000_000_000)


@pytest.mark.parametrize(("rank", "slot"), [(1, 8), (8, 8), (9, 16), (64, 64), (300, 320)])
def test_ranks_are_served_in_slots(rank: int, slot: int) -> None:
    """Any rank can be asked for; vLLM gets the next one it knows."""
    assert launch.slot_rank(rank) == slot


def test_too_large_a_rank() -> None:
    """A rank that vLLM cannot serve says what to do instead."""
    with pytest.raises(FtarenaError, match="rank 513") as caught:
        launch.slot_rank(513)
    assert "merge" in caught.value.hint


def test_lora_stays_off_the_output_layer(model: Path) -> None:
    """Only the blocks' linear layers get adapters: on the output layer vLLM's log-probabilities are wrong."""
    shapes = {
        "lm_head.weight": [100, 8],
        "model.embed_tokens.weight": [100, 8],
        "model.layers.0.input_layernorm.weight": [8],
        "model.layers.0.self_attn.q_proj.weight": [8, 8],
        "model.layers.0.self_attn.q_proj.bias": [8],
        "model.layers.1.mlp.up_proj.weight": [8, 8],
    }
    write_weights(model / "model.safetensors", shapes)
    assert linear_layers(model) == ["q_proj", "up_proj"]
    words = launch.command(EngineSpec(model), Path("s"), ())
    at = words.index("--lora-target-modules")
    assert words[at + 1 : at + 4] == ["q_proj", "up_proj", "--max-model-len"]


@pytest.mark.parametrize(
    "name", ["model.layers.0.mlp.experts.3.w1.weight", "model.layers.0.mixer.in_proj.weight"]
)
def test_unusual_models_are_left_to_vllm(model: Path, name: str) -> None:
    """A mixture of experts has layers of its own kind: vLLM chooses, rather than we wrongly."""
    write_weights(model / "model.safetensors", {name: [8, 8], "model.layers.0.q_proj.weight": [8, 8]})
    assert linear_layers(model) is None
    assert "--lora-target-modules" not in launch.command(EngineSpec(model), Path("s"), ())


def test_damaged_files_are_no_crash(model: Path) -> None:
    """Weights or a config that cannot be read leave it to vLLM to say what is wrong."""
    assert linear_layers(model) is None  # the fixture's weights are zeros
    (model / "config.json").write_text("{")
    assert context_length(model) is None
    (model / "config.json").write_text('{"text_config": {"max_position_embeddings": 99}}')
    assert context_length(model) == 99


def test_what_is_served_is_kept(model: Path) -> None:
    """The supervisor reads back exactly what was asked for."""
    spec = EngineSpec(model, max_lora_rank=16, max_loras=2, max_model_len=300)
    assert EngineSpec.load(json.loads(json.dumps(spec.dump()))) == spec
