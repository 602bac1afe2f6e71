"""What makes a row the same row when lines move: its content, and its number among rows that are alike."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from ftarena.curation.rows import Chunk, Problem, Row, read_chunks, row_digest, rows_of
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError
from ftarena.text import clean_line

Key = tuple[str, int]
"""Digest of a row's content, and which of the rows with that content it is, from 1."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row as it was read, or the place where one could not be read."""

    row: Row | Problem
    text: str = ""
    """The line as it stands, where it could not be parsed and the file has lines."""

    @property
    def identity(self) -> str:
        """Digest of its content; empty where there is none to know it by (a cell of a table, a torn file)."""
        if isinstance(self.row, Row):
            return row_digest(self.row.value)
        return row_digest({"unreadable": self.text}) if self.text else ""


def items_of(source: Source) -> Iterator[Item]:
    """Yield everything that is in a source, in order, one chunk in memory at a time.

    Raises:
        FtarenaError: There is no such file, or it cannot be read at all.
    """
    for chunk in read_chunks(source):
        yield from _items(chunk)


def item_at(source: Source, line: int) -> Item:
    """Return what is at one line of a source; reads up to it.

    Raises:
        FtarenaError: There is no such file, or nothing at that line.
    """
    last = 0
    for item in items_of(source):
        last = item.row.line
        if last >= line:
            break
    else:
        raise FtarenaError(
            f"{clean_line(str(source.path))} has no row at line {line}"
            + (f": the last one is at line {last}" if last else ": it holds none"),
            f"see what is in it: ftarena data show {clean_line(str(source.path))}",
        )
    if last != line:
        raise FtarenaError(
            f"{clean_line(str(source.path))} has no row at line {line}: the next one is at line {last}",
            "name the line on which the row begins",
        )
    return item


class RowIndex:
    """Which rows of a source are exactly alike: 16 bytes a row.

    Args:
        source: Read once, here.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stamp = self._look()
        self._digests = array("Q")
        self._lines = array("Q")
        for item in items_of(source):
            if identity := item.identity:
                self._digests.append(_short(identity))
                self._lines.append(item.row.line)

    def fresh(self) -> bool:
        """Return whether the file is still as it was when it was read."""
        return self._look() == self._stamp

    def occurrence(self, identity: str, line: int) -> int:
        """Return which of the rows with this content the one at a line is, from 1.

        Raises:
            FtarenaError: There is another row at that line, or none.
        """
        short, place = _short(identity), bisect_left(self._lines, line)
        if place == len(self._lines) or self._lines[place] != line or self._digests[place] != short:
            raise FtarenaError(
                f"{clean_line(str(self._source.path))}:{line} has changed since it was read",
                "look at it again",
            )
        return self._digests[: place + 1].count(short)

    def _look(self) -> tuple[int, int]:
        info = self._source.path.stat()
        return (info.st_mtime_ns, info.st_size)


def _items(chunk: Chunk) -> Iterator[Item]:
    lines: list[bytes] = []
    for row in rows_of(chunk):
        if isinstance(row, Row) or not chunk.lines or row in chunk.rows:
            yield Item(row)
            continue
        lines = lines or chunk.lines.split(b"\n")
        raw = lines[row.line - chunk.first_line].rstrip(b"\r")
        yield Item(row, raw.decode("utf-8", "backslashreplace"))


def _short(identity: str) -> int:
    return int(identity[:16], 16)
