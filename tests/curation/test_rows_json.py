"""Reading JSON that is not one row a line, as a stream."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ftarena.curation.rows import Problem, Row, objects, read_row, read_rows, window
from ftarena.curation.rows.blocks import Blocks
from ftarena.curation.sources import Columns, Source, source_of
from ftarena.errors import FtarenaError

ROWS = [{"prompt": f"{number}?", "completion": f"it's [{number}] }}"} for number in range(4)]
CHAT = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}


def written(folder: Path, text: str, name: str = "rows.json", columns: Columns | None = None) -> Source:
    path = folder / name
    path.write_bytes(text.encode())
    return source_of(path, columns=columns)


def found(source: Source) -> tuple[list[Any], list[Problem]]:
    rows = list(read_rows(source))
    good = [(row.line, row.value) for row in rows if isinstance(row, Row)]
    return good, [row for row in rows if isinstance(row, Problem)]


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (json.dumps(ROWS), [1, 2, 3, 4]),
        (json.dumps(ROWS, indent=2), [2, 6, 10, 14]),
        ("[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n", [2, 3, 4, 5]),
        ("\ufeff[" + "\r\n,".join(map(json.dumps, ROWS)) + ",\r\n]", [1, 2, 3, 4]),
        ("\n".join(json.dumps(row, indent=4) for row in ROWS), [1, 5, 9, 13]),
        ("\n".join(map(json.dumps, ROWS)), [1, 2, 3, 4]),
    ],
)
def test_what_is_written_counts_not_what_it_is_called(
    tmp_path: Path, name: str, text: str, lines: list[int]
) -> None:
    """Arrays, `jq .` output and JSON lines are read under either name; each row knows where it begins."""
    source = written(tmp_path, text, name)
    rows, problems = found(source)
    assert not problems
    assert rows == list(zip(lines, ROWS, strict=True))
    for line, value in rows:
        assert read_row(source, line) == Row(source.path, line, value)


def test_arrays_that_were_put_together_are_read(tmp_path: Path) -> None:
    """`cat a.json b.json` is the rows of both."""
    rows, problems = found(written(tmp_path, json.dumps(ROWS[:2]) + "\n" + json.dumps(ROWS[2:], indent=1)))
    assert rows == list(zip([1, 2, 3, 7], ROWS, strict=True)) and not problems


@pytest.mark.parametrize("indent", [None, 1])
def test_rows_can_be_in_an_object(tmp_path: Path, indent: int | None) -> None:
    """`{"version": …, "data": […]}` is a file of rows."""
    wrapped = {"version": "1", "tags": ["a", {}], "data": ROWS, "count": 4, "empty": []}
    rows, problems = found(written(tmp_path, json.dumps(wrapped, indent=indent)))
    assert [value for _, value in rows] == ROWS and not problems


@pytest.mark.parametrize("indent", [1, 4])
def test_rows_with_lists_are_no_wrappers(tmp_path: Path, indent: int) -> None:
    """`jq .` of rows that have lists of objects under names that nobody knows."""
    rows = [{"id": number, "passages": [{"p": 1}, {"p": 2}], "q": "?"} for number in range(3)]
    text = "\n".join(json.dumps(row, indent=indent) for row in rows)
    assert [value for _, value in found(written(tmp_path, text))[0]] == rows


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "row",
    [
        CHAT,
        {"conversation": CHAT["messages"]},
        {"dialog": CHAT["messages"]},
        {"talk": [{"a": 1}]},
        {"data": []},
    ],
)
def test_a_conversation_is_a_row(tmp_path: Path, row: Any, indent: int | None) -> None:
    """One conversation in a file is one row, not as many as it has messages."""
    columns = Columns({"messages": "talk"})
    rows, problems = found(written(tmp_path, json.dumps(row, indent=indent), columns=columns))
    assert rows == [(1, row)] and not problems


def test_a_second_list_of_rows_is_not_lost_silently(tmp_path: Path) -> None:
    """`{"train": […], "test": […]}` is two files: I am told."""
    rows, problems = found(written(tmp_path, json.dumps({"train": ROWS, "test": ROWS}, indent=1)))
    assert [value for _, value in rows] == ROWS
    assert "a second list of rows, 'test': only the first is read" in problems[0].message


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ('{"prompt": "a" "completion": "b"}', "expecting ',' delimiter"),
        ('{"prompt": "a, "completion": "b"}', "broken JSON"),
        ('{"prompt": "a", "completion": ["b"}', "expecting ',' delimiter"),
        ('{"prompt": "a", "completion": "b"', "broken JSON"),
        ('{"prompt": NaN}', "NaN is no JSON value"),
        ("what?", "expecting value"),
    ],
)
@pytest.mark.parametrize("style", ["line", "indented"])
def test_a_broken_element_costs_one_element(tmp_path: Path, broken: str, said: str, style: str) -> None:
    """A missing comma in an array of a million rows is one problem, with its line."""
    good = [json.dumps(row, indent=4 if style == "indented" else None) for row in ROWS]
    if style == "indented":
        good = [text.replace("\n", "\n    ") for text in good]
        broken = broken.replace(", ", ",\n        ").replace("{", "{\n        ").replace("}", "\n    }")
    elements = [*good[:2], broken, *good[2:]]
    text = "[\n    " + ",\n    ".join(elements) + "\n]\n"
    rows, (problem,) = found(written(tmp_path, text))
    assert [value for _, value in rows] == ROWS
    assert said in problem.message and problem.code == "json"
    assert problem.line == text[: text.index(broken)].count("\n") + 1


@pytest.mark.parametrize(
    "broken", ['{"prompt": "a" "completion": "b"}', '{"a": [}, ]}', "what", '{"a": NaN}']
)
def test_a_broken_element_in_one_long_line(tmp_path: Path, broken: str) -> None:
    """Also where there are no lines to go by."""
    text = "[" + ", ".join([*map(json.dumps, ROWS[:2]), broken, *map(json.dumps, ROWS[2:])]) + "]"
    rows, problems = found(written(tmp_path, text))
    assert [value for _, value in rows] == ROWS and problems[0].line == 3


def test_a_mistake_is_told_with_its_place(tmp_path: Path) -> None:
    """In an indented element the problem says in which line of it the mistake is."""
    text = '[\n  {\n    "prompt": "a",\n    "completion": oops\n  }\n]'
    _, (problem,) = found(written(tmp_path, text))
    assert problem.line == 2 and problem.message.endswith("expecting value (line 4, column 19)")
    _, (problem,) = found(written(tmp_path, '[\n  {"prompt": "a", "completion": oops}\n]'))
    assert (problem.line, problem.column) == (2, 33)


@pytest.mark.parametrize("cut", [1, 30, 60, 100])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_that_ends_too_early_is_noticed(tmp_path: Path, cut: int, indent: int | None) -> None:
    """A download that broke off looks like a whole file to nobody."""
    text = json.dumps(ROWS, indent=indent)
    rows, problems = found(written(tmp_path, text[:-cut]))
    assert rows == found(written(tmp_path, text))[0][: len(rows)] and len(rows) >= 1
    assert problems[-1].code == "torn" and "the file ends inside the array" in problems[-1].message


def test_another_encoding_costs_only_its_elements(tmp_path: Path) -> None:
    """One Latin-1 text is named, with its line."""
    path = tmp_path / "rows.json"
    path.write_bytes(b'[\n{"a": "b"},\n{"a": "Gr\xfc\xdfe"},\n{"a": "\\udcff"}\n]')
    rows, (problem,) = found(source_of(path))
    assert [line for line, _ in rows] == [2, 4]
    assert (problem.line, problem.code) == (3, "encoding") and "byte 0xfc" in problem.message


@pytest.mark.parametrize("inside", ['"' + "x" * 5000 + '"', "[" + "1, " * 2000 + "1]", '"' + "x" * 5000])
def test_an_element_that_is_too_long_costs_only_itself(
    tmp_path: Path, inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runaway element neither fills the memory nor hides the rest."""
    monkeypatch.setattr(window, "MAX_ROW_BYTES", 1000)
    path = tmp_path / "rows.json"
    path.write_text('[\n{"a": 1},\n{"a": ' + inside + '},\n{"a": 2}\n]')
    source = Source(path, "json")
    rows = list(objects.rows_of_objects(source, Blocks(source, 100)))
    assert [row.line for row in rows] == [2, 3, 4]
    assert [row.value for row in rows if isinstance(row, Row)] == [{"a": 1}, {"a": 2}]


