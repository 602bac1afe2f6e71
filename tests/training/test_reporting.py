"""What a worker writes while it works, and the time it says is left."""

import io
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.errors import FtarenaError
from ftarena.processes import read_json, write_json
from ftarena.training.runs import STATUS, RunState, read_events, read_metrics, read_run
from ftarena.training.terms import RUN_FOLDER, Terms, read_terms, write_terms
from ftarena.training.worker.beforehand import prepare
from ftarena.training.worker.eta import Eta
from ftarena.training.worker.failures import explain
from ftarena.training.worker.reporter import Reporter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run's folder as its starter leaves it."""
    write_json(tmp_path / STATUS, {"state": "queued", "name": "mine", "method": "sft", "started_at": 1.0})
    return tmp_path


def test_a_run_can_be_followed_from_its_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the first word to the last everything is on disk, and in words in the log."""
    reporter = Reporter(folder)
    reporter.doing(RunState.PREPARING, "loading libraries")
    run = read_run(folder)
    assert (run.state, run.message, run.name, run.started_at) == (
        RunState.PREPARING,
        "loading libraries",
        "mine",
        1,
    )
    reporter.event("train-data", "160 examples", examples=160)
    reporter.progress(3, 9, 30.0)
    reporter.metrics(3, {"loss": 2.5, "learning_rate": 1e-4, "epoch": 0.5})
    reporter.metrics(3, {"eval_loss": 2.0})
    reporter.end(RunState.FINISHED, "")
    run = read_run(folder)
    assert (run.state, run.step, run.total_steps, run.eta_s) == (RunState.FINISHED, 3, 9, None)
    assert run.metrics == {"loss": 2.5, "learning_rate": 1e-4, "epoch": 0.5, "eval_loss": 2.0}
    assert [row["step"] for row in read_metrics(run)] == [3, 3]
    assert read_events(run)[0]["examples"] == 160
    said = capsys.readouterr().out
    assert "step 3/9  loss 2.5" in said and "finished after" in said


def test_a_loss_that_is_no_number_stays_valid_json(folder: Path) -> None:
    """NaN is written as null: strict JSON readers and plots do not choke on it."""
    Reporter(folder).metrics(1, {"loss": math.nan, "grad_norm": math.inf, "epoch": 1.0})
    text = (folder / "metrics.jsonl").read_text()
    row = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert (row["loss"], row["grad_norm"], row["epoch"]) == (None, None, 1.0)
    assert read_run(folder).metrics == {"epoch": 1.0}


def test_the_loss_shown_is_that_of_the_step_shown(folder: Path) -> None:
    """A slow step's loss is not held back until the next one is done."""
    reporter = Reporter(folder)
    reporter.progress(1, 9, None)
    reporter.metrics(1, {"loss": 2.5})
    assert (read_run(folder).step, read_run(folder).metrics) == (1, {"loss": 2.5})


def test_quick_steps_do_not_wear_out_the_disk(folder: Path) -> None:
    """A thousand steps a second are not a thousand synced writes; the end is always written."""
    reporter = Reporter(folder)
    for step in range(1, 1001):
        reporter.progress(step, 1000, None)
    assert read_json(folder / STATUS)["step"] < 1000
    reporter.end(RunState.FINISHED, "")
    assert read_json(folder / STATUS)["step"] == 1000


def test_nothing_is_left_without_steps_and_at_the_end() -> None:
    """Before the first step nobody knows; after the last nothing is left."""
    eta = Eta(10, None, False)
    assert eta.left(0) is None
    eta.step_took(2.0)
    assert eta.left(10) == 0


def test_the_plan_says_how_long_before_the_first_step() -> None:
    """While it is measured before training, the time left is what the plan says of steps and measuring."""
    eta = Eta(10, None, True, step_s=3.0, evaluation_s=20.0)
    assert eta.left(0, evaluating=True) == 10 * 3 + 2 * 20
    eta.evaluation_took(40.0)
    assert eta.left(0) == 10 * 3 + 40
    eta.step_took(5.0)
    assert eta.left(1) == 9 * 5 + 40, "what is measured counts more than what was planned"


def test_one_slow_step_does_not_spoil_the_estimate() -> None:
    """The first step is slow, and a neighbour may disturb one; the time left stays sensible."""
    eta = Eta(10, None, False)
    for seconds in (30.0, 2.0, 2.0, 50.0, 2.0):
        eta.step_took(seconds)
    assert eta.left(5) == 10


def test_the_last_evaluation_is_counted_while_it_is_made() -> None:
    """While held-out loss is measured after the last step, what is left is that measurement, and no more."""
    eta = Eta(2, None, True)
    eta.evaluation_took(3.0)
    eta.step_took(5.0)
    assert eta.left(1) == 8
    eta.step_took(5.0)
    assert (eta.left(2, evaluating=True), eta.left(2)) == (3, 0)
    unmeasured = Eta(4, 2, True)
    unmeasured.step_took(5.0)
    assert unmeasured.left(2) == 10, "an evaluation whose time is not known is not made up"


