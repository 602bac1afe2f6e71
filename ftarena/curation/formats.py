"""Which format a file has: by unmistakable first bytes, else by its ending, else by how its text begins.

Only the beginning of a file is read here.
"""

import json
import re
import zlib
from pathlib import Path
from typing import Literal

from ftarena.errors import FtarenaError, from_os_error
from ftarena.text import clean_line

Format = Literal["jsonl", "json", "csv", "tsv", "parquet", "arrow"]
Compression = Literal["", "gz", "zst"]

DECISIONS, MANIFEST, DROPPED = ".decisions.jsonl", ".manifest.json", ".dropped.jsonl"
RECORDS = (DECISIONS, MANIFEST, DROPPED)
"""What the names of our own records end in, beside the file that they are about: they are no data."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
_COMPRESSIONS: dict[str, Compression] = {".gz": "gz", ".zst": "zst", ".zstd": "zst"}
ENDINGS = tuple(_FORMATS)
"""The endings of data files; each text format also with `.gz` or `.zst` after it."""

_READABLE = "read are .jsonl .json .csv .tsv .parquet .arrow, the text ones also with .gz or .zst"
_REMEDIES = {
    ".txt": "a text has no rows; to make every line one: jq -R '{{text: .}}' {file} > data.jsonl",
    ".md": 'a text has no rows; put each piece into a JSON line: {{"text": …}}',
    ".xlsx": "save the sheet as CSV (UTF-8) first",
    ".xls": "save the sheet as CSV (UTF-8) first",
    ".ods": "save the sheet as CSV (UTF-8) first",
    ".zip": "unpack it first: unzip {file}",
    ".bz2": "unpack it first: bunzip2 -k {file}",
    ".xz": "unpack it first: unxz -k {file}",
    ".tar": "unpack it first: tar xf {file}",
    ".tgz": "unpack it first: tar xzf {file}",
    ".pkl": "a pickle can run any program, so none is read; write it as JSON lines: df.to_json('data.jsonl', "
    "orient='records', lines=True)",
    ".sqlite": "write the table as JSON lines: sqlite-utils rows {file} TABLE --nl > data.jsonl",
    ".db": "write the table as JSON lines: sqlite-utils rows {file} TABLE --nl > data.jsonl",
}
_MAGICS: dict[bytes, str] = {
    b"PK\x03\x04": ".zip",
    b"BZh": ".bz2",
    b"\xfd7zXZ": ".xz",
    b"SQLite format 3": ".sqlite",
}
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_HEAD = 64 * 1024
_LINES_LOOKED_AT = 20


def named_format(path: Path) -> tuple[Format | None, Compression]:
    """Return what a file's name promises: `data.jsonl.gz` is `("jsonl", "gz")`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = _COMPRESSIONS.get(suffixes[-1], "") if suffixes else ""
    if compression:
        suffixes.pop()
    return (_FORMATS.get(suffixes[-1]) if suffixes else None), compression


def is_data_file(path: Path) -> bool:
    """Return whether a file's name says that it holds rows: not hidden, and not one of our own records."""
    return (
        named_format(path)[0] is not None
        and not path.name.startswith(".")
        and not path.name.endswith(RECORDS)
        and path.name not in ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
    )


def recognise(path: Path, format: Format | None = None) -> tuple[Format, Compression]:
    """Return how a file is written.

    Args:
        path: A file that can be read more than once.
        format: What the user says that it is; the compression is found out nevertheless.

    Raises:
        FtarenaError: There is no such file, or it is none of the formats that are read.
    """
    head = _head(path)
    compression: Compression = "gz" if head.startswith(_GZIP) else "zst" if head.startswith(_ZSTD) else ""
    named, promised = named_format(path)
    if promised and not compression and head and not _is_text(head):
        compression = promised  # reading then says what is wrong with the archive
    if format is not None:
        return format, compression
    if head.startswith(b"PAR1"):
        return "parquet", compression
    if head.startswith(b"ARROW1"):
        return "arrow", compression
    shown = clean_line(str(path))
    if head.startswith(b"FEA1"):
        raise FtarenaError(
            f"{shown} is a Feather file of version 1, which is not read",
            "write it again as version 2 or as Parquet: pandas.read_feather(…).to_parquet(…)",
        )
    if named is not None:
        return _written(_unpacked(head, compression), named), compression
    if remedy := _REMEDIES.get(path.suffix.lower()):
        raise FtarenaError(f"{shown}: files ending in {path.suffix} are not read", remedy.format(file=shown))
    for magic, suffix in _MAGICS.items():
        if head.startswith(magic):
            raise FtarenaError(
                f"{shown} is not a data file that is read here", _REMEDIES[suffix].format(file=shown)
            )
    if guess := _guess(_unpacked(head, compression)):
        return guess, compression
    raise FtarenaError(
        f"{shown}: neither its name nor its beginning says what it is", f"{_READABLE}: give it such an ending"
    )