def test_a_line_inside_a_row_names_the_row(tmp_path: Path) -> None:
    """Where my editor's line is in the middle of an element I am told where that begins."""
    source = written(tmp_path, json.dumps(ROWS, indent=2))
    with pytest.raises(FtarenaError, match=r"no row begins in line 8 of .*\n.*begins in line 6"):
        read_row(source, 8)
    with pytest.raises(FtarenaError, match=r"has no row 99\nits last one is 14"):
        read_row(source, 99)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@example(rows=[1.5e30, -0.0], indent=None, ascii=True, block=1, style="array")
@given(
    rows=st.lists(JSON, max_size=6),
    indent=st.sampled_from([None, 0, 2]),
    ascii=st.booleans(),
    block=st.sampled_from([1, 3, 17, 1000]),
    style=st.sampled_from(["array", "stream"]),
)
def test_the_stream_says_what_json_says(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[Any],
    indent: int | None,
    ascii: bool,
    block: int,
    style: str,
) -> None:
    """However large the blocks in which a file comes, its rows are those of `json.loads`."""
    path = tmp_path_factory.mktemp("stream") / "rows.json"
    if style == "stream":
        # At the top level a list is an array of rows, and the first object may hold them.
        rows = [{"prompt": 1, "n": row} for row in rows]
        text = "\n".join(json.dumps(row, indent=indent, ensure_ascii=ascii) for row in rows)
    else:
        text = json.dumps(rows, indent=indent, ensure_ascii=ascii)
    path.write_bytes(text.encode())
    source = Source(path, "json")
    read = list(objects.rows_of_objects(source, Blocks(source, block)))
    assert [row.value if isinstance(row, Row) else row for row in read] == rows
