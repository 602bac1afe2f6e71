"""Asking two contestants from the command line, over a real supervisor and a stand-in for vLLM."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftarena.arena import add_contestant
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain import engine as engine_lines
from ftarena.plain.chat import chat
from ftarena.serving.contestants import Contestant
from ftarena.serving.engine import list_engines
from ftarena.store import Store
from ftarena.workspace import Workspace

FAKE = Path(__file__).parent.parent / "serving" / "fake"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"0")
    return folder


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A project whose vLLM is the stand-in; its engines are stopped afterwards."""
    monkeypatch.syspath_prepend(str(FAKE))
    monkeypatch.setenv("PYTHONPATH", str(FAKE))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    workspace = Workspace(tmp_path / ".ftarena").ensure()
    yield workspace
    for engine in list_engines(workspace):
        engine.stop()


@pytest.fixture
def database(workspace: Workspace, model: Path) -> Path:
    """Two contestants: the base, and the base with a system prompt."""
    with Store.open(workspace.database) as store:
        add_contestant(store, "base", Contestant(model=str(model)))
        add_contestant(store, "brief", Contestant(model=str(model), system_prompt="Be brief."))
    return workspace.database


def test_both_answers_are_printed(
    workspace: Workspace, database: Path, capsys: pytest.CaptureFixture
) -> None:
    """`ftarena chat -p …` starts the engine, asks the base and the newest other one, and prints both."""
    out = io.StringIO()
    assert chat(workspace, database, left="base", right=None, prompt="who uses 8080?", out=out) == 0
    assert re.sub(r"\d\.\d s", "0.1 s", out.getvalue()) == (
        "base:\nbase heard: who uses 8080?\n[5 tokens, 0.1 s]\n\n"
        "brief:\nbase heard: who uses 8080?\n[5 tokens, 0.1 s]\n\n"
    )
    assert "Engine" in capsys.readouterr().err


def test_as_json_the_text_is_raw(
    workspace: Workspace, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script gets the text as the model wrote it, stray space included; the question may be piped in."""
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\n"))
    out = io.StringIO()
    assert chat(workspace, database, left="brief", right="base", prompt="-", as_json=True, out=out) == 0
    value = json.loads(out.getvalue())
    assert value["prompt"] == [{"role": "user", "content": "from a pipe"}]
    assert [answer["contestant"] for answer in value["answers"]] == ["brief", "base"]
    assert value["answers"][0]["text"] == " base heard: from a pipe"
    assert value["answers"][0]["finish_reason"] == "stop"


def test_hostile_text_does_nothing(workspace: Workspace, database: Path) -> None:
    """An answer with terminal sequences or markup is shown as text."""
    out = io.StringIO()
    prompt = "\x1b]52;c;aGk=\x07 [bold]x[/] [/"
    chat(workspace, database, left="base", right="brief", prompt=prompt, out=out)
    assert "\x1b" not in out.getvalue()
    assert "\x07" not in out.getvalue()
    assert "[bold]x[/] [/" in out.getvalue()


def test_one_side_that_cannot_answer(workspace: Workspace, database: Path, model: Path) -> None:
    """If one side fails, the other's answer is still there, and the exit code says that one did."""
    with Store.open(database) as store:
        add_contestant(store, "gone", Contestant(model=str(model), adapter="gone"))
    out = io.StringIO()
    assert chat(workspace, database, left="gone", right="base", prompt="hi", out=out) == 1
    assert "gone:\ncould not answer: there is no adapter in" in out.getvalue()
    assert "base heard: hi" in out.getvalue()


def test_before_anything_was_trained(workspace: Workspace, model: Path) -> None:
    """With an engine but no runs yet, the base answers alone."""
    engine_lines.start(workspace, str(model), out=io.StringIO())
    out = io.StringIO()
    assert chat(workspace, workspace.database, left="base", right=None, prompt="hi", out=out) == 0
    assert out.getvalue().startswith("base:\nbase heard: hi\n")
    assert out.getvalue().count("heard") == 1


def test_what_cannot_be_asked(workspace: Workspace, database: Path) -> None:
    """No question and no such contestant are one clear line each."""
    with pytest.raises(UsageError, match="no question"):
        chat(workspace, database, left="base", right=None, prompt="  ")
    with pytest.raises(FtarenaError, match="no contestant 'nobody'"):
        chat(workspace, database, left="nobody", right=None, prompt="x")


def test_the_engine_in_line_mode(workspace: Workspace, model: Path) -> None:
    """start, status, logs and stop say what happened, to people and to scripts."""
    out = io.StringIO()
    assert engine_lines.status(workspace, out=out) == 0
    assert "No engine yet" in out.getvalue()
    with pytest.raises(FtarenaError, match="no engine was started"):
        engine_lines.logs(workspace)
    out = io.StringIO()
    assert engine_lines.start(workspace, str(model), out=out) == 0
    assert out.getvalue().startswith("tiny: ready, answers as base, on cpu, ")
    out = io.StringIO()
    assert engine_lines.status(workspace, as_json=True, out=out) == 0
    (value,) = json.loads(out.getvalue())["engines"]
    assert (value["state"], value["answers_as"], value["model"]) == ("ready", ["base"], str(model))
    assert value["memory_bytes"] > 0
    out = io.StringIO()
    engine_lines.logs(workspace, lines=1, out=out)
    assert out.getvalue() == "Starting to load model /m...\n"
    out = io.StringIO()
    engine_lines.stop(workspace, out=out)
    engine_lines.stop(workspace, out=out)
    assert out.getvalue() == "tiny: stopped\nNo engine was running.\n"


def test_a_failed_engine_in_line_mode(
    workspace: Workspace, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure is told with its reason and what to do, and the exit code of `status` is 1."""
    monkeypatch.setenv("FAKE_VLLM", "crash")
    with pytest.raises(FtarenaError, match="does not know this kind of model"):
        engine_lines.start(workspace, str(model))
    out = io.StringIO()
    assert engine_lines.status(workspace, out=out) == 1
    assert "tiny: failed, vLLM does not know this kind of model (Foo)\n  → " in out.getvalue()
