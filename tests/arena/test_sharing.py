"""One GPU for training and answering."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ftarena.arena import making_room, sharing
from ftarena.errors import FtarenaError
from ftarena.processes import ProcessIdentity, write_json
from ftarena.recipes.schema import Recipe
from ftarena.training.jobs import RunState
from ftarena.training.runs import PROCESS
from ftarena.training.terms import RUN_FOLDER
from ftarena.workspace import Workspace

RECIPE = Recipe(method="sft", model_name_or_path="m", dataset=["d"])


@dataclass
class FakeEngine:
    """Stands in for a vLLM on a GPU, which no test machine has."""

    asleep: bool = False
    full: bool = False
    calls: list[str] = field(default_factory=list)

    def status(self) -> Any:
        return SimpleNamespace(asleep=self.asleep)

    def sleep(self) -> bool:
        self.calls.append("sleep")
        self.asleep = True
        return True

    def wake(self) -> bool:
        self.calls.append("wake")
        if self.full:
            raise FtarenaError("the memory is taken")
        self.asleep = False
        return True


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    engine, runs = FakeEngine(), []
    for module in (sharing, making_room):
        monkeypatch.setattr(module, "list_engines", lambda _: [engine])
    monkeypatch.setattr(sharing, "list_runs", lambda _: runs)
    return SimpleNamespace(workspace=Workspace(tmp_path), engine=engine, runs=runs, patch=monkeypatch)


def test_the_engine_makes_room_for_a_run_and_wakes_when_it_has_ended(place: Any) -> None:
    """I train on the card that answers, and the answers come back by themselves."""

    def start(*_: object, make_room: Any, beforehand: Any, afterwards: Any, **asked: Any) -> Any:
        assert beforehand[0][-2:] == ["ftarena.arena.making_room", str(place.workspace.root)]
        assert asked == {"after": None, "queue": True, "force": False, "allow_code": False}
        assert afterwards[0][-2:] == ["ftarena.evaluation.exam", RUN_FOLDER]
        place.runs.append(
            SimpleNamespace(id="a", after=None, state=RunState.QUEUED, directory=place.workspace.root)
        )
        make_room()
        assert place.engine.asleep, "the run began while the engine held the card"
        assert sharing.wake_engines(place.workspace) == 0, "another window took the card back meanwhile"
        place.runs[-1].state = RunState.TRAINING
        return place.runs[-1]

    place.patch.setattr(sharing, "start_run", start)
    run = sharing.start_training(RECIPE, place.workspace, queue=True)
    assert sharing.wake_engines(place.workspace) == 0
    assert place.engine.asleep
    run.state = RunState.FINISHED
    assert sharing.wake_engines(place.workspace) == 1
    assert not place.engine.asleep


def test_a_run_that_cannot_start_leaves_the_engine_awake(place: Any) -> None:
    """A mistake in my recipe does not put the engine to sleep."""

    def refuse(*_: object, make_room: Any, **__: object) -> Any:
        make_room()
        raise FtarenaError("there is no file x.jsonl")

    place.patch.setattr(sharing, "start_run", refuse)
    with pytest.raises(FtarenaError, match=r"x\.jsonl"):
        sharing.start_training(RECIPE, place.workspace)
    assert place.engine.calls == ["sleep", "wake"]


def test_the_engine_waits_until_the_workers_process_is_gone(place: Any) -> None:
    """'Finished' is written a moment before the memory is given back; waking in between would fail."""
    place.engine.asleep = True
    place.runs.append(
        SimpleNamespace(id="a", after=None, state=RunState.FINISHED, directory=place.workspace.root)
    )
    mine = ProcessIdentity.current()
    write_json(place.workspace.root / PROCESS, {"pid": mine.pid, "started": mine.started})
    assert sharing.wake_engines(place.workspace) == 0
    write_json(place.workspace.root / PROCESS, {"pid": mine.pid, "started": mine.started - 1000})
    assert sharing.wake_engines(place.workspace) == 1


def test_a_card_that_is_taken_is_tried_again_later(place: Any) -> None:
    """Somebody else's program on my card is no traceback."""
    place.engine.asleep = place.engine.full = True
    assert sharing.wake_engines(place.workspace) == 0
    place.engine.full = False
    assert sharing.wake_engines(place.workspace) == 1


def test_a_resumed_run_has_the_card_to_itself_too(place: Any) -> None:
    """I resume a run while an engine answers: it makes room, and is awake again where that is refused."""

    def resume(*_: object, make_room: Any, beforehand: Any, queue: bool, force: bool) -> Any:
        assert beforehand[0][-2] == "ftarena.arena.making_room"
        make_room()
        assert place.engine.asleep and (queue, force) == (False, True)
        raise FtarenaError("the data have changed")

    place.patch.setattr(sharing, "resume_run", resume)
    with pytest.raises(FtarenaError, match="the data have changed"):
        sharing.resume_training(SimpleNamespace(), place.workspace, force=True)  # type: ignore[arg-type]  # as above
    assert place.engine.calls == ["sleep", "wake"]


def test_the_engine_answers_while_my_run_waits_for_one_that_is_paused(place: Any) -> None:
    """I pause a run and queue another behind it: meanwhile the card answers, since nothing trains on it."""
    place.engine.asleep = True
    folder = place.workspace.root
    first = SimpleNamespace(id="a", after=None, state=RunState.FINISHED, directory=folder)
    place.runs += [first, SimpleNamespace(id="b", after="a", state=RunState.QUEUED, directory=folder)]
    assert sharing.wake_engines(place.workspace) == 0, "woken for the second until the next one begins"
    first.state = RunState.PAUSED
    assert sharing.wake_engines(place.workspace) == 1


def test_the_worker_of_a_run_that_waited_sends_the_engines_to_sleep(
    place: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command it runs when its turn comes does that, and says which engine does not answer."""
    assert making_room.main([str(place.workspace.root)]) == 0
    assert place.engine.asleep

    def refuse() -> bool:
        raise FtarenaError("the engine does not answer")

    place.engine.sleep = refuse
    assert making_room.main([str(place.workspace.root)]) == 1
    assert "the engine does not answer" in capsys.readouterr().out