@given(total=st.integers(1, 200), every=st.none() | st.integers(1, 50), step=st.integers(0, 200))
def test_evaluations_left_are_those_that_will_be_made(total: int, every: int | None, step: int) -> None:
    """The time left counts each measurement of held-out loss that is still to come, the last one once."""
    eta = Eta(total, every, True)
    eta.step_took(0.0)
    eta.evaluation_took(1.0)
    to_come = [
        later for later in range(step + 1, total + 1) if later == total or (every and later % every == 0)
    ]
    assert eta.left(step) == pytest.approx(len(to_come)) or step > total


class OutOfMemoryError(RuntimeError):
    """Called as torch's."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FtarenaError("the file is\nbad", "mend it"), "the file is | bad; mend it"),
        (
            OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            "the GPU's memory is full: halve per_device",
        ),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
            "the main memory is full: halve",
        ),
        (MemoryError(), "the main memory is full"),
        (OSError(28, "No space left on device"), "the disk is full"),
        (
            ModuleNotFoundError("No module named 'bitsandbytes'", name="bitsandbytes"),
            "package bitsandbytes is missing",
        ),
        (RuntimeError("CUDA error: an illegal memory access\nwas encountered"), "the GPU failed: CUDA error"),
        (ValueError("x" * 1000), "ValueError: xxx"),
        (KeyError(), "KeyError"),
    ],
)
def test_a_failure_is_one_line_with_a_way_out(error: Exception, said: str) -> None:
    """I read why my run failed without opening the log."""
    line = explain(error)
    assert said in line and "\n" not in line and len(line) < 400


STOPPING = """
import os, signal, sys
from ftarena.training.worker.stopping import StopFlag, StopRequested
flag = StopFlag()
os.kill(os.getpid(), signal.SIGHUP)
try:
    if sys.argv[1] == "late":
        flag.wait_for_step()
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    print("goes on", flag.requested)
except StopRequested:
    print("ends")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("when", "does"), [("early", "ends"), ("late", "goes on True")])
def test_a_worker_stops_at_once_or_after_its_step(number: signal.Signals, when: str, does: str) -> None:
    """While it loads it ends at once; while it trains it finishes the step. A hang-up it does not notice."""
    argv = [sys.executable, "-c", STOPPING, when, number.name]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == does


def test_a_full_disk_does_not_end_a_run(folder: Path) -> None:
    """Somebody fills the disk for an hour: no row is lost, and none is half written."""
    reporter = Reporter(folder)
    reporter.metrics(1, {"loss": 3.0})
    (folder / "metrics.jsonl").rename(folder / "kept")
    (folder / "metrics.jsonl").symlink_to("/dev/full")  # refuses every write as a full disk does
    reporter.metrics(2, {"loss": 2.0})
    reporter.metrics(3, {"loss": 1.5})
    (folder / "metrics.jsonl").unlink()
    (folder / "kept").rename(folder / "metrics.jsonl")
    reporter.metrics(4, {"loss": 1.0})
    assert [row["step"] for row in read_metrics(read_run(folder))] == [1, 2, 3, 4]


def test_a_resumed_run_takes_back_what_it_does_again(folder: Path) -> None:
    """The curve has no doubles: rows after the checkpoint are gone, those before are untouched."""
    first = Reporter(folder)
    first.event("train-data", "160 examples")
    for step in range(1, 6):
        first.progress(step, 9, None)
        first.metrics(step, {"loss": 3.0 - step / 10, "memory_bytes": 1e9 + step})
    first.metrics(3, {"eval_loss": 2.0})
    rows = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "lo')  # torn by the crash
    second = Reporter(folder)
    second.event("resumed", "goes on from the checkpoint of step 3", step=3)
    second.go_on_from(3)
    second.event("train-data", "160 examples")
    assert second.step == 3
    second.metrics(4, {"loss": 2.6})
    run = read_run(folder)
    assert (folder / "metrics.jsonl").read_text().startswith("".join([*rows[:3], rows[5]]))
    assert [row["step"] for row in read_metrics(run)] == [1, 2, 3, 3, 4]
    assert run.metrics["eval_loss"] == 2.0 and run.peak_memory_bytes == 1_000_000_005
    assert [event["event"] for event in read_events(run)] == ["train-data", "resumed"]
    second.progress(4, 9, None)
    second.event("train-data", "160 examples")
    assert len(read_events(run)) == 3


def test_a_waiting_run_says_for_whom(folder: Path) -> None:
    """I see in the list which run mine waits for, and its place; once it begins that is gone."""
    reporter = Reporter(folder)
    reporter.waiting("waiting for other-1-1, number 2 in the queue", "other-1-1", 2)
    run = read_run(folder)
    assert (run.state, run.after, run.queue_position) == (RunState.QUEUED, "other-1-1", 2)
    reporter.doing(RunState.PREPARING, "loading libraries")
    run = read_run(folder)
    assert (run.after, run.queue_position) == (None, None)


PAUSING = """
import os, signal
from ftarena.training.worker.stopping import StopFlag
flag = StopFlag()
os.kill(os.getpid(), signal.SIGUSR1)
print("goes on", flag.requested, flag.pausing, flag.ends)
flag.wait_for_step()
"""


