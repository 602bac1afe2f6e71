"""How rows and columns are named on a command line: `FILE:3`, `FILE:3-7,9`, `prompt=question`."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from ftarena.curation.decisions.identity import items_of
from ftarena.curation.examples import Shape
from ftarena.curation.resolving import resolve
from ftarena.curation.rows import Problem, Row, read_rows
from ftarena.curation.shapes import SHAPES
from ftarena.curation.shapes.columns import read_columns
from ftarena.curation.sources import Columns, Source
from ftarena.errors import FtarenaError, UsageError
from ftarena.text import clean_line, shorten

_LINES = re.compile(r"\d{1,12}(?:-\d{1,12})?(?:,\d{1,12}(?:-\d{1,12})?)*")
_MOST = 1_000_000
_LOOKED_AT = 100


def split_place(place: str) -> tuple[str, list[range]]:
    """Split `FILE:3-7,9` into what it names and the lines in it; none where it is a name alone.

    Raises:
        UsageError: Lines that cannot be.
    """
    name, colon, lines = place.rpartition(":")
    if not (colon and name and _LINES.fullmatch(lines)) or Path(place).exists():
        return place, []
    ranges = []
    for part in lines.split(","):
        first, dash, last = part.partition("-")
        ends = (int(first), int(last if dash else first))
        if not 0 < ends[0] <= ends[1]:
            raise UsageError(
                f"{shorten(place, 80)}: there are no lines {part}", "lines count from 1, as in FILE:3-7,9"
            )
        ranges.append(range(ends[0], ends[1] + 1))
    if sum(map(len, ranges)) > _MOST:
        raise UsageError(
            f"{shorten(place, 80)} names more than {_MOST:,} lines", "name fewer, or a finding: --code CODE"
        )
    return name, ranges


def one_source(name: str, columns: str | None = None, shape: str | None = None) -> Source:
    """Return the one file that a name stands for; rows of several cannot be told apart by their line.

    Raises:
        UsageError: It stands for several.
        FtarenaError: It stands for nothing that can be read.
    """
    sources = resolve(name, columns=columns_named(columns), shape=shape_named(shape))
    if len(sources) > 1:
        raise UsageError(
            f"{shorten(name, 80)} stands for {len(sources)} files, and a line is one of a single file",
            f"name one of them, such as {clean_line(str(sources[0].path))}",
        )
    return sources[0]


def sources_named(names: Sequence[str], columns: str | None = None, shape: str | None = None) -> list[Source]:
    """Return the files that some names stand for, see `sources_by_name`."""
    return [source for sources in sources_by_name(names, columns, shape) for source in sources]


def sources_by_name(
    names: Sequence[str], columns: str | None = None, shape: str | None = None
) -> list[list[Source]]:
    """Return the files that each of some names stands for.

    What is said about columns holds for every file that has them: of several, those without are read as they
    are.

    Args:
        names: What the user calls them.
        columns: What the columns mean, as `prompt=question,completion=answer`.
        shape: What every row must be.

    Raises:
        UsageError: The words about columns or shape say nothing that is understood.
        FtarenaError: A name stands for nothing that can be read, or no file has the columns.
    """
    meant, wanted = columns_named(columns), shape_named(shape)
    found = [resolve(name, shape=wanted) for name in names]
    if meant is None:
        return found
    every = [source for sources in found for source in sources]
    having = {source.path for source in every if len(every) == 1 or _has(source, meant)}
    if not having:
        raise FtarenaError(
            f"none of these {len(every)} files has the columns {', '.join(meant.names.values())}",
            f"see what they have: ftarena data show {clean_line(str(every[0].path))} --raw",
        )
    return [
        [replace(source, columns=meant) if source.path in having else source for source in sources]
        for sources in found
    ]


def _has(source: Source, columns: Columns) -> bool:
    """Return whether one of the first rows of a file has all columns that were named."""
    first = islice((row for row in read_rows(source) if isinstance(row, Row)), _LOOKED_AT)
    names = set(columns.names.values())
    return any(isinstance(row.value, dict) and names <= row.value.keys() for row in first)


def rows_at(source: Source, lines: Sequence[range]) -> list[Row | Problem]:
    """Return the rows on some lines of a source, in order.

    Lines of a range that hold no row are passed over; a line that is named by itself must hold one.

    Raises:
        FtarenaError: There is no row where one was named.
    """
    wanted = set().union(*lines)
    last = max(wanted, default=0)
    rows: list[Row | Problem] = []
    after: dict[int, int] = {}  # for the last line of each range, where the next row begins
    ends = sorted({part[-1] for part in lines}, reverse=True)
    for item in items_of(source):
        while ends and item.row.line > ends[-1]:
            after[ends.pop()] = item.row.line
        if item.row.line > last:
            break
        if item.row.line in wanted:
            rows.append(item.row)
    there = {row.line for row in rows}
    for part in lines:
        if not there.intersection(part):
            shown = clean_line(str(source.path))
            named = f"line {part[0]}" if len(part) == 1 else f"lines {part[0]} to {part[-1]}"
            where = f": the next one begins on line {after[part[-1]]}" if part[-1] in after else ""
            raise FtarenaError(
                f"{shown} has no row that begins on {named}{where}",
                f"see what is there: ftarena data show {shown}",
            )
    return rows


def columns_named(text: str | None) -> Columns | None:
    """Return what `prompt=question,completion=answer` says about columns.

    Raises:
        UsageError: It says nothing that is understood.
    """
    if text is None:
        return None
    try:
        return read_columns(text)
    except UsageError as error:
        raise UsageError(f"--columns: {error.message}", error.hint) from error


def shape_named(name: str | None) -> Shape | None:
    """Return the shape that a word names.

    Raises:
        UsageError: There is no such shape.
    """
    if name is None:
        return None
    for shape in SHAPES:
        if shape == name.strip().lower():
            return shape
    near = difflib.get_close_matches(name, list(SHAPES), n=1)
    raise UsageError(
        f"there is no shape {shorten(name, 40)!r}",
        f"did you mean {near[0]}?" if near else f"there are {', '.join(SHAPES)}",
    )
