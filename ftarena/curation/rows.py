"""From a file to rows, each knowing its line; what cannot be parsed becomes a problem and stops nothing.

A file is read in chunks of whole rows, so that files larger than memory can be read, and so that several
processes can share the parsing: a chunk of JSONL is unparsed bytes until `rows_of` takes it.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftarena.curation.examples import BadRow
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError

CHUNK_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Row:
    """One parsed row, not yet understood."""

    file: Path
    line: int
    value: Any
    """As JSON has it: objects, lists, texts, numbers, true, false, null."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that makes a row unusable."""

    file: Path
    line: int
    column: int | None
    code: str
    """Stable name of the kind of problem, a code of `ftarena.curation.findings`."""

    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")
        return f"{place}: {self.message}"


@dataclass(frozen=True)
class Chunk:
    """Some rows of one source that follow each other; can be sent to another process."""

    source: Source
    first_line: int
    lines: bytes = b""
    """Whole lines of JSONL, not yet parsed; or nothing, and the rows are in `rows`."""

    rows: tuple[Row | Problem, ...] = ()


def read_chunks(source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield a source's rows in chunks, holding only one chunk in memory.

    Args:
        source: Where to read.
        chunk_bytes: About how large a chunk is; a longer line makes a longer chunk.

    Raises:
        FtarenaError: There is no such file, or it cannot be read at all.
    """
    try:
        with source.path.open("rb") as file:
            line = 1
            while block := file.readlines(chunk_bytes):
                yield Chunk(source, line, b"".join(block))
                line += len(block)
    except FileNotFoundError:
        raise FtarenaError(f"there is no file {source.path}", "check the path") from None
    except OSError as error:
        raise FtarenaError(f"{source.path} cannot be read: {error.strerror or error}") from error


def rows_of(chunk: Chunk) -> Iterator[Row | Problem]:
    """Yield the rows of a chunk, parsed; empty lines are passed over."""
    yield from chunk.rows
    file = chunk.source.path
    for line, raw in enumerate(io.BytesIO(chunk.lines), chunk.first_line):
        # Not only in the first line: files that were put together have it in the middle.
        raw = raw.removeprefix(_BYTE_ORDER_MARK)
        if not raw.strip():
            continue
        try:
            yield Row(file, line, _parse(raw))
        except BadRow as bad:
            yield Problem(file, line, bad.column, bad.code, str(bad))


def read_rows(source: Source) -> Iterator[Row | Problem]:
    """Yield every row of a source, in order, one chunk in memory at a time.

    Raises:
        FtarenaError: There is no such file, or it cannot be read at all.
    """
    for chunk in read_chunks(source):
        yield from rows_of(chunk)


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw.rstrip(b"\r\n").decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRow(
            "encoding", f"not UTF-8 (byte 0x{raw[error.start]:02x}); save the file as UTF-8", error.start + 1
        ) from None
    except json.JSONDecodeError as error:
        hint = ""
        if raw.lstrip().startswith(b"[") or raw.strip() in (b"{", b"]", b"}"):
            hint = "; this looks like a JSON array or an indented object, one object a line is needed"
        raise BadRow("json", f"broken JSON: {error.msg.lower()}{hint}", error.pos + 1) from None
    except ValueError:
        raise BadRow("json", "a number with more digits than Python reads") from None
    except RecursionError:
        raise BadRow("json", "broken JSON: nested too deeply") from None
