"""Single values of a row: that a text is one, what else was found, and JSON inside of text cells."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ftarena.curation.examples import BadRow

_COLUMNAR = frozenset({"parquet", "arrow", "feather"})
_TABLES = _COLUMNAR | {"csv", "tsv"}


def kind_of(value: Any) -> str:
    """Return what a JSON value is, in the words of a message."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def checked_text(value: Any, where: str) -> str:
    """Return a text that says something.

    Args:
        value: What stands there.
        where: Its place in the row, for messages.

    Raises:
        BadRow: It is no text, is empty or white-space, or holds half of a surrogate pair.
    """
    if type(value) is not str:
        raise BadRow("type", f"{where} must be text, found {kind_of(value)}")
    if not value or value.isspace():
        raise BadRow("empty", f"{where} is empty")
    if not value.isascii():
        check_characters(value, where)
    return value


def check_characters(value: str, where: str) -> None:
    """Refuse half of a surrogate pair: JSON can write it, but no tokenizer, server or database takes it.

    Raises:
        BadRow: There is one.
    """
    try:
        value.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(value[error.start]):04x}"
        raise BadRow(
            "surrogate", f"{where} has half of a surrogate pair ({half}), which is no character"
        ) from None


@lru_cache(maxsize=256)
def is_table(file: Path) -> bool:
    """Return whether a file has cells: then a text may hold nested values, as JSON."""
    return _ending(file) in _TABLES


@lru_cache(maxsize=256)
def is_columnar(file: Path) -> bool:
    """Return whether nulls inside of objects mean nothing.

    Parquet and Arrow give every object of a column the keys of all of them, with null where there was none.
    """
    return _ending(file) in _COLUMNAR


def _ending(file: Path) -> str:
    name = file.name.lower()
    for packed in (".gz", ".zst", ".zstd"):
        name = name.removesuffix(packed)
    return name.rpartition(".")[2]


def parsed_list(value: Any, where: str) -> Any:
    """Return the list that a text holds as JSON, for fields where a text can mean nothing else.

    Raises:
        BadRow: It begins like a list but is none.
    """
    if type(value) is str and value.lstrip()[:1] == "[":
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise BadRow("json", f"{where} holds broken JSON: {error.msg.lower()}") from None
        except (ValueError, RecursionError):
            raise BadRow("json", f"{where} holds JSON that cannot be read") from None
    return value


def messages_in(value: Any, file: Path) -> Any:
    """Return the messages that a cell holds as JSON, or the value as it is.

    Only in tables, and only what cannot be anything but messages: a text of a JSON file is a text.
    """
    if type(value) is not str or value[:2] not in ("[{", '{"') or not is_table(file):
        return value
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return value
    items = parsed if isinstance(parsed, list) else [parsed]
    if all(isinstance(item, dict) and ("role" in item or "from" in item) for item in items):
        return parsed
    return value


def without_nulls(value: Any) -> Any:
    """Return a nested value without the keys whose value is null, all the way down."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
