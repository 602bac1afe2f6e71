"""Judgements that need all rows: counted row by row, in any process, then added up."""

from collections.abc import Iterator
from typing import Any, Protocol, Self

from ftarena.curation.check.labels import LabelBalance, LengthBias
from ftarena.curation.check.languages import Languages
from ftarena.curation.check.refusals import Refusals
from ftarena.curation.examples import Example
from ftarena.curation.findings import Finding


class Tally(Protocol):
    """Counts something over many examples; can be pickled, and stays small however many there are."""

    def add(self, example: Example) -> None:
        """Count one example that is or will be trained on."""
        ...

    def merge(self, other: Self) -> None:
        """Add what another tally of the same kind has counted; the order of merging changes nothing."""
        ...

    def findings(self) -> Iterator[Finding]:
        """Yield what the counts say is wrong."""
        ...

    def stats(self) -> dict[str, Any]:
        """Return the counts as plain JSON values, under a key of their own; empty if nothing was counted."""
        ...


def tallies() -> list[Tally]:
    """Return a new tally of every kind, always in the same order."""
    return [Languages(), Refusals(), LengthBias(), LabelBalance()]
