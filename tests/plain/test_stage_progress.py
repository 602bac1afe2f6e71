"""The stages of a long command: what is done, how far, how long still."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from ftarena.plain.progress import Stage, Stages
from ftarena.processes import read_json


def test_a_pipe_gets_a_line_at_each_change(tmp_path: Path) -> None:
    """In a log file I see which stage ran, what was skipped, and how long each took."""
    out = io.StringIO()
    memory = tmp_path / "memory" / "timings.json"
    with Stages([Stage("a", "First", 60), Stage("b", "Second", 30)], memory=memory, stream=out) as stages:
        with stages.run("a") as stage:
            stage.update("half", fraction=0.5)
        with stages.run("b") as stage:
            stage.skipped = True
    lines = out.getvalue().splitlines()
    assert lines[0] == "[1/2] First: … - about 1 min 30 s left"
    assert lines[1].startswith("[1/2] First: done (0 s) - about 30 s left")
    assert lines[-1] == "[2/2] Second: already done (0 s)"
    assert set(stages.seconds) == {"a", "b"}
    assert set(read_json(memory)) == {"a"}, "what was skipped says nothing about how long it takes"


def test_the_estimate_is_this_machines_own_once_it_is_known(tmp_path: Path) -> None:
    """The second time, the wait that is announced is the one I had."""
    memory = tmp_path / "timings.json"
    memory.write_text('{"a": 7.0, "unknown": 3, "b": "nonsense"}')
    stages = Stages([Stage("a", "First", 60), Stage("b", "Second", 30)], memory=memory, stream=io.StringIO())
    assert stages.left_s() == pytest.approx(37.0)


def test_a_stage_knows_what_is_left() -> None:
    """Half of it in ten seconds means ten more; an estimate from inside wins; being late is not 'now'."""
    stage = Stage("a", "A", expected_s=60, started=0.0)
    stage.update("…", fraction=0.5)
    assert stage.left_s(10.0) == pytest.approx(10.0)
    stage.update("…", eta_s=4.0)
    assert stage.left_s(10.0) == 4.0
    late = Stage("a", "A", expected_s=60, started=0.0)
    assert late.left_s(30.0) == pytest.approx(30.0)
    assert late.left_s(500.0) == pytest.approx(6.0)


def test_a_failing_stage_is_not_remembered(tmp_path: Path) -> None:
    """A stage that broke off after a second does not promise a second next time."""
    memory = tmp_path / "timings.json"
    with pytest.raises(ValueError, match="broken"):  # noqa: SIM117 - the stage must end before the stages do
        with Stages([Stage("a", "A", 60)], memory=memory, stream=io.StringIO()) as stages, stages.run("a"):
            raise ValueError("broken")
    assert not memory.exists()


def test_foreign_words_are_harmless_in_a_stage() -> None:
    """What a worker says about a file with an odd name does not reach the terminal raw."""
    stage = Stage("a", "A", 1)
    stage.update("reading \x1b]0;title\x07 x\ny")
    assert stage.detail == "reading ]0;title x y"


def test_what_cannot_be_known_is_not_made_up() -> None:
    """A run nobody has measured says nothing of minutes left, before it knows them."""
    out = io.StringIO()
    with Stages([Stage("run", "SFT r-1", None)], stream=out) as stages, stages.run("run") as stage:
        assert stages.left_s() is None
        stage.update("step 1 of 2")
        assert stages.left_s() is None
        stage.update("measuring", fraction=1.0, eta_s=3.0)
        assert stages.left_s() == 3.0
    assert out.getvalue().splitlines() == ["[1/1] SFT r-1: …", "[1/1] SFT r-1: done (0 s)"]


def test_the_end_of_a_short_run_is_no_beginning() -> None:
    """At step 2 of 2 the bar is full, and what is left is what the run itself says."""
    from ftarena.plain.follow import _show
    from ftarena.training.jobs import RunState

    run = SimpleNamespace(
        message="measuring held-out loss at step 2",
        state=RunState.EVALUATING,
        step=2,
        total_steps=2,
        eta_s=1.5,
    )
    stage = Stage("run", "SFT", None, started=0.0)
    _show(stage, run)  # type: ignore[arg-type]  # has what is looked at
    assert (stage.fraction, stage.left_s(14.0)) == (1.0, 1.5)
    run.step, run.eta_s = 1, 40.0
    _show(stage, run)  # type: ignore[arg-type]  # has what is looked at
    assert (stage.fraction, stage.left_s(7.0)) == (0.0, None)


def test_a_pipe_is_not_told_the_same_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that waits for minutes says so once, then now and then, and at once when it goes on."""
    monkeypatch.setattr("ftarena.plain.progress.PIPE_INTERVAL_S", 3600.0)
    out = io.StringIO()
    with Stages([Stage("a", "Exam", None)], stream=out) as stages, stages.run("a") as stage:
        stage.update("waiting for the exam of b")
        for _ in range(20):
            stages._say(stage, "…", again=False)
        stage.update("starting")
        stages._say(stage, "…", again=False)
    assert [line.removeprefix("[1/1] Exam: ") for line in out.getvalue().splitlines()[:-1]] == [
        "…",
        "… waiting for the exam of b",
        "… starting",
    ]
