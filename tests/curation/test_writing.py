"""Writing rows: every format comes back as it was, nothing is overwritten, nothing is left half."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation.examples import Example, ToolCall, Turn
from ftarena.curation.rows import Problem, read_rows
from ftarena.curation.shapes import example_of
from ftarena.curation.sources import source_of
from ftarena.curation.writing import row_of, write_rows
from ftarena.errors import FtarenaError

ENDINGS = [
    "jsonl",
    "jsonl.gz",
    "jsonl.zst",
    "json",
    "json.gz",
    "csv",
    "csv.gz",
    "csv.zst",
    "tsv",
    "parquet",
    "arrow",
]
CALLS = (ToolCall("w", '{"a":[1,{"b":null}]}', "1"), ToolCall("n", "{}", "2"))
LONG = (
    Turn("system", 's, "quoted"\tand\nmore'),
    Turn("user", "q"),
    Turn("assistant", "", CALLS, "r", learned=False),
    Turn("tool", "sun ☀", name="w", tool_call_id="1"),
)
TOOLS = json.dumps(
    [{"type": "function", "function": {"name": "w", "parameters": {"default": None, "x": [1, "2"]}}}]
)
ANSWER, WORSE = (Turn("assistant", "[1, 2]"),), (Turn("assistant", "null"),)
ROWS = Path("rows.jsonl")
EXAMPLES = [
    Example(ROWS, 1, "messages", (Turn("user", "plain"),), ANSWER),
    Example(ROWS, 2, "messages", LONG, ANSWER, (), TOOLS),
    Example(ROWS, 3, "messages", LONG[:2], ANSWER, (), TOOLS.replace('"x"', '"y"')),
]


def read(path: Path) -> list[Any]:
    found = []
    for row in read_rows(source_of(path)):
        assert not isinstance(row, Problem), row
        found.append(row)
    return found


def meanings(path: Path) -> list[Any]:
    return [example_of(path, row.line, row.value).meaning for row in read(path)]


@pytest.mark.parametrize("ending", ENDINGS)
def test_conversations_come_back_from_every_format(tmp_path: Path, ending: str) -> None:
    """Calls, reasoning, ids and tools, in rows that have not all the same."""
    path = tmp_path / f"out.{ending}"
    assert write_rows((row_of(example, "messages") for example in EXAMPLES), path) == 3
    assert meanings(path) == [example.meaning for example in EXAMPLES]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", ENDINGS)
def test_pairs_labels_and_questions_come_back_from_every_format(tmp_path: Path, ending: str) -> None:
    """Columns that hold text in one row and messages in another, and true and false."""
    prompt = LONG[:2]
    for number, examples in enumerate(
        [
            [Example(ROWS, 1, "preference", prompt, ANSWER, WORSE)],
            [Example(ROWS, line, "kto", prompt, ANSWER, (), "", line == 1) for line in (1, 2)],
            [Example(ROWS, 1, "reference", asked, ANSWER) for asked in ((Turn("user", "q"),), prompt)],
            [Example(ROWS, 1, "text", (), (Turn("assistant", '{"a": 1}'),))],
        ]
    ):
        path = tmp_path / f"{number}.{ending}"
        write_rows([row_of(example, example.shape) for example in examples], path)
        assert meanings(path) == [example.meaning for example in examples]


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_no_later_row_breaks_a_file_of_columns(tmp_path: Path, ending: str) -> None:
    """Arrow's "changed from object to array in row 0" never reaches me."""
    rows = [
        {
            "a": {"x": 1},
            "b": 1,
            "c": [1],
            "d": "text",
            "e": 1,
            "f": None,
            "g": {},
            "h": 2**60,
            "i": [],
            "j": True,
        },
        {"a": [1, 2], "b": "one", "c": ["2"], "d": None, "e": 0.5, "h": 2**70, "i": [[]]},
        {"a": None, "c": {"y": []}, "k": {"same": 1, "keys": None}},
        {"k": {"keys": "later", "same": 2}},
    ]
    path = tmp_path / f"out.{ending}"
    assert write_rows(rows, path) == 4
    values = [row.value for row in read(path)]
    assert [value["a"] for value in values] == ['{"x": 1}', "[1, 2]", None, None]
    assert [value["b"] for value in values] == ["1", "one", None, None]
    assert [value["c"] for value in values] == ["[1]", '["2"]', '{"y": []}', None]
    assert [value["e"] for value in values] == [1.0, 0.5, None, None]
    assert [value["h"] for value in values] == [str(2**60), str(2**70), None, None]
    assert values[0] | {"f": None, "g": "{}", "j": True} == values[0]
    assert [value["k"] for value in values[2:]] == [{"same": 1, "keys": None}, {"same": 2, "keys": "later"}]


