"""What the labels of all rows together would teach: that longer is better, or that everything is good."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from ftarena.curation.check.sign_test import sign_test
from ftarena.curation.examples import Example
from ftarena.curation.findings import Finding

BIASED = 0.65
"""Share of pairs whose chosen answer is the longer one from which on it is a finding: 0.15 from even, which
Cohen (Statistical Power Analysis, 1988, ch. 5) calls a medium effect for a sign test; 0.05 is a small one."""

_SMALL = 0.55
_LARGE = 0.75
ALPHA = 0.01

_BIN = 0.05
"""Width of the bins that length ratios are counted in, in powers of two: the median is right within 2 %."""

IMBALANCED = 4.0
"""Good labels for each bad one, or the reverse, from which on it is a finding. KTO wants the weighted counts
between 1 : 1 and 4 : 3 (Ethayarajh et al. 2024, arXiv 2402.01306, eq. 8; TRL's KTOTrainer warns outside)."""

_ENOUGH = 20


class LengthBias:
    """How often the chosen answer of a pair is the longer one, over all files: they train together."""

    def __init__(self) -> None:
        self._longer = 0
        self._shorter = 0
        self._equal = 0
        self._ratios: Counter[int] = Counter()
        self._first: tuple[Path, int] | None = None

    def add(self, example: Example) -> None:
        """Count a preference pair; other examples are passed over."""
        if not example.rejected:
            return
        chosen = len(example.completion[0].content.strip())
        rejected = len(example.rejected[0].content.strip())
        self._longer += chosen > rejected
        self._shorter += chosen < rejected
        self._equal += chosen == rejected
        self._ratios[round(math.log2(max(chosen, 1) / max(rejected, 1)) / _BIN)] += 1
        self._first = _first(self._first, (example.file, example.line))

    def merge(self, other: Self) -> None:
        """Add what was counted elsewhere."""
        self._longer += other._longer
        self._shorter += other._shorter
        self._equal += other._equal
        self._ratios += other._ratios
        self._first = _first(self._first, other._first)

    def findings(self) -> Iterator[Finding]:
        """Yield one finding, at the first pair, if length alone tells the chosen answer in most pairs."""
        share = self._share
        if self._first is not None and max(share, 1 - share) >= BIASED and self._p < ALPHA:
            yield Finding("length-bias", *self._first, self._verdict)

    def stats(self) -> dict[str, Any]:
        """Return the counts, the share of pairs whose chosen is longer, the test, and a verdict in words."""
        if self._first is None:
            return {}
        return {
            "length_bias": {
                "chosen_longer": self._longer,
                "chosen_shorter": self._shorter,
                "equal": self._equal,
                "share_longer": round(self._share, 4),
                "p_value": self._p,
                "cohens_g": round(self._share - 0.5, 4),
                "median_ratio": round(self._median_ratio, 3),
                "verdict": self._verdict,
            }
        }

    @property
    def _unequal(self) -> int:
        return self._longer + self._shorter

    @property
    def _share(self) -> float:
        return self._longer / self._unequal if self._unequal else 0.5

    @property
    def _p(self) -> float:
        return sign_test(self._longer, self._unequal)

    @property
    def _median_ratio(self) -> float:
        half, seen = sum(self._ratios.values()) / 2, 0
        for place, count in sorted(self._ratios.items()):
            seen += count
            if seen >= half:
                return float(2 ** (place * _BIN))
        return 1.0

    @property
    def _verdict(self) -> str:
        """Say it in words, first how strong, then with which figures."""
        share = max(self._share, 1 - self._share)
        which = "longer" if self._longer >= self._shorter else "shorter"
        if self._p >= ALPHA:
            words = (
                "no length bias to be seen" if self._unequal >= 50 else "too few pairs to see a length bias"
            )
        elif share < _SMALL:
            words = "hardly any length bias"
        else:
            strength = "slight" if share < BIASED else "clear" if share < _LARGE else "strong"
            words = f"a {strength} length bias"
        p = "p < 0.0001" if self._p < 0.0001 else f"p = {self._p:.2g}"
        # Where others would call it significant it is said why it is not here.
        if ALPHA <= self._p < 0.05:
            p += f"; what counts here is p < {ALPHA:g}"
        often = f"{max(self._longer, self._shorter):,} of {self._unequal:,} pairs ({share:.0%}, {p})"
        return (
            f"{words}: the chosen answer is the {which} one in {often}, "
            f"in the median {self._median_ratio:.2f} times as long as the rejected one"
        )


class LabelBalance:
    """How many answers are labelled good, and how many bad, over all files: they train together."""

    def __init__(self) -> None:
        self._good = 0
        self._bad = 0
        self._first: tuple[Path, int] | None = None

    def add(self, example: Example) -> None:
        """Count a labelled answer; other examples are passed over."""
        if example.label is None:
            return
        self._good += example.label
        self._bad += not example.label
        self._first = _first(self._first, (example.file, example.line))

    def merge(self, other: Self) -> None:
        """Add what was counted elsewhere."""
        self._good += other._good
        self._bad += other._bad
        self._first = _first(self._first, other._first)

    def findings(self) -> Iterator[Finding]:
        """Yield one finding, at the first labelled row, if one label is far more frequent than the other."""
        rare, often = sorted((self._good, self._bad))
        if self._first is None or rare + often < _ENOUGH or often <= IMBALANCED * rare:
            return
        counts = f"{self._good:,} good and {self._bad:,} bad answers"
        if rare == 0:
            message = f"{counts}: from one side alone KTO learns nothing but to say more (or less) of it"
        else:
            # Of KTO's range the end that asks for the smaller change.
            weight, value = ("undesirable_weight", 0.75) if self._bad == rare else ("desirable_weight", 1.0)
            message = (
                f"{counts}, 1 : {often / rare:.1f}: KTO wants both sides to weigh the same; "
                f"{weight}: {often / rare * value:.2g} would do"
            )
        yield Finding("label-imbalance", *self._first, message)

    def stats(self) -> dict[str, Any]:
        """Return both counts."""
        return {"labels": {"good": self._good, "bad": self._bad}} if self._first is not None else {}


def _first(one: tuple[Path, int] | None, other: tuple[Path, int] | None) -> tuple[Path, int] | None:
    """Return the earlier of two places, whichever process came to them first."""
    return min((place for place in (one, other) if place is not None), default=None)
