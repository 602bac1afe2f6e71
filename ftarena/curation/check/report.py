"""What a check found: counts that are complete, findings up to a limit, and how far it has come."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ftarena.curation.findings import CODES, Finding, Severity


@dataclass(frozen=True)
class CheckReport:
    """What was found in a set of files."""

    examples: int
    """Rows that can be trained on; held-out ones are `stats["heldout"]`."""

    findings: tuple[Finding, ...]
    """By file and line, at most `keep` of a code."""

    counts: Mapping[str, int]
    """How often each code was found, kept or not, in the order of the codes."""

    stats: dict[str, Any]
    """Figures: rows by file and shape, held-out rows, lengths, and what the tallies and a tokenizer add."""

    @property
    def errors(self) -> int:
        """How many findings are errors, kept or not."""
        return self._severe("error")

    @property
    def warnings(self) -> int:
        """How many findings are warnings, kept or not."""
        return self._severe("warning")

    @property
    def heldout(self) -> int:
        """How many held-out rows can be used."""
        return int(self.stats["heldout"])

    def _severe(self, severity: Severity) -> int:
        return sum(count for code, count in self.counts.items() if CODES[code].severity == severity)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "examples": self.examples,
            "findings": [finding_json(finding) for finding in self.findings],
            "stats": {**self.stats, "counts": dict(self.counts)},
        }


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain JSON values."""
    told: dict[str, Any] = {
        "code": finding.code,
        "severity": finding.severity,
        "file": str(finding.file),
        "line": finding.line,
        "message": finding.message,
        "remedy": finding.remedy,
    }
    if finding.twin:
        told["twin"] = {"file": str(finding.twin[0]), "line": finding.twin[1]}
    return told


class FoundSoFar:
    """Findings as they come in: all are counted, the first of each code are kept.

    Args:
        keep: How many of a code are kept.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._kept: Counter[str] = Counter()
        self.findings: list[Finding] = []
        self.counts: Counter[str] = Counter()

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it if there is room."""
        self.counts[finding.code] += 1
        self._take(finding)

    def merge(self, other: "FoundSoFar") -> None:
        """Add what another has, which comes after what is here."""
        self.counts.update(other.counts)
        for finding in other.findings:
            self._take(finding)

    def _take(self, finding: Finding) -> None:
        if self._kept[finding.code] < self._keep:
            self._kept[finding.code] += 1
            self.findings.append(finding)

    def add_many(self, code: str, count: int, make: Callable[[int], Finding]) -> None:
        """Count many findings of a code, and make only those that are kept.

        Args:
            code: Of all of them.
            count: How many there are.
            make: From a finding's number, from 0, to the finding.
        """
        self.counts[code] += count
        for number in range(min(count, self._keep - self._kept[code])):
            self._take(make(number))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running check has come."""

    rows: int
    """Rows looked at."""

    done_bytes: int
    total_bytes: int
    """Sizes of the files on disk; of a compressed file as it lies there."""

    elapsed_s: float

    @property
    def share(self) -> float:
        """The part that is done, from 0 to 1."""
        return min(self.done_bytes / self.total_bytes, 1.0) if self.total_bytes else 1.0

    @property
    def rows_per_s(self) -> float:
        """Rows a second, on average."""
        return self.rows / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds that the rest will take; None as long as nothing is done."""
        return self.elapsed_s * (1 - self.share) / self.share if self.share > 0 else None
