"""One real engine on the demo's real model, started once and shared by all end-to-end tests."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real_runs import train_from_a_terminal

from ftarena.processes import read_json
from ftarena.recipes.models import resolve_model
from ftarena.serving import remains
from ftarena.serving.engine import Engine
from ftarena.serving.status import EngineFolder, identity
from ftarena.training.models import prepare_model
from ftarena.training.runs import Run
from ftarena.workspace import Workspace

START_TIMEOUT_S = 300


@pytest.fixture(scope="session")
def base_model() -> Path:
    """The demo's base model as a folder, converted once into the cache of this machine."""
    return prepare_model(resolve_model("demo:smollm2"))


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project of its own, away from the one the tests are run in."""
    return Workspace(tmp_path_factory.mktemp("project") / ".ftarena")


@pytest.fixture(scope="session")
def engine(workspace: Workspace, base_model: Path) -> Iterator[Engine]:
    """A ready engine. At the end of the session it is stopped, and has to be gone without a trace."""
    engine = Engine(workspace, base_model)
    engine.start()
    try:
        engine.wait_ready(START_TIMEOUT_S)
        yield engine
        check_gone = trace_of(engine)
    finally:
        engine.stop()
    check_gone()


def trace_of(engine: Engine) -> Callable[[], None]:
    """Return a check that a running engine's processes, sockets, temporary files and segments are gone."""
    status = engine.status()
    server = identity(read_json(EngineFolder(engine.log.parent).record).get("server"))
    assert server is not None
    assert status.socket is not None
    runtime = status.socket.parent
    segments = remains.shared_segments(remains.family(server))
    if sys.platform == "linux":
        assert segments, "vLLM is known to hold shared memory: the check below would check nothing"

    def check() -> None:
        assert not remains.family(server)
        assert not runtime.exists()
        assert not [name for name in segments if Path(name).exists()]

    return check


@pytest.fixture(scope="session")
def sft(workspace: Workspace, base_model: Path) -> Run:
    """A finished supervised run, started from a terminal that was closed right after."""
    return train_from_a_terminal(workspace)


@pytest.fixture(scope="session")
def untrained_adapter(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that writes a LoRA adapter for the base: `scale` 0 changes nothing, more changes answers."""
    import numpy as np
    from safetensors.numpy import save_file

    config = json.loads((base_model / "config.json").read_text())
    width, layers = config["hidden_size"], config["num_hidden_layers"]

    def write(name: str, scale: float, rank: int = 8) -> Path:
        folder = tmp_path_factory.mktemp("adapters") / name
        folder.mkdir()
        random = np.random.default_rng(0)
        tensors = {}
        for layer in range(layers):
            prefix = f"base_model.model.model.layers.{layer}.self_attn.o_proj"
            tensors[f"{prefix}.lora_A.weight"] = random.normal(0, 0.02, (rank, width)).astype(np.float32)
            tensors[f"{prefix}.lora_B.weight"] = random.normal(0, scale, (width, rank)).astype(np.float32)
        save_file(tensors, folder / "adapter_model.safetensors")
        (folder / "adapter_config.json").write_text(
            json.dumps(
                {
                    "peft_type": "LORA",
                    "task_type": "CAUSAL_LM",
                    "r": rank,
                    "lora_alpha": rank,
                    "lora_dropout": 0.0,
                    "bias": "none",
                    "target_modules": ["o_proj"],
                    "base_model_name_or_path": str(base_model),
                }
            )
        )
        (folder / "chat_template.jinja").write_text((base_model / "chat_template.jinja").read_text())
        return folder

    return write
