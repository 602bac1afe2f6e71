"""Where rows come from: one file, how it is written, what its columns mean; and what a user's words name."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ftarena.curation.examples import Shape
from ftarena.curation.formats import Compression, Format, is_data_file, named_format, recognise
from ftarena.errors import FtarenaError
from ftarena.text import clean_line

__all__ = ["Columns", "Compression", "Format", "Source", "resolve", "source_of"]


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


def resolve(
    spec: str,
    *,
    columns: Columns | None = None,
    shape: Shape | None = None,
    format: Format | None = None,
) -> list[Source]:
    """Return the sources that a user's words name, at least one.

    Args:
        spec: A file; a folder (all data files directly in it, sorted by name); `-` for what is piped in;
            `dataset_info.json` or `dataset_info.json:NAME` (LLaMA-Factory); a `.yaml` of axolotl (its
            `datasets:`); `org/name`, `org/name:SPLIT` or `org/name:SUBSET/SPLIT` on the hub.
        columns: What the columns mean, for every source; wins over what a description says.
        shape: What every row must be; wins over what a description says.
        format: How the files are written, where neither ending nor content tell.

    Raises:
        FtarenaError: It names nothing that can be read.
    """
    sources = _named(spec, format)
    if columns is not None:
        sources = [replace(source, columns=columns) for source in sources]
    if shape is not None:
        sources = [replace(source, shape=shape) for source in sources]
    return sources


_HUB_NAME = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?::([\w.-]+(?:/[\w.-]+)?))?")


def _named(spec: str, format: Format | None) -> list[Source]:
    # Inside: all three are written in terms of `Source`.
    from ftarena.curation import hub, spool
    from ftarena.curation.foreign import axolotl, llamafactory

    if spec == "-":
        return [source_of(spool.standard_input(), format=format)]
    path = Path(spec).expanduser()
    if path.is_dir():
        if (path / "dataset_info.json").is_file():
            return llamafactory.sources_of(path / "dataset_info.json")
        return _folder(path, format)
    if path.name == "dataset_info.json":
        return llamafactory.sources_of(path)
    if path.exists():
        if path.suffix.lower() in (".yaml", ".yml"):
            return axolotl.sources_of(path)
        if not path.is_file():  # a pipe, as of a shell's <(zcat data.gz)
            path = spool.pipe(path)
        return [source_of(path, format=format)]
    described, colon, name = spec.rpartition(":")
    if colon and Path(described).name == "dataset_info.json":
        return llamafactory.sources_of(Path(described).expanduser(), name)
    if (match := _HUB_NAME.fullmatch(spec)) and not _meant_as_path(path):
        return hub.sources_of(match[1], match[2])
    raise _missing(path)


def _meant_as_path(path: Path) -> bool:
    """Return whether words that could name a data set on the hub are rather a file that is not there."""
    return named_format(path)[0] is not None or path.parent.is_dir()


def _folder(folder: Path, format: Format | None) -> list[Source]:
    try:
        names = sorted(path for path in folder.iterdir() if is_data_file(path) and path.is_file())
    except OSError as error:
        raise FtarenaError(f"{clean_line(str(folder))} cannot be read: {error.strerror or error}") from error
    if not names:
        raise FtarenaError(
            f"{clean_line(str(folder))} holds no data files",
            "looked for, directly in it: .jsonl .json .csv .tsv .parquet .arrow, also .gz and .zst of them",
        )
    return [source_of(path, format=format) for path in names]


def _missing(path: Path) -> FtarenaError:
    shown = clean_line(str(path))
    try:
        beside = [other.name for other in path.parent.iterdir() if is_data_file(other) or other.is_dir()]
    except OSError:
        return FtarenaError(f"there is no file {shown}: there is no folder {clean_line(str(path.parent))}")
    near = difflib.get_close_matches(path.name, beside, n=1, cutoff=0.6)
    if near:
        return FtarenaError(
            f"there is no file {shown}", f"did you mean {clean_line(str(path.with_name(near[0])))}?"
        )
    return FtarenaError(
        f"there is no file {shown}",
        "check the path; a data set on the hub is written org/name or org/name:split",
    )
