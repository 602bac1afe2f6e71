"""Which tool a recipe comes from, and what it is as one of ours."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftarena.errors import UsageError
from ftarena.recipes.finding import find_files
from ftarena.recipes.importing import axolotl, axolotl_keys, llamafactory, llamafactory_keys
from ftarena.recipes.importing.transformers_keys import CountRows
from ftarena.recipes.importing.translation import Fate, Remark, Translation
from ftarena.recipes.load import problems_of
from ftarena.recipes.reading import Line, read_lines
from ftarena.text import clean_line


@dataclass
class Imported:
    """A foreign recipe as one of ours."""

    source: Path
    tool: str
    values: dict[str, Any]
    """The new recipe's keys."""

    notes: dict[str, str]
    """What it says behind a key."""

    remarks: list[Remark]
    """What became of each foreign key, in the order of the file."""

    problems: list[str] = field(default_factory=list)
    """Why it could not be run as it stands, whatever data there are."""

    missing: list[str] = field(default_factory=list)
    """Data that are not there yet."""

    def of(self, fate: Fate) -> list[Remark]:
        """Return the remarks of one kind."""
        return [remark for remark in self.remarks if remark.fate == fate]


def import_recipe(
    path: Path, *, data_folder: Path | None = None, count_rows: CountRows | None = None
) -> Imported:
    """Take a recipe of LLaMA-Factory or axolotl over.

    Args:
        path: The YAML file.
        data_folder: Where LLaMA-Factory's `dataset_info.json` lies. None: where the recipe says.
        count_rows: Tells how many examples the new recipe trains on, for "so many times an epoch".

    Raises:
        UsageError: The file cannot be read, or is no training recipe of these tools.
    """
    if not path.exists():
        raise UsageError(
            f"there is no file {path}", "expected is a recipe of LLaMA-Factory or axolotl (YAML)"
        )
    lines = read_lines(path)
    tool = _tool_of(lines, path)
    said = Translation.of(tool, lines)
    rows = count_rows or (lambda values: None)
    if tool == axolotl_keys.TOOL:
        axolotl.translate(said, rows=rows)
    else:
        llamafactory.translate(said, data_folder=data_folder or _described(said, path), rows=rows)
    found = Imported(path, tool, said.values, said.notes, said.remarks)
    found.problems = problems_of(said.values)
    if not found.problems:
        described = [] if data_folder is not None else _undescribed(said.values)
        found.missing = described or find_files(dict(said.values), {}, path)
    return found


def _undescribed(values: dict[str, Any]) -> list[str]:
    """Return one line for all data of a `dataset_info.json` that is nowhere; empty where none is missing."""
    names: dict[str, list[str]] = {}
    for entry in [*values.get("dataset", []), *values.get("eval_dataset", [])]:
        path = entry["path"] if isinstance(entry, dict) else entry
        info, colon, name = str(path).partition(f"{_INFO}:")
        if colon and not (Path(info) / _INFO).is_file():
            names.setdefault(info.rstrip("/"), []).append(name)
    return [
        f"there is no {_INFO} in {folder}, which would say where {', '.join(found)} "
        f"{'is' if len(found) == 1 else 'are'}: import again with --dataset-dir FOLDER"
        for folder, found in names.items()
    ]


_INFO = "dataset_info.json"


def _tool_of(lines: list[Line], path: Path) -> str:
    """Return the tool whose keys a file has most of."""
    keys = {line.key for line in lines}
    if {"method", "model_name_or_path"} <= keys:
        raise UsageError(f"{path} is a recipe of ftarena already", f"ftarena train {path}")
    marks = {tool.TOOL: len(keys.intersection(tool.MARKS)) for tool in (llamafactory_keys, axolotl_keys)}
    if marks[llamafactory_keys.TOOL] == marks[axolotl_keys.TOOL]:
        some = ", ".join(clean_line(line.key) for line in lines[:4])
        raise UsageError(
            f"{path} is no training recipe of LLaMA-Factory or axolotl (it says {some} …)",
            "expected are LLaMA-Factory's keys (stage, finetuning_type, dataset, cutoff_len …) or axolotl's "
            "(base_model, datasets, sequence_len, adapter …)",
        )
    return (
        axolotl_keys.TOOL
        if marks[axolotl_keys.TOOL] > marks[llamafactory_keys.TOOL]
        else llamafactory_keys.TOOL
    )


def _described(said: Translation, path: Path) -> Path | None:
    """Return the folder of `dataset_info.json` that the recipe names, seen from here or from the recipe.

    LLaMA-Factory is run from its own root, and its recipes lie two folders below that.
    """
    given = said.get("dataset_dir", "data")
    if not isinstance(given, str):
        given = "data"
    if given.startswith("REMOTE:") or given == "ONLINE":
        return None
    here = Path.cwd()
    for folder in (here, *path.absolute().parents[:4]):
        candidate = folder / given
        if (candidate / "dataset_info.json").is_file():
            return Path(given) if folder == here else candidate
    return None
