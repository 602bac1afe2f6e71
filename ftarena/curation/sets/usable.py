"""The rows of a source that can be used, and a strict account of those that cannot.

Whatever writes a new file of rows (apply, split, mix, convert) reads its sources through here: a row that
cannot be used stops it, unless dropping was asked for; then each dropped line is written down with its place
and what is wrong with it.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ftarena.curation.decisions.identity import Item, items_of
from ftarena.curation.examples import BadRow, Example
from ftarena.curation.formats import DROPPED, RECORDS
from ftarena.curation.reading import DataError, usable_shapes
from ftarena.curation.rows import Problem, Row
from ftarena.curation.sets.carrying import plain_row
from ftarena.curation.shapes import example_of
from ftarena.curation.sources import Source
from ftarena.curation.writing.asides import aside_of
from ftarena.errors import FtarenaError, UsageError, from_os_error
from ftarena.text import clean_line

_MOST = 1000
# Problems after which a file is not read on: one of another format has as many as lines.


@dataclass(frozen=True, slots=True)
class Usable:
    """A row that can be used, as it was written and as it is meant."""

    source: Source
    row: Row
    example: Example

    def value(self) -> dict[str, Any]:
        """Return the row as anybody reads it who does not know what its source's columns mean.

        As it was written, with everything that is in it; columns that had to be named get our names.
        """
        return plain_row(self.row.value, self.example, self.source)


class BadRows:
    """What happens to rows that cannot be used: they stop everything, or they are dropped and written down.

    A context: on leaving it in peace the record is given its name, and replaces that of an earlier try; on
    leaving it by an error nothing is left.

    Args:
        record: Where dropped lines are written; None: nothing may be dropped.
    """

    def __init__(self, record: Path | None = None) -> None:
        self.record = record
        self.count = 0
        """Rows that were dropped."""

        self._aside = record and aside_of(record)
        self._file: IO[str] | None = None
        self._held: list[Problem] = []

    def __enter__(self) -> "BadRows":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.record is None or self._aside is None:
            return
        try:
            if self._file is not None:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
            if error is None and self.count:
                self._aside.replace(self.record)
            elif error is None:
                self.record.unlink(missing_ok=True)
        except OSError as refused:
            raise from_os_error(refused, str(self.record)) or FtarenaError(
                f"{self.record} cannot be written: {refused}"
            ) from refused
        finally:
            self._aside.unlink(missing_ok=True)

    def take(self, item: Item, problem: Problem, source: Source) -> None:
        """Account for a row that cannot be used.

        Raises:
            DataError: There are very many, or the file is cut off: how many rows that drops is not known.
        """
        if problem.code == "torn":
            raise DataError([problem])
        if self.record is None:
            self._held.append(problem)
            if len(self._held) >= _MOST:
                self.check(source)
            return
        self.count += 1
        self._write(item, problem)

    def check(self, source: Source) -> None:
        """Refuse to go on where rows cannot be used and dropping was not asked for.

        Raises:
            DataError: There are some; the first ten are named.
        """
        if self._held:
            look = f"ftarena check {clean_line(str(source.path))}{source.options}"
            hint = f"mend them ({look}), exclude them (ftarena data exclude), or say --drop-bad"
            raise DataError(self._held, hint)

    def _write(self, item: Item, problem: Problem) -> None:
        line: dict[str, Any] = {
            "file": str(problem.file),
            "line": problem.line,
            "column": problem.column,
            "code": problem.code,
            "message": problem.message,
        }
        line |= {"row": item.row.value} if isinstance(item.row, Row) else {"text": item.text}
        try:
            if self._file is None and self._aside is not None:
                self._file = self._aside.open("x", encoding="utf-8", errors="backslashreplace")
            if self._file is not None:
                self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as refused:
            raise from_os_error(refused, str(self.record)) or FtarenaError(
                f"{self.record} cannot be written: {refused}"
            ) from refused


def usable_rows(
    source: Source, bad: BadRows | None = None, items: Iterable[Item] | None = None
) -> Iterator[Usable]:
    """Yield the rows of a source that can be used, in order; what that is, `usable_shapes` says.

    Args:
        source: Where they are.
        bad: What happens to the others; None: they were accounted for before, and are passed over.
        items: What is in the source, where it was read already or changed on the way.

    Raises:
        DataError: After the last row, where some cannot be used and none may be dropped.
        FtarenaError: The source cannot be read, or holds no row at all.
    """
    shapes = usable_shapes(source)
    for item in items_of(source) if items is None else items:
        row = item.row
        if isinstance(row, Problem):
            if bad is not None:
                bad.take(item, row, source)
            continue
        try:
            example = example_of(row.file, row.line, row.value, shapes, source.columns)
        except BadRow as wrong:
            if bad is not None:
                bad.take(item, Problem(row.file, row.line, wrong.column, wrong.code, str(wrong)), source)
            continue
        yield Usable(source, row, example)
    if bad is not None:
        bad.check(source)


def check_targets(targets: Iterable[Path], sources: Iterable[Source], *, overwrite: bool) -> None:
    """Refuse early to write where something is already.

    Args:
        targets: Files that will be written.
        sources: Files that are read: none of them is ever written.
        overwrite: Whether targets that are there may be replaced.

    Raises:
        UsageError: A file is read twice, so that each of its rows would be written twice.
        FtarenaError: A target has no folder, is a source or has the name of a record of ours, or is there and
            may not be replaced.
    """
    read: set[Path] = set()
    for source in sources:
        path = source.path.resolve()
        if path in read:
            raise UsageError(
                f"{source.path} is named twice, so each of its rows would be written twice",
                "name it once; in a mix FILE=2 gives it twice the share",
            )
        read.add(path)
    for target in targets:
        if record := next((ending for ending in RECORDS if target.name.endswith(ending)), ""):
            raise FtarenaError(
                f"{target} cannot be written: names that end in {record} are those of records",
                "choose another name",
            )
        beside = [target.with_name(target.name + ending) for ending in RECORDS]
        if lost := next((path for path in beside if path.resolve() in read), None):
            raise FtarenaError(
                f"{target} cannot be written: {lost.name} is what is read, and would be replaced",
                "choose another name",
            )
        if not target.parent.is_dir():
            raise FtarenaError(
                f"{target} cannot be written: there is no folder {target.parent}",
                f"make it: mkdir -p {target.parent}",
            )
        if target.resolve() in read:
            raise FtarenaError(
                f"{target} is what is read, and a source is never written", "choose another name"
            )
        if not overwrite and (target.exists() or target.is_symlink()):
            raise FtarenaError(f"{target} is there already", "choose another name, or say --overwrite")


def dropped_path(out: Path) -> Path:
    """Return where the rows are written that were dropped on the way to a file."""
    return out.with_name(out.name + DROPPED)
