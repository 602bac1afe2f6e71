"""Reading single rows of files of any size: where each row is, and how it begins.

A JSONL file is indexed once (where each line begins); a row is read when it is looked at. Of other formats,
which cannot be entered in the middle, the beginning of each row's text is kept instead.
"""

import json
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path

from ftarena.curation.rows import Chunk, Problem, Row, read_row, read_rows, rows_of
from ftarena.curation.shapes.values import kind_of
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError
from ftarena.text import shorten

MOST_ROWS = 1_000_000
"""Of one file that are listed: 16 MB. A check looks at all of them."""

_PREVIEW_BYTES = 4_096
_PREVIEW = 160
_FEW = 8
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_BLOCK = 1 << 20

Place = tuple[Path, int]
"""A row: its file and line."""


class RowTable:
    """The rows of one source: which lines they are on, and how each begins."""

    def __init__(self, source: Source) -> None:
        """Prepare an empty table; `build` fills it."""
        self.source = source
        self.lines = array("Q")
        self._offsets = array("Q")
        self._beginnings: list[str] = []

    @classmethod
    def build(cls, source: Source, keep: Callable[[str], bool] | None = None) -> "RowTable":
        """Read a source once and return its table.

        Args:
            source: What to read.
            keep: Takes the text of a row (JSON); only the rows for which it is true are listed.

        Raises:
            FtarenaError: It cannot be read.
        """
        table = cls(source)
        if _plain_jsonl(source):
            table._index(keep)
        else:
            for row in islice(_matching(read_rows(source), keep), MOST_ROWS):
                table.lines.append(row.line)
                table._beginnings.append(beginning(row))
        return table

    def __len__(self) -> int:
        return len(self.lines)

    def _index(self, keep: Callable[[str], bool] | None) -> None:
        try:
            with self.source.path.open("rb", buffering=_BLOCK) as file:
                offset = 0
                for number, raw in enumerate(file, 1):
                    if not raw.isspace() and (keep is None or keep(raw.decode("utf-8", "replace"))):
                        self.lines.append(number)
                        self._offsets.append(offset)
                        if len(self.lines) == MOST_ROWS:
                            break
                    offset += len(raw)
        except OSError as error:
            raise FtarenaError(
                f"{self.source.path} cannot be read: {error.strerror or error}", "check the path"
            ) from error

    def place_of(self, line: int) -> int | None:
        """Return the number of the row on a line."""
        number = bisect_left(self.lines, line)
        return number if number < len(self.lines) and self.lines[number] == line else None

    def beginnings(self, first: int, last: int) -> list[str]:
        """Return how some rows begin, in words; call it off the event loop.

        Args:
            first: Number of the first row.
            last: Number of the row behind the last one.
        """
        if self._beginnings:
            return self._beginnings[first:last]
        found = []
        try:
            with self.source.path.open("rb") as file:
                for number in range(first, min(last, len(self))):
                    file.seek(self._offsets[number])
                    raw = file.readline(_PREVIEW_BYTES)
                    found.append(self._beginning(raw, self.lines[number]))
        except OSError:
            found += ["(the file is gone)"] * (min(last, len(self)) - first - len(found))
        return found

    def _beginning(self, raw: bytes, line: int) -> str:
        if not raw.endswith(b"\n") and len(raw) == _PREVIEW_BYTES:  # a row too long to be parsed for a list
            return shorten(raw.decode("utf-8", "replace"), _PREVIEW)
        rows = list(rows_of(Chunk(self.source, line, raw)))
        return beginning(rows[0]) if rows else ""


def beginning(row: Row | Problem) -> str:
    """Return in a line what a row is about: what is asked in it, or what is wrong with it."""
    if isinstance(row, Problem):
        return shorten(f"✕ {row.message}", _PREVIEW)
    if not isinstance(row.value, dict):
        shown = json.dumps(row.value, ensure_ascii=False)
        return shorten(f"✕ no row but {kind_of(row.value)}: {shown}", _PREVIEW)
    return shorten(_first_text(row.value), _PREVIEW)


_ASKED = ("prompt", "instruction", "question", "input", "query", "text")


def _first_text(value: object) -> str:
    """Return the first thing a user says in a row, whatever its shape; else the first text in it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        turns = [turn for turn in value if isinstance(turn, dict)]
        asked = [t for t in turns if t.get("role", t.get("from")) in ("user", "human")] or turns
        for turn in asked or value:
            said = turn.get("content", turn.get("value")) if isinstance(turn, dict) else turn
            if isinstance(said, str) and said.strip():
                return said
        return ""
    if isinstance(value, dict):
        for key in (*(key for key in _ASKED if key in value), *value):
            if text := _first_text(value[key]):
                return text
    return "" if value is None or isinstance(value, dict) else str(value)


def read_place(source: Source, line: int) -> tuple[Row | Problem, str]:
    """Return one row, and for one that cannot be read its line as text (else nothing).

    Raises:
        FtarenaError: The file or the row is gone.
    """
    row = read_row(source, line)
    if isinstance(row, Row) or not _plain_jsonl(source):
        return row, ""
    with source.path.open("rb") as file:
        raw = next(islice(file, line - 1, line), b"")
    return row, raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def read_places(source: Source, lines: Collection[int]) -> list[Row | Problem]:
    """Return the rows on some lines, in order; many of them in one pass over the file.

    Raises:
        FtarenaError: The file or a row is gone.
    """
    if len(lines) <= _FEW:
        return [read_row(source, line) for line in sorted(lines)]
    wanted = set(lines)
    found = []
    for row in read_rows(source):
        if row.line in wanted:
            found.append(row)
            if len(found) == len(wanted):
                return found
    raise FtarenaError(f"{source.path} has changed since it was checked", "C checks again")


def key_of(place: Place) -> str:
    """Return a row's key in a list."""
    return f"{place[0]}\0{place[1]}"


def place_of_key(key: str) -> Place | None:
    """Return the row that a key stands for, or None where it stands for something else."""
    path, mark, line = key.rpartition("\0")
    return (Path(path), int(line)) if mark else None


def where(place: Place, *, many: bool) -> str:
    """Return where a row is, in the words of a list: its line, with the file's name if there are several."""
    return f"{place[0].name}:{place[1]}" if many else str(place[1])


def matcher(needle: str) -> Callable[[str], bool]:
    """Return whether a row's JSON holds a text, ignoring case; letters that are escaped are found, too."""
    wanted = {needle.casefold(), json.dumps(needle, ensure_ascii=False)[1:-1].casefold()}

    def holds(text: str) -> bool:
        if "\\u" in text:
            text = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins halves of pairs
        text = text.casefold()
        return any(spelling in text for spelling in wanted)

    return holds


def _matching(rows: Iterator[Row | Problem], keep: Callable[[str], bool] | None) -> Iterator[Row | Problem]:
    for row in rows:
        text = row.message if isinstance(row, Problem) else json.dumps(row.value, ensure_ascii=False)
        if keep is None or keep(text):
            yield row


def _plain_jsonl(source: Source) -> bool:
    return source.format == "jsonl" and not source.compression
