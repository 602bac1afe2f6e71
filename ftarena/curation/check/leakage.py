"""Questions kept aside, and rows that give them away: the same question, or most of its words in a row.

Held-out files are small and training files are large, so the questions are indexed and the rows only pass by.
A question leaks in whole when a row asks the same but for case, punctuation and white space. It leaks in part
when at least 80 % of its words stand in one row in the same order: words that are in one of the row's
sequences of eight words (13 for questions of 40 words and more, as in GPT-3's decontamination, Brown et al.
2020, appendix C; counting covered words is Llama 2's way, Touvron et al. 2023, A.6). Sequences that several
questions or many rows have, the words of a template, prove nothing and do not count. A question of less than
ten words of its own leaks only in whole.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ftarena.curation.check.saying import asked_digest
from ftarena.curation.check.words import HashSet, Vocabulary, WordRows, words

THRESHOLD = 0.8
"""Share of a question's words that must stand in one row."""

SIZES = (8, 13)
"""Words to a sequence, for short and for long questions."""

FEWEST_WORDS = 10
LONG_QUESTION = 40
_SEVERAL = 2
_SEVERAL_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Question:
    """Something kept aside."""

    text: str
    place: tuple[Path, int] | None
    """Where it stands: file and line; None: in the arena."""


@dataclass(frozen=True, slots=True)
class Match:
    """A row that gives a question away."""

    owner: int
    """Number of the question."""

    row: int
    """Number of the row, within those that were looked at."""

    share: float
    """The part of the question's own words that stand in the row; 1 where the row asks the same."""

    whole: bool
    """Whether the row asks the same."""


class _Sequences:
    """Where each sequence of n words stands in the questions.

    Args:
        n: Words to a sequence.
        questions: The words of each question, all different, by number.
        common: Sequences that prove nothing.
    """

    def __init__(self, n: int, questions: Mapping[int, list[str]], common: HashSet | None) -> None:
        self.n = n
        numbers = list(questions)
        grams = WordRows.of(questions.values(), Vocabulary()).grams(n)
        lengths = np.diff(grams.offsets)
        owner = np.repeat(np.arange(len(numbers)), lengths)
        position = np.arange(len(grams.hashes)) - np.repeat(grams.offsets[:-1], lengths)
        # In how many questions each sequence is, not how often.
        pairs = np.unique(np.stack([grams.hashes, owner.astype(np.uint64)], axis=1), axis=0)
        hashes, counts = np.unique(pairs[:, 0], return_counts=True)
        shared = HashSet(hashes[counts > max(_SEVERAL, _SEVERAL_SHARE * len(numbers))])
        proves = ~shared.contains(grams.hashes)
        if common is not None:
            proves &= ~common.contains(grams.hashes)
        kept = np.flatnonzero(proves)
        kept = kept[np.argsort(grams.hashes[kept], kind="stable")]
        self.known = HashSet(grams.hashes[kept])
        self._ends = np.searchsorted(grams.hashes[kept], self.known.sorted, side="right")
        self._owners = np.array(numbers, dtype=np.int64)[owner[kept]]
        self._positions = position[kept]
        by_owner = np.argsort(self._owners, kind="stable")
        owners, begins = np.unique(self._owners[by_owner], return_index=True)
        places = np.split(self._positions[by_owner], begins[1:])
        self._own_words = {
            int(number): self._covered(positions) for number, positions in zip(owners, places, strict=False)
        }

    def _covered(self, positions: NDArray[np.int64]) -> int:
        """Return how many words the sequences that begin at these places cover together."""
        begins = np.unique(positions)
        return int(np.minimum(np.diff(begins), self.n).sum()) + self.n if len(begins) else 0

    def matches(self, rows: WordRows) -> list[tuple[int, int, float]]:
        """Return question, row and share for every question of which enough stands in a row."""
        grams = rows.grams(self.n)
        where, which = self.known.positions(grams.hashes)
        row = np.searchsorted(grams.offsets, where, side="right") - 1
        # A sequence can stand in several questions: one entry for each.
        begins = np.concatenate(([0], self._ends))[which]
        counts = self._ends[which] - begins
        entry = np.arange(counts.sum()) + np.repeat(begins - (np.cumsum(counts) - counts), counts)
        row, owner, position = np.repeat(row, counts), self._owners[entry], self._positions[entry]
        order = np.lexsort((position, owner, row))
        row, owner, position = row[order], owner[order], position[order]
        # Words up to where the next sequence of the same question in the same row begins.
        gap = np.full(len(row), self.n)
        same = (row[1:] == row[:-1]) & (owner[1:] == owner[:-1])
        gap[:-1][same] = np.minimum(np.diff(position)[same], self.n)
        firsts = np.flatnonzero(np.concatenate(([True], ~same)))[: len(row)]
        covered = np.add.reduceat(gap, firsts) if len(firsts) else gap
        found: list[tuple[int, int, float]] = []
        for first, words_there in zip(firsts.tolist(), covered.tolist(), strict=True):
            own = self._own_words[int(owner[first])]
            if own >= FEWEST_WORDS and words_there >= THRESHOLD * own:
                found.append((int(owner[first]), int(row[first]), words_there / own))
        return found


class QuestionIndex:
    """The questions that are kept aside, ready to be looked for in rows; can be sent to other processes.

    Args:
        questions: By number, their order.
        common: By size, the sequences of words that many training rows have.
    """

    def __init__(self, questions: Sequence[Question], common: Mapping[int, HashSet]) -> None:
        self._same: dict[int, list[int]] = defaultdict(list)
        short: dict[int, list[str]] = {}
        long: dict[int, list[str]] = {}
        for number, question in enumerate(questions):
            found = words(question.text)
            if not question.text.strip():
                continue
            same = self._same[asked_digest(found, question.text)]
            same.append(number)
            if len(same) == 1 and len(found) >= FEWEST_WORDS:
                (long if len(found) >= LONG_QUESTION else short)[number] = found
        self._first = {number: numbers for numbers in self._same.values() for number in numbers[:1]}
        self._sequences = [
            _Sequences(n, some, common.get(n)) for n, some in zip(SIZES, (short, long), strict=True) if some
        ]

    def matches(self, rows: WordRows, asked_digests: Sequence[int]) -> list[Match]:
        """Return which rows give which questions away.

        Args:
            rows: All words of each row.
            asked_digests: What each row asks, by `asked_digest`.
        """
        found: dict[tuple[int, int], Match] = {}
        for row, value in enumerate(asked_digests):
            for owner in self._same.get(value, ()):
                found[owner, row] = Match(owner, row, 1.0, True)
        for sequences in self._sequences:
            for first, row, share in sequences.matches(rows):
                for owner in self._first[first]:
                    found.setdefault((owner, row), Match(owner, row, share, False))
        return list(found.values())


class Leaks:
    """For each question the row that gives away most of it: of equals the first."""

    def __init__(self) -> None:
        self._best: dict[int, tuple[Match, int]] = {}
        self.rows: Counter[int] = Counter()
        """By question, how many rows give it away."""

    def add(self, match: Match, row: int) -> None:
        """Note that a row gives a question away.

        Args:
            match: How much of it.
            row: The row's number among all.
        """
        self.rows[match.owner] += 1
        best = self._best.get(match.owner)
        if best is None or (match.whole, match.share) > (best[0].whole, best[0].share):
            self._best[match.owner] = (match, row)

    def worst(self) -> list[tuple[Match, int]]:
        """Return the matches and the numbers of their rows, in the order of the questions."""
        return [self._best[owner] for owner in sorted(self._best)]
