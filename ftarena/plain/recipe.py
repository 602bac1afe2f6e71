"""`ftarena recipe`: taking over other tools' recipes, the schema for editors, and recipes to start from."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ftarena.curation.foreign.axolotl_types import columns_of
from ftarena.errors import FtarenaError, UsageError
from ftarena.recipes.data_entries import DataEntry
from ftarena.recipes.finding import DATA_KEYS, find_files
from ftarena.recipes.importing import Fate, Imported, Remark, import_recipe, write_recipe
from ftarena.recipes.json_schema import recipe_schema
from ftarena.recipes.schema import Recipe
from ftarena.text import clean_line, clean_text
from ftarena.training.data import load_data, rl_of, sources_of

_TITLES = {
    Fate.CARRIED: "carried over",
    Fate.NEEDLESS: "needless here",
    Fate.LOST: "NOT carried over",
}


def import_file(
    file: Path,
    output: Path | None,
    *,
    data_folder: Path | None,
    as_json: bool,
    force: bool = False,
) -> int:
    """Take a foreign recipe over, and report on standard error what became of each key.

    Args:
        file: The recipe of LLaMA-Factory or axolotl.
        output: Where ours is written. None: standard output.
        data_folder: Where LLaMA-Factory's `dataset_info.json` lies.
        as_json: Print one object with the recipe and the report instead.
        force: Write over a file that is there.

    Returns:
        The exit code: 1 where the result could not be run whatever data there are. It is written nonetheless.

    Raises:
        FtarenaError: The file is no such recipe, or `output` is there already or cannot be written.
    """
    if output is not None:
        _check_output(output, file, force=force)
    imported = import_recipe(file, data_folder=data_folder, count_rows=_count)
    if not imported.missing:  # what is nowhere cannot be read either
        imported.missing = _unread(imported.values)
    text = clean_text(write_recipe(imported, output))
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise FtarenaError(
                f"{output} cannot be written: {error.strerror or error}", "write somewhere else: -o OUT.yaml"
            ) from error
    if as_json:
        print(json.dumps(_as_object(imported, text), ensure_ascii=False, indent=2))
        return int(bool(imported.problems))
    if output is None:
        print(text, end="")
    for line in _report(imported, output):
        print(clean_line(line) if not line.startswith(" ") else f"  {clean_line(line)}", file=sys.stderr)
    return int(bool(imported.problems))


def _check_output(output: Path, file: Path, *, force: bool) -> None:
    """Refuse to write over what someone may have edited.

    Raises:
        UsageError: It is the file that is read, or it is there and `force` is not set.
    """
    try:
        if not output.is_file():
            return
        same = file.is_file() and output.samefile(file)
    except OSError:  # a name that no file can have; writing says so
        return
    if same:
        raise UsageError(f"{output} is the recipe that is taken over", "write to another file: -o OUT.yaml")
    if not force:
        raise UsageError(
            f"{output} is there already", "write over it: --force; or to another file: -o OUT.yaml"
        )


def print_schema() -> int:
    """Print the JSON Schema of a recipe."""
    print(json.dumps(recipe_schema(), ensure_ascii=False, indent=2))
    return 0


def _report(imported: Imported, output: Path | None) -> list[str]:
    """Return the lines of the report, those of one key indented."""
    lines = [f"{imported.source}: a recipe of {imported.tool}, {len(imported.remarks)} keys"]
    for fate in Fate:
        remarks = imported.of(fate)
        short = [remark for remark in remarks if remark.said in ("empty", f"{remark.key}: {remark.given}")]
        lines.append(f"{_TITLES[fate]}: {len(remarks)}")
        lines += [f"  {_said(remark)}" for remark in remarks if remark not in short]
        if short:
            what = "empty" if fate is Fate.NEEDLESS else "as they are"
            lines.append(f"  {what}: {', '.join(remark.key for remark in short)}")
    usual = [key for key, note in imported.notes.items() if note.startswith(f"{imported.tool}'s default")]
    if usual:
        lines.append(f"{imported.tool}'s defaults, now written down: {', '.join(usual)}")
    lines += [f"it cannot run as it stands: {problem}" for problem in imported.problems]
    lines += [f"data: {missing}" for missing in imported.missing]
    lines.append(
        f"next: ftarena plan {output}"
        if output
        else "next: write it to a file with -o, then ftarena plan FILE"
    )
    return lines


def _said(remark: Remark) -> str:
    given = f"{remark.key}: {remark.given}" if remark.given else remark.key
    if remark.fate is Fate.CARRIED:
        return f"{remark.line}: {given} → {remark.said}"
    return f"{remark.line}: {given} ({remark.said})" + (f" → {remark.instead}" if remark.instead else "")


def _as_object(imported: Imported, text: str) -> dict[str, Any]:
    groups = {
        str(fate): [
            {
                "line": remark.line,
                "key": remark.key,
                "given": remark.given,
                "said": remark.said,
                **({"instead": remark.instead} if remark.instead else {}),
            }
            for remark in imported.of(fate)
        ]
        for fate in Fate
    }
    return {
        "source": str(imported.source),
        "tool": imported.tool,
        **groups,
        "problems": imported.problems,
        "missing": imported.missing,
        "recipe": text,
    }


def _count(values: dict[str, Any]) -> int | None:
    """Return how many examples a recipe trains on, where all its data are files on this machine."""
    found = dict(values)
    if find_files(found, {}, None):
        return None
    entries = [entry for key in DATA_KEYS for entry in found.get(key) or []]
    names = [entry["path"] if isinstance(entry, Mapping) else entry for entry in entries]
    if not all(str(name).startswith("/") for name in names):  # on a hub: nothing is downloaded for this
        return None
    try:
        # Steps between measurements need data to measure on, and are what is being found out.
        found = {key: value for key, value in found.items() if key not in ("eval_steps", "eval_dataset")}
        return len(load_data(Recipe.model_validate(found).resolved()).train)
    except (FtarenaError, ValueError):
        return None


def _unread(values: Mapping[str, Any]) -> list[str]:
    """Return why entries of the data could not be read, as far as that shows without a network."""
    problems = []
    rl = rl_of(values.get("method"))
    for key in DATA_KEYS:
        for entry in values.get(key) or []:
            path = str(entry.get("path") if isinstance(entry, Mapping) else entry)
            try:
                if isinstance(entry, Mapping) and entry.get("type"):
                    columns_of(entry, rl, f"{key}: {path}")
                elif "dataset_info.json:" in path and Path(path.partition("dataset_info.json")[0]).is_dir():
                    sources_of(DataEntry.model_validate(entry) if isinstance(entry, Mapping) else path)
            except FtarenaError as error:
                problems.append(f"{error.message}; {error.hint}")
    return problems
