"""Reading a recipe: YAML, the command line's overrides, and errors that name the line and the key.

Where the files are that it names is found out in `finding`; so `configs/demo-sft.yaml` may say
`data/demo/sft.jsonl` and works from anywhere.
"""

import reprlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ftarena.errors import UsageError
from ftarena.recipes.finding import COMMAND_LINE as _COMMAND_LINE
from ftarena.recipes.finding import find_files
from ftarena.recipes.finding import said as _said
from ftarena.recipes.keys.schedule import AUTO_STANDS_FOR
from ftarena.recipes.names import ALIASES, FOREIGN, GONE, method_meant, nearest
from ftarena.recipes.presets import preset_path
from ftarena.recipes.reading import read_lines
from ftarena.recipes.schema import BELONGS, Recipe
from ftarena.text import clean_line, shorten

KEYS = list(Recipe.model_fields)


def load_recipe(
    path: Path | None,
    overrides: Mapping[str, str] | None = None,
    *,
    on_note: Callable[[str], None] | None = None,
) -> Recipe:
    """Read a recipe and check it.

    Args:
        path: The YAML file, or the name of a preset. None: the overrides say everything.
        overrides: Keys given on the command line, as text, with dashes or underscores; they win. A list is
            written as in YAML, `[sigmoid, sft]` or `[{path: a.jsonl, weight: 2}, b.jsonl]`; an empty
            value or `null` takes a key back.
        on_note: Called once for each key that was understood as another one.

    Returns:
        The recipe, with absolute paths and every default that does not depend on the machine.

    Raises:
        UsageError: No such file, broken YAML, unknown keys, impossible or contradictory values, missing data.
            The message has one line a problem, with `file:line` where it came from a file.
    """
    path = preset_path(path) if path is not None else None
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    problems: list[str] = []
    note = on_note or (lambda line: None)
    said = set()
    replaced = 0
    for key, value, place in [*_from_file(path), *_from_command_line(overrides or {})]:
        if key in ALIASES:
            note(f"{_said(place)}{key} is understood as {ALIASES[key]}")
        name = ALIASES.get(key, key)
        said.add(key)
        if name not in KEYS:
            problems.append(_unknown(key, place))
        elif place.startswith(_COMMAND_LINE) and value is None:
            values.pop(name, None)
        elif name == _BATCH and value == "auto" and _whole(values.get(name)):
            replaced = int(values[name])
            values[name], places[name] = value, place
        elif name in values and not place.startswith(_COMMAND_LINE):
            problems.append(f"{_said(place)}{key} says {name} a second time ({places[name]} did before)")
        else:
            values[name], places[name] = value, place
    if problems and path is not None and len(FOREIGN.intersection(said)) > 1:
        raise UsageError(
            "\n".join(problems),
            f"it looks like a recipe of another tool: ftarena recipe import {path} -o OUT.yaml takes it over",
        )
    if replaced and _ACCUMULATION not in (overrides or {}):
        _keep_examples(values, replaced, note)
    if not problems:
        values.setdefault("name", path.stem if path else str(values.get("method", "run")))
        problems = find_files(values, places, path)
    if problems:
        raise _error(problems)
    try:
        return Recipe.model_validate(
            {key: value for key, value in values.items() if value is not None}
        ).resolved()
    except ValidationError as error:
        rank: dict[tuple[int | str, ...], int] = {(key,): number for number, key in enumerate(places)}
        # In the order of the file, which is not pydantic's.
        found = sorted(error.errors(), key=lambda problem: rank.get(problem["loc"][:1], -1))
        raise _error([_explain(problem, places, path) for problem in found]) from None


