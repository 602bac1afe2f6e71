"""Findings that two rows make together, from what was kept of each: repeats, near copies, leaks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ftarena.curation.check import near
from ftarena.curation.check.duplicates import contradictions, repeats
from ftarena.curation.check.examining import CONTRADICTING
from ftarena.curation.check.growing import GrowingColumns
from ftarena.curation.check.leakage import Leaks, Question
from ftarena.curation.check.report import FoundSoFar
from ftarena.curation.check.rereading import examples_at
from ftarena.curation.check.saying import said
from ftarena.curation.check.words import Hashes, HashSet, Vocabulary, WordRows
from ftarena.curation.findings import Finding
from ftarena.curation.sources import Source

_CONTRADICTS = {
    "answer": "the prompt of {} with another answer",
    "preference": "the pair of {} the other way round",
    "labelled": "the answer of {} with the other label",
}
"""By kind, how two rows contradict each other."""


class Places:
    """Where rows stand, and how that is told.

    Args:
        sources: All sources, by number.
        rows: `source` and `line` of each row.
    """

    def __init__(self, sources: Sequence[Source], rows: GrowingColumns) -> None:
        self.sources = sources
        self.source: NDArray[Any] = rows.column("source")
        self.line: NDArray[Any] = rows.column("line")
        self._paths = {source.path for source in sources}
        names = [path.name for path in self._paths]
        self._clear = {path for path in self._paths if names.count(path.name) == 1}

    def number_and_line(self, row: int) -> tuple[int, int]:
        """Return the number of a row's source, and its line."""
        return int(self.source[row]), int(self.line[row])

    def of(self, row: int) -> tuple[Path, int]:
        """Return a row's file and line."""
        number, line = self.number_and_line(row)
        return self.sources[number].path, line

    def told(self, place: tuple[Path, int]) -> str:
        """Return a place in words: the name of the file is enough where no other has it."""
        path, line = place
        return f"{path.name if path in self._clear else path}:{line}"

    def pair(self, code: str, row: int, twin: int, message: str) -> Finding:
        """Return a finding about a row, in whose message {} is where its twin stands."""
        file, line = self.of(row)
        place = self.of(twin)
        return Finding(code, file, line, message.replace("{}", self.told(place)), place)


def find_repeats(rows: GrowingColumns, places: Places, found: FoundSoFar) -> NDArray[np.bool_]:
    """Add exact duplicates and contradictions.

    Args:
        rows: What was kept of every row.
        places: Where they stand.
        found: Where the findings go.

    Returns:
        (rows,): which rows are done with, and need not be compared any further.
    """
    same = repeats(rows.column("whole"))
    found.add_many(
        "duplicate",
        len(same.rows),
        lambda n: places.pair("duplicate", int(same.rows[n]), int(same.twins[n]), "the same as {}"),
    )
    done = np.zeros(rows.rows, dtype=bool)
    done[same.rows] = True
    kinds = rows.column("kind")
    judged = np.flatnonzero((kinds < len(CONTRADICTING)) & ~done)
    other = contradictions(rows.column("matter"), rows.column("stand"), judged)
    found.add_many(
        "contradiction",
        len(other.rows),
        lambda n: places.pair(
            "contradiction",
            int(other.rows[n]),
            int(other.twins[n]),
            _CONTRADICTS[CONTRADICTING[kinds[other.rows[n]]]],
        ),
    )
    done[other.rows] = True
    return done


def find_near(
    signed: GrowingColumns,
    done: NDArray[np.bool_],
    places: Places,
    common: HashSet,
    found: FoundSoFar,
    keep: int,
) -> None:
    """Add near duplicates; those that are kept are measured on their texts.

    Args:
        signed: The signatures of all rows.
        done: (rows,): rows that are reported for more than nearness.
        places: Where they stand.
        common: Word 5-grams that many rows have.
        found: Where the findings go.
        keep: How many can be kept. Beyond twice as many, near duplicates are counted by their estimate.
    """
    likely = near.candidates(signed, done)
    measured = min(len(likely.rows), 2 * keep)
    pairs = list(zip(likely.rows[:measured].tolist(), likely.twins[:measured].tolist(), strict=True))
    grams = _grams_at(places, {row for pair in pairs for row in pair})
    near_pairs: list[tuple[int, int, float]] = []
    for row, twin in pairs:
        alike = near.likeness(grams[row], grams[twin], common)
        if alike.own >= near.THRESHOLD:
            near_pairs.append((row, twin, alike.all))
    estimated = int((likely.alike[measured:] >= near.THRESHOLD).sum())

    def tell(n: int) -> Finding:
        row, twin, alike = near_pairs[n]
        return places.pair("near-duplicate", row, twin, near.twins_message(alike))

    found.add_many("near-duplicate", len(near_pairs), tell)
    found.counts["near-duplicate"] += estimated


def _grams_at(places: Places, rows: set[int]) -> dict[int, Hashes]:
    vocabulary = Vocabulary()
    by_place = {places.number_and_line(row): row for row in rows}
    grams: dict[int, Hashes] = {}
    for place, example in examples_at(places.sources, by_place):
        grams[by_place[place]] = WordRows.of([said(example).all], vocabulary).grams(near.GRAM).hashes
    return grams


def find_leaks(leaks: Leaks, questions: Sequence[Question], places: Places, found: FoundSoFar) -> None:
    """Add what is kept aside and given away by training rows.

    Args:
        leaks: Which questions are, and by which row.
        questions: All of them, by number.
        places: Where rows stand.
        found: Where the findings go.
    """
    for match, row in leaks.worst():
        twin = questions[match.owner].place
        place = places.of(row)
        share = f"{match.share:.0%}".replace("%", " %")
        rows = leaks.rows[match.owner] - 1
        more = f", and in {rows} more {'rows' if rows > 1 else 'row'}" if rows else ""
        if twin is None:
            what = "this prompt is in the arena, too" if match.whole else f"{share} of a prompt of the arena"
            found.add(Finding("leak-arena", *place, what))
        else:
            what = (
                f"this held-out prompt is also trained on, at {places.told(place)}{more}"
                if match.whole
                else f"{share} of this held-out prompt stands in {places.told(place)}{more}"
            )
            found.add(Finding("leak" if match.whole else "leak-part", *twin, what, place))
