"""The entries of `datasets:` in an Axolotl recipe: which files there are, and what their columns mean.

The types are those of its documentation (dataset formats, RLHF) and of `prompt_strategies/` (version 0.13).
A type says two things there: which columns are read, and how they are written for the model (as in
`### Instruction:`, ChatML, Llama 3). The first is understood here. The second is not: everything is written
by the model's own chat template, as it is served.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ftarena.curation.foreign.axolotl_types import columns_of
from ftarena.curation.formats import Format
from ftarena.curation.locating import locate
from ftarena.curation.sources import Source
from ftarena.curation.sources import source_of as file_source
from ftarena.errors import FtarenaError
from ftarena.text import clean_line, shorten

_LOADERS = ("json", "csv", "parquet", "arrow")
_FORMATS: Mapping[str, Format | None] = {"json": None, "csv": "csv", "parquet": "parquet", "arrow": "arrow"}
_NOT_READ = {
    "shards": "takes a part of the rows: mix it with a cap instead",
    "shards_idx": "takes a part of the rows: mix it with a cap instead",
    "input_transform": "runs foreign code: convert the rows to a file",
    "logprobs_field": "is for distillation, which is not done here",
}


def sources_of(recipe: Path) -> list[Source]:
    """Return the sources of an Axolotl recipe, in its order.

    Args:
        recipe: The YAML file. Paths in it are relative to the working folder, as Axolotl has it, or else to
            the folder of the recipe.

    Raises:
        FtarenaError: It cannot be read, has no `datasets:`, or one of them is not read here.
    """
    shown = clean_line(str(recipe))
    try:
        said = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FtarenaError(f"there is no file {shown}", "check the path") from None
    except OSError as error:
        raise FtarenaError(f"{shown} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise FtarenaError(f"{shown} is no text in UTF-8", "check the path") from None
    except yaml.YAMLError as error:
        problem = clean_line(str(getattr(error, "problem", None) or error))
        mark = getattr(error, "problem_mark", None)
        raise FtarenaError(f"{shown}{f':{mark.line + 1}' if mark else ''}: broken YAML: {problem}") from None
    entries = said.get("datasets") if isinstance(said, dict) else None
    if not isinstance(entries, list) or not entries:
        raise FtarenaError(
            f"{shown} has no list of datasets", "an Axolotl recipe has; a data file is given as it is"
        )
    rl = said.get("rl")
    found: list[Source] = []
    for index, entry in enumerate(entries):
        where = f"{shown}: datasets[{index}]"
        if not isinstance(entry, dict):
            raise FtarenaError(
                f"{where} must have a path and a type", "see Axolotl's docs on dataset formats"
            )
        found += source_of(entry, rl=rl if isinstance(rl, str) else None, folder=recipe.parent, where=where)
    return found


def source_of(
    entry: Mapping[str, Any],
    *,
    rl: str | None = None,
    folder: Path | None = None,
    where: str = "the entry",
) -> list[Source]:
    """Return the sources of one entry of `datasets:`.

    Args:
        entry: The entry: `path`, `type`, and what else Axolotl knows.
        rl: The method of the recipe, where it is one of preferences (`dpo`, `kto` …); types mean other things
            there.
        folder: Where else than in the working folder its paths may lie.
        where: Its name, for messages.

    Raises:
        FtarenaError: It names nothing that is there, or a type that is not read here.
    """
    for key, why in _NOT_READ.items():
        if entry.get(key) is not None:
            raise FtarenaError(f"{where}: {key} {why.partition(':')[0]}", why.partition(": ")[2])
    shape, columns = columns_of(entry, rl, where)
    found = _files(entry, folder, where)
    return [replace(source, shape=shape, columns=columns) for source in found]


def _files(entry: Mapping[str, Any], folder: Path | None, where: str) -> list[Source]:
    path, files = entry.get("path"), entry.get("data_files")
    if not isinstance(path, str) or not path:
        raise FtarenaError(f"{where} has no path", "a file, a folder or a data set of the hub")
    if "://" in path:
        raise FtarenaError(f"{where}: {shorten(path, 60)} is on another machine", "download it first")
    kind = entry.get("ds_type") or (path if path in _LOADERS else None)
    if kind is not None and kind not in _FORMATS:
        raise FtarenaError(
            f"{where}: ds_type is {shorten(str(kind), 20)!r}", f"known are {', '.join(_FORMATS)}"
        )
    format = _FORMATS[kind] if kind else None
    place = _place(path, folder)
    if files is not None:
        names = [files] if isinstance(files, str) else files
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise FtarenaError(
                f"{where}: data_files must be names of files", "write one name, or a list of them"
            )
        if place is not None and place.is_dir():
            inside = [place / name for name in names]
        elif path in _LOADERS:
            inside = [_place(name, folder) or Path(name) for name in names]
        else:
            raise FtarenaError(
                f"{where}: data_files of {shorten(path, 60)} on the hub are not read one by one",
                "download them, or leave data_files out",
            )
        return [file_source(name, format=format) for name in inside]
    split = entry.get("split")
    if place is None:
        return locate(_hub_name(entry, where))
    if split not in (None, "train"):
        raise FtarenaError(
            f"{where}: split is {shorten(str(split), 30)!r}, and a file on this machine has none",
            "leave split out, or name the file that holds those rows",
        )
    return locate(str(place), format)


def _place(path: str, folder: Path | None) -> Path | None:
    """Return where a path of the recipe lies on this machine, if it does."""
    here = Path(path).expanduser()
    for place in (here, *([folder / here] if folder is not None else [])):
        if place.exists():
            return place
    return None


def _hub_name(entry: Mapping[str, Any], where: str) -> str:
    path, subset, split = entry["path"], entry.get("name"), entry.get("split")
    for key, value in (("name", subset), ("split", split)):
        if value is not None and (not isinstance(value, str) or "[" in value):
            raise FtarenaError(
                f"{where}: {key} is {shorten(str(value), 30)!r}",
                "only whole splits are read; cap the rows in a mix",
            )
    if entry.get("revision"):
        raise FtarenaError(f"{where}: revision is not read", "download that revision, and give the files")
    if subset:
        return f"{path}:{subset}/{split or 'train'}"
    return f"{path}:{split}" if split else str(path)
