"""What a user's words name: files, folders, pipes, descriptions."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ftarena.curation import hub, spool
from ftarena.curation.formats import is_data_file
from ftarena.curation.resolving import resolve
from ftarena.curation.rows import Row, read_rows
from ftarena.curation.sources import Columns, Source, source_of
from ftarena.errors import FtarenaError

ROW = {"prompt": "a", "completion": "b"}
LINE = json.dumps(ROW) + "\n"
PACKED = gzip.compress(LINE.encode(), mtime=0)


def refused(spec: str) -> str:
    with pytest.raises(FtarenaError) as error:
        resolve(spec)
    assert "\n" not in error.value.message
    return str(error.value)


def test_a_folder_is_all_its_data_files(tmp_path: Path) -> None:
    """I give the folder of a download; what is no data, or a record of ours, is left alone."""
    for name in ["b.jsonl", "a.json", ".hidden.jsonl", "b.jsonl.decisions.jsonl", "README.md", "c.jsonl.gz"]:
        (tmp_path / name).write_bytes(PACKED if name.endswith("gz") else LINE.encode())
    (tmp_path / "deeper.jsonl").mkdir()
    sources = resolve(str(tmp_path))
    assert [(source.path.name, source.format, source.compression) for source in sources] == [
        ("a.json", "json", ""),
        ("b.jsonl", "jsonl", ""),
        ("c.jsonl.gz", "jsonl", "gz"),
    ]
    assert all(row.value == ROW for source in sources for row in read_rows(source) if isinstance(row, Row))
    (tmp_path / "empty").mkdir()
    assert "holds no data files" in refused(str(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("data", LINE.encode(), ("jsonl", "")),
        ("data", b"[" + LINE.encode() + b"]", ("jsonl", "")),
        ("data", b"prompt,completion\na,b\n", ("csv", "")),
        ("data", b"prompt\tcompletion\na\tb\n", ("tsv", "")),
        ("data", gzip.compress(b"prompt\tcompletion\na\tb\n", mtime=0), ("tsv", "gz")),
        ("data.jsonl", PACKED, ("jsonl", "gz")),
        ("data.json", b"PAR1....", ("parquet", "")),
        ("DATA.JSONL", LINE.encode(), ("jsonl", "")),
        ("data.feather", b"ARROW1\0\0", ("arrow", "")),
        ("data.arrow", b"\xff\xff\xff\xff", ("arrow", "")),
        ("data.ndjson", b"", ("jsonl", "")),
    ],
)
def test_the_content_tells_where_the_name_does_not(
    tmp_path: Path, name: str, raw: bytes, expected: tuple[str, str]
) -> None:
    """A download without an ending, or with a wrong one, is read."""
    (tmp_path / name).write_bytes(raw)
    (source,) = resolve(str(tmp_path / name))
    assert (source.format, source.compression) == expected


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("notes.txt", b"hello", "a text has no rows; to make every line one: jq -R '{text: .}'"),
        ("sheet.xlsx", b"PK\x03\x04...", "save the sheet as CSV"),
        ("rows.zip", b"PK\x03\x04...", "unpack it first: unzip"),
        ("rows.jsonl.bz2", b"BZh9...", "unpack it first: bunzip2"),
        ("rows.pkl", b"\x80\x04", "a pickle can run any program"),
        ("rows.db", b"SQLite format 3\0", "sqlite-utils rows"),
        ("model.bin", b"\0\1\2\3", "neither its name nor its beginning says what it is"),
    ],
)
def test_what_is_not_read_says_what_to_do(tmp_path: Path, name: str, raw: bytes, said: str) -> None:
    """I am not told "unsupported", but how to make it a file that is read."""
    (tmp_path / name).write_bytes(raw)
    assert said in refused(str(tmp_path / name))


def test_a_typing_error_is_answered_with_the_nearest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing file is not looked for on the hub."""
    monkeypatch.setattr(hub, "sources_of", lambda *_: pytest.fail("the hub was asked"))
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/train.jsonl").write_text(LINE)
    assert refused("data/trian.jsonl").endswith("did you mean data/train.jsonl?")
    assert refused("data/train").startswith("there is no file data/train")
    assert "there is no folder dta" in refused("dta/train.jsonl")
    assert "org/name or org/name:split" in refused("nothing")
    assert "\x1b" not in refused("\x1b]52;c;eA==\x07")
    with pytest.raises(FtarenaError, match="there is no file"):
        source_of(Path("missing.jsonl"))


