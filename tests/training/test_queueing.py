"""Whose turn it is: runs that wait for each other, as real processes of a few megabytes."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.processes import ProcessIdentity, read_json, write_json
from ftarena.training import queueing
from ftarena.training.runs import PROCESS, STATUS, RunState, read_run
from ftarena.training.terms import Terms, write_terms
from ftarena.workspace import Workspace

MakeRun = Callable[..., Path]

WORKER = """
import sys
from pathlib import Path
from ftarena.training import queueing
queueing.POLL_S = 0.02
from ftarena.training.terms import read_terms
from ftarena.training.worker.beforehand import prepare
from ftarena.training.worker.reporter import Reporter
from ftarena.training.runs import RunState
directory = Path(sys.argv[1])
reporter = Reporter(directory)
try:
    with queueing.own_device(directory, read_terms(directory), reporter.waiting):
        prepare(directory, read_terms(directory), reporter)
        reporter.doing(RunState.TRAINING, "training")
        word = sys.stdin.readline().strip()
    reporter.end(RunState(word), "")
except Exception as error:
    reporter.end(RunState.FAILED, str(error).splitlines()[0])
"""


@pytest.fixture
def begin(workspace: Workspace, make_run: MakeRun) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """A function that starts the worker of a run; it trains until it is told how to end."""
    started: list[subprocess.Popen[str]] = []

    def start(name: str, **terms: object) -> "subprocess.Popen[str]":
        directory = make_run(name, state="queued", started_at=time.time())
        write_terms(directory, Terms(asked_at=float(len(started)), **terms))  # type: ignore[arg-type]  # a test's words
        child = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(directory)], stdin=subprocess.PIPE, text=True
        )
        write_json(directory / PROCESS, asdict(ProcessIdentity.of(child.pid)))
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def until(workspace: Workspace, name: str, state: RunState, said: str = "") -> None:
    """Wait until a run is in a state and says something."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        run = read_run(workspace.runs / name)
        if run.state is state and said in run.message:
            return
        time.sleep(0.02)
    pytest.fail(f"{name} is {run.state}: {run.message}")


def end(child: "subprocess.Popen[str]", word: str) -> None:
    assert child.stdin is not None
    child.stdin.write(word + "\n")
    child.stdin.flush()
    child.wait(10)


def test_runs_train_one_after_the_other_in_the_order_in_which_i_started_them(
    workspace: Workspace, begin: Callable[..., "subprocess.Popen[str]"]
) -> None:
    """I queue three runs and go home; each says for whom it waits, and none trains beside another."""
    first = begin("a-1-1")
    until(workspace, "a-1-1", RunState.TRAINING)
    second = begin("b-1-1", queue=True)
    until(workspace, "b-1-1", RunState.QUEUED, "waiting for a-1-1")
    begin("c-1-1", queue=True)
    until(workspace, "c-1-1", RunState.QUEUED, "waiting for a-1-1, number 2 in the queue")
    waiting = read_run(workspace.runs / "c-1-1")
    assert (waiting.after, waiting.queue_position) == ("a-1-1", 2)
    end(first, "finished")
    until(workspace, "b-1-1", RunState.TRAINING)
    assert read_run(workspace.runs / "b-1-1").queue_position is None
    until(workspace, "c-1-1", RunState.QUEUED, "waiting for b-1-1")
    second.kill()  # without a word: the kernel gives the device back
    until(workspace, "c-1-1", RunState.TRAINING)


def test_a_run_waits_for_another_to_end_well(
    workspace: Workspace, begin: Callable[..., "subprocess.Popen[str]"]
) -> None:
    """DPO after SFT: it waits for that very run, not for whoever is next on the device."""
    first = begin("a-1-1")
    until(workspace, "a-1-1", RunState.TRAINING)
    second = begin("b-1-1", after="a-1-1")
    until(workspace, "b-1-1", RunState.QUEUED, "waiting for a-1-1")
    assert read_run(workspace.runs / "b-1-1").after == "a-1-1"
    end(first, "paused")
    until(workspace, "b-1-1", RunState.QUEUED, "waiting for a-1-1, which is paused")
    status = read_json(workspace.runs / "a-1-1" / STATUS)
    write_json(workspace.runs / "a-1-1" / STATUS, {**status, "state": "finished"})
    until(workspace, "b-1-1", RunState.TRAINING)
    end(second, "finished")


@pytest.mark.parametrize(("how", "said"), [("failed", "has failed"), ("killed", "died")])
def test_a_run_does_not_follow_one_that_went_wrong(
    workspace: Workspace, begin: Callable[..., "subprocess.Popen[str]"], how: str, said: str
) -> None:
    """SFT failed in the night: DPO does not train on nothing, and says why."""
    first = begin("a-1-1")
    until(workspace, "a-1-1", RunState.TRAINING)
    begin("b-1-1", after="a-1-1")
    until(workspace, "b-1-1", RunState.QUEUED, "waiting for a-1-1")
    if how == "killed":
        first.kill()
        first.wait()
    else:
        end(first, "failed")
    until(workspace, "b-1-1", RunState.FAILED, f"a-1-1, which was to finish first, {said}")


