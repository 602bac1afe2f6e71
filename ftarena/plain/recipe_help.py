"""The keys of a recipe as a command's help lists them."""

import textwrap
from typing import cast

from ftarena.recipes.catalogue import Key, groups
from ftarena.recipes.keys.task import Method

_NOT_KEYS = ("method", "model_name_or_path", "dataset")
"""What a verb says in other words: itself, `--model` and `--data`."""


def key_lines(method: str, *, width: int) -> list[tuple[str, list[str]]]:
    """Return the keys of a method, by concern: a title, and the lines below it.

    Args:
        method: One of the recipes' methods.
        width: Columns that a line may take.
    """
    found = []
    for group in groups(cast(Method, method)):
        lines: list[str] = []
        for key in group.keys:
            if key.name not in _NOT_KEYS:
                lines += _lines(key, cast(Method, method), width)
        if lines:
            found.append((group.title, lines))
    return found


def _lines(key: Key, method: Method, width: int) -> list[str]:
    option = f"--{key.name.replace('_', '-')}"
    default = key.default_for(method)
    head = f"  {option}  {default if default.startswith('[') else f'[{default}]'}"
    gist = f"      {key.gist}".replace("`", "")
    stop = "" if gist.endswith(("?", "!")) else "."
    return [*_filled(head, width, "      "), *_filled(gist + stop, width, "      ")]


def _filled(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 30),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
