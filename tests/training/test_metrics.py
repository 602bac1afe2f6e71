"""Figures read as they are written: each once, in bounded memory, true where a run went back."""

import json
import math
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ftarena.drawing.thinning import thin
from ftarena.training.figures.metrics import MOST_POINTS, Course, MetricsTail, trend_of


def write(path: Path, *rows: dict[str, object], torn: str = "") -> None:
    """Append rows as a worker does."""
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows) + torn)


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    """A run logs on: I get the new rows, once, and no half of one."""
    path = tmp_path / "metrics.jsonl"
    tail = MetricsTail(path)
    assert not tail.read()
    write(path, {"step": 1, "time": 5.0, "loss": 2.0}, torn='{"step": 2, "lo')
    assert tail.read()
    assert [row["step"] for row in tail.rows] == [1]
    assert not tail.read()
    with path.open("a") as file:
        file.write('ss": 1.5}\n')
    assert tail.read()
    assert list(tail.points("loss")) == [(1.0, 2.0), (2.0, 1.5)]
    assert tail.last("loss") == 1.5
    assert set(tail.courses) == {"loss"}


def test_nonsense_is_passed_over(tmp_path: Path) -> None:
    """A null, an infinity, a text, a torn line in the middle: the figures around them are there."""
    path = tmp_path / "metrics.jsonl"
    path.write_text(
        '{"step": 1, "loss": 2.0}\n{"step": 2, "loss": null}\n{"st\n[1]\n{"step": "x", "loss": 1}\n'
    )
    write(path, {"step": 3, "loss": math.inf, "note": "x", "flag": True}, {"step": 4, "loss": 1.0})
    tail = MetricsTail(path)
    tail.read()
    assert list(tail.points("loss")) == [(1.0, 2.0), (4.0, 1.0)]
    assert set(tail.courses) == {"loss"}


def test_a_run_that_went_back_to_its_checkpoint(tmp_path: Path) -> None:
    """After a resume from step 2 the steps it lost are replaced by those it did again."""
    path = tmp_path / "metrics.jsonl"
    write(path, *({"step": step, "loss": float(step)} for step in range(1, 6)))
    write(path, {"step": 3, "loss": 30.0}, {"step": 4, "loss": 40.0})
    tail = MetricsTail(path)
    tail.read()
    assert list(tail.points("loss")) == [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]
    assert list(tail.courses["loss"].recent) == list(tail.points("loss"))


def test_a_file_that_was_cut_is_read_anew(tmp_path: Path) -> None:
    """The rows behind a checkpoint were taken out of the file: they are gone from the picture."""
    path = tmp_path / "metrics.jsonl"
    write(path, *({"step": step, "loss": 1.0} for step in range(1, 6)))
    tail = MetricsTail(path)
    tail.read()
    path.write_text('{"step": 1, "loss": 1.0}\n')
    tail.read()
    assert list(tail.points("loss")) == [(1.0, 1.0)]


def test_a_long_run_is_held_in_little_memory() -> None:
    """A hundred thousand steps with one spike: few points are kept, the spike among them."""
    course = Course()
    for step in range(100_000):
        course.add(step, 1.0 if step != 54_321 else 99.0)
    assert len(course.points) <= 2 * MOST_POINTS
    assert (54_321, 99.0) in course.points
    assert course.first == (0, 1.0) and course.last == (99_999, 1.0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(4, 60))
def test_thinning_keeps_the_ends_and_the_peaks(values: list[float], most: int) -> None:
    """Whatever the curve: few points, in order, the first, the last, the highest and the lowest kept."""
    points = [(float(x), y) for x, y in enumerate(values)]
    kept = thin(points, most)
    assert len(kept) <= most or len(kept) == len(points)
    assert kept == sorted(set(kept)) and set(kept) <= set(points)
    assert kept[0] == points[0] and kept[-1] == points[-1]
    assert {max(values), min(values)} <= {y for _, y in kept}


def course_of(values: list[float]) -> Course:
    course = Course()
    for step, value in enumerate(values):
        course.add(step, value)
    return course


def test_where_a_loss_is_going() -> None:
    """It falls, rises, or is flat within its own noise; from a few steps nothing is said."""
    noise = [0.01, -0.02, 0.02, -0.01, 0.0, 0.015, -0.015]
    down = trend_of(course_of([2 - 0.05 * i + noise[i % 7] for i in range(30)]))
    assert down is not None and down.word == "falling"
    assert math.isclose(down.change, -0.05 * down.steps, rel_tol=0.2)
    up = trend_of(course_of([2 + 0.05 * i for i in range(30)]))
    assert up is not None and up.word == "rising"
    flat = trend_of(course_of([2 + noise[i % 7] for i in range(200)]))
    assert flat is not None and flat.word == "flat"
    still = trend_of(course_of([0.5] * 20))
    assert still is not None and still.word == "flat"
    assert trend_of(course_of([2.0] * 7)) is None
    assert trend_of(None) is None
