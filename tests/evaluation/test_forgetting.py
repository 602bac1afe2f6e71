"""Did it forget? Paired differences, their error, and words for them."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.evaluation.forgetting import Verdict, paired_difference, verdict, words
from ftarena.evaluation.loss import LossReport

LOSSES = st.lists(
    st.tuples(st.floats(0.1, 10), st.floats(0.1, 10), st.integers(1, 50)), min_size=2, max_size=30
)


def report(losses: list[float | None], tokens: list[int]) -> LossReport:
    counted = [(loss, count) for loss, count in zip(losses, tokens, strict=True) if loss is not None]
    total = sum(count for _, count in counted)
    mean = sum(loss * count for loss, count in counted) / total if total else 0.0
    return LossReport(mean, total, len(counted), tuple(losses), tuple(tokens))


def reports(rows: list[tuple[float, float, int]]) -> tuple[LossReport, LossReport]:
    tokens = [count for *_, count in rows]
    return report([row[0] for row in rows], tokens), report([row[1] for row in rows], tokens)


@given(LOSSES)
def test_swapping_the_models_mirrors_the_result(rows: list[tuple[float, float, int]]) -> None:
    """Before against after is after against before with the sign turned."""
    first, second = reports(rows)
    one, two = paired_difference(first, second), paired_difference(second, first)
    assert math.isclose(one.delta, -two.delta, abs_tol=1e-9)
    assert math.isclose(one.standard_error, two.standard_error, abs_tol=1e-9)
    assert math.isclose(one.before, first.mean_loss)
    assert math.isclose(one.after, second.mean_loss)


def test_hard_questions_cancel_out() -> None:
    """A small change on easy and hard questions alike is seen, though the losses scatter widely."""
    rows = [(float(hard), hard + 0.2 + 0.01 * (hard % 3), 20) for hard in range(1, 31)]
    difference = paired_difference(*reports(rows))
    assert math.isclose(difference.delta, 0.21, abs_tol=0.001)
    assert difference.standard_error < 0.01
    assert verdict(difference) is Verdict.FORGOT


def test_the_standard_error_is_that_of_repeated_draws() -> None:
    """The stated error is what the result really scatters by when other questions are drawn."""
    rng = random.Random(1)
    deltas, errors = [], []
    for _ in range(400):
        rows = [(2.0, 2.0 + rng.gauss(0.1, 0.5), rng.randint(5, 40)) for _ in range(40)]
        difference = paired_difference(*reports(rows))
        deltas.append(difference.delta)
        errors.append(difference.standard_error)
    mean = sum(deltas) / len(deltas)
    scatter = math.sqrt(sum((delta - mean) ** 2 for delta in deltas) / len(deltas))
    assert math.isclose(sum(errors) / len(errors), scatter, rel_tol=0.1)


@pytest.mark.parametrize(
    ("shift", "noise", "expected", "text"),
    [
        (0.31, 0.1, Verdict.FORGOT, "it forgot"),
        (0.05, 0.01, Verdict.SLIGHT, "slightly worse"),
        (0.31, 3.0, Verdict.NO_ALARM, "no alarm"),
        (-0.50, 0.1, Verdict.NO_ALARM, "no alarm"),
    ],
)
def test_in_words(shift: float, noise: float, expected: Verdict, text: str) -> None:
    """An alarm needs more than chance and enough to matter; getting better is none."""
    rows = [(2.6, 2.6 + shift + noise * (-1) ** i, 20) for i in range(40)]
    difference = paired_difference(*reports(rows))
    assert verdict(difference) is expected
    line = words(difference)
    assert line.startswith(f"general loss {shift:+.2f} (2.60 → {2.6 + shift:.2f})")
    assert line.endswith(text)


def test_examples_that_one_model_could_not_read_are_left_out_of_both() -> None:
    """Only what both were measured on is compared."""
    before, after = report([1.0, None, 3.0], [5, 0, 5]), report([1.5, 9.0, 3.5], [5, 7, 5])
    difference = paired_difference(before, after)
    assert (difference.before, difference.after, difference.n_examples) == (2.0, 2.5, 2)
    assert difference.sigmas == 0  # no scatter at all: nothing to measure it by


def test_different_examples_are_refused() -> None:
    """Reports on different questions cannot be paired."""
    with pytest.raises(ValueError, match="different examples"):
        paired_difference(report([1.0], [5]), report([1.0, 2.0], [5, 5]))
    with pytest.raises(ValueError, match="different examples"):
        paired_difference(report([1.0], [5]), report([1.0], [6]))
    with pytest.raises(ValueError, match="no example in common"):
        paired_difference(report([None], [0]), report([1.0], [6]))


def test_an_improvement_is_said_as_one() -> None:
    """General loss fell by little and surely: no "-0.00", and no sign before the sigmas to puzzle over."""
    noise = [random.Random(3).gauss(0, 0.0005) for _ in range(40)]
    before = report([2.6] * 40, [10] * 40)
    after = report([2.596 + one for one in noise], [10] * 40)
    said = words(paired_difference(before, after))
    assert said.startswith("general loss -0.0") and "-0.00 " not in said
    assert "better by " in said and said.endswith("σ: no alarm") and "-" not in said.partition("better")[2]
