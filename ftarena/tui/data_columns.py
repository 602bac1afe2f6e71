"""What the columns of a file mean, as it is typed, remembered and held against what the file has."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from ftarena.curation.shapes.columns import read_columns
from ftarena.curation.sources import Columns
from ftarena.errors import FtarenaError, UsageError
from ftarena.text import shorten


def columns_of(remembered: Mapping[str, str], path: Path) -> Columns | None:
    """Return what is remembered about a file, or None where that is nothing.

    Args:
        remembered: By absolute path, as the settings keep it.
        path: The file.
    """
    said = remembered.get(str(path.absolute()))
    try:
        return read_columns(said) if said else None
    except UsageError:
        return None


def check_known(columns: Columns, path: Path, there: Sequence[str]) -> None:
    """Refuse a mapping that names a column which a file does not have.

    Args:
        columns: The mapping.
        path: The file.
        there: The columns it has; nothing is refused where none is known.

    Raises:
        FtarenaError: There is no such column; the hint has the nearest name, or all.
    """
    for theirs in columns.names.values():
        if there and theirs not in there:
            near = difflib.get_close_matches(theirs, there, 1)
            has = ", ".join(shorten(name, 30) for name in there[:12])
            raise FtarenaError(
                f"{shorten(path.name, 40)} has no column {shorten(theirs, 40)!r}",
                f"did you mean {shorten(near[0], 40)}?" if near else f"it has {has}",
            )
