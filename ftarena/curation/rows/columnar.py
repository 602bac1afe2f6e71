"""Parquet and Arrow: rows out of columns, as plain JSON values.

Dates and times become ISO text, decimals text, NaN (which table libraries write for a missing number) null.
Bytes and infinite numbers are problems of their row. A row's line is its number, from 1. What Arrow says
about a file goes through `_said` and never reaches a user as it is.
"""

import datetime
import math
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ftarena.curation.examples import BadRow
from ftarena.curation.formats import unreadable
from ftarena.curation.rows.row import Problem, Row
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError
from ftarena.text import clean_line, shorten

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 500
"""Rows that are held as Python objects at a time: of 2 kB each about 3 MB."""


def rows_of_columnar(source: Source) -> Iterator[Row | Problem]:
    """Yield every row of a Parquet or Arrow file; where it is damaged, the rows before it and one problem.

    Raises:
        FtarenaError: There is no such file, or it is damaged so that no row can be read.
    """
    if source.compression:
        shown, unpack = clean_line(str(source.path)), "gunzip" if source.compression == "gz" else "unzstd"
        raise FtarenaError(f"{shown}: {source.format} is not read packed", f"unpack it: {unpack} {shown}")
    line = 1
    try:
        for batch in _parquet(source) if source.format == "parquet" else _arrow(source):
            for row in _rows(source, batch, line):
                yield row
                line = row.line + 1
    except _Damage as damage:
        if line == 1:
            raise FtarenaError(
                f"{clean_line(str(source.path))} {damage}", "copy or export the file again"
            ) from None
        yield Problem(source.path, line, None, "torn", f"the file {damage}: the rows from here on are lost")


def row_of_columnar(source: Source, wanted: int) -> Row | Problem:
    """Return one row of a Parquet file; only its row group is read.

    Args:
        source: A Parquet file.
        wanted: Its number, from 1.

    Raises:
        FtarenaError: The file has no such row, or cannot be read.
    """
    first, group = 1, 0
    try:
        with _opened(source) as file:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if wanted < first + rows:
                    break
                first += rows
            else:
                raise FtarenaError(
                    f"{clean_line(str(source.path))} has no row {wanted}", f"it has {file.metadata.num_rows}"
                )
        for batch in _parquet(source, [group]):
            if wanted < first + batch.num_rows:
                return next(_rows(source, batch.slice(wanted - first, 1), wanted))
            first += batch.num_rows
    except _Damage as damage:
        raise FtarenaError(
            f"{clean_line(str(source.path))} {damage}", "copy or export the file again"
        ) from None
    raise FtarenaError(
        f"{clean_line(str(source.path))} ends before row {wanted}", "copy or export the file again"
    )


class _Damage(Exception):
    """What is wrong with a file, as words that follow its name."""


def _opened(source: Source) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Without pre-buffering, which holds a whole row group: writers make them of a million rows.
        return pq.ParquetFile(source.path, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _said(source, error) from None


def _parquet(source: Source, groups: list[int] | None = None) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    with _opened(source) as file:
        try:
            yield from file.iter_batches(batch_size=BATCH_ROWS, row_groups=groups, use_threads=False)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _said(source, error) from None


def _arrow(source: Source) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    try:
        with source.path.open("rb") as file:
            as_file = file.read(6) == b"ARROW1"
        # Mapped, so that of a batch only what is looked at comes into memory.
        with pa.memory_map(os.fspath(source.path)) as mapped:
            if as_file:
                reader = pa.ipc.open_file(mapped)
                batches = (reader.get_batch(index) for index in range(reader.num_record_batches))
            else:
                batches = iter(pa.ipc.open_stream(mapped))
            for batch in batches:
                batch.validate(full=True)  # else damaged offsets would be followed anywhere
                for start in range(0, batch.num_rows, BATCH_ROWS):
                    yield batch.slice(start, BATCH_ROWS)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _said(source, error) from None


def _said(source: Source, error: Exception) -> Exception:
    """Return in words what Arrow or the system says."""
    if isinstance(error, FileNotFoundError):
        return FtarenaError(f"there is no file {clean_line(str(source.path))}", "check the path")
    if isinstance(error, OSError) and error.errno is not None:
        return unreadable(source.path, error)
    kind = "a Parquet" if source.format == "parquet" else "an Arrow"
    text = str(error).casefold()
    if "memory" in text and "alloc" in text:
        return _Damage("needs more memory than there is")
    if "encrypted" in text:
        return _Damage("is encrypted")
    if (
        "magic bytes" in text
        or "footer" in text
        or "not an arrow file" in text
        or "too small" in text
        or "smaller than" in text
    ):
        return _Damage(f"is not {kind} file, or its end is missing")
    if "not implemented" in text or "codec" in text or "unsupported" in text:
        return _Damage(f"uses something of the format that is not read here ({shorten(str(error), 80)})")
    return _Damage(f"is no intact {kind.split()[1]} file")


def _rows(source: Source, batch: "pa.RecordBatch", line: int) -> Iterator[Row | Problem]:
    import pyarrow as pa

    try:
        names = batch.schema.names
        twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
        if twice is not None:
            raise FtarenaError(
                f"{clean_line(str(source.path))} has two columns called {shorten(twice, 40)!r}",
                "rename one of them",
            )
        values = batch.to_pylist()
    except UnicodeDecodeError:
        if batch.num_rows > 1:
            for index in range(batch.num_rows):
                yield from _rows(source, batch.slice(index, 1), line + index)
        else:
            yield Problem(source.path, line, None, "encoding", "not UTF-8; write the column as UTF-8 text")
        return
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise _said(source, error) from None
    plain = all(_is_plain(field.type) for field in batch.schema)
    for number, value in enumerate(values, line):
        try:
            yield Row(source.path, number, value if plain else _plain(value, ""))
        except BadRow as bad:
            yield Problem(source.path, number, None, bad.code, str(bad))


def _is_plain(kind: "pa.DataType") -> bool:
    """Return whether Arrow gives JSON values for a type."""
    from pyarrow import types

    if types.is_struct(kind):
        return all(_is_plain(kind.field(index).type) for index in range(kind.num_fields))
    if types.is_list(kind) or types.is_large_list(kind):
        return _is_plain(kind.value_type)
    simple: list[Callable[[Any], bool]] = [
        types.is_string,
        types.is_large_string,
        types.is_boolean,
        types.is_integer,
        types.is_null,
    ]
    return any(is_a(kind) for is_a in simple)


def _plain(value: Any, where: str) -> Any:
    """Return a value as JSON has it.

    Args:
        value: What Arrow made of it.
        where: Its column and the way into it, for messages.

    Raises:
        BadRow: It is bytes or something else that JSON has not.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise BadRow("type", f"{where} is infinite: expected a number or null")
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {
            key: _plain(item, f"{where}.{key}" if where else shorten(str(key), 40))
            for key, item in value.items()
        }
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) for item in value):  # a map
            return {str(key): _plain(item, f"{where}.{key}") for key, item in value}
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal | UUID):
        return str(value)
    found = "bytes" if isinstance(value, bytes | bytearray | memoryview) else type(value).__name__
    raise BadRow("type", f"{where} holds {found}: expected text, numbers, lists or objects")
