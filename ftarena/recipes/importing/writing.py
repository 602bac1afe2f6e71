"""The new recipe as a file: grouped, with the command that runs it, and what was lost on top."""

import textwrap
from pathlib import Path
from typing import Any

import yaml

from ftarena.recipes.catalogue import groups
from ftarena.recipes.importing.reading import Imported
from ftarena.recipes.importing.translation import Fate
from ftarena.text import clean_line

_WIDTH = 100


def write_recipe(imported: Imported, output: Path | None) -> str:
    """Return the text of a recipe that was taken over.

    Args:
        imported: What became of the foreign recipe.
        output: Where it will lie, for the command on top. None: standard output.
    """
    name = output if output is not None else "FILE.yaml"
    lines = [
        f"# {imported.tool}'s {clean_line(imported.source.name)}, taken over.",
        "#",
        f"#   ftarena train {clean_line(str(name))}",
    ]
    lines += _listed("It cannot run as it stands:", imported.problems)
    lost = [
        f"{remark.key}{f': {remark.given}' if remark.given else ''}: {remark.said}"
        + (f"; {remark.instead}" if remark.instead else "")
        for remark in imported.of(Fate.LOST)
    ]
    lines += _listed("Not carried over:", lost)
    for group in groups():
        keys = [key.name for key in group.keys if key.name in imported.values]
        if keys:
            lines += ["", f"# {group.title}"]
            for key in keys:
                lines += _key(key, imported.values[key], imported.notes.get(key, ""))
    return "\n".join(lines) + "\n"


def _listed(title: str, items: list[str]) -> list[str]:
    """Return comment lines of a list; nothing where it is empty."""
    if not items:
        return []
    lines = ["#", f"# {title}"]
    for item in items:
        lines += textwrap.wrap(
            clean_line(item),
            _WIDTH,
            initial_indent="#   - ",
            subsequent_indent="#     ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _key(key: str, value: Any, note: str) -> list[str]:
    short = isinstance(value, list) and all(isinstance(part, str | int | float) for part in value)
    flow = short and sum(len(str(part)) + 2 for part in value) < _WIDTH - 20
    text = yaml.safe_dump(
        {key: value},
        default_flow_style=flow if short else False,
        sort_keys=False,
        allow_unicode=True,
        width=10_000,
    ).rstrip("\n")
    if flow:  # `{key: [a, b]}`: the braces of the mapping are not wanted
        text = text.removeprefix("{").removesuffix("}")
    first, *rest = text.split("\n")
    return [f"{first}  # {clean_line(note)}" if note else first, *rest]
