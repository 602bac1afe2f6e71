"""How far something is that takes long between two steps: read from the status, not from the log."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ftarena.processes import write_json
from ftarena.training.runs import STATUS, RunState, read_run
from ftarena.training.worker import reporter as reporting
from ftarena.training.worker.reporter import Reporter


class Clock(SimpleNamespace):
    """Stands in for the module `time`."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def strftime(self, form: str) -> str:
        return "12:00:00"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that is set by hand."""
    clock = Clock()
    monkeypatch.setattr(reporting, "time", clock)
    return clock


def test_a_measurement_says_how_far_it_is(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """It counts, the time left runs on, the log is not filled, and the next step is said at once."""
    write_json(tmp_path / STATUS, {"state": "training", "name": "mine", "method": "dpo"})
    reporter = Reporter(tmp_path)
    reporter.progress(4, 8, 100.0)
    reporter.doing(RunState.EVALUATING, "measuring at step 4")
    capsys.readouterr()
    for second in range(1, 4):
        clock.now += 10
        reporter.note(f"measuring at step 4: {8 * second} of 48")
        run = read_run(tmp_path)
        assert run.message == f"measuring at step 4: {8 * second} of 48"
        assert run.eta_s == pytest.approx(100 - 10 * second, abs=0.1)
    reporter.note("measuring at step 4: 48 of 48")  # within half a second: not worth a write
    assert read_run(tmp_path).message == "measuring at step 4: 24 of 48"
    assert capsys.readouterr().out == ""
    reporter.progress(4, 8, 60.0)
    assert (read_run(tmp_path).message, read_run(tmp_path).state) == ("step 4 of 8", RunState.TRAINING)
