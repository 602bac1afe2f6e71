"""Writing the curated set."""

import hashlib
import json
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation.decisions.identity import item_at, items_of
from ftarena.curation.decisions.ledger import Decisions
from ftarena.curation.reading import DataError
from ftarena.curation.rows import Row
from ftarena.curation.sets.apply import apply_decisions
from ftarena.curation.sets.manifest import read_manifest
from ftarena.curation.sets.usable import Usable
from ftarena.curation.sources import Columns, Source, source_of
from ftarena.errors import FtarenaError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FTARENA_HOME", str(tmp_path / ".ftarena"))


def answer(number: int) -> dict[str, object]:
    return {"id": number, "prompt": f"question {number}", "completion": f"answer {number}"}


def write(path: Path, rows: list[dict[str, object]], more: str = "") -> Source:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + more)
    return source_of(path)


def values(path: Path) -> list[object]:
    return [item.row.value for item in items_of(source_of(path)) if isinstance(item.row, Row)]


def test_a_messy_file_becomes_a_set_with_its_account(tmp_path: Path) -> None:
    """I exclude, edit and swap; the set is as I wanted, the source is untouched, the manifest says it all."""
    pair = {"prompt": "q", "chosen": "bad", "rejected": "good"}
    source = write(tmp_path / "d.jsonl", [answer(1), answer(2), answer(2), pair, answer(3)])
    before = source.path.read_bytes()
    decisions = Decisions.open(source)
    rows = [item_at(source, line).row for line in range(1, 6)]
    decisions.exclude(rows[2], "", "ana", code="duplicate")
    decisions.exclude(rows[0], "off topic", "ben")
    decisions.relabel(rows[3], "ana")
    decisions.edit(rows[4], {**answer(3), "completion": "better"}, "ana")
    out = tmp_path / "curated.jsonl"
    manifest = apply_decisions([source], out)
    assert values(out) == [
        answer(2),
        {"prompt": "q", "chosen": "good", "rejected": "bad"},
        {**answer(3), "completion": "better"},
    ]
    assert source.path.read_bytes() == before
    told = read_manifest(out)
    assert told == json.loads(json.dumps(manifest.to_json()))
    assert (told["rows_in"], told["rows_out"]) == (5, 3)
    assert (told["excluded"], told["edited"], told["relabelled"], told["dropped"]) == (2, 1, 1, 0)
    assert told["excluded_by_code"] == {"": 1, "duplicate": 1}
    assert told["decided_by"] == {"ana": 3, "ben": 1}
    assert told["sources"][0]["sha256"] == hashlib.sha256(before).hexdigest()
    assert told["output"]["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert told["decisions"][0]["at"] and told["decisions"][0]["line"] == 1


def test_the_same_decisions_make_the_same_bytes(tmp_path: Path) -> None:
    """I apply again on another day: set and manifest are the same, byte for byte."""
    source = write(tmp_path / "d.jsonl", [answer(n) for n in range(20)])
    Decisions.open(source).exclude(item_at(source, 3).row, "", "ana")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        apply_decisions([source], tmp_path / folder / "out.jsonl.gz")
    for name in ("out.jsonl.gz", "out.jsonl.gz.manifest.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


ROWS = st.lists(
    st.dictionaries(st.text("abc", min_size=1), st.none() | st.text() | st.lists(st.integers()), max_size=3),
    min_size=1,
    max_size=8,
)


@given(rows=ROWS)
def test_apply_with_no_decisions_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    """Where nothing was decided the same rows come out, with all their keys in their order."""
    folder = tmp_path_factory.mktemp("apply")
    rows = [{**row, **answer(number)} for number, row in enumerate(rows)]
    source = write(folder / "in.jsonl", rows)
    apply_decisions([source], folder / "out.jsonl")
    assert [list(row.items()) for row in values(folder / "out.jsonl")] == [list(row.items()) for row in rows]  # type: ignore[attr-defined]


def test_nothing_is_overwritten_without_a_word(tmp_path: Path) -> None:
    """Yesterday's set stays until I say that it may go; my source is never the target."""
    source = write(tmp_path / "d.jsonl", [answer(1)])
    out = tmp_path / "out.jsonl"
    out.write_text("yesterday's\n")
    with pytest.raises(FtarenaError, match="is there already"):
        apply_decisions([source], out)
    assert out.read_text() == "yesterday's\n"
    apply_decisions([source], out, overwrite=True)
    assert values(out) == [answer(1)]
    with pytest.raises(FtarenaError, match="a source is never written"):
        apply_decisions([source], tmp_path / "." / "d.jsonl", overwrite=True)


BROKEN = '{"prompt": "cut o\n{"prompt": "no answer", "completion": " "}\n'


def test_dropping_must_be_asked_for(tmp_path: Path) -> None:
    """A broken row stops it and is named; asked to drop it, I find its line and its text in a file."""
    source = write(tmp_path / "d.jsonl", [answer(1)], BROKEN)
    out = tmp_path / "out.jsonl"
    with pytest.raises(
        DataError, match=r"d\.jsonl:2:\d+: broken JSON(.|\n)*d\.jsonl:3: completion is empty"
    ) as error:
        apply_decisions([source], out)
    assert "--drop-bad" in error.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.jsonl"]
    manifest = apply_decisions([source], out, drop_bad=True)
    assert manifest.total("dropped") == 2 and values(out) == [answer(1)]
    first, second = map(json.loads, (tmp_path / "out.jsonl.dropped.jsonl").read_text().splitlines())
    assert (first["line"], first["code"], first["text"]) == (2, "json", '{"prompt": "cut o')
    assert (second["line"], second["code"], second["row"]["completion"]) == (3, "empty", " ")


def test_a_broken_row_that_was_excluded_stops_nothing(tmp_path: Path) -> None:
    """I exclude the broken line and mend the empty answer: nothing needs to be dropped."""
    source = write(tmp_path / "d.jsonl", [answer(1)], BROKEN)
    decisions = Decisions.open(source)
    decisions.exclude(item_at(source, 2).row, "cut off", "ana")
    decisions.edit(item_at(source, 3).row, answer(3), "ana")
    manifest = apply_decisions([source], tmp_path / "out.jsonl")
    assert values(tmp_path / "out.jsonl") == [answer(1), answer(3)]
    assert (manifest.rows_in, manifest.total("excluded"), manifest.total("edited")) == (3, 1, 1)


def test_decisions_about_rows_that_are_gone_are_counted(tmp_path: Path) -> None:
    """The source has changed: what no longer applies is in the account."""
    source = write(tmp_path / "d.jsonl", [answer(1), answer(2)])
    Decisions.open(source).exclude(item_at(source, 2).row, "", "ana")
    write(source.path, [answer(1), answer(3)])
    manifest = apply_decisions([source], tmp_path / "out.jsonl")
    assert (manifest.rows, manifest.total("strays"), manifest.total("excluded")) == (2, 1, 0)


def test_named_columns_are_not_needed_any_more(tmp_path: Path) -> None:
    """The set of a file with names of its own is read by anything, without my telling what they mean."""
    path = write(tmp_path / "d.jsonl", [{"q": "What?", "a": "That."}]).path
    source = Source(path, columns=Columns({"prompt": "q", "completion": "a"}))
    apply_decisions([source], tmp_path / "out.jsonl")
    (row,) = values(tmp_path / "out.jsonl")
    assert set(row) == {"prompt", "completion"}  # type: ignore[call-overload]


def test_leaving_everything_out_is_refused(tmp_path: Path) -> None:
    """A set without rows is no set."""
    source = write(tmp_path / "d.jsonl", [answer(1)])
    Decisions.open(source).exclude(item_at(source, 1).row, "", "ana")
    with pytest.raises(FtarenaError, match="no row would be left"):
        apply_decisions([source], tmp_path / "out.jsonl")
    assert not list(tmp_path.glob("*out*")) and not list(tmp_path.glob(".*part*"))


def test_a_kill_in_the_middle_leaves_no_half_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power goes while 10,000 rows are written: no set, no manifest; the next try works."""
    source = write(tmp_path / "d.jsonl", [answer(n) for n in range(10_000)])
    out = tmp_path / "out.jsonl"
    if (pid := os.fork()) == 0:
        left = iter(range(5_000))

        def value_or_death(usable: Usable) -> object:
            return usable.row.value if next(left, None) is not None else os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr(Usable, "value", value_or_death)
        try:
            apply_decisions([source], out)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert not out.exists() and not list(tmp_path.glob("*manifest*"))
    assert apply_decisions([source], out).rows == 10_000
    assert hashlib.sha256(out.read_bytes()).hexdigest() == read_manifest(out)["output"]["sha256"]
