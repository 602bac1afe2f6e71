"""Making a base model ready: once, whole or not at all. The real conversion runs in the end-to-end tests."""

import shutil
import threading
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.processes import write_json
from ftarena.recipes.models import MARKER, ModelRef, is_ready, resolve_model
from ftarena.training import models
from ftarena.training.models import prepare_model, prepare_tokenizer


@pytest.fixture
def ref(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelRef:
    """A GGUF file that was never converted."""
    monkeypatch.setenv("FTARENA_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tiny.gguf").write_bytes(b"gguf")
    return resolve_model(str(tmp_path / "tiny.gguf"))


def writes_a_model(arguments: list[str], tell: Callable[[str], None]) -> None:
    """Do what the converter's process does: the marker comes last."""
    folder = Path(arguments[2])
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"")
    write_json(folder / MARKER, {"name": arguments[3]})


def test_a_model_is_converted_once(ref: ModelRef, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time costs nothing."""
    monkeypatch.setattr(models, "_run_worker", writes_a_model)
    path = prepare_model(ref)
    assert path == ref.path and is_ready(ref)
    monkeypatch.setattr(models, "_run_worker", lambda *_: pytest.fail("converted again"))
    assert prepare_model(ref) == path


def test_two_at_once_share_one_conversion(ref: ModelRef, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo and a training started together do not convert twice, nor into each other."""
    calls: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def slowly(arguments: list[str], tell: Callable[[str], None]) -> None:
        calls.append(arguments[2])
        begun.set()
        assert go_on.wait(10)
        writes_a_model(arguments, tell)

    monkeypatch.setattr(models, "_run_worker", slowly)
    first = threading.Thread(target=prepare_model, args=[ref])
    first.start()
    assert begun.wait(10)

    def hear(line: str) -> None:
        if line.startswith("waiting for another process"):
            go_on.set()

    assert prepare_model(ref, hear) == ref.path
    first.join(10)
    assert len(calls) == 1


def test_a_failed_conversion_leaves_nothing(ref: ModelRef, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a model is never taken for one."""

    def fails(arguments: list[str], tell: Callable[[str], None]) -> None:
        Path(arguments[2]).mkdir()
        raise FtarenaError("tiny.gguf cannot be read")

    monkeypatch.setattr(models, "_run_worker", fails)
    with pytest.raises(FtarenaError, match="cannot be read"):
        prepare_model(ref)
    assert ref.path is not None
    assert [path.name for path in ref.path.parent.iterdir()] == [f".{ref.path.name}.lock"]


def test_what_a_killed_conversion_left_is_swept(ref: ModelRef, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversion killed by a power cut costs neither the next one nor disk for ever."""
    assert ref.path is not None
    (ref.path / "old").mkdir(parents=True)  # without its marker
    (ref.path.parent / f".{ref.path.name}.half-1").mkdir()
    monkeypatch.setattr(models, "_run_worker", writes_a_model)
    prepare_model(ref)
    assert not (ref.path / "old").exists()
    assert not list(ref.path.parent.glob(".*half*"))


def test_a_full_disk_is_noticed_first(ref: ModelRef, monkeypatch: pytest.MonkeyPatch) -> None:
    """I am told how much is needed, and where."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("usage", "free")(3))
    with pytest.raises(FtarenaError, match=r"needs about 32 B in .*, where 3 B is free") as error:
        prepare_model(ref)
    assert "FTARENA_CACHE" in error.value.hint


def test_my_own_files_are_not_taken_for_pythons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `random.py` in the folder I work in does not end the converter."""
    (tmp_path / "random.py").write_text("raise SystemExit('taken for the standard library')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FtarenaError, match="renames the folder when it is whole"):
        models._run_worker(["nothing"], print)  # all it says is what it is


def test_what_is_no_gguf_is_said_by_the_real_converter(ref: ModelRef) -> None:
    """A file with the right name and the wrong content is one line, not a traceback."""
    with pytest.raises(FtarenaError, match=r"tiny.gguf cannot be read as a GGUF model") as error:
        prepare_model(ref)
    assert "\n" not in error.value.message


def test_looking_at_tokens_fetches_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checking data for a 7B model does not download fifteen gigabytes first."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    asked: list[list[str]] = []

    def fetches(arguments: list[str], tell: Callable[[str], None]) -> None:
        asked.append(arguments)
        snapshot = tmp_path / "models--org--seven" / "snapshots" / "abc"
        snapshot.mkdir(parents=True)
        (tmp_path / "models--org--seven" / "refs").mkdir()
        (tmp_path / "models--org--seven" / "refs" / "main").write_text("abc")
        for name in ("config.json", "tokenizer_config.json", "tokenizer.json"):
            (snapshot / name).write_text("{}")

    monkeypatch.setattr(models, "_run_worker", fetches)
    folder = prepare_tokenizer(resolve_model("org/seven"))
    assert (folder / "tokenizer.json").exists()
    assert prepare_tokenizer(resolve_model("org/seven")) == folder
    assert asked == [["tokenizer", "org/seven"]]
    assert not is_ready(resolve_model("org/seven")), "a tokenizer alone was taken for a model"
