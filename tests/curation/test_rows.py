"""Reading rows: JSON lines, archives, encodings, and the laws that hold for every file."""

import gzip
import json
import os
import pickle
import random
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ftarena.curation.rows import Problem, Row, read_chunks, read_row, read_rows, row_digest, rows_of, values
from ftarena.curation.rows import lines as lines_module
from ftarena.curation.sources import Format, Source, source_of
from ftarena.errors import FtarenaError

ROWS = [{"prompt": f"Grüße {number}?", "completion": "日本 " * number} for number in range(50)]
LINES = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in ROWS)


def written(folder: Path, raw: bytes, name: str = "rows.jsonl") -> Source:
    path = folder / name
    path.write_bytes(raw)
    return source_of(path)


def good(source: Source) -> list[Any]:
    """Return the values of a source that has no problems."""
    rows = list(read_rows(source))
    assert all(isinstance(row, Row) for row in rows), rows
    return [row.value for row in rows if isinstance(row, Row)]


def the_problem(source: Source) -> Problem:
    """Return the one problem of a source."""
    (problem,) = [row for row in read_rows(source) if isinstance(row, Problem)]
    return problem


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000, 1 << 20])
def test_chunks_hold_whole_lines(tmp_path: Path, chunk_bytes: int) -> None:
    """However a file is cut, and in whatever process it is parsed, the rows and their lines are the same."""
    source = written(tmp_path, LINES.removesuffix(b"\n"))
    chunks = list(read_chunks(source, chunk_bytes))
    rows = [row for chunk in chunks for row in rows_of(pickle.loads(pickle.dumps(chunk)))]
    assert rows == [Row(source.path, line, value) for line, value in enumerate(ROWS, 1)]


PACKED: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstandard.compress}


@pytest.mark.parametrize("ending", PACKED)
def test_archives_are_read(tmp_path: Path, ending: str) -> None:
    """What I keep packed needs no unpacking, also where several archives were put together."""
    pack = PACKED[ending]
    assert good(written(tmp_path, pack(LINES), f"a.jsonl.{ending}")) == ROWS
    assert good(written(tmp_path, pack(LINES) + pack(LINES), f"b.jsonl.{ending}")) == ROWS + ROWS
    assert good(written(tmp_path, pack(LINES), "named-wrongly.jsonl")) == ROWS
    assert good(written(tmp_path, b"", f"empty.jsonl.{ending}")) == []


