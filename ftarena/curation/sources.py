"""Where rows come from: one file, how it is written, and what its columns mean."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ftarena.curation.examples import Shape
from ftarena.curation.formats import Compression, Format, recognise
from ftarena.text import clean_line

__all__ = ["Columns", "Compression", "Format", "Source", "source_of"]


@dataclass(frozen=True)
class Columns:
    """What a file's own names mean, where they are not the usual ones."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Our name of a column (`prompt`, `completion`, `system`, `messages`, `tools` …) → the file's.

    An empty name says that the file has none: its column of that name means something else, and is not read.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    """`role`, `content`, `reasoning` and `learned` → the keys of a message that hold them; `user`,
    `assistant`, `system`, `tool`, `function_call` → the word the file uses for that role, several of them
    separated by `|`."""

    ranking: bool = False
    """Whether the rows are preference pairs (LLaMA-Factory's word), where the shape does not tell."""


@dataclass(frozen=True)
class Source:
    """One file of rows."""

    path: Path
    format: Format = "jsonl"
    compression: Compression = ""
    columns: Columns = field(default_factory=Columns)
    shape: Shape | None = None
    """The shape that every row must have; None: recognised row by row."""

    @property
    def options(self) -> str:
        """What a command must say to read it so, ` --columns prompt=q --shape completion`, or nothing."""
        said = ",".join(f"{ours}={theirs}" for ours, theirs in self.columns.names.items() if theirs)
        columns = f" --columns {shlex.quote(clean_line(said))}" if said else ""
        return columns + (f" --shape {self.shape}" if self.shape else "")


def source_of(
    path: Path,
    *,
    columns: Columns | None = None,
    shape: Shape | None = None,
    format: Format | None = None,
) -> Source:
    """Return one file as a source; how it is written is found out.

    Args:
        path: A file that can be read more than once.
        columns: What its columns mean, where they are not the usual ones.
        shape: What every row must be. None: recognised row by row.
        format: What it is, where neither ending nor content tell.

    Raises:
        FtarenaError: There is no such file, or it is none of the formats that are read.
    """
    found, compression = recognise(path, format)
    return Source(path, found, compression, columns or Columns(), shape)
