"""Reading Parquet and Arrow: plain values out of columns, and none of Arrow's own errors."""

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.curation.rows import Problem, Row, columnar, read_row, read_rows, row_digest
from ftarena.curation.sources import Source, source_of
from ftarena.errors import FtarenaError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

CHAT = {"messages": [{"role": "user", "content": "ä"}, {"role": "assistant", "content": "b"}]}
KINDS = ["a.parquet", "file.arrow", "stream.arrow"]


def written(folder: Path, table: Any, name: str, **how: Any) -> Source:
    path = folder / name
    if name.endswith("parquet"):
        pq.write_table(table, path, **how)
    elif name.startswith("stream"):  # as the datasets library writes its cache
        with pa.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=7)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=7)
    return source_of(path)


@pytest.mark.parametrize("name", KINDS)
def test_a_row_is_its_number(tmp_path: Path, name: str) -> None:
    """Conversations come back as JSON would have them, each with the number of its row."""
    rows = [{**CHAT, "n": number} for number in range(1200)]
    source = written(tmp_path, pa.Table.from_pylist(rows), name)
    found = list(read_rows(source))
    assert found == [Row(source.path, line, value) for line, value in enumerate(rows, 1)]
    assert read_row(source, 777) == found[776]
    for line in (0, 1201):
        with pytest.raises(FtarenaError, match=f"has no row {line}"):
            read_row(source, line)


def test_one_row_of_many_groups(tmp_path: Path) -> None:
    """A row is found without reading the groups before it."""
    table = pa.Table.from_pylist([{"n": number} for number in range(1000)])
    source = written(tmp_path, table, "a.parquet", row_group_size=90)
    for line in (1, 90, 91, 500, 1000):
        assert read_row(source, line) == Row(source.path, line, {"n": line - 1})


@pytest.mark.parametrize("name", KINDS)
def test_values_are_plain_json(tmp_path: Path, name: str) -> None:
    """Dates are ISO text, missing numbers null; nothing of a table library is left in a row."""
    table = pa.table(
        {
            "when": [datetime.datetime(2026, 1, 9, 10, 15), None],
            "day": [datetime.date(2026, 1, 9), None],
            "took": pa.array([datetime.timedelta(seconds=90), None]),
            "price": [Decimal("1.50"), None],
            "score": [0.5, float("nan")],
            "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
            "word": pa.array(["x", "x"]).dictionary_encode(),
            "deep": [[{"at": datetime.date(2026, 1, 9)}], []],
        }
    )
    first, second = (row.value for row in read_rows(written(tmp_path, table, name)) if isinstance(row, Row))
    assert first == {
        "when": "2026-01-09T10:15:00",
        "day": "2026-01-09",
        "took": 90.0,
        "price": "1.50",
        "score": 0.5,
        "map": {"a": 1},
        "word": "x",
        "deep": [{"at": "2026-01-09"}],
    }
    assert second == dict.fromkeys(first) | {"word": "x", "deep": []}
    assert json.loads(json.dumps(first)) == first and row_digest(first)


@pytest.mark.parametrize("name", KINDS)
def test_what_json_has_not_is_a_problem_of_its_row(tmp_path: Path, name: str) -> None:
    """Pictures and infinite numbers are named with their column; the other rows are read."""
    rows = [
        {"image": {"bytes": None}, "n": 1.0},
        {"image": {"bytes": b"\x89PNG"}, "n": 1.0},
        {"n": float("inf")},
    ]
    table = pa.Table.from_pylist([{"image": {"bytes": b""}, **row} for row in rows])
    table = table.set_column(0, "image", pa.array([row.get("image") for row in rows]))
    _, picture, infinite = read_rows(written(tmp_path, table, name))
    assert isinstance(picture, Problem) and (picture.line, picture.code) == (2, "type")
    assert "image.bytes holds bytes" in picture.message
    assert isinstance(infinite, Problem) and "n is infinite" in infinite.message


