"""What a path or a name stands for: a file, a folder, a pipe, standard input, a data set of the hub."""

import difflib
import re
from pathlib import Path

from ftarena.curation import hub, spool
from ftarena.curation.formats import Format, is_data_file, named_format
from ftarena.curation.sources import Source, source_of
from ftarena.errors import FtarenaError, UsageError
from ftarena.text import clean_line

_HUB_NAME = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?::([\w.-]+(?:/[\w.-]+)?))?")


def locate(spec: str, format: Format | None = None) -> list[Source]:
    """Return the sources at a place, at least one; descriptions of data are for `resolving`.

    Args:
        spec: A file; a folder (all data files directly in it, sorted by name); `-` for what is piped in;
            `org/name`, `org/name:SPLIT` or `org/name:SUBSET/SPLIT` on the hub.
        format: How the files are written, where neither ending nor content tell.

    Raises:
        FtarenaError: There is nothing that can be read.
    """
    if spec == "-":
        return [source_of(spool.standard_input(), format=format)]
    if not spec.strip():
        raise UsageError("the name of the data is empty", "name a file, or . for this folder")
    if "://" in spec:
        raise _web(spec)
    path = Path(spec).expanduser()
    if path.is_dir():
        return _folder(path, format)
    if path.exists():
        if not path.is_file():  # a pipe, as of a shell's <(zcat data.gz)
            path = spool.pipe(path)
        return [source_of(path, format=format)]
    if (match := _HUB_NAME.fullmatch(spec)) and not _meant_as_path(path):
        return hub.sources_of(match[1], match[2])
    raise _missing(path)


def _web(spec: str) -> FtarenaError:
    """Return what to do about an address: nothing is fetched but data sets of the hub, by their name."""
    of_hub = re.match(r"https?://(?:www\.)?huggingface\.co/datasets/([\w.-]+/[\w.-]+)", spec)
    hint = f"write it as {of_hub[1]}" if of_hub else "download it, and name the file"
    return FtarenaError(f"{clean_line(spec)} is an address, and none is opened", hint)


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
    if path.is_symlink():
        return FtarenaError(
            f"{shown} is a link to {clean_line(str(path.readlink()))}, where there is no file",
            "put the file there, or make the link again",
        )
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
