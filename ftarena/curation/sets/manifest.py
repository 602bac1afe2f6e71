"""What a curated set was made from, and by which decisions: `OUT.manifest.json`, beside the set.

It holds no time of writing, so that the same sources and decisions give the same manifest byte for byte. When
each decision was made is in it.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ftarena import __version__
from ftarena.curation.decisions.decision import Decision
from ftarena.curation.formats import MANIFEST
from ftarena.processes import read_json


@dataclass
class SourceAccount:
    """What became of the rows of one source."""

    path: str
    sha256: str
    rows: int = 0
    """Rows in it, unreadable ones included."""

    kept: int = 0
    """Rows that are in the set, changed ones included."""

    excluded: int = 0
    edited: int = 0
    relabelled: int = 0
    dropped: int = 0
    """Rows that could not be used, and were left out because dropping was asked for."""

    strays: int = 0
    """Decisions about rows that are no longer in it."""


@dataclass
class Manifest:
    """The account of a curated set."""

    path: str
    """The set's file, by name."""

    sha256: str = ""
    """Of the set's file."""

    rows: int = 0
    sources: list[SourceAccount] = field(default_factory=list)
    by_code: Counter[str] = field(default_factory=Counter)
    """Rows excluded, by the finding that led to it; none is `""`."""

    by_reason: Counter[str] = field(default_factory=Counter)
    by_person: Counter[str] = field(default_factory=Counter)
    """Decisions that took effect, by who made them."""

    decisions: list[dict[str, Any]] = field(default_factory=list)
    """Each decision that took effect: file, line, action, reason, code, by, at."""

    def note(self, file: Path, line: int, decision: Decision) -> None:
        """Count a decision that took effect.

        Args:
            file: The source.
            line: Where the row is in it now.
            decision: What was decided.
        """
        told = {key: value for key, value in decision.to_json().items() if key not in ("value", "occurrence")}
        self.decisions.append({"file": str(file), **told, "line": line})
        self.by_person[decision.by] += 1
        if decision.action == "exclude":
            self.by_code[decision.code] += 1
            self.by_reason[decision.reason] += 1

    @property
    def rows_in(self) -> int:
        """Rows of all sources."""
        return sum(source.rows for source in self.sources)

    def total(self, name: str) -> int:
        """Return a count of all sources together: `excluded`, `edited`, `relabelled`, `dropped`, `strays`."""
        return sum(getattr(source, name) for source in self.sources)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is written."""
        return {
            "ftarena": __version__,
            "output": {"path": self.path, "sha256": self.sha256, "rows": self.rows},
            "rows_in": self.rows_in,
            "rows_out": self.rows,
            **{name: self.total(name) for name in ("excluded", "edited", "relabelled", "dropped", "strays")},
            "excluded_by_code": dict(sorted(self.by_code.items())),
            "excluded_by_reason": dict(sorted(self.by_reason.items())),
            "decided_by": dict(sorted(self.by_person.items())),
            "sources": [asdict(source) for source in self.sources],
            "decisions": self.decisions,
        }


def manifest_path(curated: Path) -> Path:
    """Return where the manifest of a curated set is."""
    return curated.with_name(curated.name + MANIFEST)


def read_manifest(curated: Path) -> Mapping[str, Any]:
    """Return the manifest of a curated set as it was written, or nothing where there is none."""
    return read_json(manifest_path(curated))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