def test_text_that_is_not_utf8_costs_one_row(tmp_path: Path) -> None:
    """Some writers put Latin-1 into text columns."""
    raw = pa.array([b"a", b"Gr\xfc", b"c"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    found = list(read_rows(written(tmp_path, pa.table({"prompt": text}), "a.parquet")))
    assert [row.line for row in found] == [1, 2, 3]
    assert isinstance(found[1], Problem) and found[1].code == "encoding"
    assert isinstance(found[2], Row) and found[2].value == {"prompt": "c"}


def test_a_file_of_many_rows_is_read_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row group of a million rows is not held as a whole: never more than one batch as objects."""
    table = pa.Table.from_pylist([CHAT] * 3000)
    sizes: list[int] = []
    real = columnar._rows
    monkeypatch.setattr(
        columnar,
        "_rows",
        lambda source, batch, line: (sizes.append(batch.num_rows), real(source, batch, line))[1],
    )
    assert len(list(read_rows(written(tmp_path, table, "a.parquet")))) == 3000
    assert max(sizes) <= columnar.BATCH_ROWS and len(sizes) >= 6


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, name: str) -> None:
    """A download that broke off is one clear line, and what can be read of it is read."""
    whole = written(tmp_path, pa.Table.from_pylist([{"n": "x" * 100}] * 500), name)
    raw = whole.path.read_bytes()
    whole.path.write_bytes(raw[: len(raw) // 2])
    source = Source(whole.path, whole.format)
    if name == "stream.arrow":  # a Parquet or Arrow file has its table of contents at the end
        found = list(read_rows(source))
        assert len(found) > 100 and isinstance(found[-1], Problem)
        assert (found[-1].code, found[-1].line) == ("torn", len(found))
    else:
        with pytest.raises(FtarenaError, match=r"is not an? \w+ file, or its end is missing"):
            list(read_rows(source))


@pytest.mark.parametrize("format", ["parquet", "arrow"])
@pytest.mark.parametrize("raw", [b"", b"PAR1", b'{"a": 1}\n', b"ARROW1\0\0" + b"x" * 100])
def test_what_is_no_such_file_is_named(tmp_path: Path, format: Any, raw: bytes) -> None:
    """A web page saved as train.parquet gives no "ArrowInvalid"."""
    path = tmp_path / "x"
    path.write_bytes(raw)
    with pytest.raises(FtarenaError) as error:
        list(read_rows(Source(path, format)))
    assert (
        str(path) in error.value.message and error.value.hint and "Arrow" + "Invalid" not in str(error.value)
    )


def test_a_packed_parquet_file_is_unpacked_by_hand(tmp_path: Path) -> None:
    """Parquet is packed inside; around it nothing can be gone to directly."""
    import gzip

    path = tmp_path / "a.parquet.gz"
    path.write_bytes(gzip.compress(b"PAR1"))
    with pytest.raises(FtarenaError, match=r"parquet is not read packed\nunpack it: gunzip"):
        list(read_rows(source_of(path)))


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(KINDS), at=st.floats(0, 1), byte=st.integers(0, 255), count=st.integers(1, 20))
def test_no_damage_whatever_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, name: str, at: float, byte: int, count: int
) -> None:
    """Flipped bytes anywhere give rows, a problem or one clear error."""
    folder = tmp_path_factory.mktemp("damage")
    source = written(folder, pa.Table.from_pylist([{**CHAT, "n": number} for number in range(20)]), name)
    raw = bytearray(source.path.read_bytes())
    start = int(at * (len(raw) - 1))
    raw[start : start + count] = bytes([byte]) * len(raw[start : start + count])
    source.path.write_bytes(bytes(raw))
    try:
        rows = list(read_rows(source))
    except FtarenaError as error:
        assert str(source.path) in error.message
        return
    assert all(isinstance(row, Row | Problem) for row in rows)
