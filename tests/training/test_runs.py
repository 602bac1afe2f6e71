"""Runs as front ends see them: read from disk, whatever state the worker is in."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.errors import FtarenaError
from ftarena.plain.runs import list_all, show
from ftarena.processes import ProcessIdentity, write_json
from ftarena.training.figures.metrics import MetricsTail
from ftarena.training.runs import (
    ADAPTER_WEIGHTS,
    EVENTS,
    METRICS,
    PROCESS,
    STATUS,
    RunState,
    find_run,
    list_runs,
    read_events,
    read_metrics,
    read_run,
)
from ftarena.workspace import Workspace

MakeRun = Callable[..., Path]


def me() -> dict[str, float]:
    """Return the identity of a living process, as a status holds it."""
    return asdict(ProcessIdentity.current())


def gone() -> dict[str, float]:
    """Return the identity of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = asdict(ProcessIdentity.of(child.pid))
    child.communicate(b"\n")
    return identity


def test_no_runs_is_an_empty_list(tmp_path: Path) -> None:
    """Looking into a new project shows nothing and makes nothing."""
    assert list_runs(Workspace(tmp_path / "new")) == []
    assert not (tmp_path / "new").exists()


def test_runs_come_newest_first(workspace: Workspace, make_run: MakeRun) -> None:
    """What I started last is on top; a stray folder is no run."""
    for index, name in enumerate(["b", "a", "c"]):
        make_run(f"{name}-20261124-00000{index}", state="finished", started_at=index)
    (workspace.runs / "notes").mkdir()
    assert [run.name for run in list_runs(workspace)] == ["c", "a", "b"]


def test_a_run_is_found_by_id_name_or_beginning(workspace: Workspace, make_run: MakeRun) -> None:
    """I type as little as is clear; a name means the newest run of it."""
    make_run("sft-20261124-000001", state="finished", started_at=1)
    make_run("sft-20261125-000002", state="finished", started_at=2)
    make_run("dpo-20261126-000003", state="finished", started_at=3)
    assert find_run(workspace, "sft-20261124-000001").started_at == 1
    assert find_run(workspace, "sft").started_at == 2
    assert find_run(workspace, "sft-20261124").started_at == 1
    assert find_run(workspace, "d").name == "dpo"
    for key, said in [
        ("sft-2", "2 runs begin with"),
        ("x", "there is no run 'x'"),
        ("", "no run"),
        ("../runs", "no run"),
    ]:
        with pytest.raises(FtarenaError, match=said) as error:
            find_run(workspace, key)
        assert error.value.hint


def test_a_running_run_tells_how_far_it_is(make_run: MakeRun) -> None:
    """State, step, time left and the last loss are there while it trains."""
    folder = make_run(
        "a-1-1",
        state="training",
        step=3,
        total_steps=9,
        eta_s=12.5,
        metrics={"loss": 1.5, "x": None},
        started_at=1,
        **me(),
    )
    run = read_run(folder)
    assert (run.state, run.step, run.total_steps, run.eta_s) == (RunState.TRAINING, 3, 9, 12.5)
    assert run.metrics == {"loss": 1.5}
    assert run.ended_at is None and run.adapter is None


@pytest.mark.parametrize("state", ["queued", "preparing", "training", "evaluating"])
def test_a_killed_run_reads_as_died(make_run: MakeRun, state: str) -> None:
    """`kill -9` or a full memory leaves no last word; the run does not train for ever on my screen."""
    run = read_run(make_run("a-1-1", state=state, message="step 3 of 9", updated_at=5, eta_s=9, **gone()))
    assert (run.state, run.ended_at, run.eta_s) == (RunState.DIED, 5, None)
    assert "out of memory" in run.message and run.message.endswith("step 3 of 9")


def test_a_worker_that_never_spoke_is_known_by_its_starter(make_run: MakeRun) -> None:
    """A worker that dies while Python starts is noticed as well."""
    folder = make_run("a-1-1", state="queued", started_at=time.time())
    assert read_run(folder).state is RunState.QUEUED  # its starter may be about to note the process
    write_json(folder / PROCESS, me())
    assert read_run(folder).state is RunState.QUEUED
    write_json(folder / PROCESS, gone())
    assert read_run(folder).state is RunState.DIED


