"""`ftarena votes import` and `ftarena export`: files get the data, standard error the counts."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO, cast

from ftarena.errors import FtarenaError
from ftarena.scoring.words import counted
from ftarena.store import Store
from ftarena.store.exports import PreferenceReport
from ftarena.store.exports import export_dpo as write_dpo
from ftarena.store.exports import export_votes as write_votes
from ftarena.store.imports import import_votes_csv
from ftarena.text import clean_line, shorten


def import_votes(database: Path, file: Path) -> int:
    """Import votes from a CSV file and say what became of them.

    Raises:
        FtarenaError: A line is wrong; then nothing was imported.
    """
    with Store.open(database) as store:
        report = import_votes_csv(store, file)
    words = f"{counted(report.added, 'vote')} added"
    if report.already:
        words += f", {report.already:,} were there already"
    if report.contestants_new:
        names = ", ".join(clean_line(name) for name in report.contestants_new)
        words += f"; new: {shorten(names, 200)}"
    print(f"{words}.")
    return 0


def export_votes(database: Path, output: Path | None, form: str) -> int:
    """Write every vote that stands to a file or standard output.

    Args:
        database: The arena.
        output: The file; `None` is standard output.
        form: `csv` or `jsonl`.

    Raises:
        FtarenaError: There is no such arena or form, or the file cannot be written.
    """
    if form not in ("csv", "jsonl"):
        raise FtarenaError(f"votes cannot be written as {form!r}", "--format csv or --format jsonl")
    with Store.open_existing(database) as store, _opened(output) as out:
        count = write_votes(store, out, cast(Literal["csv", "jsonl"], form))
    _say(f"{counted(count, 'vote')} written{_where(output)}.")
    return 0


def export_dpo(database: Path, output: Path | None) -> int:
    """Write preference pairs for DPO to a file or standard output, and account for every vote.

    Args:
        database: The arena.
        output: The file; `None` is standard output.

    Raises:
        FtarenaError: There is no such arena, or the file cannot be written.
    """
    with Store.open_existing(database) as store, _opened(output) as out:
        report = write_dpo(store, out)
    _say(account(report, _where(output)))
    return 0


def account(report: PreferenceReport, where: str = "") -> str:
    """Return in words what became of the votes when pairs were made of them."""
    left_out = [
        (report.ties, "tie", "ties"),
        (report.both_bad, "both bad", "both bad"),
        (report.undecided, "pair with as many votes either way", "pairs with as many votes either way"),
        (report.identical, "vote between equal texts", "votes between equal texts"),
        (report.apart, "chat vote on different histories", "chat votes on different histories"),
        (report.not_blind, "vote cast again with the names known", "votes cast again with the names known"),
        (report.without_text, "imported vote without texts", "imported votes without texts"),
    ]
    words = f"{counted(report.pairs, 'pair')} from {counted(report.votes, 'vote')}{where}."
    reasons = [f"{number:,} {one if number == 1 else many}" for number, one, many in left_out if number]
    if reasons:
        words += f"\nLeft out: {', '.join(reasons)}."
    if report.cut_off:
        words += (
            f"\n{counted(report.cut_off, 'chosen answer')} were cut off at the length limit; training on them"
            " teaches not to end. Raise max_tokens."
        )
    return words


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Open a file that appears, whole, only at the end; or standard output."""
    if output is None:
        yield sys.stdout
        return
    try:
        if output.exists() and not output.is_file():  # a pipe, or /dev/null, which must not be replaced
            with output.open("w", encoding="utf-8", newline="") as out:
                yield out
            return
        aside = output.with_name(f".{output.name}.{os.getpid()}")
        try:
            aside.touch(mode=0o600)  # prompts and votes are as private as the database they come from
            with aside.open("w", encoding="utf-8", newline="") as out:
                yield out
            aside.replace(output)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise FtarenaError(
            f"cannot write {output}: {error.strerror or error}", f"ls -la {output.parent}"
        ) from error


def _where(output: Path | None) -> str:
    return "" if output is None else f" to {clean_line(str(output))}"


def _say(words: str) -> None:
    print(words, file=sys.stderr)
