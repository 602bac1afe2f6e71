"""Did it forget what it knew? The loss on general questions before and after, as paired differences.

The same questions are put to both models, so the hardness of a question cancels out: the standard error is
that of the differences, with the question as the unit (tokens of one answer are not independent).
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from ftarena.evaluation.loss import LossReport

ALARM_SIGMAS = 3.0
"""How many standard errors count as more than chance. The question is asked once a run, not once a vote."""

ALARM_NATS = 0.1
"""Loss per token that matters, when it is more than chance: perplexity rises by a tenth."""


class Verdict(StrEnum):
    """What a difference in general loss means."""

    NO_ALARM = "no alarm"
    SLIGHT = "slightly worse"
    FORGOT = "it forgot"


@dataclass(frozen=True)
class Difference:
    """The loss of one model minus that of another on the same examples."""

    before: float
    """Mean loss of the first model on the examples that both have, nats per token."""

    after: float
    """That of the second."""

    standard_error: float
    """Of the difference, with the example as the unit; 0 with a single example."""

    n_examples: int

    @property
    def delta(self) -> float:
        """`after - before`: positive is worse."""
        return self.after - self.before

    @property
    def sigmas(self) -> float:
        """The difference in standard errors; 0 where that is unknown."""
        return self.delta / self.standard_error if self.standard_error > 0 else 0.0


def paired_difference(before: LossReport, after: LossReport) -> Difference:
    """Compare two reports on the same examples.

    The mean loss is a ratio (loss over tokens), so its standard error is the linearised one of a ratio
    estimator, n/(n-1) · Σ (tᵢ (dᵢ - d̄))² / T², with dᵢ the difference per token of example i, tᵢ its tokens
    (Cochran, *Sampling Techniques*, 3rd ed., 1977, section 6.4).

    Args:
        before: Of the first model.
        after: Of the second, on the same examples in the same order.

    Raises:
        ValueError: They are of different examples, or have none in common.
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


def verdict(difference: Difference) -> Verdict:
    """Say what a difference in general loss means: more than chance, and enough to matter?"""
    if difference.sigmas < ALARM_SIGMAS:
        return Verdict.NO_ALARM
    return Verdict.FORGOT if difference.delta >= ALARM_NATS else Verdict.SLIGHT


def words(difference: Difference) -> str:
    """Return the finding in one line: `general loss +0.31 (2.60 → 2.91), 4.0 σ: it forgot`."""
    return (
        f"general loss {difference.delta:+.2f} ({difference.before:.2f} → {difference.after:.2f}), "
        f"{difference.sigmas:.1f} σ: {verdict(difference)}"
    )
