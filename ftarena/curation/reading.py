"""Reading data: JSONL in, examples out, and for everything wrong the file, the line and what to do.

All data of the program come through here: what is trained on, what is held out, and the questions of battles.
What a row may be is in `shapes`. All problems of a file are collected before anything is refused. Nothing is
repaired and no row is dropped here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ftarena.curation.examples import BadRow, Example, Shape, Turn, Turns
from ftarena.curation.rows import Problem, read_rows
from ftarena.curation.shapes import ANSWERED, QUESTIONS, SHAPES, example_of
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError

__all__ = [
    "QUESTION_LINE",
    "SHAPES_FOR",
    "DataError",
    "Example",
    "Problem",
    "Reading",
    "Turn",
    "Turns",
    "load_examples",
    "load_questions",
    "read_examples",
]

SHAPES_FOR: dict[str, tuple[Shape, ...]] = {
    "sft": ("messages", "completion", "reference"),
    "dpo": ("preference",),
}
"""Which shapes a method can train on; `reference` is an answer like any other."""

QUESTION_LINE = 'a line looks like {"prompt": "a question", "reference": "its answer"}'
"""What to write in a file of questions, as a hint."""

_SHOWN = 10


class DataError(FtarenaError):
    """A data file cannot be used; the first ten problems are in the message, all of them in `problems`.

    Args:
        problems: What is wrong, at least one.
        hint: What to do about it. None: have the file checked.
    """

    def __init__(self, problems: list[Problem], hint: str | None = None) -> None:
        shown = [str(problem) for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            shown.append(f"… and {len(problems) - _SHOWN} more")
        check = f"to see all of them: ftarena check {problems[0].file}"
        super().__init__("\n".join(shown), check if hint is None else hint)
        self.problems = problems


@dataclass(frozen=True)
class Reading:
    """What is in a file: the rows that can be used, and what is wrong with the others."""

    path: Path
    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]
    rows: int
    """Lines that hold something; empty ones do not count."""


def read_examples(
    path: Path, shapes: Sequence[Shape] = tuple(SHAPES), *, limit: int | None = None
) -> Reading:
    """Read a JSONL file without giving up at the first problem.

    Args:
        path: UTF-8, with or without a byte order mark, lines ended by LF or CRLF.
        shapes: What a row may be; anything else is a problem.
        limit: Stop after so many examples; the lines after them are not looked at.

    Raises:
        FtarenaError: There is no such file, or it cannot be read at all.
    """
    examples: list[Example] = []
    problems: list[Problem] = []
    rows = 0
    for row in read_rows(Source(path)):
        if limit is not None and len(examples) >= limit:
            break
        rows += 1
        if isinstance(row, Problem):
            problems.append(row)
            continue
        try:
            examples.append(example_of(path, row.line, row.value, shapes))
        except BadRow as bad:
            problems.append(Problem(path, row.line, bad.column, bad.code, str(bad)))
    return Reading(path, tuple(examples), tuple(problems), rows)


def load_examples(path: Path, method: Literal["sft", "dpo"] | None = None) -> list[Example]:
    """Return the examples of a file, all with an answer and of a shape that the method can train on.

    Args:
        path: A JSONL file.
        method: How they are to be trained on. None: any answer will do, as for held-out files.

    Raises:
        DataError: Rows that cannot be used, or of another shape; the first ten are named.
        FtarenaError: There is no such file.
    """
    reading = read_examples(path, ANSWERED)
    problems = list(reading.problems)
    if reading.rows == 0:
        problems.append(Problem(path, 1, None, "empty", "the file holds no rows"))
    for example in reading.examples:
        if method and example.shape not in SHAPES_FOR[method]:
            words = " or ".join("{" + ", ".join(SHAPES[shape]) + "}" for shape in SHAPES_FOR[method])
            message = f"a row of shape {example.shape}; {method} trains on {words}"
            problems.append(Problem(path, example.line, None, "shape", message))
    if problems:
        raise DataError(sorted(problems, key=lambda problem: problem.line))
    return list(reading.examples)


def load_questions(path: Path, *, answered: bool = False, limit: int | None = None) -> list[Example]:
    """Return the prompts of a file, each with its `reference` as completion where there is one.

    All other keys are left alone: the prompts of a file of preference pairs can be asked too.

    Args:
        path: A JSONL file.
        answered: Whether every row needs a reference.
        limit: At most so many; the lines after them are not looked at.

    Returns:
        In the order of the file; none where it holds no row.

    Raises:
        DataError: Rows that cannot be used; the first ten are named.
        FtarenaError: There is no such file.
    """
    reading = read_examples(path, ("reference",) if answered else QUESTIONS, limit=limit)
    if reading.problems:
        hint = QUESTION_LINE if answered else f"{QUESTION_LINE}; reference may be missing"
        raise DataError(list(reading.problems), hint)
    return list(reading.examples)
