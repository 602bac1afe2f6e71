"""What one process does with one chunk of rows, without knowing the others: parse, judge, and boil down.

A row is judged at once where it can be; for what needs other rows, only numbers of it are kept: digests, a
signature, and which of the questions kept aside it gives away.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ftarena.curation.check.duplicates import whole_digest
from ftarena.curation.check.leakage import Match, QuestionIndex
from ftarena.curation.check.near import GRAM, signatures
from ftarena.curation.check.pairs import pair_findings
from ftarena.curation.check.report import FoundSoFar
from ftarena.curation.check.saying import Said, said
from ftarena.curation.check.tallies import Tally, tallies
from ftarena.curation.check.texts import text_findings
from ftarena.curation.check.words import HashSet, Vocabulary, WordRows, digest
from ftarena.curation.examples import Example, Shape
from ftarena.curation.findings import Finding
from ftarena.curation.reading import examples_of
from ftarena.curation.rows import Chunk, Problem
from ftarena.curation.shapes import ANSWERED, SHAPES
from ftarena.curation.tokens.checking import TokenChecker, TokenSpec
from ftarena.curation.tokens.tally import TokenTally

TYPES: Mapping[str, Any] = {
    "source": np.uint32,
    "line": np.uint32,
    "whole": np.uint64,
    "matter": np.uint64,
    "stand": np.uint64,
    "kind": np.uint8,
    "length": np.uint32,
}
"""What is kept of every row: which source, its line, digests of all it says and of what may contradict
another row (as `saying.Said` has them), the place of its kind in `CONTRADICTING` or 255, and how many
characters the answers have that are learned of it."""

CONTRADICTING = ("answer", "preference", "labelled")
"""Kinds of rows of which two can contradict each other."""
_OTHER_KIND = 255


@dataclass(frozen=True)
class Setup:
    """What every process needs before the first chunk; can be pickled."""

    keep: int = 1000
    common: HashSet = field(default_factory=lambda: HashSet(np.empty(0, dtype=np.uint64)))
    """Word 5-grams that many rows have."""

    questions: QuestionIndex | None = None
    tokens: TokenSpec | None = None


@dataclass(frozen=True)
class Task:
    """Some rows, and what they are for."""

    number: int
    """Of the source, among all."""

    heldout: bool
    chunk: Chunk


@dataclass
class ChunkResult:
    """What a chunk held."""

    number: int
    heldout: bool
    rows: int
    """Rows, the unusable ones included."""

    read_bytes: int
    """Of the file as it lies on disk; 0 where that cannot be told."""

    shapes: Counter[Shape]
    found: FoundSoFar
    columns: dict[str, NDArray[Any]]
    """As in `TYPES`, (usable rows,) each."""

    near: dict[str, NDArray[Any]]
    """As `near.signatures` makes them; `row` is a number within `columns`."""

    leaks: list[Match]
    """Rows, numbered as in `columns`, that give away a question."""

    tallies: list[Tally]
    tokens: TokenTally | None


class Examiner:
    """Examines chunks, one after the other.

    Args:
        setup: What all processes share.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._vocabulary = Vocabulary()
        self._checker = TokenChecker(setup.tokens) if setup.tokens else None

    def examine(self, task: Task) -> ChunkResult:
        """Return what a chunk holds.

        Args:
            task: Rows that follow each other in one source.
        """
        found = FoundSoFar(self._setup.keep)
        examples: list[Example] = []
        rows = 0
        for item in examples_of(task.chunk, tuple(SHAPES) if task.heldout else ANSWERED):
            rows += 1
            if isinstance(item, Problem):
                found.add(problem_finding(item))
            else:
                examples.append(item)
        counted = tallies()
        for example in examples:
            for finding in text_findings(example):
                found.add(finding)
            for finding in pair_findings(example):
                found.add(finding)
            if not task.heldout:
                for tally in counted:
                    tally.add(example)
        tokens = None if task.heldout else self._tokens(examples, found)
        sayings = [said(example) for example in examples]
        columns, groups = self._columns(task, examples, sayings)
        rows_of_words = WordRows.of((one.all for one in sayings), self._vocabulary)
        return ChunkResult(
            task.number,
            task.heldout,
            rows,
            0 if task.chunk.source.compression else len(task.chunk.lines),
            Counter(example.shape for example in examples),
            found,
            columns,
            signatures(rows_of_words.grams(GRAM).without(self._setup.common), groups),
            [] if task.heldout else self._leaks(sayings, rows_of_words),
            counted,
            tokens,
        )

    def _tokens(self, examples: Sequence[Example], found: FoundSoFar) -> TokenTally | None:
        if self._checker is None:
            return None
        for finding in self._checker.check(examples):
            found.add(finding)
        return self._checker.take_tally()

    def _columns(
        self, task: Task, examples: Sequence[Example], sayings: Sequence[Said]
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.uint64]]:
        groups = [group_of(example, task.heldout) for example in examples]
        whole = [whole_digest(example, group) for example, group in zip(examples, groups, strict=True)]
        kinds = [_OTHER_KIND if task.heldout else kind_number(example) for example in examples]
        columns: dict[str, NDArray[Any]] = {
            "source": np.full(len(examples), task.number, dtype=np.uint32),
            "line": np.array([example.line for example in examples], dtype=np.uint32),
            "whole": np.array(whole, dtype=np.uint64),
            "matter": np.array([one.matter for one in sayings], dtype=np.uint64),
            "stand": np.array([one.stand for one in sayings], dtype=np.uint64),
            "kind": np.array(kinds, dtype=np.uint8),
            "length": np.array([answer_length(example) for example in examples], dtype=np.uint32),
        }
        return columns, np.array([digest(group) for group in groups], dtype=np.uint64)

    def _leaks(self, sayings: Sequence[Said], rows: WordRows) -> list[Match]:
        questions = self._setup.questions
        if questions is None:
            return []
        return questions.matches(rows, [one.asked_digest for one in sayings])


def group_of(example: Example, heldout: bool) -> str:
    """Return the group in which duplicates are looked for: an answer and a pair may share a prompt."""
    return f"{example.kind}{' held out' if heldout else ''}"


def kind_number(example: Example) -> int:
    """Return the place of an example's kind in `CONTRADICTING`, or 255."""
    return CONTRADICTING.index(example.kind) if example.kind in CONTRADICTING else _OTHER_KIND


def answer_length(example: Example) -> int:
    """Return how many characters the answers have that are learned of an example, all turns together."""
    earlier = example.prompt if example.learns_every_answer else ()
    answers = (*(turn for turn in earlier if turn.role == "assistant" and turn.learned), *example.completion)
    return sum(len(turn.content) for turn in answers)


def problem_finding(problem: Problem) -> Finding:
    """Return a row's problem as a finding."""
    column = f" (column {problem.column})" if problem.column else ""
    return Finding(problem.code, problem.file, problem.line, problem.message + column)
