"""The one type that a column of Parquet or Arrow has, found for rows of JSON that may not agree.

A list of messages becomes a list of structs, as table libraries want it. Elsewhere a struct would give every
object the keys of all others, with null where there was none, and a JSON schema would mean something else
when read again: such a column is JSON text in every row. No row ever breaks a file, whatever was before it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias

from ftarena.errors import FtarenaError

if TYPE_CHECKING:
    import pyarrow as pa

Kind: TypeAlias = "Literal['bool', 'int', 'long', 'float', 'text', 'json'] | ListOf | Struct | None"
"""What kind of values a column has: None where only null was seen, `long` where a float would round."""

BATCH_ROWS = 5_000
BATCH_CHARACTERS = 16_000_000
"""A batch ends at so many rows, or at about so much text."""

_MESSAGE_KEYS = frozenset(["role", "from", "function"])
"""An object with one of these is a message or a call, where null and absent mean the same."""


class ListOf:
    """A list whose items have one kind."""

    def __init__(self, item: Kind) -> None:
        self.item = item


class Struct:
    """An object whose keys have a kind each."""

    def __init__(self, fields: dict[str, Kind]) -> None:
        self.fields = fields


def kind_of(value: Any) -> Kind:
    """Return the kind of one JSON value."""
    if isinstance(value, str):
        return "text"
    if value is None:
        return None
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if abs(value) <= 1 << 53 else "long" if -(1 << 63) <= value < 1 << 63 else "json"
    if isinstance(value, float):
        return "float"
    if isinstance(value, Mapping):
        return Struct({key: kind_of(item) for key, item in value.items()})
    item: Kind = None
    for each in value:
        item = joined(item, kind_of(each))
    return ListOf(item)


def joined(one: Kind, other: Kind) -> Kind:
    """Return the kind that has a place for the values of both; `json` where only text has."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, ListOf) and isinstance(other, ListOf):
        return ListOf(joined(one.item, other.item))
    if isinstance(one, Struct) and isinstance(other, Struct):
        same = one.fields.keys() == other.fields.keys()
        if not same and not (_is_message(one) and _is_message(other)):
            return "json"
        keys = [*one.fields, *(key for key in other.fields if key not in one.fields)]
        return Struct({key: joined(one.fields.get(key), other.fields.get(key)) for key in keys})
    if one == other:
        return one
    numbers = {one, other} if isinstance(one, str) and isinstance(other, str) else set()
    if numbers == {"int", "float"}:
        return "float"
    return "long" if numbers == {"int", "long"} else "json"


def column_kind(kind: Kind) -> Kind:
    """Return the kind of a whole column: JSON text where anything in it has no type of its own."""
    return "json" if _has_json(kind) else kind


def value_as(value: Any, kind: Kind) -> Any:
    """Return a value as its column holds it: in a column of JSON text, a text stays as it is."""
    if kind != "json" or value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def write_columnar(
    rows: Iterable[Mapping[str, Any]],
    file: IO[bytes],
    columns: Mapping[str, Kind],
    format: Literal["parquet", "arrow"],
    shown: str,
) -> None:
    """Write rows as Parquet (zstd) or as an Arrow file, a batch in memory at a time.

    Args:
        rows: JSON values by column.
        file: Where to, open for writing.
        columns: The kind of each column, from `column_kind`.
        format: Which of the two.
        shown: The file's name, for messages.

    Raises:
        FtarenaError: A text in it is none that can be encoded.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, _arrow_type(kind)) for name, kind in columns.items()])
    writer: Any
    if format == "parquet":
        writer = pq.ParquetWriter(file, schema, compression="zstd")
    else:
        writer = pa.ipc.new_file(file, schema)
    with writer:
        first = 1
        for batch in _batches(rows):
            values = {
                name: [value_as(row.get(name), kind) for row in batch] for name, kind in columns.items()
            }
            try:
                arrays = [pa.array(values[field.name], field.type) for field in schema]
            except UnicodeEncodeError:
                last = first + len(batch) - 1
                raise FtarenaError(
                    f"{shown}: one of the rows {first} to {last} has half of a surrogate pair, no character",
                    "write JSON lines instead, or mend that row",
                ) from None
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            first += len(batch)


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) if isinstance(value, str) else 2_000 for value in row.values())
        if len(batch) == BATCH_ROWS or size > BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _arrow_type(kind: Kind) -> "pa.DataType":
    import pyarrow as pa

    if isinstance(kind, ListOf):
        return pa.list_(_arrow_type(kind.item))
    if isinstance(kind, Struct):
        return pa.struct([(key, _arrow_type(item)) for key, item in kind.fields.items()])
    if kind in ("int", "long"):
        return pa.int64()
    return {"bool": pa.bool_(), "float": pa.float64()}.get(str(kind), pa.string())


def _is_message(struct: Struct) -> bool:
    return not _MESSAGE_KEYS.isdisjoint(struct.fields)


def _has_json(kind: Kind) -> bool:
    if isinstance(kind, ListOf):
        return _has_json(kind.item)
    if isinstance(kind, Struct):
        # Parquet has no struct without fields.
        return not kind.fields or any(_has_json(item) for item in kind.fields.values())
    return kind == "json"
