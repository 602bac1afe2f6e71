"""Where the files are that a recipe names: relative paths become absolute, and what is nowhere is said.

A relative path in a recipe is looked for in the current folder, then in the recipe's folder, then in the one
above it; a path given on the command line is looked for in the current folder only.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ftarena.recipes.data_entries import BUILTIN, SELF, self_prompts, split_sample
from ftarena.text import shorten

DATA_KEYS = ("dataset", "eval_dataset", "replay_dataset", "general_dataset")
COMMAND_LINE = "--"
"""How the place of a key begins that was given on the command line."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(?::[\w.-]+(?:/[\w.-]+)?)?")
_ENDINGS = re.compile(r"\.(?:jsonl|ndjson|json|csv|tsv|parquet|arrow|feather|ya?ml|txt)(?:\.\w+)?$", re.I)


def find_files(values: dict[str, Any], places: Mapping[str, str], path: Path | None) -> list[str]:
    """Make the paths in `values` absolute; return a problem for each source of data that is nowhere.

    Args:
        values: The recipe's keys and values, not yet checked; changed in place.
        places: Where each key was given.
        path: The recipe's file.
    """
    problems = []
    for key in DATA_KEYS:
        given = values.get(key)
        entries = [_as_name(entry) for entry in (given if isinstance(given, list) else [given])]
        if not all(isinstance(_name_in(entry), str) and _name_in(entry) for entry in entries):
            continue  # empty or of the wrong type: the schema says so
        folders = _folders(places.get(key, ""), path)
        found = []
        for entry in entries:
            name = _name_in(entry)
            where, problem = (
                _find_replay(name, folders) if key == "replay_dataset" else _find_data(name, folders)
            )
            if problem and isinstance(entry, Mapping) and entry.get("data_files"):
                problem = ""  # axolotl's `path: json` is a loader; the files are found when they are read
            if problem:
                problems.append(f"{said(places.get(key, ''))}{key}: {problem}")
            found.append({**entry, "path": where} if isinstance(entry, Mapping) else where)
        values[key] = found
    for key in ("model_name_or_path", "init_from"):
        given = values.get(key)
        if isinstance(given, str) and given and not given.startswith("demo:"):
            values[key] = str(_first(given, _folders(places.get(key, ""), path)) or given)
    return problems


def said(place: str) -> str:
    """Return how a problem begins that was found at a place."""
    return f"{place}: " if place and not place.startswith(COMMAND_LINE) else ""


def _find_replay(given: str, folders: list[Path]) -> tuple[str, str]:
    """As `_find_data`, where the base model's own answers are data, too."""
    prompts = self_prompts(split_sample(given)[0])
    if prompts is None:
        return _find_data(given, folders)
    if not prompts:
        return given, ""
    where, problem = _find_data(given.removeprefix(f"{SELF}:"), folders)
    return f"{SELF}:{where}", problem


def _find_data(given: str, folders: list[Path]) -> tuple[str, str]:
    """Return where the data are that an entry names, and what is wrong with that (nothing: it is there)."""
    name, count = split_sample(given)
    if name.startswith(BUILTIN):
        return given, ""
    file = _first(name, folders)
    if file is None:
        # `dataset_info.json:identity` is one of the data sets that the file describes.
        described, colon, part = name.rpartition(":")
        info = _first(described, folders) if colon and described.endswith(".json") else None
        if info is not None and info.is_file():
            return f"{info}:{part}" + (f"#{count}" if count else ""), ""
        if _on_hub(name, folders):
            return given, ""
    if file is None or not (file.is_file() or file.is_dir()):
        return given, _no_file(name, file, folders)
    return f"{file}#{count}" if count else str(file), ""


def _on_hub(name: str, folders: list[Path]) -> bool:
    """Return whether a name that is no file here could be a data set on a hub, and no typing error."""
    return (
        _HUB_ID.fullmatch(name) is not None
        and not _ENDINGS.search(name.partition(":")[0])
        and _first(name.partition("/")[0], folders) is None
    )


def _folders(place: str, path: Path | None) -> list[Path]:
    if path is None or place.startswith(COMMAND_LINE):
        return [Path.cwd()]
    here = path.absolute().parent
    return [Path.cwd(), here, here.parent]


def _name_in(entry: Any) -> Any:
    return _as_name(entry.get("path")) if isinstance(entry, Mapping) else entry


def _as_name(entry: Any) -> Any:
    """A bare YAML number is the name it was typed as (`dataset: 2024`)."""
    number = isinstance(entry, int | float) and not isinstance(entry, bool)
    return str(entry) if number and abs(entry) < 1e18 else entry


def _no_file(name: str, found: Path | None, folders: list[Path]) -> str:
    """Say why a name is no data: `found` is what else it is, if anything."""
    shown = shorten(name, 200)
    if found is not None:
        return f"{shown} is no ordinary file, expected a file or folder of data"
    stem, mark, count = name.rpartition("#")
    if mark and stem and _first(stem, folders) is not None:
        return f"{shown} ends in #{shorten(count, 40)}, expected a number of rows, 1 or more"
    tried = " or ".join(dict.fromkeys(str(folder) for folder in folders))
    return f"there is no file {shown} in {tried}"


def _first(name: str, folders: list[Path]) -> Path | None:
    """Find a name in the first folder that has it.

    What no path can be called (too long, the home of nobody) is nowhere.
    """
    for folder in folders:
        try:
            candidate = folder / Path(name).expanduser()
            if candidate.exists():
                return candidate.resolve()
        except (OSError, RuntimeError, ValueError):
            continue
    return None
