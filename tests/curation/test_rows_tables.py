"""Reading CSV and TSV: records over several lines, nested cells, and one broken record at a time."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation.rows import Problem, Row, read_row, read_rows, tables
from ftarena.curation.rows import lines as lines_module
from ftarena.curation.sources import Columns, Source, source_of

MESSAGES = [{"role": "user", "content": "a, b"}, {"role": "assistant", "content": 'say "c"'}]


def written(folder: Path, text: str, name: str = "rows.csv", columns: Columns | None = None) -> Source:
    path = folder / name
    path.write_bytes(text.encode())
    return source_of(path, columns=columns)


def values(source: Source) -> list[Any]:
    return [row.value for row in read_rows(source) if isinstance(row, Row)]


def problems(source: Source) -> list[tuple[int, str]]:
    return [(row.line, row.message) for row in read_rows(source) if isinstance(row, Problem)]


def table(*records: list[str], **how: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, **how).writerows(records)
    return buffer.getvalue()


def test_a_record_is_where_it_begins(tmp_path: Path) -> None:
    """Answers have paragraphs: the line is the one in which my editor shows the record's beginning."""
    text = '\ufeffprompt,completion\r\n"a\r\nb","c ""d"""\r\n\r\ne,f\r\n'
    source = written(tmp_path, text)
    first, second = read_rows(source)
    assert first == Row(source.path, 2, {"prompt": "a\r\nb", "completion": 'c "d"'})
    assert second == Row(source.path, 5, {"prompt": "e", "completion": "f"})
    assert read_row(source, 5) == second


@pytest.mark.parametrize(
    ("name", "between"), [("a.csv", ","), ("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t")]
)
def test_what_stands_between_cells_is_seen(tmp_path: Path, name: str, between: str) -> None:
    """A spreadsheet in a German office writes semicolons."""
    text = table(["prompt", "reference"], ["1;2,3\t4", ""], delimiter=between)
    assert values(written(tmp_path, text, name)) == [{"prompt": "1;2,3\t4", "reference": None}]


def test_nested_columns_are_read_as_json(tmp_path: Path) -> None:
    """A table can hold conversations; an answer that is JSON itself stays text."""
    text = table(
        ["messages", "prompt", "completion", "note", "label"],
        [json.dumps(MESSAGES), json.dumps(MESSAGES[:1]), '{"city": "Bonn"}', "[1]", "True"],
        ["[broken", "[1, 2]", "[]", "", "0"],
    )
    assert values(written(tmp_path, text)) == [
        {
            "messages": MESSAGES,
            "prompt": MESSAGES[:1],
            "completion": '{"city": "Bonn"}',
            "note": "[1]",
            "label": True,
        },
        {"messages": "[broken", "prompt": "[1, 2]", "completion": "[]", "note": None, "label": False},
    ]
    named = Columns({"messages": "chat"}, {"role": "who", "content": "says"})
    asked = table(["chat", "prompt"], [json.dumps([{"who": "x"}]), '[{"who": "user", "says": "hi"}]'])
    assert values(written(tmp_path, asked, columns=named)) == [
        {"chat": [{"who": "x"}], "prompt": [{"who": "user", "says": "hi"}]}
    ]


def test_pythons_notation_is_called_by_its_name(tmp_path: Path) -> None:
    """What pandas wrote into a CSV is not "a text where a list must be"."""
    source = written(tmp_path, table(["messages"], [str([{"role": "user", "content": "x"}])]))
    ((line, message),) = problems(source)
    assert line == 2 and "Python's notation of a list, not JSON" in message and "json.dumps" in message


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("a", "1 cell where the header has 2"),
        ("a,b,c", "3 cells where the header has 2; quote cells that hold commas"),
        ('"a"b,c', "a quote is closed in the middle of a cell: inside quotes"),
        ('"a,b', "a quote is closed in the middle of a cell, 1 line further down"),
        ("a\rb,c", "a carriage return alone ends a line"),
    ],
)
def test_a_broken_record_costs_one_record(tmp_path: Path, broken: str, said: str) -> None:
    """An unbalanced quote does not swallow the records after it."""
    source = written(tmp_path, f'p,c\n1,2\n{broken}\n"3","4"\n5,6\n')
    ((line, message),) = problems(source)
    assert line == 3 and said in message
    assert [row["p"] for row in values(source)] == ["1", "3", "5"]


def test_a_quote_that_is_never_closed_costs_one_record(tmp_path: Path) -> None:
    """A quote in the last hundred lines is not the end of them."""
    source = written(tmp_path, 'p,c\n"1,2\n' + "3,4\n" * 100)
    assert problems(source) == [(2, "a quote is opened and never closed")]
    assert len(values(source)) == 100


def test_a_column_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    """None of two columns is thrown away silently."""
    assert problems(written(tmp_path, "p,p\n1,2\n")) == [
        (1, "two columns are called 'p': one of the two would be lost")
    ]


def test_another_encoding_costs_only_its_records(tmp_path: Path) -> None:
    """One Latin-1 cell is named, with its line."""
    path = tmp_path / "rows.csv"
    path.write_bytes(b"p,c\n1,2\nGr\xfc\xdfe,2\n3,4\n")
    (problem,) = [row for row in read_rows(source_of(path)) if isinstance(row, Problem)]
    assert (problem.line, problem.code) == (3, "encoding") and "byte 0xfc" in problem.message
    assert len(values(source_of(path))) == 2


def test_a_line_that_is_too_long_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runaway cell neither fills the memory nor hides the rest."""
    monkeypatch.setattr(lines_module, "MAX_ROW_BYTES", 1 << 20)
    monkeypatch.setattr(tables, "MAX_ROW_BYTES", 1 << 20)
    source = written(tmp_path, f"p,c\n1,2\n{'x' * (4 << 20)}\n3,4\n")
    ((line, message),) = problems(source)
    assert line == 3 and "a line of more than 1 MiB" in message and len(values(source)) == 2
    open_quote = written(tmp_path, f'p,c\n1,2\n"{"x" * 99}\n{"y" * (4 << 20)}\n3,4\n')
    assert [line for line, _ in problems(open_quote)] == [3, 4] and len(values(open_quote)) == 2


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(lambda text: text.replace("\0", ""))


@given(records=st.lists(st.tuples(CELLS, CELLS), max_size=6), tabs=st.booleans(), crlf=st.booleans())
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, str]], tabs: bool, crlf: bool
) -> None:
    """Whatever is in a cell comes back as it was; only an empty cell is no value."""
    text = table(
        ["one", "two"],
        *map(list, records),
        delimiter="\t" if tabs else ",",
        lineterminator="\r\n" if crlf else "\n",
        quoting=csv.QUOTE_ALL,
    )
    source = written(tmp_path_factory.mktemp("cells"), text, "rows.tsv" if tabs else "rows.csv")
    expected = [{"one": one or None, "two": two or None} for one, two in records]
    assert values(source) == expected and problems(source) == []
