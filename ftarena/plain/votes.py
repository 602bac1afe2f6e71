"""`ftarena votes import`: what became of a file of votes, in one line."""

from pathlib import Path

from ftarena.scoring.words import counted
from ftarena.store import Store
from ftarena.store.imports import import_votes as import_from
from ftarena.text import clean_line, shorten


def import_votes(database: Path, file: Path, form: str = "auto") -> int:
    """Import votes from a file and say what became of them.

    Args:
        database: The arena; made where there is none.
        file: A table of votes, or a file of another program.
        form: Whose format it is; `auto` looks into it.

    Raises:
        FtarenaError: A line is wrong; then nothing was imported.
    """
    from ftarena.store.ledger import read_ahead  # loads numpy

    with Store.open(database) as store:
        report = import_from(store, file, form)
        read_ahead(store)
    words = f"{counted(report.added, 'vote')} added"
    if report.already:
        words += f", {report.already:,} were there already"
    if report.without:
        words += f", {counted(report.without, 'record')} had none that counts"
    if report.contestants_new:
        names = ", ".join(clean_line(name) for name in report.contestants_new)
        words += f"; new: {shorten(names, 200)}"
    print(f"{words}.")
    return 0