def test_the_card_answers_until_a_waiting_runs_turn_has_come(
    workspace: Workspace, begin: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    """What makes room for my queued run is run when the one before it has ended, and before it trains."""
    said = tmp_path / "said"
    script = f"import pathlib; pathlib.Path({str(said)!r}).write_text('asleep')"
    first = begin("a-1-1")
    until(workspace, "a-1-1", RunState.TRAINING)
    begin("b-1-1", queue=True, beforehand=((sys.executable, "-c", script),))
    until(workspace, "b-1-1", RunState.QUEUED, "waiting for a-1-1")
    assert not said.exists()
    end(first, "finished")
    until(workspace, "b-1-1", RunState.TRAINING)
    assert said.read_text() == "asleep"


def test_two_that_do_not_wait_never_train_at_once(
    workspace: Workspace, begin: Callable[..., "subprocess.Popen[str]"]
) -> None:
    """Two terminals start a run in the same second: one trains, the other says who has the device."""
    begin("a-1-1")
    until(workspace, "a-1-1", RunState.TRAINING)
    begin("b-1-1")
    until(workspace, "b-1-1", RunState.FAILED, "the device is taken by a-1-1")


def test_a_waiting_run_can_be_taken_back(
    workspace: Workspace, begin: Callable[..., "subprocess.Popen[str]"], make_run: MakeRun
) -> None:
    """I change my mind: the waiting run goes away and the one behind it moves up."""
    begin("a-1-1")
    until(workspace, "a-1-1", RunState.TRAINING)
    second = begin("b-1-1", queue=True)
    begin("c-1-1", queue=True)
    until(workspace, "c-1-1", RunState.QUEUED, "number 2 in the queue")
    second.kill()
    second.wait()
    deadline = time.monotonic() + 30
    while read_run(workspace.runs / "c-1-1").queue_position != 1:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_end_of_a_run_is_not_yet_a_free_device(
    workspace: Workspace, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that says it has finished still has its memory for a second: the next one waits for that."""
    monkeypatch.setattr(queueing, "POLL_S", 0.01)
    make_run("a-1-1", state="finished")
    mine = make_run("b-1-1", state="queued")
    lingering = queueing._take_device(workspace.runs)
    assert lingering is not None
    told: list[str] = []

    def tell(message: str, run: str | None, position: int | None) -> None:
        told.append(message)
        queueing.os.close(lingering)

    with queueing.own_device(mine, Terms(), tell):
        assert told == ["waiting for the device"]


def test_a_waiting_worker_is_small() -> None:
    """Ten runs wait in the night without taking memory from the one that trains."""
    script = "import ftarena.training.worker.__main__, psutil; print(psutil.Process().memory_info().rss)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    bare = subprocess.run(
        [sys.executable, "-c", script.replace("ftarena.training.worker.__main__, ", "")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) - int(bare.stdout) < 30_000_000


def test_of_several_cards_each_run_has_its_own(
    workspace: Workspace, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine with two cards two runs train at once, and a third waits."""
    card = queueing.hardware.Gpu(0, "GPU-a", "H100", 80_000, 70_000, "570")
    other = queueing.hardware.Gpu(1, "GPU-b", "H100", 80_000, 79_000, "570")
    monkeypatch.setattr(queueing.hardware, "gpus", lambda: (card, other))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    make_run("a-1-1", state="finished")
    locks = []
    for expected in ("GPU-b", "GPU-a"):
        locks.append(queueing._take_device(workspace.runs))
        assert queueing.os.environ["CUDA_VISIBLE_DEVICES"] == expected
    assert None not in locks and queueing._take_device(workspace.runs) is None
    for lock in locks:
        queueing.os.close(lock)


def test_terms_that_someone_edited_are_read_as_nothing_asked(workspace: Workspace, make_run: MakeRun) -> None:
    """A broken start.json does not stop a run from being read."""
    from ftarena.training.terms import TERMS, read_terms

    directory = make_run("a-1-1", state="queued")
    (directory / TERMS).write_text(
        json.dumps({"after": 3, "queue": "yes", "afterwards": [1, ["x", 2], ["y"]]})
    )
    terms = read_terms(directory)
    assert (terms.after, terms.queue, terms.afterwards) == (None, False, (("y",),))


def test_waiting_for_a_run_that_is_gone_is_refused(workspace: Workspace, make_run: MakeRun) -> None:
    """Somebody deletes the folder of the run that mine waits for."""
    directory = make_run("b-1-1", state="queued")
    with (
        pytest.raises(FtarenaError, match="a-1-1, which was to finish first, is gone"),
        queueing.own_device(directory, Terms(after="a-1-1"), lambda *_: None),
    ):
        pass