def test_a_pause_never_ends_what_has_no_checkpoint_yet() -> None:
    """I pause while it loads: it does its first step, saves, and ends then."""
    done = subprocess.run([sys.executable, "-c", PAUSING], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "goes on False True True"


PRINTING = """
import os, sys
from pathlib import Path
from ftarena.training.runs import RunState
from ftarena.training.worker.log import never_fail
from ftarena.training.worker.reporter import Reporter
never_fail()
reporter = Reporter(Path(sys.argv[1]))
reporter.doing(RunState.TRAINING, "training")
reporter.progress(1, 2, None)
reporter.metrics(1, {"loss": 1.0})
reporter.event("replay", "said")
print("a library says something", flush=True)
try:
    raise ValueError
except ValueError:
    import traceback
    traceback.print_exc()
reporter.end(RunState.FINISHED, "")
"""


def test_a_log_on_a_full_disk_does_not_end_a_run(folder: Path) -> None:
    """The disk with log.txt is full: no line that is printed ends the run, a library's neither."""
    with Path("/dev/full").open("wb") as full:
        argv = [sys.executable, "-c", PRINTING, str(folder)]
        done = subprocess.run(argv, stdout=full, stderr=full, check=False)
    run = read_run(folder)
    assert (done.returncode, run.state) == (0, RunState.FINISHED)
    assert [row["loss"] for row in read_metrics(run)] == [1.0]


def test_a_reporter_alone_survives_a_full_log(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it prints itself does not raise, whatever standard output is."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(full, write_through=True))
        Reporter(folder).doing(RunState.PREPARING, "loading")
        monkeypatch.undo()
    assert read_run(folder).message == "loading"


def test_a_run_says_that_the_disk_was_full(folder: Path) -> None:
    """In the morning I read in the events that the disk was full, and the last word is there all the same."""
    reporter = Reporter(folder)
    reporter.progress(7, 9, None)
    reporter.event("replay", "before")
    (folder / "events.jsonl").rename(folder / "kept")
    (folder / "events.jsonl").symlink_to("/dev/full")
    reporter.event("replay", "meanwhile")
    (folder / "events.jsonl").unlink()
    (folder / "kept").rename(folder / "events.jsonl")
    with reporter.unless_full(), Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"guards")
    with pytest.raises(FileNotFoundError), reporter.unless_full():
        (folder / "none").read_text()
    # Refuses the status that is written aside; the one that is there takes the last word.
    (folder / f".{STATUS}.{os.getpid()}").symlink_to("/dev/full")
    reporter.end(RunState.FINISHED, "")
    run = read_run(folder)
    assert run.state is RunState.FINISHED
    said = [event["event"] for event in read_events(run)]
    assert said == ["replay", "replay", "disk-full", "finished"]


def test_the_time_a_run_took_does_not_count_its_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited four minutes in the queue and trained for five: it took five, also after a resume."""
    clock = 1000.0
    monkeypatch.setattr("time.time", lambda: clock)
    reporter = Reporter(folder)
    reporter.waiting("waiting for other", "other", 1)
    assert read_run(folder).seconds == 0
    clock += 240
    reporter.doing(RunState.PREPARING, "loading libraries")
    clock += 300
    assert read_run(folder).seconds == 300
    reporter.end(RunState.STOPPED, "")
    clock += 999
    assert read_run(folder).seconds == 300
    write_json(folder / STATUS, {**read_json(folder / STATUS), "spent_s": 300.0, "state": "queued"})
    again = Reporter(folder)
    again.doing(RunState.PREPARING, "loading libraries")
    clock += 60
    again.end(RunState.FINISHED, "")
    assert read_run(folder).seconds == 360


def test_a_resumed_run_that_is_stopped_while_it_prepares_keeps_its_numbers(folder: Path) -> None:
    """I resume and stop at once: the list still has the step and the loss that it had come to."""
    write_json(
        folder / STATUS,
        {**read_json(folder / STATUS), "step": 4, "total_steps": 9, "metrics": {"loss": 1.5}},
    )
    Reporter(folder).doing(RunState.PREPARING, "loading libraries")
    run = read_run(folder)
    assert (run.step, run.total_steps, run.metrics) == (4, 9, {"loss": 1.5})


def test_what_makes_room_is_run_when_a_runs_turn_has_come(folder: Path) -> None:
    """The engines sleep when my run begins, not when I queue it; where one refuses, I read it."""
    script = "import sys, pathlib; pathlib.Path(sys.argv[1], 'asleep').touch(); sys.exit(int(sys.argv[2]))"
    command = (sys.executable, "-c", script, RUN_FOLDER)
    write_terms(folder, Terms(queue=True, beforehand=((*command, "0"), (*command, "3"), ("/no/such",))))
    assert not (folder / "asleep").exists()
    prepare(folder, read_terms(folder), Reporter(folder))
    run = read_run(folder)
    assert (folder / "asleep").exists() and run.state is RunState.PREPARING
    said = [event["message"] for event in read_events(run)]
    assert len(said) == 2 and "exit code 3" in said[0] and "/no/such" in said[1]
