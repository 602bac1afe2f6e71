"""An engine over a stand-in for vLLM: real supervisor, real processes, real socket, ready in a second."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ftarena.serving.engine import Engine
from ftarena.workspace import Workspace

FAKE = Path(__file__).parent / "fake"


@pytest.fixture
def fake_vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `python -m vllm.…` of child processes the stand-in, on a machine without cards."""
    monkeypatch.syspath_prepend(str(FAKE))
    monkeypatch.setenv("PYTHONPATH", str(FAKE))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder that looks like a base model."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    (folder / "model.safetensors").write_bytes(b"0" * 100)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


@pytest.fixture
def engine(tmp_path: Path, model: Path, fake_vllm: None) -> Iterator[Engine]:
    """An engine that is not started; whatever a test leaves running is stopped."""
    engine = Engine(Workspace(tmp_path / ".ftarena"), model)
    yield engine
    engine.stop()


@pytest.fixture
def make_adapter() -> Callable[..., Path]:
    """A function that writes a folder which looks like a LoRA adapter of the model above."""

    def make(folder: Path, **config: object) -> Path:
        folder.mkdir(parents=True)
        (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 16, **config}))
        (folder / "adapter_model.safetensors").write_bytes(b"0" * 10)
        (folder / "chat_template.jinja").write_text("{{ messages }}")
        return folder

    return make
