"""The lines of a recipe's file: key, value and where each stands; of our own recipes and of other tools'."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ftarena.errors import UsageError
from ftarena.text import clean_line


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
        UsageError: There is no such file, it is no text, broken YAML, or no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
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
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode) or not all(
            isinstance(key, yaml.ScalarNode) for key, _ in node.value
        ):
            raise UsageError(f"{path} is not a recipe: it must be lines of `key: value`")
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


def _construct(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    try:
        return loader.construct_object(node, deep=True)
    except ValueError as error:  # `!!int x`; PyYAML lets Python's own error through
        raise yaml.MarkedYAMLError(problem=clean_line(str(error)), problem_mark=node.start_mark) from error
