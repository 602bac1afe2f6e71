"""Files of lines: cut into blocks of whole lines, and JSON lines parsed."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from ftarena.curation.examples import BadRow
from ftarena.curation.formats import BYTE_ORDER_MARK
from ftarena.curation.rows.blocks import Blocks
from ftarena.curation.rows.row import Chunk, Problem, Row
from ftarena.curation.rows.values import MAX_ROW_BYTES, parse_line
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError
from ftarena.text import clean_line


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines that follow each other; the last of a file may lack its end."""

    first: int
    """Number of the first line, from 1."""

    raw: bytes
    """Empty for a line that is too long to be held."""

    code: str = ""
    """What is wrong with line `first`, where it could not be read: a code of findings, with `message`."""

    message: str = ""


def whole_lines(blocks: Blocks) -> Iterator[Lines]:
    """Yield a file's lines, many at a time, in memory bounded by a block and the longest allowed line.

    The last of them says what is wrong with the archive, if anything is.

    Args:
        blocks: The file.
    """
    line, held = 1, 0
    begun: list[bytes] = []  # the pieces of a line whose end was not yet seen
    passing = False  # whether the rest of a line that is too long is passed over
    for block in blocks:
        if passing:
            end = block.find(b"\n") + 1
            if not end:
                continue
            block, passing, line = block[end:], False, line + 1
        cut = block.rfind(b"\n") + 1
        if cut:
            raw = b"".join([*begun, block[:cut]])
            yield Lines(line, raw)
            line += raw.count(b"\n")
            begun, held = [], 0
        if len(block) > cut:
            begun.append(block[cut:])
            held += len(block) - cut
        if held > MAX_ROW_BYTES:
            begun, held, passing = [], 0, True
            yield Lines(line, b"", "json", too_long())
    if blocks.damage:
        yield Lines(line, b"", "torn", blocks.damage)
    elif begun:
        yield Lines(line, b"".join(begun))


def too_long() -> str:
    """Return what is said of a line that is too long to be held."""
    return f"a line of more than {MAX_ROW_BYTES >> 20} MiB: is it one row?"


def chunks_of_lines(source: Source, blocks: Blocks) -> Iterator[Chunk]:
    """Yield JSON lines as they are, not yet parsed."""
    for lines in whole_lines(blocks):
        bad = (Problem(source.path, lines.first, None, lines.code, lines.message),) if lines.code else ()
        yield Chunk(source, lines.first, lines.raw, bad)


def rows_of_lines(chunk: Chunk) -> Iterator[Row | Problem]:
    """Yield the rows of a chunk of JSON lines; empty lines are passed over."""
    file = chunk.source.path
    for line, raw in enumerate(io.BytesIO(chunk.lines), chunk.first_line):
        # Not only in the first line: files that were put together have it in the middle.
        raw = raw.removeprefix(BYTE_ORDER_MARK).rstrip(b"\r\n")
        if not raw or raw.isspace():
            continue
        try:
            yield Row(file, line, parse_line(raw))
        except BadRow as bad:
            yield Problem(file, line, bad.column, bad.code, str(bad))


def row_at(source: Source, wanted: int) -> Row | Problem | None:
    """Return the row in one line of an unpacked file, parsing nothing before it; None for an empty line.

    Args:
        source: A file of lines that is not packed.
        wanted: Its number, from 1.

    Raises:
        FtarenaError: The file has no such line, or cannot be read.
    """
    raw = line_at(source, wanted)
    if len(raw) > MAX_ROW_BYTES:
        return Problem(source.path, wanted, None, "json", too_long())
    return next(rows_of_lines(Chunk(source, wanted, raw)), None)


def line_at(source: Source, wanted: int) -> bytes:
    """Return one line of an unpacked file as it is; of a line that is too long for a row, its beginning.

    Args:
        source: A file of lines that is not packed.
        wanted: Its number, from 1.

    Raises:
        FtarenaError: The file has no such line, or cannot be read.
    """
    blocks = Blocks(source, 1 << 20)
    line, last = 1, 0
    begun: list[bytes] = []
    for block in blocks:
        there = block.count(b"\n")
        if line + there < wanted:
            line += there
            last = line - block.endswith(b"\n")
            continue
        start = 0
        while line < wanted:
            start = block.index(b"\n", start) + 1
            line += 1
        end = block.find(b"\n", start) + 1
        begun.append(block[start:end] if end else block[start:])
        if end or sum(map(len, begun)) > MAX_ROW_BYTES:
            break
    if not any(begun):
        last = wanted - 1 if begun else last
        raise FtarenaError(f"{clean_line(str(source.path))} has no line {wanted}", f"it has {last}")
    return b"".join(begun)
