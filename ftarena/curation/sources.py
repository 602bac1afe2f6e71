"""Where rows come from: one file, how it is written, and what its columns mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ftarena.curation.examples import Shape

Format = Literal["jsonl", "json", "csv", "tsv", "parquet", "arrow"]
Compression = Literal["", "gz", "zst"]


@dataclass(frozen=True)
class Columns:
    """What a file's own names mean, where they are not the usual ones."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Our name of a column (`prompt`, `completion`, `system`, `messages`, `tools` …) → the file's."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """`role` and `content` → the keys of a message that hold them; `user`, `assistant`, `system`, `tool`,
    `function_call` → the word the file uses for that role."""

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