def test_a_run_whose_starter_was_killed_does_not_wait_for_ever(make_run: MakeRun) -> None:
    """Between making the folder and starting the worker the starter may die."""
    assert read_run(make_run("a-1-1", state="queued", started_at=time.time() - 3600)).state is RunState.DIED


@pytest.mark.parametrize("state", ["finished", "stopped", "failed"])
def test_an_end_is_an_end(make_run: MakeRun, state: str) -> None:
    """A run that ended stays what it was, though its process is gone; a saved adapter is found."""
    folder = make_run("a-1-1", state=state, updated_at=7, message="why", **gone())
    run = read_run(folder)
    assert (run.state, run.ended_at, run.message, run.adapter) == (RunState(state), 7, "why", None)
    (folder / ADAPTER_WEIGHTS).write_bytes(b"")
    assert read_run(folder).adapter == folder


def test_metrics_are_read_while_they_are_written(make_run: MakeRun) -> None:
    """A line that is only half there yet is passed over."""
    folder = make_run("a-1-1", state="training", **me())
    (folder / METRICS).write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.5}\n{"step": 3, "lo')
    (folder / EVENTS).write_text("nonsense\n[]\n" + json.dumps({"event": "best"}) + "\n")
    run = read_run(folder)
    assert [row["step"] for row in read_metrics(run)] == [1, 2]
    assert read_events(run) == [{"event": "best"}]


@given(
    status=st.dictionaries(
        st.sampled_from(
            [
                "state",
                "step",
                "total_steps",
                "eta_s",
                "metrics",
                "pid",
                "started",
                "started_at",
                "updated_at",
                "name",
            ]
        ),
        st.none()
        | st.booleans()
        | st.integers(-5, 5)
        | st.text(max_size=3)
        | st.lists(st.integers(), max_size=1)
        | st.dictionaries(st.text(max_size=2), st.none() | st.integers(), max_size=2),
    )
)
def test_no_status_whatever_breaks_the_list(
    tmp_path_factory: pytest.TempPathFactory, status: dict[str, object]
) -> None:
    """A run folder that someone edited does not take the whole list down."""
    folder = tmp_path_factory.mktemp("run")
    (folder / STATUS).write_text(json.dumps(status))
    read_run(folder)


NESTED = "[" * 50_000
"""Brackets so deep that Python's parser gives up with an error of its own."""

HUGE = "1" + "0" * 400
"""A whole number that no float can hold."""


@pytest.mark.parametrize(
    "status",
    [
        NESTED,
        '{"state": "training", "pid": -5, "started": 1.0}',
        f'{{"state": "training", "pid": {HUGE}, "started": {HUGE}}}',
        f'{{"state": "finished", "eta_s": {HUGE}, "started_at": {HUGE}, "step": {HUGE}}}',
        f'{{"state": "training", "started_at": 1e300, "spent_s": -1, "metrics": {{"loss": {HUGE}}}}}',
        '{"state": "stopped", "started_at": NaN, "began_at": Infinity, "updated_at": 1e18}',
    ],
)
def test_a_broken_status_breaks_no_list(workspace: Workspace, make_run: MakeRun, status: str) -> None:
    """Whatever a crash or a hand has left in a status: the list, the page and the curves are drawn."""
    folder = make_run("a-1-1")
    (folder / STATUS).write_text(status)
    rows = (
        NESTED,
        f'{{"step": {HUGE}, "loss": 1}}',
        f'{{"step": 1, "loss": {HUGE}}}',
        '{"step": 2, "loss": 1.5}',
    )
    (folder / METRICS).write_text("\n".join(rows) + "\n")
    for name in (EVENTS, "guards.json", "plan.json"):
        (folder / name).write_text(NESTED)
    for print_it in (list_all, partial(show, key="a-1-1")):
        for as_json in (False, True):
            print_it(workspace, as_json=as_json, out=io.StringIO())
    tail = MetricsTail(folder / METRICS)
    tail.read()
    assert tail.last("loss") == 1.5
    assert read_events(read_run(folder)) == []


def test_a_state_is_told_as_one_says_it() -> None:
    """No message says "it is died"."""
    told = {str(state): state.told for state in RunState}
    assert told["died"] == "died" and told["stopped"] == "was stopped" and told["queued"] == "is queued"
    assert told["finished"] == "has finished" and told["paused"] == "was paused"
