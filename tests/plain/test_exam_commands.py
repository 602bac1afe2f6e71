"""`runs examine` and `data replay` in line mode, on a stand-in engine."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftarena.curation.reading import load_examples
from ftarena.errors import UsageError
from ftarena.plain.exam import examine_run, guard_lines
from ftarena.plain.replay import replay
from ftarena.processes import write_json
from ftarena.recipes.load import load_recipe
from ftarena.serving.engine import list_engines
from ftarena.training.guards import Guard
from ftarena.training.jobs import lay_down
from ftarena.training.runs import STATUS
from ftarena.workspace import Workspace

FAKE = Path(__file__).parents[1] / "serving" / "fake"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A project with a folder that looks like a model, and a stand-in for vLLM."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FAKE), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(str(FAKE))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    (model / "model.safetensors").write_bytes(b"0")
    (model / "chat_template.jinja").write_text("x")
    workspace = Workspace(tmp_path / ".ftarena").ensure()
    yield workspace
    for engine in list_engines(workspace):
        engine.stop()


def test_a_base_answers_prompts_into_a_file(
    place: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """I get a file of the base's own answers, and the line that mixes it in."""
    out = tmp_path / "replay.jsonl"
    assert replay(place, str(tmp_path / "model"), count=12, output=out) == 0
    rows = load_examples(out, "sft")
    assert len(rows) == 12
    assert rows[0].completion[0].content.strip() == f"base heard: {rows[0].prompt[0].content}"
    said = capsys.readouterr()
    assert f"{out}: 12 rows" in said.out and f"replay_dataset: {out}" in said.err
    with pytest.raises(UsageError, match="is there already"):
        replay(place, str(tmp_path / "model"), count=12, output=out)


@pytest.mark.parametrize(("name", "reason"), [("replay.csv", "JSONL"), ("none/replay.jsonl", "no folder")])
def test_where_it_cannot_be_written_is_said_before_an_engine_starts(
    place: Workspace, tmp_path: Path, name: str, reason: str
) -> None:
    """A wrong name costs no minute of waiting."""
    with pytest.raises(UsageError, match=reason):
        replay(place, str(tmp_path / "model"), count=1, output=tmp_path / name)
    assert not list_engines(place)


def test_an_exam_is_three_lines_and_an_exit_code(place: Workspace, tmp_path: Path) -> None:
    """A script sees an alarm by the exit code, and reads all answers as JSON."""
    train = tmp_path / "train.jsonl"
    train.write_text(json.dumps({"prompt": "Why?", "completion": "So. " * 20}) + "\n")
    known = tmp_path / "known.jsonl"
    known.write_text(json.dumps({"prompt": "Is it?", "reference": "Yes.", "accept": ["is it"]}) + "\n")
    given = {
        "method": "sft",
        "model_name_or_path": tmp_path / "model",
        "dataset": train,
        "general_dataset": known,
    }
    run = lay_down(load_recipe(None, {key: str(value) for key, value in given.items()}), place)
    (run / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    (run / "model.safetensors").write_bytes(b"0")
    (run / "chat_template.jinja").write_text("x")
    write_json(
        run / STATUS,
        {"name": "x", "state": "finished", "tuning": "full", "base_model": str(tmp_path / "model")},
    )
    out = io.StringIO()
    assert examine_run(place, run.name, as_json=True, out=out) == 0
    found = json.loads(out.getvalue())
    assert found["run"] == run.name and len(found["guards"]) == 3
    assert [row["run_right"] for row in found["answers"] if row["guard"] == "knowledge"] == [True]
    up = [engine.model_path.name for engine in list_engines(place) if engine.status().socket]
    assert up == ["model"], "the engine of the full model was only borrowed"
    out = io.StringIO()
    examine_run(place, run.name, out=out)
    assert [line.split()[1] for line in out.getvalue().splitlines()] == [
        "stopping",
        "memorisation",
        "knowledge",
    ]


def test_an_alarm_is_followed_by_what_to_do() -> None:
    """Words from a file cannot reach the terminal as commands to it."""
    guard = Guard(name="stopping", verdict="alarm", words="5 of 20\x1b[2J", remedies=("train longer",))
    assert guard_lines([guard]) == ["ALARM    stopping      5 of 20[2J", "         → train longer"]