def test_messages_are_structs_as_table_libraries_want_them(tmp_path: Path) -> None:
    """Other tools load my Parquet file, too."""
    import pyarrow.parquet as pq

    path = tmp_path / "out.parquet"
    write_rows([row_of(example, "messages") for example in EXAMPLES[:2]], path)
    schema = pq.read_schema(path)
    fields = {schema.field("messages").type.value_type.field(i).name for i in range(7)}
    assert {"role", "content", "tool_calls", "reasoning_content", "name", "tool_call_id", "weight"} == fields


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "a", "b", "function"]), inner, max_size=3)
    ),
    max_leaves=8,
)
TABLES = st.lists(st.dictionaries(st.sampled_from(["x", "messages", "z"]), JSON, min_size=1), max_size=6)


@given(rows=TABLES)
def test_any_rows_can_be_written_in_any_format(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    """No row whatever ends in an error of a table library."""
    folder = tmp_path_factory.mktemp("any")
    for ending in ("jsonl", "json", "csv", "parquet", "arrow"):
        path = folder / f"out.{ending}"
        assert write_rows(iter(rows), path) == len(rows)
        if ending in ("jsonl", "json"):
            assert [row.value for row in read(path)] == rows
        elif ending in ("parquet", "arrow") and rows:
            assert len(read(path)) == len(rows)


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """My only copy survives a wrong name."""
    path = tmp_path / "out.jsonl"
    path.write_text("mine\n")
    with pytest.raises(FtarenaError, match=r"out.jsonl is there already\n.*--overwrite"):
        write_rows([{"a": 1}], path)
    assert path.read_text() == "mine\n"
    assert write_rows([{"a": 1}], path, overwrite=True) == 1 and path.read_text() == '{"a": 1}\n'


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_source_that_fails_leaves_nothing_behind(tmp_path: Path, ending: str) -> None:
    """A half-written file would be taken for a whole one."""

    def rows() -> Iterator[dict[str, Any]]:
        yield {"a": 1}
        raise FtarenaError("the source ends here")

    with pytest.raises(FtarenaError, match="the source ends here"):
        write_rows(rows(), tmp_path / f"out.{ending}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"bytes"])
@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "parquet"])
def test_what_is_no_json_is_refused_with_its_row(tmp_path: Path, ending: str, value: Any) -> None:
    """Other tools refuse NaN, and so does reading here."""
    with pytest.raises(FtarenaError, match="row 2 holds what JSON has not"):
        write_rows([{"a": 1}, {"a": value}], tmp_path / f"out.{ending}")
    assert not list(tmp_path.iterdir())


def test_half_a_surrogate_pair(tmp_path: Path) -> None:
    """JSON can hold it, tables cannot, and say which row."""
    write_rows([{"a": "\ud83d"}], tmp_path / "out.jsonl")
    assert read(tmp_path / "out.jsonl")[0].value == {"a": "\ud83d"}
    for ending in ("csv", "parquet"):
        with pytest.raises(FtarenaError, match="half of a surrogate pair"):
            write_rows([{"a": "\ud83d"}], tmp_path / f"out.{ending}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("out.txt", "out.txt: it is not known how to write it"),
        ("out", "out: it is not known how to write it"),
        ("out.parquet.gz", "parquet files are packed inside"),
        ("gone/out.jsonl", "No such file or directory"),
    ],
)
def test_where_to_is_checked(tmp_path: Path, name: str, said: str) -> None:
    """A wrong ending or folder is one clear line."""
    with pytest.raises(FtarenaError, match=said):
        write_rows([{"a": 1}], tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    """A manifest's hash can be checked by writing again; letters stay letters."""
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_rows([{"a": "Grüße"}], tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).decode() == '{"a": "Grüße"}\n'
    assert write_rows([{"a": 1}], tmp_path / "named", format="jsonl") == 1
    assert write_rows([], tmp_path / "none.json") == 0 and read(tmp_path / "none.json") == []


def test_what_a_killed_program_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """An earlier try was killed half way: once I write the same file, its half is gone; live ones stay."""
    out = tmp_path / "out.jsonl"
    (dead := tmp_path / ".out.jsonl.999999999-0a1b2c3d.part").write_text("half")
    (live := tmp_path / f".out.jsonl.{os.getpid()}-0a1b2c3d.part").write_text("half")
    (young := tmp_path / ".out.jsonl.999999998-0a1b2c3d.part").write_text("half")
    (other := tmp_path / ".other.jsonl.999999999-0a1b2c3d.part").write_text("half")
    for path in (dead, live, other):
        os.utime(path, (1, 1))
    write_rows([{"a": 1}], out)
    assert sorted(tmp_path.iterdir()) == sorted([live, young, other, out])