@pytest.mark.parametrize("ending", PACKED)
def test_a_truncated_archive_keeps_what_is_before(tmp_path: Path, ending: str) -> None:
    """A download that broke off is noticed, with the line; the rows before it are read."""
    noise = random.Random(4)
    rows = [{"prompt": "".join(chr(noise.randrange(97, 123)) for _ in range(100))} for _ in range(5000)]
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    packed = PACKED[ending](lines)
    found = list(read_rows(written(tmp_path, packed[: len(packed) // 2], f"cut.jsonl.{ending}")))
    assert (
        len(found) > 1000
        and [row.value for row in found[:-1] if isinstance(row, Row)] == rows[: len(found) - 1]
    )
    assert isinstance(found[-1], Problem)
    assert (found[-1].code, found[-1].line) == ("torn", len(found))
    assert "ends in the middle" in found[-1].message


@pytest.mark.parametrize("ending", PACKED)
def test_a_damaged_archive_is_named(tmp_path: Path, ending: str) -> None:
    """A flipped bit is not a traceback, nor is a file that only calls itself an archive."""
    packed = bytearray(PACKED[ending](LINES * 20))
    packed[len(packed) // 2] ^= 0xFF
    packed[len(packed) // 2 + 1] ^= 0xFF
    problem = list(read_rows(written(tmp_path, bytes(packed), f"bad.jsonl.{ending}")))[-1]
    assert isinstance(problem, Problem)
    assert (problem.code, "damaged" in problem.message) == ("torn", True)
    noise = written(tmp_path, b"\x07\xf0 no archive", f"noise.jsonl.{ending}")
    assert "damaged" in the_problem(noise).message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv"])
def test_utf_16_is_called_by_its_name(tmp_path: Path, encoding: str, name: str) -> None:
    """What Windows' "Unicode" saved is not ten thousand broken lines: I am told how to convert it."""
    text = "prompt,completion\na,b\n" if name.endswith("csv") else LINES.decode()
    (problem,) = read_rows(written(tmp_path, text.encode(encoding), name))
    assert isinstance(problem, Problem) and problem.code == "encoding"
    assert "UTF-16, not UTF-8" in problem.message and "iconv -f utf-16" in problem.message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"a": NaN}', "NaN is no JSON value: write null"),
        (b'{"a": [-Infinity]}', "-Infinity is no JSON value"),
        (b'{"a": 1e999}', "the number 1e999 is too large"),
        (b'{"a": 1, "a": 2}', 'the key "a" is twice in one object'),
        (b'{"a": {"b": 1, "c": 1, "b": 1}}', 'the key "b" is twice'),
        (b"\0\0\0\0", "NUL bytes: the file was not written to its end"),
        (b'{"a": 1}{"a": 2}', "something follows the object; one object a line is needed"),
        (b'{"a": ' + b"[" * 101 + b"]" * 101 + b"}", "nested too deeply"),
    ],
)
def test_what_other_tools_take_or_lose_silently_is_a_problem(tmp_path: Path, line: bytes, said: str) -> None:
    """No value of mine is lost or changed without a word, and none ends in a traceback."""
    source = written(tmp_path, b'{"a": 0}\n' + line + b'\n{"a": 3}\n')
    problem = the_problem(source)
    assert problem.line == 2 and said in problem.message
    assert [row.line for row in read_rows(source)] == [1, 2, 3]


def test_many_brackets_are_not_deep(tmp_path: Path) -> None:
    """A long conversation is not mistaken for a nested one."""
    assert len(good(written(tmp_path, json.dumps({"a": [{}] * 1000}).encode() + b"\n"))) == 1


@pytest.mark.parametrize("size", [2, 100])
def test_a_line_that_is_too_long_is_one_problem(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runaway line costs no more memory than others, and only itself."""
    monkeypatch.setattr(lines_module, "MAX_ROW_BYTES", 1 << 20)
    long = json.dumps({"a": "x" * (size << 20)}).encode()
    source = written(tmp_path, b'{"a": 1}\n' + long + b'\n{"a": 2}\n')
    found = list(read_rows(source))
    assert [row.line for row in found] == [1, 2, 3]
    assert isinstance(found[1], Problem) and "a line of more than" in found[1].message
    assert [read_row(source, line) for line in (1, 2, 3)] == found
    assert isinstance(found[2], Row) and found[2].value == {"a": 2}


def test_a_large_file_is_read_in_little_memory(tmp_path: Path) -> None:
    """A file larger than memory is no problem: 20 MB take less than 15, in every format of lines."""
    path = tmp_path / "large.jsonl"
    line = json.dumps({"prompt": "a" * 500, "completion": "b" * 500}) + "\n"
    path.write_text(line * 20_000)
    (tmp_path / "large.json").write_text("[" + ",".join([line] * 20_000) + "]")
    (tmp_path / "large.csv").write_text("prompt,completion\n" + f"{'a' * 500},{'b' * 500}\n" * 20_000)
    (tmp_path / "large.jsonl.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
    (tmp_path / "large.jsonl.zst").write_bytes(zstandard.compress(path.read_bytes()))
    for name in ("large.jsonl", "large.json", "large.csv", "large.jsonl.gz", "large.jsonl.zst"):
        source = source_of(tmp_path / name)
        tracemalloc.start()
        assert sum(isinstance(row, Row) for row in read_rows(source)) == 20_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 15e6, f"{name}: {peak / 1e6:.0f} MB"


def test_one_row_is_found_by_its_line(tmp_path: Path) -> None:
    """The line that a finding names can be opened."""
    source = written(tmp_path, b"\xef\xbb\xbf" + LINES + b"\n{\n")
    assert read_row(source, 1) == Row(source.path, 1, ROWS[0])
    assert read_row(source, 50) == Row(source.path, 50, ROWS[-1])
    broken = read_row(source, 52)
    assert isinstance(broken, Problem) and broken.line == 52
    for line, said in [(0, "has no row 0"), (51, "no row begins in line 51"), (53, "has no line 53")]:
        with pytest.raises(FtarenaError, match=said):
            read_row(source, line)
    for raw, has in [(b"", 0), (b"{}\n{}", 2), (b"{}\n{}\n", 2)]:
        for line in (3, 4):
            with pytest.raises(FtarenaError, match=f"has no line {line}\nit has {has}"):
                read_row(written(tmp_path, raw, "short.jsonl"), line)
    packed = written(tmp_path, gzip.compress(LINES), "rows.jsonl.gz")
    assert read_row(packed, 17) == Row(packed.path, 17, ROWS[16])
    with pytest.raises(FtarenaError, match="has no row 51"):
        read_row(packed, 51)


@given(
    lines=st.lists(st.sampled_from([b"{}", b"", b'{"a": 1}', b"{", b" ", b"7"]), max_size=12),
    end=st.booleans(),
)
def test_a_row_is_the_same_read_alone(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bool
) -> None:
    """Opening a line shows what reading the file found there."""
    source = Source(tmp_path_factory.mktemp("alone") / "rows.jsonl")
    source.path.write_bytes(b"\n".join(lines) + b"\n" * end)
    for row in read_rows(source):
        assert read_row(source, row.line) == row


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(value=st.dictionaries(st.text(max_size=5), JSON, max_size=5), seed=st.randoms())
def test_a_digest_says_what_not_how(value: dict[str, Any], seed: random.Random) -> None:
    """A row keeps its identity when the file is sorted, indented or saved by another tool."""
    keys = list(value)
    seed.shuffle(keys)
    again = json.loads(json.dumps({key: value[key] for key in keys}, indent=2, ensure_ascii=False))
    assert row_digest(again) == row_digest(value)
    assert len(row_digest(value)) == 32 and row_digest({**value, "a new key": 1}) != row_digest(value)


def test_a_digest_stays_the_same_for_ever() -> None:
    """Decisions that were taken last year still find their rows."""
    assert row_digest({"b": 1, "a": ["ü", None, True, 1.5]}) == "ce9fea8ed5208ac1de69d2501aec736d"


FORMATS: list[Format] = ["jsonl", "json", "csv", "tsv", "parquet", "arrow"]
BITS = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\n",
        b"\r\n",
        b"\\",
        b"1",
        b"a",
        b" ",
        b"\xff",
        b"\0",
        b'{"a": 1}',
    ]
    + [
        b'"a"',
        b"\xef\xbb\xbf",
        b"\t",
        b"PAR1",
        b"ARROW1\0\0",
        b"\x1f\x8b\x08",
        b"\x28\xb5\x2f\xfd",
        b'""',
        b"NaN",
    ]
)
ANY = st.binary(max_size=60) | st.lists(BITS, max_size=25).map(b"".join)


@settings(max_examples=400)
@given(raw=ANY, format=st.sampled_from(FORMATS), compression=st.sampled_from(["", "", "gz", "zst"]))
@example(raw=b"[[[[", format="json", compression="")
@example(raw=b'{"a": [{', format="json", compression="")
def test_no_file_whatever_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, format: Format, compression: Any
) -> None:
    """Any bytes are rows and problems in growing lines, or one clear error: never a traceback."""
    path = tmp_path_factory.mktemp("any") / "any"
    path.write_bytes(raw)
    try:
        rows = list(read_rows(Source(path, format, compression)))
    except FtarenaError as error:
        assert error.message.startswith(str(path))
        return
    assert all(row.line < after.line for row, after in pairwise(rows))
    assert all(row.line >= 1 for row in rows)
    # and what was recognised is read
    try:
        list(read_rows(source_of(path)))
    except FtarenaError as error:
        assert str(path) in error.message


BROKEN = [
    b"{",
    b'{"prompt": "a}',
    b'{"prompt": }',
    b"nonsense",
    b'{"a": 1,, "b": 2}',
    b'{"a": "\xff"}',
    b"}",
    b'{"a" 1}',
]


@given(
    place=st.integers(0, 5),
    broken=st.sampled_from(BROKEN),
    comma=st.booleans(),
    name=st.sampled_from(["jsonl", "json"]),
)
def test_a_broken_line_never_changes_the_others(
    tmp_path_factory: pytest.TempPathFactory, place: int, broken: bytes, comma: bool, name: str
) -> None:
    """One bad row costs one row, in lines and in an array of one element a line."""
    rows = [json.dumps({"prompt": f"{number} [{{", "completion": '"}'}).encode() for number in range(5)]
    with_broken = [*rows[:place], broken, *rows[place:]]
    raw = b"\n".join(with_broken) if name == "jsonl" else b"[\n" + b",\n".join(with_broken) + b"\n]\n"
    path = tmp_path_factory.mktemp("broken") / f"rows.{name}"
    path.write_bytes(raw)
    found = list(read_rows(source_of(path)))
    first = 1 if name == "jsonl" else 2
    assert [row.line for row in found] == list(range(first, first + 6))
    assert [row.value for row in found if isinstance(row, Row)] == [json.loads(row) for row in rows]
    assert isinstance(found[place], Problem)


def test_the_limits_are_those_that_the_docs_give() -> None:
    """What docs/data-formats.md promises is what is built."""
    assert (values.MAX_ROW_BYTES, values.MAX_DEPTH) == (64 << 20, 100)


ROW_AS = {
    "lines": b'{"prompt": "q", "completion": "a"}\n{"prompt": "q2", "completion": "a2"}\n',
    "csv": b"prompt,completion\nq,a\nq2,a2\n",
    "tsv": b"prompt\tcompletion\nq\ta\nq2\ta2\n",
}


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("lines", "x.jsonl.gz"),
        ("lines", "x.json.zst"),
        ("lines", "x.parquet"),
        ("lines", "x.arrow"),
        ("lines", "x.csv"),
        ("csv", "x.jsonl"),
        ("tsv", "x.json"),
        ("csv", "x.csv.gz"),
    ],
)
def test_what_is_written_counts_where_the_name_is_wrong(tmp_path: Path, raw: str, name: str) -> None:
    """Somebody unpacked or exported a file and kept its old ending: it is read as what it is."""
    rows = list(read_rows(written(tmp_path, ROW_AS[raw], name)))
    assert [row.value for row in rows if isinstance(row, Row)] == [
        {"prompt": "q", "completion": "a"},
        {"prompt": "q2", "completion": "a2"},
    ]


def test_broken_lines_stay_lines(tmp_path: Path) -> None:
    """The first line of my file is a note with commas: that is one broken line, and no table."""
    source = written(tmp_path, b"made by us, in May\n" + ROW_AS["lines"], "x.jsonl")
    assert source.format == "jsonl" and the_problem(source).line == 1


def test_a_file_that_shrinks_while_it_is_read_is_said(tmp_path: Path) -> None:
    """Somebody cuts my file off while I check it: what is missing is said, as of a torn archive."""
    source = written(tmp_path, LINES * 20_000, "x.jsonl")
    chunks = read_chunks(source, 1 << 16)
    found = list(rows_of(next(chunks)))
    os.truncate(source.path, 1 << 17)
    found += [row for chunk in chunks for row in rows_of(chunk)]
    problems = [row for row in found if isinstance(row, Problem) and row.code == "torn"]
    assert any("became shorter while it was read" in problem.message for problem in problems)


def test_utf_32_is_called_by_its_name(tmp_path: Path) -> None:
    """A file in UTF-32, with and without a mark: I am told the command that converts it."""
    for encoding in ("utf-32", "utf-32-le", "utf-32-be"):
        raw = ROW_AS["lines"].decode().encode(encoding)
        assert "iconv -f utf-32" in the_problem(written(tmp_path, raw, f"{encoding}.jsonl")).message