_BATCH, _ACCUMULATION = "per_device_train_batch_size", "gradient_accumulation_steps"


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _keep_examples(values: dict[str, Any], replaced: int, note: Callable[[str], None]) -> None:
    """Let a step learn from as many examples as the recipe says, where its batch became `auto`.

    Args:
        values: The recipe's; changed in place.
        replaced: The batch size that the command line took the place of.
        note: Told where no whole number of batches is as many.
    """
    given = values.get(_ACCUMULATION, Recipe.model_fields[_ACCUMULATION].default)
    if not _whole(given):
        return  # the schema says what is wrong with it
    wanted = replaced * given
    values[_ACCUMULATION] = -(-wanted // AUTO_STANDS_FOR)
    now = AUTO_STANDS_FOR * values[_ACCUMULATION]
    if now != wanted:
        note(f"{_BATCH} auto: a step learns from {now} examples, the nearest multiple of 4 above {wanted}")


def problems_of(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with keys and values that no file holds yet; whether data are there is not asked.

    Args:
        values: By the schema's own names.
    """
    try:
        Recipe.model_validate({key: value for key, value in values.items() if value is not None})
    except ValidationError as error:
        return [line for problem in error.errors() for line in _explain(problem, {}, None).splitlines()]
    return []


def dump_recipe(recipe: Recipe) -> str:
    """Return a recipe as YAML that `load_recipe` reads back to the same recipe."""
    foreign = {key for key, methods in BELONGS.items() if recipe.method not in methods}
    values = recipe.model_dump(mode="json", exclude_none=True, exclude=foreign)
    return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def _from_file(path: Path | None) -> list[tuple[str, Any, str]]:
    """Return (key, value, place) of each line of the top mapping."""
    lines = [] if path is None else read_lines(path)
    return [(line.key.replace("-", "_"), line.value, f"{path}:{line.number}") for line in lines]


def _from_command_line(overrides: Mapping[str, str]) -> list[tuple[str, Any, str]]:
    found = []
    for option, text in overrides.items():
        value: Any = text
        place = f"{_COMMAND_LINE}{option.replace('_', '-')}"
        if text.strip().lower() in ("", "null", "none", "~") and option.replace("-", "_") != "report_to":
            value = None
        elif text.lstrip().startswith(("[", "{")):
            try:
                value = yaml.safe_load(text)
            except yaml.YAMLError:
                hint = "write it as [one, two], an entry as {path: FILE, weight: 2}"
                raise UsageError(f"{place} {text} is not a list", hint) from None
        found.append((option.replace("-", "_"), value, place))
    return found


def _unknown(key: str, place: str) -> str:
    if key in GONE:
        return f"{_said(place)}{key} is not a key here: {GONE[key]}"
    near = nearest(key, KEYS)
    return f"{_said(place)}unknown key {clean_line(key)}" + (f", did you mean {near}?" if near else "")


def _explain(problem: Any, places: Mapping[str, str], path: Path | None) -> str:
    """Return a line for a human from one of pydantic's errors; of keys that disagree, one a contradiction."""
    if not problem["loc"]:  # a cross-field check, which names its keys itself
        lines = _reason(problem).splitlines()
        return "\n".join(f"{path}: {line}" for line in lines) if path else "\n".join(lines)
    key = str(problem["loc"][0])
    if problem["type"] == "missing":
        return (f"{path}: " if path else "") + f"{key} is missing: {_meaning(key)}"
    place = places.get(key, "")
    if place.startswith(_COMMAND_LINE) and problem["input"] == "true":
        # What a bare option is read as; nobody types it where no yes or no is wanted.
        return f"{place} has no value: {_reason(problem)}"
    given = _shown(problem["input"])
    return f"{_said(places.get(key, str(path or '')))}{key} is {given or 'empty'}: {_reason(problem)}"


def _shown(value: Any) -> str:
    """What was given, on one short line.

    A few YAML aliases can stand for a list of billions, so a list is never spelt out whole.
    """
    try:
        return shorten(reprlib.repr(value) if isinstance(value, list | dict | set) else str(value), 40)
    except ValueError:  # Python refuses to write integers of more than 4,300 digits
        return "a very long number"


def _reason(problem: Any) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind.startswith("int_"):
        return "expected a whole number"
    if kind.startswith("float_"):
        return "expected a number"
    if kind.startswith("bool_"):
        return "expected true or false"
    if kind == "finite_number":
        return "expected a finite number"
    if kind == "literal_error":
        meant = method_meant(str(problem["input"])) if problem["loc"][:1] == ("method",) else None
        return f"expected {context['expected']}" + (f"; did you mean {meant}?" if meant else "")
    if kind in ("too_short", "string_too_short"):
        return "expected at least one" if isinstance(problem["input"], list) else "expected text"
    if kind in ("string_type", "list_type"):
        return "expected text" if kind == "string_type" else "expected a list, as in [one, two]"
    return str(problem["msg"]).replace("Input should be", "expected something")


def _meaning(key: str) -> str:
    return " ".join((Recipe.model_fields[key].description or "").split()).split(". ")[0].rstrip(".")


def _error(problems: list[str]) -> UsageError:
    return UsageError("\n".join(problems))
