"""The loss of two models on the same answers, as paired differences.

The same questions are put to both, so the hardness of a question cancels out: the standard error is that of
the differences, with the question as the unit (tokens of one answer are not independent).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class AnswerLosses(Protocol):
    """How well a model predicts a set of answers."""

    @property
    def per_example(self) -> Sequence[float | None]:
        """Mean loss of each answer, nats per token; `None` for one that could not be measured."""

    @property
    def tokens(self) -> Sequence[int]:
        """Tokens of each answer; 0 for one that could not be measured."""


@dataclass(frozen=True)
class MeasuredLosses:
    """The loss of a model on a set of answers, all of which were measured."""

    per_example: tuple[float, ...]
    """Mean loss of each answer, nats per token."""

    tokens: tuple[int, ...]
    """Tokens of each answer, end of turn included."""

    @property
    def mean_loss(self) -> float:
        """Nats per token, all tokens weighing the same; `nan` where there are none."""
        total = math.fsum(loss * count for loss, count in zip(self.per_example, self.tokens, strict=True))
        return total / sum(self.tokens) if self.tokens else math.nan


@dataclass(frozen=True)
class Difference:
    """The loss of one model minus that of another on the same answers."""

    before: float
    """Mean loss of the first model on the answers that both have, nats per token."""

    after: float
    """That of the second."""

    standard_error: float
    """Of the difference, with the answer as the unit; 0 with a single answer."""

    n_examples: int

    @property
    def delta(self) -> float:
        """`after - before`: positive is worse."""
        return self.after - self.before

    @property
    def sigmas(self) -> float:
        """The difference in standard errors; 0 where that is unknown."""
        return self.delta / self.standard_error if self.standard_error > 0 else 0.0


def paired_difference(before: AnswerLosses, after: AnswerLosses) -> Difference:
    """Compare two models on the same answers.

    The mean loss is a ratio (loss over tokens), so its standard error is the linearised one of a ratio
    estimator, n/(n-1) · Σ (tᵢ (dᵢ - d̄))² / T², with dᵢ the difference per token of answer i, tᵢ its tokens
    (Cochran, *Sampling Techniques*, 3rd ed., 1977, section 6.4).

    Args:
        before: Of the first model.
        after: Of the second, on the same answers in the same order.

    Raises:
        ValueError: They are of different answers, or have none in common.
    """
    pairs = list(zip(before.tokens, after.tokens, strict=False))
    if len(before.tokens) != len(after.tokens) or any(a and b and a != b for a, b in pairs):
        raise ValueError("the two reports are of different examples")
    rows = [
        (first, second, count)
        for first, second, count in zip(before.per_example, after.per_example, before.tokens, strict=True)
        if first is not None and second is not None
    ]
    if not rows:
        raise ValueError("the two reports have no example in common")
    total = sum(count for _, _, count in rows)
    mean_before = math.fsum(first * count for first, _, count in rows) / total
    mean_after = math.fsum(second * count for _, second, count in rows) / total
    delta = mean_after - mean_before
    n = len(rows)
    spread = math.fsum((count * (second - first - delta)) ** 2 for first, second, count in rows)
    error = math.sqrt(spread * n / (n - 1)) / total if n > 1 else 0.0
    return Difference(mean_before, mean_after, error, n)
