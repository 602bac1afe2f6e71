"""The records of a file of JSON, JSON lines, CSV or Parquet, each with the place it has there."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ftarena.errors import FtarenaError


class Record(NamedTuple):
    """One record of a file."""

    file: Path
    number: int
    """Its line, or the how manyth it is, from 1."""

    by_line: bool
    values: dict[str, Any]

    def wrong(
        self, what: str, hint: str = "nothing was imported; correct it, or leave it out"
    ) -> FtarenaError:
        """Return the error that names this record."""
        place = f"{self.file}:{self.number}" if self.by_line else f"{self.file}: record {self.number}"
        return FtarenaError(f"{place}: {what}", hint)


def records(file: Path) -> Iterator[Record]:
    """Yield the records of a file, told by its content: Parquet, a JSON array, JSON lines, else CSV.

    Raises:
        FtarenaError: It cannot be read, or is not what it begins as (`FILE:LINE: what`).
    """
    try:
        with file.open("rb") as raw:  # once: it may be a pipe
            start = raw.read(4)
            content = b"" if start == b"PAR1" else start + raw.read()
    except OSError as error:
        raise FtarenaError(f"cannot read {file}: {error.strerror or error}", f"ls -la {file}") from error
    if start == b"PAR1":
        yield from _parquet(file)
        return
    text = _text(file, content)
    beginning = text[:256].lstrip()
    if beginning.startswith("["):
        yield from _array(file, text)
    elif beginning.startswith("{"):
        yield from _lines(file, text)
    else:
        yield from _table(file, text)


def _text(file: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise FtarenaError(
            f"{file}:{line}: not UTF-8", f"convert it: iconv -f LATIN1 -t UTF-8 {file} > utf8{file.suffix}"
        ) from error


def _array(file: Path, text: str) -> Iterator[Record]:
    for number, values in enumerate(_parsed(file, text, 1), start=1):
        yield _record(file, number, False, values)


def _lines(file: Path, text: str) -> Iterator[Record]:
    # Split at line feeds alone: JSON may hold U+2028 as it is, which str.splitlines takes for a line end.
    lines = text.split("\n")
    if len(lines) > 1 and not _is_whole(lines[0]):  # one object over several lines
        yield _record(file, 1, False, _parsed(file, text, 1))
        return
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _record(file, number, True, _parsed(file, line, number))


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return line.rstrip().endswith("}")  # a line of its own that is broken
    return True


def _parsed(file: Path, text: str, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = line + error.lineno - 1
        raise FtarenaError(f"{file}:{at}: no JSON ({error.msg})", f"see it: sed -n {at}p {file}") from error
    except (RecursionError, ValueError) as error:  # nested too deep; a number of thousands of digits
        raise FtarenaError(
            f"{file}:{line}: no JSON that can be read ({error})", "is it the right file?"
        ) from error


def _table(file: Path, text: str) -> Iterator[Record]:
    limit = csv.field_size_limit(2**31 - 1)  # answers may be longer than 131,072 characters
    try:
        reader = csv.reader(iter(text.splitlines(keepends=True)), strict=True)
        header: list[str] | None = None
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise FtarenaError(f"{file}:{line}: {error}", f"see it: sed -n {line}p {file}") from error
            if header is None:
                header = cells
            elif cells:
                if len(cells) != len(header):
                    raise FtarenaError(
                        f"{file}:{line}: {len(cells)} cells where the first line has {len(header)}",
                        f"see it: sed -n {line}p {file}",
                    )
                yield Record(file, line, True, dict(zip(header, cells, strict=True)))
    finally:
        csv.field_size_limit(limit)


def _parquet(file: Path) -> Iterator[Record]:
    import pyarrow
    import pyarrow.parquet

    try:
        opened = pyarrow.parquet.ParquetFile(file)
        number = 0
        for batch in opened.iter_batches(batch_size=1024):
            for values in batch.to_pylist():
                number += 1
                yield Record(file, number, False, values)
    except (pyarrow.ArrowException, OSError) as error:
        raise FtarenaError(f"cannot read {file}: {error}", "is it whole? Fetch it again") from error


def _record(file: Path, number: int, by_line: bool, values: object) -> Record:
    if not isinstance(values, dict):
        raise Record(file, number, by_line, {}).wrong(f"a record is an object, found {type(values).__name__}")
    return Record(file, number, by_line, values)
