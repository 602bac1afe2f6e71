"""`ftarena prompts` in line mode."""

import json
from pathlib import Path

import pytest

from ftarena.arena import add_contestant
from ftarena.errors import FtarenaError
from ftarena.plain.prompts import (
    add_prompts,
    add_what,
    categorise_prompts,
    check_prompts,
    list_prompts,
    measure_prompts,
    wait_for_engines,
)
from ftarena.serving.contestants import Contestant, Sampling
from ftarena.serving.engine import EngineState
from ftarena.store import Store
from ftarena.workspace import Workspace


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / ".ftarena").ensure()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"prompt": "why?", "topic": "short"}\n{"prompt": "how?"}\n{"prompt": "Why"}\n')
    return path


def test_prompts_are_added_once(place: Workspace, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Questions from a file are counted, those that are there are said to be, and so are those left out."""
    for near in (False, True, True):
        add_prompts(place.database, add_what(place, str(file)), source="mine", near=near)
    assert capsys.readouterr().out == (
        "2 prompts added, 1 left out because nearly the same one is there (--near adds them).\n"
        "1 prompt added, 2 were there already.\n"
        "0 prompts added, 3 were there already.\n"
    )


def test_the_bundled_questions(place: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """`builtin:general` brings its topics as categories; a list tells them."""
    add_prompts(place.database, add_what(place, "builtin:general"))
    capsys.readouterr()
    list_prompts(place.database, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["prompts"] == found["sources"]["general"]["prompts"] == 120
    assert {"general", "facts", "arithmetic", "reasoning"} <= found["categories"].keys()
    assert found["categories"]["general"]["prompts"] == 120
    assert (found["answered"], found["trained_on"], found["near_duplicates"]) == (0, 0, 0)
    list_prompts(place.database)
    assert "source general" in capsys.readouterr().out


def test_categories_by_a_file(place: Workspace, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """I can categorise questions afterwards; those that are not there are counted, not added."""
    add_prompts(place.database, add_what(place, str(file), category_key="topic"))
    categorise_prompts(place.database, file, category="mine")
    assert capsys.readouterr().out.endswith("2 prompts categorised; 1 is not in this arena.\n")
    with pytest.raises(FtarenaError, match="say which category"):
        categorise_prompts(place.database, file)


@pytest.mark.parametrize(
    "wrong",
    [
        {"file": None},
        {"file": "a.jsonl", "chat": True},
        {"file": "builtin:replay"},
        {"file": "builtin:general", "category_key": "topic"},
        {"file": None, "chat": True, "category": "x"},
        {"file": None, "run": "nobody"},
        {"file": "not-there.jsonl"},
    ],
)
def test_what_makes_no_sense_is_said(place: Workspace, wrong: dict[str, object]) -> None:
    """One clear line, and nothing is added."""
    with pytest.raises(FtarenaError):
        add_what(place, **wrong)  # type: ignore[arg-type]  # as the command line gives them
    assert not place.database.exists()


def test_nobody_was_trained_and_nothing_is_to_measure(
    place: Workspace, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the first run both say so and end well; without an arena both say that there is none."""
    with pytest.raises(FtarenaError, match="no arena"):
        check_prompts(place, place.database)
    add_prompts(place.database, add_what(place, str(file)))
    capsys.readouterr()
    assert check_prompts(place, place.database) == 0
    assert check_prompts(place, place.database, as_json=True) == 0
    assert measure_prompts(place, place.database) == 0
    said = capsys.readouterr().out
    assert "nobody was trained" in said
    assert '"prompts": 2' in said
    assert said.endswith("Nothing is left to measure.\n")


def test_rows_to_train_on_are_questions_too(
    place: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """I add a file of chats as I train on it; its `category` is used, and one that is there is there once."""
    rows = [
        {
            "messages": [{"role": "user", "content": q}, {"role": "assistant", "content": "So."}],
            "category": "c",
        }
        for q in ("What is a fjord?", "Who wrote Faust?")
    ]
    path = tmp_path / "chats.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    add_prompts(place.database, add_what(place, str(path)))
    path.write_text(json.dumps(rows[0]))
    add_prompts(place.database, add_what(place, str(path)))
    assert "1 was there already" in capsys.readouterr().out
    list_prompts(place.database, as_json=True)
    assert json.loads(capsys.readouterr().out)["categories"]["c"]["prompts"] == 2


def test_measuring_waits_for_an_engine_that_starts(
    place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """`prompts measure` right after `engine start` says that it waits, and waits."""

    class Starting:
        state, waited = EngineState.STARTING, 0

        def status(self) -> "Starting":
            return self

        def wait_ready(self) -> None:
            self.waited, self.state = self.waited + 1, EngineState.READY

    class Pool:
        engine = Starting()

        def engine_for(self, contestant: object) -> Starting:
            return self.engine

    with Store.open(place.database) as store:
        for name, seed in (("base", 0), ("sft", 1)):
            add_contestant(store, name, Contestant(model="demo:smollm2", sampling=Sampling(seed=seed)))
        wait_for_engines(Pool(), store)  # type: ignore[arg-type]  # all that is asked of a pool
    assert Pool.engine.waited == 1
    assert capsys.readouterr().out == "The engine is starting; waiting for it.\n"