def is_lines(head: bytes, promised: Format) -> bool:
    """Return whether JSON has one row a line, or is an array, an object or indented.

    People call both `.json`, and `jq .` writes indented objects into a `.jsonl`: what is written counts.

    Args:
        head: The beginning of the file, unpacked.
        promised: `jsonl` or `json`; decides where a single line can be both.
    """
    head = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    first, newline, rest = head.partition(b"\n")
    first, more = first.strip(), rest.lstrip()
    if head.startswith(b"["):
        # In JSON lines a list in a line of its own is a (wrong) row, unless it can be all rows of the file.
        alone = not more and re.match(rb"\[\s*\{", first)
        return promised == "jsonl" and first.endswith(b"]") and not alone
    if not head.startswith(b"{"):
        return True
    if promised == "jsonl":
        return not re.match(rb'\{\s*\n\s*"', head)
    return bool(newline and more.startswith(b"{") and _parses(first))


def _parses(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _written(head: bytes, named: Format) -> Format:
    """Return what a file is, whose name is believed unless its text is unmistakable."""
    if not _is_text(head):
        return named
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    first = text.partition(b"\n")[0].strip()
    if named in ("parquet", "arrow"):
        return _guess(head) or named
    if named in ("csv", "tsv"):
        return "jsonl" if first.startswith(b"{") and _parses(first) else named
    lines = [line.strip() for line in text.split(b"\n")[:_LINES_LOOKED_AT] if line.strip()]
    if len(lines) > 1 and not _parses(first) and not any(line.startswith((b"{", b"[")) for line in lines):
        between, guess = (b"\t", "tsv") if b"\t" in first else (b",", "csv")
        if all(between in line for line in lines[:2]):
            return "tsv" if guess == "tsv" else "csv"
    return named


def _is_text(head: bytes) -> bool:
    """Return whether a beginning is text in UTF-8, without control characters; its last one may be cut."""
    if not head or any(byte < 32 and byte not in b"\t\n\r" for byte in head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4
    return True


def _guess(head: bytes) -> Format | None:
    """Return the format of a file whose name says nothing."""
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    if not text or text.startswith((b"{", b"[")):
        return "jsonl"  # reading looks closer: see `is_lines`
    first = text.partition(b"\n")[0]
    if b"\0" in text:
        return None
    return "tsv" if b"\t" in first else "csv" if b"," in first else None


def _unpacked(head: bytes, compression: Compression) -> bytes:
    """Return the beginning of what an archive holds, nothing where it cannot be unpacked."""
    if compression == "gz":
        try:
            return zlib.decompressobj(wbits=31).decompress(head, _HEAD)
        except zlib.error:
            return b""
    if compression == "zst":
        import zstandard

        try:
            return zstandard.ZstdDecompressor().stream_reader(head).read(_HEAD)
        except zstandard.ZstdError:
            return b""
    return head


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except FileNotFoundError:
        raise FtarenaError(f"there is no file {clean_line(str(path))}", "check the path") from None
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> FtarenaError:
    """Return in words why the system does not let a file be read."""
    reason, shown = clean_line(error.strerror or str(error)), clean_line(str(path))
    said = from_os_error(error, str(path))
    hint = said.hint if said else "check the path"
    if isinstance(error, PermissionError):
        hint = f"see who may read it: ls -la {shown}"
    return FtarenaError(f"{shown} cannot be read: {reason}", hint)
