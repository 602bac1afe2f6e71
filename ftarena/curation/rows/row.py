"""What reading gives: rows, problems, and chunks of both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftarena.curation.sources import Source


@dataclass(frozen=True, slots=True)
class Row:
    """One parsed row, not yet understood."""

    file: Path
    line: int
    """Where it begins, from 1; in Parquet and Arrow the number of the row.

    Lines grow from row to row: of JSON elements on one line the second counts as the next line, so that in
    an array written on one line it is the number of the element.
    """

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
    """The line of `lines`' first byte, or of the first of `rows`."""

    lines: bytes = b""
    """Whole lines of JSONL, not yet parsed; or nothing, and the rows are in `rows`."""

    rows: tuple[Row | Problem, ...] = ()