def test_a_hub_name_is_told_from_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`org/name:split` is asked of the hub only where nothing of that name lies here."""
    asked: list[tuple[str, str | None]] = []

    def ask(name: str, split: str | None) -> list[Source]:
        asked.append((name, split))
        return [Source(Path("x"))]

    monkeypatch.setattr(hub, "sources_of", ask)
    monkeypatch.chdir(tmp_path)
    for spec in ("tatsu-lab/alpaca", "org/name.v2:test", "org/name:en/train"):
        resolve(spec)
    assert asked == [("tatsu-lab/alpaca", None), ("org/name.v2", "test"), ("org/name", "en/train")]
    Path("org").mkdir()
    Path("org/name").write_text(LINE)
    assert resolve("org/name")[0].path == Path("org/name")


def test_what_the_user_says_wins(tmp_path: Path) -> None:
    """Columns, shape and format given on the command line hold for every file."""
    (tmp_path / "rows.txt").write_text("question,answer\n")
    columns = Columns({"prompt": "question"})
    (source,) = resolve(str(tmp_path / "rows.txt"), columns=columns, shape="completion", format="csv")
    assert source == Source(tmp_path / "rows.txt", "csv", "", columns, "completion")


PROGRAM = """
import json, os, pickle, sys
from ftarena.curation.resolving import resolve
from ftarena.curation.rows import read_rows
(source,) = resolve(sys.argv[1])
(again,) = resolve(sys.argv[1])
print(oct(source.path.parent.stat().st_mode), os.fspath(source.path))
print([row.value for _ in range(2) for row in read_rows(again)])
print(source.path, pickle.loads(pickle.dumps(source)).path, source.path.name)
"""


def run(*arguments: str, stdin: bytes = b"", shell: str = "") -> list[str]:
    done = subprocess.run(
        ["bash", "-c", shell] if shell else [sys.executable, "-c", PROGRAM, *arguments],
        input=stdin,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHON": sys.executable, "PROGRAM": PROGRAM},
    )
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize(
    "raw", [LINE.encode(), PACKED, b"prompt,completion\na,b\n"], ids=["lines", "packed", "table"]
)
def test_what_is_piped_in_can_be_read_twice(raw: bytes) -> None:
    """`zcat x.gz | ftarena check -`: kept in a private file, gone when the program ends."""
    first, rows, shown = run("-", stdin=raw)
    mode, path = first.split(" ", 1)
    assert mode.endswith("700") and path.endswith("/-") and not Path(path).parent.exists()
    assert (rows, shown) == (str([ROW, ROW]), "- - -"), "it is called what I called it"


def test_a_process_substitution_can_be_read_twice(tmp_path: Path) -> None:
    """`ftarena check <(zcat x.gz)` is a pipe with a path."""
    (tmp_path / "rows.jsonl").write_text(LINE)
    lines = run(shell=f'"$PYTHON" -c "$PROGRAM" <(cat {tmp_path}/rows.jsonl)')
    assert lines[1] == str([ROW, ROW])
    path, again, name = lines[2].split(" ")
    assert path == again and path.startswith("/") and path.endswith(f"/{name}") and "ftarena" not in path


def test_what_a_killed_program_kept_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check -` was killed: its copy of what was piped in is gone once I pipe something in again."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, mine = tmp_path / "ftarena-piped-999999999-ab_1", tmp_path / f"ftarena-piped-{os.getpid()}-ab_2"
    for folder in (left, mine):
        folder.mkdir()
        (folder / "-").write_text("rows")
        os.utime(folder, (1, 1))
    os.mkfifo(pipe := tmp_path / "pipe")
    writer = subprocess.Popen(["bash", "-c", f"echo > {pipe}"])
    assert str(spool.pipe(pipe)) == str(pipe)
    assert writer.wait() == 0 and not left.exists() and mine.exists()


def test_our_own_records_are_no_data() -> None:
    """A folder with decisions, dropped lines and descriptions is still the folder of its data."""
    for name in [
        "a.jsonl.decisions.jsonl",
        "a.dropped.jsonl",
        "a.manifest.json",
        "dataset_info.json",
        ".a.csv",
    ]:
        assert not is_data_file(Path(name))
    assert all(is_data_file(Path(name)) for name in ["a.jsonl", "a.b.csv.gz", "A.PARQUET", "decisions.jsonl"])


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "the name of the data is empty"),
        ("https://huggingface.co/datasets/a/b/tree/main", "write it as a/b"),
        ("https://example.org/x.jsonl", "download it, and name the file"),
    ],
)
def test_what_names_no_data_is_said(spec: str, said: str) -> None:
    """Nothing, and addresses: I am told what to write instead."""
    assert said in refused(spec)


def test_a_link_into_nowhere(tmp_path: Path) -> None:
    """The file that a link points to is gone: I am told so, and not to take the link."""
    (tmp_path / "x.jsonl").symlink_to("gone.jsonl")
    assert "is a link to gone.jsonl, where there is no file" in refused(str(tmp_path / "x.jsonl"))


def test_an_old_feather_file(tmp_path: Path) -> None:
    """Version 1 of Feather is another format: I am told what to write instead."""
    (tmp_path / "x.feather").write_bytes(b"FEA1" + bytes(50) + b"FEA1")
    assert "Feather file of version 1" in refused(str(tmp_path / "x.feather"))
