"""The lines of a recipe's file: key, value and where each stands; of our own recipes and of other tools'."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ftarena.errors import UsageError
from ftarena.text import clean_line, size

MOST_BYTES = 1_000_000
"""A larger file is no recipe, and is not read."""

MOST_VALUES = 10_000
"""Keys and values in all, each YAML alias counted as what it stands for."""


class Line(NamedTuple):
    """One key of the top mapping of a YAML file."""

    key: str
    """As it was written."""

    value: Any
    number: int
    """Of the line, from 1."""


def read_lines(path: Path) -> list[Line]:
    """Return every key of a YAML file's top mapping, in its order; one that is there twice is there twice.

    Raises:
        UsageError: There is no such file, it is no text, broken YAML, no mapping, or far too large.
    """
    text = _text_of(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode) or not all(
            isinstance(key, yaml.ScalarNode) for key, _ in node.value
        ):
            raise UsageError(f"{path} is not a recipe: it must be lines of `key: value`")
        if _values_in(node, {}) > MOST_VALUES:
            raise UsageError(
                f"{path} is not a recipe: it holds more than {MOST_VALUES:,} values",
                "rows of data lie in files of their own, which dataset names",
            )
        loader = yaml.SafeLoader("")
        return [
            Line(str(key.value), _construct(loader, value), key.start_mark.line + 1)
            for key, value in node.value
        ]
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{path}{line}: broken YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: broken YAML: {clean_line(str(error))}") from error
    except RecursionError:
        raise UsageError(f"{path}: broken YAML: lists inside lists inside lists, too deep") from None


def _text_of(path: Path) -> str:
    try:
        if path.exists() and not path.is_dir() and not path.is_file():
            raise UsageError(f"{path} is no ordinary file, so it is no recipe", "a recipe is a YAML file")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)  # what grows while it is read is too large as well
        if len(raw) > MOST_BYTES:
            raise UsageError(
                f"{path} is larger than {size(MOST_BYTES)}, so it is no recipe", "a recipe is a YAML file"
            )
        return raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            f"there is no recipe {path}", "ftarena recipe presets lists those that come along"
        ) from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder, not a recipe", f"name a file in it: ls {path}") from None
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise UsageError(
            f"{path} is not UTF-8 (byte 0x{byte:02x} at {error.start + 1}), so it is no recipe",
            "a recipe is a YAML file, such as configs/demo-sft.yaml",
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read as a recipe: {error.strerror or error}") from error


def _values_in(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many keys and values a node stands for; of a list that holds itself, more than enough.

    Args:
        node: Of the composed file, in which an alias is the very node that it names.
        known: Counts of nodes seen before; grows.
    """
    if id(node) not in known:
        known[id(node)] = MOST_VALUES + 1  # until it is counted: it can only be met inside itself
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        known[id(node)] = 1 + sum(_values_in(part, known) for part in parts)
    return known[id(node)]


def _construct(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    try:
        return loader.construct_object(node, deep=True)
    except ValueError as error:  # `!!int x`; PyYAML lets Python's own error through
        raise yaml.MarkedYAMLError(problem=clean_line(str(error)), problem_mark=node.start_mark) from error
