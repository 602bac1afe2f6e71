"""Reading any source: chunks, rows, one row by its line."""

from collections.abc import Iterable, Iterator
from itertools import chain

from ftarena.curation.formats import is_lines
from ftarena.curation.rows.blocks import Blocks, foreign_encoding
from ftarena.curation.rows.columnar import row_of_columnar, rows_of_columnar
from ftarena.curation.rows.lines import chunks_of_lines, row_at, rows_of_lines
from ftarena.curation.rows.objects import rows_of_objects
from ftarena.curation.rows.row import Chunk, Problem, Row
from ftarena.curation.rows.tables import rows_of_table
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError
from ftarena.text import clean_line

CHUNK_BYTES = 1 << 20
"""About how much of a file is one chunk of JSON lines."""

CHUNK_ROWS = 1000
"""How many rows are one chunk of any other format."""


def read_chunks(source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield a source's rows in chunks, holding only one chunk in memory.

    Args:
        source: Where to read.
        chunk_bytes: About how large a chunk of JSON lines is; a longer line makes a longer chunk.

    Raises:
        FtarenaError: There is no such file, or it cannot be read at all.
    """
    if source.format in ("parquet", "arrow"):
        yield from _chunked(source, rows_of_columnar(source))
        return
    blocks = _Begun(source, chunk_bytes)
    if wrong := foreign_encoding(blocks.head):
        yield Chunk(source, 1, rows=(Problem(source.path, 1, None, "encoding", wrong),))
    elif source.format in ("csv", "tsv"):
        yield from _chunked(source, rows_of_table(source, blocks))
    elif is_lines(blocks.head, source.format):
        yield from chunks_of_lines(source, blocks)
    else:
        yield from _chunked(source, rows_of_objects(source, blocks))


def rows_of(chunk: Chunk) -> Iterator[Row | Problem]:
    """Yield the rows of a chunk, parsed; empty lines are passed over."""
    yield from chunk.rows
    yield from rows_of_lines(chunk)


def read_rows(source: Source) -> Iterator[Row | Problem]:
    """Yield every row of a source, in order, one chunk in memory at a time.

    Raises:
        FtarenaError: There is no such file, or it cannot be read at all.
    """
    for chunk in read_chunks(source):
        yield from rows_of(chunk)


def read_row(source: Source, line: int) -> Row | Problem:
    """Return one row.

    JSON lines and Parquet are gone to directly, everything else is read up to there.

    Args:
        source: Where to read.
        line: The line in which it begins, from 1, as `Row.line` has it.

    Raises:
        FtarenaError: No row begins there, or the file cannot be read.
    """
    found = _row_at(source, line)
    if found is not None:
        return found
    before = 0
    for row in read_rows(source):
        if row.line > line:
            break
        before = row.line
        if before == line:
            return row
    else:
        raise FtarenaError(
            f"{clean_line(str(source.path))} has no row {line}",
            f"its last one is {before}" if before else "it holds no rows",
        )
    near = (
        f"the row before it begins in line {before}" if before else f"the first one begins in line {row.line}"
    )
    raise FtarenaError(f"no row begins in line {line} of {clean_line(str(source.path))}", near)


def _row_at(source: Source, line: int) -> Row | Problem | None:
    """Return a row that can be gone to directly; None where it cannot."""
    if line < 1:
        raise FtarenaError(f"{clean_line(str(source.path))} has no row {line}", "rows are counted from 1")
    if source.format == "parquet":
        return row_of_columnar(source, line)
    if source.format not in ("json", "jsonl") or source.compression:
        return None
    head = _Begun(source, CHUNK_BYTES).head
    if foreign_encoding(head) or not is_lines(head, source.format):
        return None
    return row_at(source, line)


class _Begun(Blocks):
    """Blocks of which the first was looked at, as `head`."""

    def __init__(self, source: Source, size: int) -> None:
        super().__init__(source, size)
        self._rest = super().__iter__()
        self.head = next(self._rest, b"")

    def __iter__(self) -> Iterator[bytes]:
        return chain([self.head] if self.head else [], self._rest)


def _chunked(source: Source, rows: Iterable[Row | Problem]) -> Iterator[Chunk]:
    held: list[Row | Problem] = []
    for row in rows:
        held.append(row)
        if len(held) == CHUNK_ROWS:
            yield Chunk(source, held[0].line, rows=tuple(held))
            held = []
    if held:
        yield Chunk(source, held[0].line, rows=tuple(held))
