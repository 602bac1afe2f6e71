"""What the name of a base model means."""

import json
import os
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError, UsageError
from ftarena.recipes.models import MARKER, is_ready, resolve_model


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that lies on this machine is seen."""
    monkeypatch.setenv("FTARENA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)


def a_model(folder: Path, weights: str = "model.safetensors") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / weights).write_bytes(b"")
    return folder


def test_the_demo_model_is_known_before_it_is_made(tmp_path: Path) -> None:
    """The demo's model has a place in the cache; looking it up makes nothing."""
    ref = resolve_model("demo:smollm2")
    assert (ref.kind, ref.path) == ("demo", tmp_path / "cache" / "models" / "demo-smollm2")
    assert ref.source is not None and ref.source.name.endswith(".gguf")
    assert not is_ready(ref)
    assert not (tmp_path / "cache").exists()


def test_half_a_conversion_is_not_ready(tmp_path: Path) -> None:
    """A conversion that was killed is done again: weights without the marker do not count."""
    ref = resolve_model("demo:smollm2")
    assert ref.path is not None
    a_model(ref.path)
    assert not is_ready(ref)
    (ref.path / MARKER).write_text(json.dumps({"name": "demo:smollm2"}))
    assert is_ready(ref)


def test_a_folder_with_safetensors_is_a_model(tmp_path: Path) -> None:
    """I give the folder I downloaded my model into."""
    folder = a_model(tmp_path / "mine")
    for name in ("mine", "./mine", str(folder)):
        ref = resolve_model(name)
        assert (ref.kind, ref.path, is_ready(ref)) == ("local", folder, True)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    """Weights that could run code are not loaded, and I am told what to do instead."""
    a_model(tmp_path / "old", weights="pytorch_model.bin")
    with pytest.raises(FtarenaError, match="only pickled") as error:
        resolve_model("old")
    assert "safetensors" in error.value.hint


def test_an_adapter_is_not_a_base_model(tmp_path: Path) -> None:
    """I gave my adapter where the base belongs; the message says where adapters go."""
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    with pytest.raises(FtarenaError, match="is an adapter") as error:
        resolve_model("adapter")
    assert "init_from" in error.value.hint


def test_a_hub_id_is_looked_up_in_the_hubs_own_cache(tmp_path: Path) -> None:
    """What I have downloaded with other tools is found; what I have not is no error yet."""
    name = "Qwen/Qwen2.5-0.5B-Instruct"
    ref = resolve_model(name)
    assert (ref.kind, ref.path, is_ready(ref)) == ("hub", None, False)
    folder = tmp_path / "hf" / "hub" / "models--Qwen--Qwen2.5-0.5B-Instruct"
    snapshot = a_model(folder / "snapshots" / "abc")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc\n")
    ref = resolve_model(name)
    assert (ref.path, is_ready(ref)) == (snapshot, True)


def test_another_gguf_at_the_same_path_is_another_model(tmp_path: Path) -> None:
    """I replaced the file; I do not want the old conversion."""
    file = tmp_path / "tiny model.gguf"
    file.write_bytes(b"one")
    first = resolve_model("tiny model.gguf").path
    assert first is not None and " " not in first.name
    assert resolve_model(str(file)).path == first
    file.write_bytes(b"other")
    os.utime(file, (1, 1))
    assert resolve_model("tiny model.gguf").path != first


@pytest.mark.parametrize(
    "name", ["", "  ", "./nowhere", "/no/such/folder", "a/b/c", "missing.gguf", "demo:gpt9", "a b"]
)
def test_a_name_that_fits_nothing_is_an_error_with_a_way_out(name: str) -> None:
    """A typing error in the model's name costs a second, not a download."""
    with pytest.raises(UsageError) as error:
        resolve_model(name)
    assert error.value.hint


@pytest.mark.parametrize("name", ["a" * 5000, "/" + "a" * 5000 + ".gguf", "~nobody-of-that-name/x"])
def test_what_no_model_can_be_called(name: str) -> None:
    """A name that no file system would take is one short error, not a traceback."""
    with pytest.raises(UsageError) as error:
        resolve_model(name)
    assert len(error.value.message) < 200


@pytest.mark.parametrize("name", ["smollm2", "SmolLM2", "smolm2"])
def test_a_demo_model_without_its_prefix(name: str) -> None:
    """I write smollm2 and mean demo:smollm2: I am told, and nothing is downloaded."""
    with pytest.raises(UsageError) as error:
        resolve_model(name)
    assert error.value.hint == "did you mean demo:smollm2?"


def test_a_folder_that_is_called_almost_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I mistype the folder of my model: the one beside it is named, and no hub is asked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "qwen-small").mkdir(parents=True)
    (tmp_path / "models" / "qwen-small" / "config.json").write_text("{}")
    with pytest.raises(UsageError) as error:
        resolve_model("models/qwen-smal")
    assert error.value.hint == "did you mean models/qwen-small?"
    assert resolve_model("other/qwen-smal").kind == "hub"
