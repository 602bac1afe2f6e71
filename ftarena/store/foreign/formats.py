"""Whose votes a file holds, told by what its first record has, and reading them."""

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.store.file_votes import FileVote
from ftarena.store.foreign import alpaca_eval, argilla, label_studio, lmarena, own
from ftarena.store.foreign.reading import Record, records
from ftarena.text import clean_line

_READERS: Mapping[str, tuple[Callable[[Mapping[str, Any]], bool], Callable[[Record], list[FileVote]]]] = {
    "jsonl": (own.recognises, own.read),
    "fastchat": (lmarena.recognises, lmarena.read),
    "alpaca_eval": (alpaca_eval.recognises, alpaca_eval.read),
    "label-studio": (label_studio.recognises, label_studio.read),
    "argilla": (argilla.recognises, argilla.read),
}

FORMATS = ("auto", "csv", *_READERS)
"""What `--format` takes; `auto` looks at the first record."""


class Reading:
    """The votes of a file, once, and how many records had none."""

    def __init__(self, file: Path, form: str, rows: Iterator[Record]) -> None:
        self._file = file
        self._rows = rows
        self.form = form
        """Whose format it is."""

        self.without = 0
        """Records without a vote that counts: skipped, not answered, not blind. Known after the last vote."""

    def __iter__(self) -> Iterator[FileVote]:
        """Yield the votes one at a time.

        Raises:
            FtarenaError: A record is wrong, or none holds a vote.
        """
        recognises, read = _READERS[self.form]
        found = 0
        for record in self._rows:
            if not recognises(record.values):
                raise record.wrong(f"this is no record of {self.form}", _hint())
            votes = read(record)
            found += len(votes)
            self.without += not votes
            yield from votes
        if not found:
            raise FtarenaError(f"{self._file}: no record holds a vote", _hint())


def read_foreign(file: Path, form: str = "auto") -> Reading | None:
    """Return the votes of a file of another program, or `None` for a table `a,b,outcome`, which is our own.

    Args:
        file: Where they are.
        form: One of `FORMATS`.

    Raises:
        FtarenaError: The file cannot be read, or nobody's format is known in it.
    """
    if form not in FORMATS:
        raise FtarenaError(f"votes cannot be read as {form!r}", f"--format {', '.join(FORMATS)}")
    if form == "csv" or (form == "auto" and _is_own_table(file)):
        return None
    rows = records(file)
    if form != "auto":
        return Reading(file, form, rows)
    first = next(rows, None)
    if first is None:
        raise FtarenaError(f"{file}: no record in it", _hint())
    for known, (recognises, _) in _READERS.items():
        if recognises(first.values):
            return Reading(file, known, chain((first,), rows))
    keys = ", ".join(clean_line(str(key)) for key in list(first.values)[:8])
    raise first.wrong(f"nobody's votes: it has {keys}", _hint())


def _is_own_table(file: Path) -> bool:
    """Return whether `votes_csv` is to read a file, by its first bytes: it may have millions of lines."""
    if not file.is_file():  # a pipe can be read once only; a folder, or nothing, is said by who opens it
        return True
    try:
        with file.open("rb") as raw:
            start = raw.read(4096)
    except OSError:
        return True
    head = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if head.startswith((b"PAR1", b"[", b"{")):
        return False
    header = next(csv.reader([head.decode("utf-8", "replace").splitlines()[0]]), []) if head else []
    if len(header) < 2 and file.suffix.lower() in (".json", ".jsonl"):  # blank, `null`, a number
        return False
    return not lmarena.recognises(dict.fromkeys(header))


def _hint() -> str:
    return (
        f"name what it is with --format: {', '.join(FORMATS[1:])}; docs/votes.md shows what each looks like"
    )
