"""Watching a run: in place on a terminal, line by line in a pipe, to its end."""

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made_runs import OVERFITS, REMEMBERS, make_run

from ftarena.errors import FtarenaError
from ftarena.plain.watch import watch
from ftarena.plain.watch_page import page
from ftarena.processes import read_json, write_json
from ftarena.training.figures.standing import Standing
from ftarena.training.guards import write_guards
from ftarena.training.runs import read_run
from ftarena.workspace import Workspace


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class AsciiFile(io.StringIO):
    """A stream of a locale that has ASCII only."""

    encoding = "ascii"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty project."""
    return Workspace(tmp_path / ".ftarena").ensure()


def state(folder: Path, **changes: object) -> None:
    """Write a run's status anew, as its worker does."""
    write_json(folder / "status.json", {**read_json(folder / "status.json"), **changes})


def acts(*steps: Callable[[], object]) -> Callable[[float], object]:
    """Return a `wait` in which, one a look, something happens to the run."""
    left: Iterator[Callable[[], object]] = iter(steps)
    return lambda seconds: next(left)()


def log(folder: Path, **row: object) -> None:
    """Append a row of metrics."""
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def test_a_pipe_gets_a_line_a_step(workspace: Workspace) -> None:
    """In a pipe I get a line for each step, each change of state once, and at the end the verdicts."""
    folder = make_run(workspace, "sft-1", "queued", step=0, total=0, after="dpo-9", queue_position=2)
    out = io.StringIO()

    def first() -> None:
        state(folder, state="training", step=1, total_steps=2, message="step 1 of 2")
        log(folder, step=1, loss=2.5, learning_rate=1e-4)

    def second() -> None:
        state(folder, step=2, message="step 2 of 2")
        log(folder, step=2, loss=2.25, tokens_per_s=120.0)
        log(folder, step=2, eval_loss=2.4)
        with (folder / "events.jsonl").open("a") as file:
            file.write(json.dumps({"event": "best", "message": "best checkpoint: step 2"}) + "\n")

    def end() -> None:
        write_guards(folder / "guards.json", [REMEMBERS, OVERFITS])
        state(folder, state="finished", message="")

    assert watch(workspace, read_run(folder), out=out, wait=acts(first, second, end)) == 0
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert lines[:6] == [
        "queued: waits for dpo-9 to end, number 2 in the queue",
        "training",
        "step 1/2 loss 2.50 lr 1.0e-04",
        "step 2/2 loss 2.25 120 tokens/s",
        "step 2/2 held-out 2.40",
        "best: best checkpoint: step 2",
    ]
    said = "\n".join(lines[6:])
    assert "● finished at step 2 of 2" in said
    assert said.index("it overfits") < said.index("no alarm")
    assert "→ stop earlier: num_train_epochs: 1" in said
    assert "\x1b" not in out.getvalue()


def test_a_run_that_fails_is_an_error_with_a_way_on(workspace: Workspace) -> None:
    """The run I watch runs out of memory: I am told why, and how it goes on from its checkpoint."""
    folder = make_run(workspace, "sft-1", checkpoints=[30])
    out = io.StringIO()

    def fail() -> None:
        state(folder, state="failed", message="out of memory at step 91")

    with pytest.raises(FtarenaError) as told:
        watch(workspace, read_run(folder), out=out, wait=acts(fail))
    assert "failed at step 90 of 120: out of memory at step 91" in told.value.message
    assert "runs resume sft-1-20260102-030405 goes on from step 30" in told.value.hint
    assert len(re.findall(r"^step \d+/", out.getvalue(), re.M)) == 10, "the steps before were many"


