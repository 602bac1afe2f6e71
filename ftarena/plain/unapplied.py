"""A word about decisions that are not carried out: raw files are read as they are, whatever was decided."""

import sys
from collections.abc import Iterable

from ftarena.curation.decisions.ledger import Decisions
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError
from ftarena.plain.data_decide import apply_command
from ftarena.scoring.words import counted
from ftarena.text import clean_line


def note_unapplied(sources: Iterable[Source]) -> None:
    """Say of each source that has decisions how to carry them out; one line each, on standard error."""
    for source in sources:
        try:
            count = sum(Decisions.open(source).counts.values())
        except FtarenaError:
            continue  # a sidecar that cannot be read is said where it is used
        if count:
            shown = clean_line(str(source.path))
            are = "is" if count == 1 else "are"
            print(
                f"note: {counted(count, 'decision')} about {shown} {are} not applied: "
                f"{apply_command(str(source.path), source)}",
                file=sys.stderr,
            )
