"""Reading a file of votes line by line: `a,b,outcome[,labeler,prompt]`, with the line of whatever is wrong.

`a` was on the left, `outcome` is `a`, `b`, `tie` or `both_bad`. Knows nothing of the database.
"""

import codecs
import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.store.file_votes import LEAST_WEIGHT, MOST_WEIGHT, FileVote
from ftarena.store.rows import Outcome
from ftarena.text import shorten

COLUMNS = ("a", "b", "outcome", "labeler", "prompt")
"""In the order they are written; read in any order, the last two may be missing, as may a `weight`."""

WEIGHT = "weight"
"""A sixth column, written where prompts were not drawn uniformly: how much a vote counts."""

WORDS: dict[str, Outcome] = {"a": "left", "b": "right", "tie": "tie", "both_bad": "both_bad"}
"""What the outcome column says, and what it means."""

_FORMAT = (
    "first line a,b,outcome,labeler,prompt (the last two may be left out); outcome a, b, tie or both_bad"
)


_LONGEST_CELL = 2**24
"""Characters of a cell: prompts may be longer than the 131,072 that Python's csv allows."""

_AFTER_RETURN = re.compile(rb"(?<=\r)(?!\n)(?=.)", re.DOTALL)


def read_votes(file: Path) -> Iterator[FileVote]:
    """Read votes one at a time, whatever the size of the file.

    Args:
        file: UTF-8, with or without a byte order mark, any line ends.

    Raises:
        FtarenaError: The file cannot be read, or a line is wrong (`FILE:LINE: what`).
    """
    try:
        with file.open("rb") as raw:
            yield from _votes(file, _records(file, raw))
    except OSError as error:
        raise FtarenaError(f"cannot read {file}: {error.strerror or error}", f"ls -la {file}") from error


def _votes(file: Path, records: Iterator[tuple[int, list[str]]]) -> Iterator[FileVote]:
    line, header = next(records, (1, []))
    places = _places(file, line, header)
    width = len(header)
    a_at, b_at, outcome_at = places["a"], places["b"], places["outcome"]
    labeler_at, prompt_at, weight_at = (places.get(name) for name in ("labeler", "prompt", WEIGHT))
    for line, cells in records:
        if len(cells) != width:
            raise _wrong(file, line, f"{len(cells)} cells where the first line has {width}")
        a, b, outcome = cells[a_at], cells[b_at], WORDS.get(cells[outcome_at])
        if outcome is None:
            raise _wrong(file, line, f"outcome {cells[outcome_at]!r} is none of a, b, tie, both_bad")
        if not a.strip() or not b.strip():
            raise _wrong(file, line, f"no name in column {'a' if not a.strip() else 'b'}")
        if a == b:
            raise _wrong(file, line, f"{a!r} against itself")
        yield FileVote(
            line,
            a,
            b,
            outcome,
            "" if labeler_at is None else cells[labeler_at],
            "" if prompt_at is None else cells[prompt_at],
            weight=1.0 if weight_at is None else _weight(file, line, cells[weight_at]),
        )


def _weight(file: Path, line: int, cell: str) -> float:
    try:
        weight = float(cell or "1")
    except ValueError:
        weight = 0.0
    if not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
        raise _wrong(file, line, f"weight {shorten(cell, 40)!r} is no number from 0.001 to 1000")
    return weight


def _places(file: Path, line: int, header: list[str]) -> dict[str, int]:
    if not header:
        raise _wrong(file, line, "the file is empty")
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        if name not in (*COLUMNS, WEIGHT):
            raise _wrong(file, line, f"unknown column {name!r}")
        if name in places:
            raise _wrong(file, line, f"column {name!r} twice")
        places[name] = place
    for name in COLUMNS[:3]:
        if name not in places:
            raise _wrong(file, line, f"no column {name!r}")
    return places


def _records(file: Path, raw: Iterator[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank, with the physical line it begins on."""
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    reader = csv.reader(_lines(file, raw), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _wrong(file, line, str(error)) from error
        if cells:
            yield line, cells


def _lines(file: Path, raw: Iterator[bytes]) -> Iterator[str]:
    for line, content in enumerate(_physical(raw), start=1):
        if line == 1:
            content = content.removeprefix(codecs.BOM_UTF8)
            if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise FtarenaError(
                    f"{file}: UTF-16, not UTF-8",
                    f"convert it: iconv -f UTF-16 -t UTF-8 {file} > utf8.csv",
                )
        try:
            yield content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FtarenaError(
                f"{file}:{line}: not UTF-8 (byte {error.start + 1} of the line)",
                f"convert it: iconv -f LATIN1 -t UTF-8 {file} > utf8.csv",
            ) from error


def _physical(raw: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines; a header that ends with a lone carriage return says that all of them do."""
    first = next(raw, b"")
    if b"\r" not in first.rstrip(b"\r\n"):
        yield first
        yield from raw
        return
    for chunk in chain((first,), raw):
        yield from _AFTER_RETURN.split(chunk)


def _wrong(file: Path, line: int, what: str) -> FtarenaError:
    return FtarenaError(f"{file}:{line}: {what}", _FORMAT)
