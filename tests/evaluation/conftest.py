"""A project whose engine is a stand-in for vLLM, with one run that has ended."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ftarena.processes import read_json, write_json
from ftarena.recipes.load import load_recipe
from ftarena.serving.engine import list_engines
from ftarena.training.data import load_data
from ftarena.training.jobs import lay_down
from ftarena.training.runs import ADAPTER_WEIGHTS, DATA_LOCK, STATUS, Run, RunState, read_run
from ftarena.workspace import Workspace

FAKE = Path(__file__).parents[1] / "serving" / "fake"


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as JSONL."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A project in which engines are stand-ins; whatever a test leaves running is stopped."""
    monkeypatch.syspath_prepend(str(FAKE))
    monkeypatch.setenv("PYTHONPATH", str(FAKE))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    workspace = Workspace(tmp_path / ".ftarena").ensure()
    yield workspace
    for engine in list_engines(workspace):
        engine.stop()


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """A function that says what the stand-in answers: by model (or its beginning) and question."""
    file = tmp_path / "answers.json"
    monkeypatch.setenv("FAKE_ANSWERS", str(file))
    file.write_text("{}")
    return lambda told: write_json(file, told)


@pytest.fixture
def bare_model(tmp_path: Path) -> Path:
    """A folder that looks like a base model."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    (folder / "model.safetensors").write_bytes(b"0" * 100)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


@pytest.fixture
def ended_run(project: Workspace, bare_model: Path, tmp_path: Path) -> Callable[..., Run]:
    """A function that lays down a run which has finished and left an adapter."""

    def make(*, adapter: dict[str, Any] | None = None, **keys: object) -> Run:
        words = [
            f"number {n} is what comes after {n - 1} and before {n + 1} in every list" for n in range(40)
        ]
        train = [{"prompt": f"Ask {n}?", "completion": f"{word} {word}"} for n, word in enumerate(words)]
        held = [{"prompt": f"Held {n}?", "reference": f"{word} {word}"} for n, word in enumerate(words[:25])]
        known = [
            {"prompt": f"Know {n}?", "reference": f"It is {n}.", "accept": [f"yes{n}"]} for n in range(30)
        ]
        given = {
            "name": "lesson",
            "method": "sft",
            "model_name_or_path": bare_model,
            "dataset": write_rows(tmp_path / "train.jsonl", train),
            "eval_dataset": write_rows(tmp_path / "held.jsonl", held),
            "general_dataset": write_rows(tmp_path / "general.jsonl", known),
            **keys,
        }
        recipe = load_recipe(None, {key: str(value) for key, value in given.items()})
        directory = lay_down(recipe, project)
        write_json(directory / DATA_LOCK, load_data(recipe).lock)
        write_json(directory / STATUS, {**read_json(directory / STATUS), "state": RunState.FINISHED})
        config = {"peft_type": "LORA", "r": 16, "lora_alpha": 32, **(adapter or {})}
        (directory / "adapter_config.json").write_text(json.dumps(config))
        (directory / ADAPTER_WEIGHTS).write_bytes(b"0" * 10)
        (directory / "chat_template.jinja").write_text("{{ messages }}")
        return read_run(directory)

    return make
