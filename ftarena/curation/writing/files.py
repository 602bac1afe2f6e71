"""Rows into a file, whole or not at all: written aside, flushed to the disk, then given its name.

Rows are taken one by one and never held all at once. A table needs to know all its columns before its first
row, and Parquet and Arrow their types: rows are put aside as JSON lines first, looked at on the way, and then
written.
"""

import csv
import gzip
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ftarena.curation.formats import ENDINGS, Compression, Format, named_format
from ftarena.curation.writing.arrow import Kind, column_kind, joined, kind_of, value_as, write_columnar
from ftarena.curation.writing.asides import aside_of
from ftarena.errors import FtarenaError, from_os_error
from ftarena.text import clean_line

Rows = Iterable[Mapping[str, Any]]


def write_rows(
    rows: Rows,
    path: Path,
    *,
    overwrite: bool = False,
    format: Format | None = None,
    finish: Callable[[Path, int], None] | None = None,
) -> int:
    """Write rows to a file; the format is that of its ending, packed where it ends in `.gz` or `.zst`.

    In CSV and TSV lists and objects are JSON in their cell, and null is an empty cell. In Parquet and Arrow a
    column has the one type that fits all its rows; where none does it is text, with JSON for what is no text.

    Args:
        rows: JSON values by column. They are taken once, in order; not all rows need all columns.
        path: Where to; its folder must be there.
        overwrite: Whether a file that is there may be replaced.
        format: How, where the ending does not say.
        finish: Called with the whole file, before it gets its name, and the number of its rows; where it
            raises, nothing is left.

    Returns:
        How many rows were written.

    Raises:
        FtarenaError: The file is there already, the ending is unknown, a row holds what JSON has not, or the
            disk refuses. Nothing is left behind then.
    """
    shown = clean_line(str(path))
    named, compression = named_format(path)
    written = format or named
    if written is None:
        raise FtarenaError(
            f"{shown}: it is not known how to write it", f"end it in one of {' '.join(ENDINGS)}"
        )
    if compression and written in ("parquet", "arrow"):
        raise FtarenaError(
            f"{shown}: {written} files are packed inside", f"leave .{compression} out of the name"
        )
    if not overwrite:
        _check_free(path)
    aside = aside_of(path)
    try:
        try:
            with aside.open("xb") as file:
                count = _write(rows, file, written, compression, path)
                file.flush()
                os.fsync(file.fileno())
            if not overwrite:
                _check_free(path)
            if finish is not None:
                finish(aside, count)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise from_os_error(error, str(path)) or FtarenaError(
            f"{shown} cannot be written: {error.strerror or error}", "check the path"
        ) from error
    return count


def _check_free(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise FtarenaError(
            f"{clean_line(str(path))} is there already", "choose another name, or say --overwrite"
        )


def _write(rows: Rows, file: IO[bytes], format: Format, compression: Compression, path: Path) -> int:
    shown = clean_line(str(path))
    if format in ("jsonl", "json"):
        with _packed(file, compression) as out:
            return _write_json(rows, out, array=format == "json", shown=shown)
    # Beside the file, since /tmp may be small; without a name, so that it goes with the process in any case.
    with tempfile.TemporaryFile(dir=path.parent) as spool:
        kinds: dict[str, Kind] = {}
        count = _write_json(_looked_at(rows, kinds), spool, array=False, shown=shown, ascii=True)
        spool.seek(0)
        again = (json.loads(line) for line in spool)
        columns = {name: column_kind(kind) for name, kind in kinds.items()}
        if format in ("parquet", "arrow"):
            write_columnar(again, file, columns, format, shown)
        else:
            with _packed(file, compression) as out:
                _write_table(again, out, list(columns), "\t" if format == "tsv" else ",", shown)
    return count


def _looked_at(rows: Rows, kinds: dict[str, Kind]) -> Iterator[Mapping[str, Any]]:
    """Pass rows on, and note of every column what kind of values it has."""
    for row in rows:
        for name, value in row.items():
            kinds[name] = joined(kinds.get(name), kind_of(value))
        yield row


def _write_json(rows: Rows, out: IO[bytes], *, array: bool, shown: str, ascii: bool = False) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        try:
            text = json.dumps(row, ensure_ascii=ascii, allow_nan=False)
        except (ValueError, TypeError, RecursionError) as error:
            raise FtarenaError(
                f"{shown}: row {count} holds what JSON has not: {clean_line(str(error))}", "mend that row"
            ) from None
        try:
            line = text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which only an escape can hold
            line = json.dumps(row).encode()
        out.write((b"[\n" if count == 1 else b",\n") + line if array else line + b"\n")
    if array:
        out.write(b"\n]\n" if count else b"[]\n")
    return count


def _write_table(rows: Rows, out: IO[bytes], columns: list[str], between: str, shown: str) -> None:
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, delimiter=between, lineterminator="\n")
    if columns:
        writer.writerow(columns)
    for count, row in enumerate(rows, 1):
        try:
            writer.writerow([_cell(row.get(name)) for name in columns])
        except UnicodeEncodeError:
            raise FtarenaError(
                f"{shown}: row {count} has half of a surrogate pair, which is no character", "mend that row"
            ) from None
    text.flush()
    text.detach()


def _cell(value: Any) -> str:
    return "" if value is None else str(value_as(value, "json"))


@contextmanager
def _packed(file: IO[bytes], compression: Compression) -> Iterator[Any]:
    """Give what is written the packing of its file; the file itself stays open."""
    if compression == "gz":
        # No name and no time inside: the same rows make the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as out:
            yield out
    elif compression == "zst":
        import zstandard

        with zstandard.ZstdCompressor(level=6).stream_writer(file, closefd=False) as packer:
            yield packer
    else:
        yield file
