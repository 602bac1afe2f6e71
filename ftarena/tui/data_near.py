"""What is near and could be opened in Data: data files, what recipes train on, and with which model."""

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.tui.screens.ask import Completer
from ftarena.tui.workbench import Model
from ftarena.workspace import Workspace

MOST_FILES = 40
"""Found files that are offered; a folder of ten thousand is not a suggestion."""

_MOST_FOLDERS = 400
_ENDINGS = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".arrow")
_NOT_DATA = ("package.json", "tsconfig.json", "settings.json", "manifest.json")
_DEFAULT_LENGTH = 1024


@dataclass(frozen=True)
class RecipeNear:
    """What a recipe says about data, as far as it can be told without resolving it."""

    file: Path
    data: tuple[str, ...]
    model: str
    max_length: int


def data_near(last: Sequence[str] = ()) -> list[str]:
    """Return what could be opened: what was opened last, what recipes name, what lies here and below."""
    offered = [*last]
    offered += [path for recipe in recipes_near() for path in recipe.data]
    offered += _files_below(Path())
    return list(dict.fromkeys(offered))[:MOST_FILES]


def recipes_near() -> list[RecipeNear]:
    """Return the recipes in `configs/`; what cannot be read as one is passed over."""
    import yaml

    found = []
    folder = Path("configs")
    for file in sorted(folder.glob("*.yaml")) if folder.is_dir() else []:
        try:
            recipe = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue
        if isinstance(recipe, dict):
            data = tuple(_paths(recipe.get("dataset"), file))
            model, length = recipe.get("model_name_or_path"), recipe.get("max_length")
            found.append(
                RecipeNear(
                    file,
                    data,
                    model if isinstance(model, str) else "",
                    length if isinstance(length, int) else _DEFAULT_LENGTH,
                )
            )
    return found


def _paths(entry: Any, recipe: Path) -> Iterator[str]:
    if isinstance(entry, list):
        for one in entry:
            yield from _paths(one, recipe)
    elif isinstance(entry, dict):
        yield from _paths(entry.get("path"), recipe)
    elif isinstance(entry, str):
        name = entry.split("#")[0]
        for folder in (Path(), recipe.parent, recipe.parent.parent):
            if (folder / name).exists():
                yield str(folder / name)
                return


def _files_below(folder: Path) -> list[str]:
    """Return the data files in a folder and, four levels deep, below it; none in hidden folders."""
    found: list[str] = []
    for seen, (root, folders, files) in enumerate(os.walk(folder), 1):
        depth = len(Path(root).parts)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and depth < 4 and f != "node_modules")
        found += [str(Path(root) / name) for name in sorted(files) if _is_data(name)]
        if len(found) >= MOST_FILES or seen >= _MOST_FOLDERS:
            break
    return found


def _is_data(name: str) -> bool:
    bare = name.removesuffix(".gz").removesuffix(".zst")
    known = bare.endswith(_ENDINGS) and not bare.endswith((".decisions.jsonl", ".manifest.json"))
    return known and name not in _NOT_DATA and not name.startswith(".")


def usual_model(paths: Sequence[Path], workspace: Workspace) -> Model | None:
    """Return the model whose tokens are looked at unless another one is chosen.

    That of the recipe that names a file; else the newest run's; else the demo's. Only one that is ready.
    """
    wanted = {path.absolute() for path in paths}
    named = [
        (recipe.model, recipe.max_length)
        for recipe in recipes_near()
        if wanted & {Path(path).absolute() for path in recipe.data}
    ]
    for name, length in [*named, *_of_runs(workspace), ("demo:smollm2", _DEFAULT_LENGTH)]:
        try:
            return ready_model(name, length)
        except FtarenaError:
            continue
    return None


def _of_runs(workspace: Workspace) -> list[tuple[str, int]]:
    from ftarena.training.runs import list_runs

    return [(run.base_model, _DEFAULT_LENGTH) for run in list_runs(workspace)[:1]]


def ready_model(name: str, max_length: int) -> Model:
    """Return a model that can be used now.

    Raises:
        FtarenaError: There is no such model, or it is not ready on this machine.
    """
    from ftarena.recipes.models import resolve_model, tokenizer_folder

    ref = resolve_model(name)
    folder = tokenizer_folder(ref)
    if folder is None:
        raise FtarenaError(
            f"{name} is not ready on this machine",
            f"a check fetches what it needs: ftarena check FILE --model {name}",
        )
    return Model(ref.name, max_length, folder)


def read_model(text: str) -> Model:
    """Return the model that a typed line names: a name, and perhaps a number, the length in tokens.

    Raises:
        FtarenaError: There is no such model, or it is not ready on this machine.
    """
    name, _, length = text.strip().rpartition(" ")
    if name and length.isdecimal() and int(length) > 0:
        return ready_model(name.strip(), int(length))
    return ready_model(text.strip(), _DEFAULT_LENGTH)


def models_near(workspace: Workspace) -> list[str]:
    """Return the models that recipes, runs and the demo name, as `read_model` takes them."""
    named = [(recipe.model, recipe.max_length) for recipe in recipes_near()]
    found = [f"{name} {length}" for name, length in [*named, *_of_runs(workspace)] if name]
    return list(dict.fromkeys([*found, f"demo:smollm2 {_DEFAULT_LENGTH}"]))


def specs(text: str) -> tuple[str, ...]:
    """Return what a typed line names: one thing, or several, quoted as in a shell where they hold spaces."""
    if Path(text).expanduser().exists():
        return (text,)
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return (text,)


class PathCompleter(Completer):
    """Completes a path: to something that is near, and to what lies in the folder that was typed so far."""

    def candidates(self, value: str) -> list[str]:
        """Return what a line could become."""
        found = super().candidates(value)
        return list(dict.fromkeys([*found, *self._in_folder(value)])) if value.strip() else found

    @staticmethod
    def _in_folder(value: str) -> list[str]:
        typed = Path(value).expanduser()
        folder, begun = (typed, "") if value.endswith("/") else (typed.parent, typed.name)
        try:
            names = sorted(p.name + ("/" if p.is_dir() else "") for p in folder.iterdir())
        except (OSError, ValueError):
            return []
        return [
            value.removesuffix(begun) + name
            for name in names
            if name.startswith(begun)
            and (begun or not name.startswith("."))
            and (name.endswith("/") or _is_data(name))
        ]