def test_a_paused_run_is_no_failure(workspace: Workspace) -> None:
    """Somebody pauses it: no error, but no success either, and I am told how it goes on."""
    folder = make_run(workspace, "sft-1", checkpoints=[30])
    out = io.StringIO()
    paused = acts(lambda: state(folder, state="paused", message="paused at step 90"))
    assert watch(workspace, read_run(folder), out=out, wait=paused) == 1
    assert "‖ paused at step 90 of 120" in out.getvalue()
    assert "ftarena runs resume sft-1-20260102-030405   (from step 30)" in out.getvalue()


def test_ctrl_c_stops_watching_only(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """ctrl+c: I am told that the run goes on, and how it would be ended."""
    folder = make_run(workspace, "sft-1")

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(workspace, read_run(folder), out=io.StringIO(), wait=acts(interrupt))
    assert "ftarena runs stop sft-1-20260102-030405" in capsys.readouterr().err
    assert read_json(folder / "status.json")["state"] == "training"


def test_a_terminal_gets_a_page_in_place(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a page with bar and curve is drawn over itself; NO_COLOR takes the colours out."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    folder = make_run(workspace, "sft-1")
    end = acts(lambda: state(folder, state="finished"))
    out = Terminal()
    assert watch(workspace, read_run(folder), out=out, wait=end) == 0
    drawn = out.getvalue()
    assert "\x1b[1A" in drawn and "\x1b[36m" in drawn and "90/120" in drawn
    assert any(0x2800 < ord(sign) < 0x2900 for sign in drawn)

    monkeypatch.setenv("NO_COLOR", "1")
    state(folder, state="training")
    out = Terminal()
    watch(workspace, read_run(folder), out=out, wait=acts(lambda: state(folder, state="finished")))
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", out.getvalue())


def test_a_dumb_terminal_gets_lines(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """TERM=dumb: lines, nothing that moves the cursor."""
    monkeypatch.setenv("TERM", "dumb")
    folder = make_run(workspace, "sft-1")
    out = Terminal()
    watch(workspace, read_run(folder), out=out, wait=acts(lambda: state(folder, state="finished")))
    assert "\x1b[1A" not in out.getvalue() and "step 90/120" in out.getvalue()


def test_an_ascii_locale_gets_ascii(workspace: Workspace) -> None:
    """A locale without our signs: no question marks, no error."""
    folder = make_run(workspace, "sft-1", guards=[OVERFITS])
    out = AsciiFile()
    watch(workspace, read_run(folder), out=out, wait=acts(lambda: state(folder, state="finished")))
    assert out.getvalue().isascii()
    assert "* finished" in out.getvalue() and "! held-out loss" in out.getvalue()


@pytest.mark.parametrize("size", [(80, 23), (200, 59), (40, 12), (24, 8)])
@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_the_page_fits(workspace: Workspace, size: tuple[int, int], method: str) -> None:
    """However small the terminal, the page fits into it, and an alarm is on it."""
    folder = make_run(
        workspace, "r-1", method=method, guards=[OVERFITS], planned_bytes=1.5e9, overfit_from=60
    )
    rows = page(Standing.of(read_run(folder)), *size)
    lines = ["".join(piece.text for piece in row) for row in rows]
    assert len(lines) <= size[1]
    if size[0] >= 80:
        assert all(len(line) <= size[0] for line in lines)
        said = "\n".join(lines)
        assert "▲ held-out loss +0.21" in said
        assert "overfit since step 60" in said or method == "dpo"  # there the curve is a small one
        assert "plan 1.5 GB (7 % less)" in said and "tokens/s" in said and "falling" in said
        assert ("reward margin" in said) == (method == "dpo")


def test_a_name_cannot_write_to_my_terminal(workspace: Workspace) -> None:
    """A message with an escape in it is shown, not obeyed."""
    folder = make_run(workspace, "sft-1", "preparing", message="\x1b]0;owned\x07loading")
    out = io.StringIO()
    watch(workspace, read_run(folder), out=out, wait=acts(lambda: state(folder, state="finished")))
    assert "\x1b" not in out.getvalue() and "loading" in out.getvalue()
