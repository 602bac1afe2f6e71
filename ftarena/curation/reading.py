"""Reading data: files in, examples out, and for everything wrong the file, the line and what to do.

All data of the program come through here: what is trained on, what is held out, and the questions of battles.
What a row may be is in `shapes`, how files are read in `rows`. All problems of a file are collected before
anything is refused. Nothing is repaired, and rows are dropped only where that is asked for.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ftarena.curation.examples import BadRow, Example, Shape, Turn, Turns
from ftarena.curation.rows import Chunk, Problem, read_chunks, rows_of
from ftarena.curation.shapes import ANSWERED, QUESTIONS, SHAPES, example_of
from ftarena.curation.sources import Source, source_of
from ftarena.errors import FtarenaError
from ftarena.text import clean_line

__all__ = [
    "QUESTION_LINE",
    "SHAPES_FOR",
    "DataError",
    "Example",
    "Problem",
    "Reading",
    "Turn",
    "Turns",
    "examples_of",
    "iter_examples",
    "load_examples",
    "load_questions",
    "read_examples",
    "usable_shapes",
]

PAIRED = ("dpo", "ipo", "orpo", "simpo", "cpo", "reward")
"""Methods that learn which of two answers is better."""

SHAPES_FOR: Mapping[str, tuple[Shape, ...]] = {
    "sft": ("messages", "sharegpt", "alpaca", "completion", "reference", "text"),
    **dict.fromkeys(PAIRED, ("preference",)),
    "kto": ("kto",),
    "grpo": ("prompt", "reference", "completion", "messages", "sharegpt", "alpaca"),
}
"""Which shapes a method can train on; `reference` is an answer like any other, and any answer a reference."""

QUESTION_LINE = 'a line looks like {"prompt": "a question", "reference": "its answer"}'
"""What to write in a file of questions, as a hint."""

_ALL: tuple[Shape, ...] = tuple(SHAPES)
_ANSWERS = ("completion", "output", "chosen", "rejected", "reference", "messages", "conversations", "text")
_SHOWN = 10


class DataError(FtarenaError):
    """A data file cannot be used; the first ten problems are in the message, all of them in `problems`.

    Args:
        problems: What is wrong, at least one.
        hint: What to do about it. None: have the file checked.
    """

    def __init__(self, problems: list[Problem], hint: str | None = None) -> None:
        shown = [clean_line(str(problem)) for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            shown.append(f"… and {len(problems) - _SHOWN} more")
        check = f"to see all of them: ftarena check {clean_line(str(problems[0].file))}"
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


def examples_of(chunk: Chunk, shapes: Sequence[Shape] = _ALL) -> Iterator[Example | Problem]:
    """Yield what the rows of a chunk say, in order; also in another process than the one that read it.

    Args:
        chunk: Rows of one source, of which the columns are known.
        shapes: What a row may be; anything else is a problem. Where the source has a shape, that one alone.
    """
    file, columns, named = chunk.source.path, chunk.source.columns, chunk.source.shape
    if named is not None and named in shapes:
        shapes = (named,)
    for row in rows_of(chunk):
        if isinstance(row, Problem):
            yield row
            continue
        try:
            yield example_of(file, row.line, row.value, shapes, columns)
        except BadRow as bad:
            yield Problem(file, row.line, bad.column, bad.code, str(bad))


def iter_examples(source: Source, shapes: Sequence[Shape] = _ALL) -> Iterator[Example | Problem]:
    """Yield what the rows of a source say, in order, one chunk in memory at a time.

    Args:
        source: Where to read.
        shapes: What a row may be; anything else is a problem. Where the source has a shape, that one alone.

    Raises:
        FtarenaError: There is no such file, or it cannot be read at all.
    """
    for chunk in read_chunks(source):
        yield from examples_of(chunk, shapes)


def read_examples(
    path: Path | Source, shapes: Sequence[Shape] = _ALL, *, limit: int | None = None
) -> Reading:
    """Read a file without giving up at the first problem.

    Args:
        path: A file of any format that is read, or a source.
        shapes: What a row may be; anything else is a problem.
        limit: Stop after so many examples; the lines after them are not looked at.

    Raises:
        FtarenaError: There is no such file, or it cannot be read at all.
    """
    source = _source(path)
    examples: list[Example] = []
    problems: list[Problem] = []
    for found in iter_examples(source, shapes):
        if limit is not None and len(examples) >= limit:
            break
        if isinstance(found, Problem):
            problems.append(found)
        else:
            examples.append(found)
    return Reading(source.path, tuple(examples), tuple(problems), len(examples) + len(problems))


def usable_shapes(source: Source) -> tuple[Shape, ...]:
    """Return what a row of a source may be: something with an answer, as in `check`.

    A prompt without one is a broken row, unless no row has one and none was promised by naming its column:
    then the file is a set of questions. It is read up to its first answer.

    Raises:
        FtarenaError: There is no such file, or it cannot be read at all.
    """
    if source.shape is not None:
        return (source.shape,)
    if any(source.columns.names.get(name) for name in _ANSWERS):
        return ANSWERED
    found = (example.kind for example in iter_examples(source) if isinstance(example, Example))
    first = next(found, None)
    asks = first == "question" and all(kind == "question" for kind in found)
    return _ALL if asks else ANSWERED


def load_examples(
    path: Path | Source,
    method: str | None = None,
    *,
    bad_rows: Literal["error", "drop"] = "error",
    on_dropped: Callable[[tuple[Problem, ...]], None] | None = None,
) -> list[Example]:
    """Return the examples of a file, all of a shape that the method can train on.

    Args:
        path: A file of any format that is read, or a source.
        method: How they are to be trained on, a key of `SHAPES_FOR`. None: any answer will do, as for
            held-out files. All have an answer, unless the method learns from questions alone.
        bad_rows: What to do about rows that cannot be used: refuse the file, or leave them out.
        on_dropped: Called once with what was wrong with the rows that were left out, if any were.

    Raises:
        DataError: Rows that cannot be used, or of another shape; the first ten are named. With `drop` only
            where no row is left, or the file is cut off: how many rows that would drop is not known.
        FtarenaError: There is no such file, or it cannot be read at all.
    """
    source = _source(path)
    examples: list[Example] = []
    problems: list[Problem] = []
    unfit: Counter[Shape] = Counter()
    asked = method is not None and "prompt" in SHAPES_FOR[method]
    for found in iter_examples(source, _ALL if asked else ANSWERED):
        if isinstance(found, Problem):
            problems.append(found)
        elif method and found.shape not in SHAPES_FOR[method]:
            message = f"a row of shape {found.shape}; {_trains_on(method)}"
            problems.append(Problem(source.path, found.line, None, "shape", message))
            unfit[found.shape] += 1
        elif method in PAIRED and found.completion == found.rejected:
            message = "chosen and rejected are the same: there is nothing to learn from them"
            problems.append(Problem(source.path, found.line, None, "no-preference", message))
        else:
            examples.append(found)
    if not (examples or problems):
        raise DataError([Problem(source.path, 1, None, "empty", "the file holds no rows")])
    torn = [problem for problem in problems if problem.code == "torn"]
    hint = f"to see all of them: ftarena check {clean_line(str(source.path))}{source.options}"
    if unfit.total() == len(problems):  # nothing is wrong with them, so that a check would find nothing
        if method and unfit and not examples:
            problems, hint = [_all_unfit(problems, unfit, method)], _fitting(unfit, method)
        else:
            hint = "choose the method that fits the rows, or leave these out: bad_rows: drop"
    if problems and (bad_rows == "error" or not examples):
        raise DataError(problems, hint)
    if torn:
        raise DataError(torn, hint)
    if problems and on_dropped is not None:
        on_dropped(tuple(problems))
    return examples


def _trains_on(method: str) -> str:
    words = " or ".join("{" + ", ".join(SHAPES[shape]) + "}" for shape in SHAPES_FOR[method])
    return f"{method} trains on {words}"


def _all_unfit(problems: Sequence[Problem], unfit: Counter[Shape], method: str) -> Problem:
    """Return one problem for a file of which no row is of a shape that a method can train on."""
    first = problems[0]
    if len(problems) == 1:
        return first
    message = f"all {len(problems)} rows are of shape {' or '.join(unfit)}; {_trains_on(method)}"
    return Problem(first.file, first.line, None, "shape", message)


def _fitting(unfit: Counter[Shape], method: str) -> str:
    """Return what to do about a file of which no row fits a method."""
    fitting = [name for name, shapes in SHAPES_FOR.items() if all(shape in shapes for shape in unfit)]
    hint = "a method that learns from such rows: " + ", ".join(fitting) if fitting else ""
    if method == "kto" and "preference" in unfit:
        hint += (
            "; or write each pair as two rows, "
            '{"prompt": …, "completion": the chosen answer, "label": true} and the rejected one with false'
        )
    return hint or "choose the method that fits the rows"


def load_questions(path: Path | Source, *, answered: bool = False, limit: int | None = None) -> list[Example]:
    """Return the prompts of a file, each with its `reference` as completion where there is one.

    All other keys are left alone: the prompts of a file of preference pairs can be asked too.

    Args:
        path: A file of any format that is read, or a source.
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


def _source(path: Path | Source) -> Source:
    return path if isinstance(path, Source) else source_of(path)
