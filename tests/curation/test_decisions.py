"""Deciding about rows without touching the file."""

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation import spool
from ftarena.curation.decisions.identity import item_at
from ftarena.curation.decisions.ledger import Decided, Decisions
from ftarena.curation.rows import Problem, Row
from ftarena.curation.sources import Columns, Source, source_of
from ftarena.errors import FtarenaError, UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FTARENA_HOME", str(tmp_path / "home" / ".ftarena"))
    return tmp_path / "home" / ".ftarena"


def answer(number: int) -> dict[str, object]:
    return {"prompt": f"question {number}", "completion": f"answer {number}", "id": number}


def write(path: Path, rows: list[dict[str, object]]) -> Source:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return source_of(path)


def row_at(source: Source, line: int) -> Row:
    row = item_at(source, line).row
    assert isinstance(row, Row)
    return row


def outcomes(source: Source) -> list[object]:
    """What is left of a source: the values of its rows, in order."""
    decisions = Decisions.open(source)
    rows = [decisions.outcome(decided) for decided in decisions.walk()]
    return [row.value if isinstance(row, Row) else row.code for row in rows if row is not None]


def test_a_decision_lies_beside_the_file_and_never_in_it(tmp_path: Path) -> None:
    """I exclude a row; my file is byte for byte what it was."""
    source = write(tmp_path / "sft.jsonl", [answer(1), answer(2)])
    before = source.path.read_bytes()
    Decisions.open(source).exclude(row_at(source, 2), "too short", "ana", code="empty")
    assert source.path.read_bytes() == before
    (line,) = (tmp_path / "sft.jsonl.decisions.jsonl").read_text().splitlines()
    event = json.loads(line)
    assert (event["line"], event["action"], event["reason"]) == (2, "exclude", "too short")
    assert (event["code"], event["by"], len(event["row"])) == ("empty", "ana", 32)
    again = Decisions.open(source)
    standing = again.of(row_at(source, 2))
    assert standing is not None and standing.by == "ana" and again.of(row_at(source, 1)) is None
    assert again.counts == {"exclude": 1, "edit": 0, "relabel": 0}
    assert outcomes(source) == [answer(1)]


def test_decisions_hold_when_lines_move(tmp_path: Path) -> None:
    """I sort the file, and the row that I excluded is still the one that is left out."""
    source = write(tmp_path / "d.jsonl", [answer(1), answer(2), answer(3)])
    Decisions.open(source).exclude(row_at(source, 3), "", "ana")
    write(source.path, [answer(3), answer(1), answer(2)])
    assert outcomes(source) == [answer(1), answer(2)]
    source.path.write_text(json.dumps(dict(reversed(answer(3).items())), indent=None) + "\n")
    assert outcomes(source) == [], "the order of keys makes no other row"


def test_rows_that_are_exactly_alike_are_told_apart(tmp_path: Path) -> None:
    """Of three copies I exclude the last two and keep the first."""
    source = write(tmp_path / "d.jsonl", [answer(1), answer(2), answer(1), answer(1)])
    decisions = Decisions.open(source)
    decisions.exclude_all([row_at(source, 3), row_at(source, 4)], "again", "ana", code="duplicate")
    assert [decided.excluded for decided in decisions.walk()] == [False, False, True, True]
    assert decisions.of(row_at(source, 1)) is None and decisions.of(row_at(source, 4)) is not None
    assert outcomes(source) == [answer(1), answer(2)]


def test_an_edit_must_leave_a_usable_row(tmp_path: Path) -> None:
    """My edit is taken, or I learn why the row could not be used and nothing has changed."""
    source = write(tmp_path / "d.jsonl", [answer(1)])
    decisions, row = Decisions.open(source), row_at(source, 1)
    with pytest.raises(FtarenaError, match=r"d\.jsonl:1: so edited, the row cannot be used: .*empty"):
        decisions.edit(row, {**answer(1), "completion": " "}, "ana")
    assert not decisions and not decisions.sidecar.beside.exists()
    decisions.edit(row, {**answer(1), "completion": "better"}, "ana", reason="typo")
    assert outcomes(source) == [{**answer(1), "completion": "better"}]


PAIR = {"prompt": "q", "chosen": "good", "rejected": "bad", "score": 3}


@pytest.mark.parametrize(
    ("row", "columns", "turned"),
    [
        (PAIR, Columns(), {**PAIR, "chosen": "bad", "rejected": "good"}),
        ({"prompt": "q", "completion": "a", "label": True}, Columns(), None),
        ({"prompt": "q", "completion": "a", "label": "False"}, Columns(), None),
        (
            {"q": "q", "up": "x", "down": "y"},
            Columns({"prompt": "q", "chosen": "up", "rejected": "down"}),
            {"q": "q", "up": "y", "down": "x"},
        ),
        (
            {"q": "q", "a": "x", "thumb": False},
            Columns({"prompt": "q", "completion": "a", "label": "thumb"}),
            {"q": "q", "a": "x", "thumb": True},
        ),
    ],
)
def test_a_judgement_can_be_turned_round(
    tmp_path: Path, row: dict[str, object], columns: Columns, turned: dict[str, object] | None
) -> None:
    """A pair labelled the wrong way round is swapped, a label flipped; a second time turns it back."""
    path = write(tmp_path / "d.jsonl", [row]).path
    source = Source(path, columns=columns)
    decisions = Decisions.open(source)
    decisions.relabel(row_at(source, 1), "ana")
    other = {True: False, "False": "True"}.get(row.get("label"))  # type: ignore[arg-type]  # or None
    assert outcomes(source) == [turned or {**row, "label": other}]
    decisions.relabel(row_at(source, 1), "ana")
    assert outcomes(source) == [row]


def test_what_has_no_label_cannot_be_relabelled(tmp_path: Path) -> None:
    """An answer to learn has no label; I am told what I can do instead."""
    source = write(tmp_path / "d.jsonl", [answer(1)])
    with pytest.raises(FtarenaError, match="a row of shape completion has no label") as error:
        Decisions.open(source).relabel(row_at(source, 1), "ana")
    assert error.value.hint.startswith("leave it out: ftarena data exclude ")


def test_the_newest_decision_says_whether_a_row_is_in(tmp_path: Path) -> None:
    """Excluded, then edited: it is in again; taken back step by step."""
    source = write(tmp_path / "d.jsonl", [PAIR])
    decisions, row = Decisions.open(source), row_at(source, 1)
    decisions.edit(row, {**PAIR, "chosen": "better"}, "ana")
    decisions.relabel(row, "ana")
    decisions.exclude(row, "", "ben")
    swapped = {**PAIR, "chosen": "bad", "rejected": "better"}
    for left in ([], [swapped], [{**PAIR, "chosen": "better"}], [PAIR]):
        assert outcomes(source) == left
        if left != [PAIR]:
            decisions.undo(row, "ana")
    with pytest.raises(FtarenaError, match="nothing was decided about this row"):
        decisions.undo(row, "ana")


def test_a_line_that_cannot_be_read_can_be_decided_on(tmp_path: Path) -> None:
    """A broken line is left out or replaced like any other, even when lines move."""
    source = write(tmp_path / "d.jsonl", [answer(1)])
    with source.path.open("a") as file:
        file.write('{"prompt": "cut o\n{"prompt": "also cut\n')
    decisions = Decisions.open(source)
    first, second = (item_at(source, line).row for line in (2, 3))
    assert isinstance(first, Problem) and isinstance(second, Problem)
    decisions.exclude(first, "", "ana")
    decisions.edit(second, answer(9), "ana")
    source.path.write_text("".join(reversed(source.path.read_text().splitlines(keepends=True))))
    assert outcomes(source) == [answer(9), answer(1)]
    assert decisions.of(item_at(source, 2).row) is not None


def test_a_row_that_is_gone_is_said(tmp_path: Path) -> None:
    """The file changed since: the decision about the old row applies to no row, and I am told."""
    source = write(tmp_path / "d.jsonl", [answer(1), answer(2)])
    decisions = Decisions.open(source)
    row = row_at(source, 2)
    decisions.exclude(row, "", "ana")
    assert decisions.strays() == []
    write(source.path, [answer(1), answer(3)])
    (stray,) = Decisions.open(source).strays()
    assert (stray.line, stray.action) == (2, "exclude")
    with pytest.raises(FtarenaError, match=r"d\.jsonl:2 has changed since it was read"):
        decisions.exclude(row, "", "ana")


def test_a_torn_line_is_passed_over_and_said(tmp_path: Path) -> None:
    """A crash in the middle of a write loses that one decision, and nothing that comes after it."""
    source = write(tmp_path / "d.jsonl", [answer(n) for n in range(4)])
    decisions = Decisions.open(source)
    decisions.exclude_all([row_at(source, 1), row_at(source, 2)], "", "ana")
    sidecar = decisions.sidecar.beside
    sidecar.write_bytes(sidecar.read_bytes()[:-20])
    torn = Decisions.open(source)
    assert torn.counts["exclude"] == 1 and "its end is missing" in torn.problems[0]
    torn.exclude(row_at(source, 3), "", "ana")
    after = Decisions.open(source)
    assert after.counts["exclude"] == 2
    assert after.problems == [f"{sidecar}:2 was passed over: it is no decision"]


def test_two_programs_decide_at_once(tmp_path: Path) -> None:
    """What I decide in one window is there in the other, and neither loses anything."""
    source = write(tmp_path / "d.jsonl", [answer(n) for n in range(40)])
    one, other = Decisions.open(source), Decisions.open(source)
    children = []
    for child in range(4):
        if (pid := os.fork()) == 0:
            mine = Decisions.open(source)
            for number in range(child, 40, 4):
                mine.exclude(row_at(source, number + 1), "", f"child {child}")
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    other.refresh()
    assert other.counts["exclude"] == 40 and not other.problems
    assert one.undo(row_at(source, 7), "ana").by == "child 2"
    other.refresh()
    assert other.counts["exclude"] == 39 and not other.problems


def test_where_nothing_may_be_written_the_workspace_keeps_it(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I may decide about a file on a share that I can only read, and am told where that is kept."""
    source = write(tmp_path / "share" / "d.jsonl", [answer(1), answer(2)])
    Decisions.open(source).exclude(row_at(source, 1), "", "owner")
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "share" not in str(path) and allowed(path, mode))
    decisions = Decisions.open(source)
    decisions.exclude(row_at(source, 2), "", "ana")
    assert outcomes(source) == [], "the owner's decisions hold as well"
    (kept,) = (home / "decisions").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o644 and (home / "decisions").stat().st_mode & 0o777 == 0o700
    assert str(kept) in decisions.sidecar.note and "d.jsonl" in decisions.sidecar.note


def test_decisions_about_what_is_piped_in(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I pipe the same rows in again tomorrow, and what I decided about them still holds."""
    for folder in ("today", "tomorrow"):
        source = write(tmp_path / folder / "stdin", [answer(1), answer(2)])
        monkeypatch.setattr(spool, "_folders", {source.path.parent})
        if folder == "today":
            Decisions.open(source).exclude(row_at(source, 1), "", "ana")
    assert outcomes(source) == [answer(2)]
    assert len(list((home / "decisions").iterdir())) == 1


def test_decisions_about_a_data_set_of_the_hub(tmp_path: Path, home: Path) -> None:
    """The cache may be cleared or get another revision; my decisions are in the workspace and hold."""
    cached = tmp_path / "hub" / "datasets--org--name" / "snapshots"
    source = write(cached / "0a1b" / "train.jsonl", [answer(1), answer(2)])
    Decisions.open(source).exclude(row_at(source, 1), "", "ana")
    assert outcomes(write(cached / "2c3d" / "train.jsonl", [answer(3), answer(1)])) == [answer(3)]
    assert outcomes(write(cached / "2c3d" / "test.jsonl", [answer(1)])) == [answer(1)]
    assert [path.name for path in (cached / "0a1b").iterdir()] == ["train.jsonl"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path, home: Path) -> None:
    """The same with a folder that really is read-only."""
    source = write(tmp_path / "share" / "d.jsonl", [answer(1)])
    source.path.parent.chmod(0o500)
    try:
        Decisions.open(source).exclude(row_at(source, 1), "", "ana")
    finally:
        source.path.parent.chmod(0o700)
    assert len(list((home / "decisions").iterdir())) == 1


def test_a_finding_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """A mistyped code is said before anything is written."""
    source = write(tmp_path / "d.jsonl", [answer(1)])
    with pytest.raises(UsageError, match="there is no finding duplikate"):
        Decisions.open(source).exclude(row_at(source, 1), "", "ana", code="duplikate")


ROWS = st.lists(st.sampled_from([answer(1), answer(2), PAIR]), min_size=1, max_size=6)


@given(rows=ROWS, data=st.data())
def test_undo_restores(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], data: st.DataObject
) -> None:
    """Whatever I decide, as many undos bring every row back."""
    source = write(tmp_path_factory.mktemp("undo") / "d.jsonl", rows)
    decisions = Decisions.open(source)
    done: list[Row] = []
    for _ in range(data.draw(st.integers(0, 5))):
        row = row_at(source, data.draw(st.integers(1, len(rows))))
        action = data.draw(st.sampled_from(["exclude", "edit", "relabel"]))
        if action == "exclude":
            decisions.exclude(row, "", "ana")
        elif action == "edit":
            decisions.edit(row, {**row.value, "prompt": "another"}, "ana")
        elif row.value == PAIR:
            decisions.relabel(row, "ana")
        else:
            continue
        done.append(row)
    for row in done:
        decisions.undo(row, "ana")
    assert outcomes(source) == rows and not decisions and not Decisions.open(source)


def test_a_decided_row_knows_that_it_is_out(tmp_path: Path) -> None:
    """A row without decisions is in."""
    source = write(tmp_path / "d.jsonl", [answer(1)])
    assert not Decided(item_at(source, 1)).excluded


def test_a_full_disk_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full in the middle of many decisions: none is in force; what was there still is."""
    source = write(tmp_path / "d.jsonl", [answer(n) for n in range(40)])
    decisions = Decisions.open(source)
    rows = [row_at(source, line) for line in range(1, 41)]
    decisions.exclude(rows[0], "", "ana")
    before = decisions.sidecar.beside.read_bytes()
    really, calls = os.write, iter(range(10))

    def full(handle: int, data: bytes) -> int:
        if next(calls):
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(handle, bytes(data)[:1000])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(FtarenaError, match="no space left on the disk"):
        decisions.exclude_all(rows[1:], "", "ana")
    monkeypatch.undo()
    assert decisions.sidecar.beside.read_bytes() == before
    assert Decisions.open(source).counts["exclude"] == 1


def test_an_edit_must_leave_a_row_that_can_be_used(tmp_path: Path) -> None:
    """I take the answer away, or write a number that JSON has not: the edit is refused."""
    source = write(tmp_path / "d.jsonl", [answer(1)])
    decisions, row = Decisions.open(source), row_at(source, 1)
    for value, said in (
        ({"prompt": "x"}, "a prompt without an answer"),
        ({**answer(1), "score": float("nan")}, "NaN and Infinity are no JSON values"),
    ):
        with pytest.raises(FtarenaError, match=f"so edited, the row cannot be used: {said}"):
            decisions.edit(row, value, "ana")
    assert not decisions.sidecar.beside.exists()


def test_a_question_among_questions_can_be_edited(tmp_path: Path) -> None:
    """A file of prompts for battles has no answers; I may still mend a prompt."""
    source = write(tmp_path / "d.jsonl", [{"prompt": "whta?"}, {"prompt": "why?"}])
    Decisions.open(source).edit(row_at(source, 1), {"prompt": "what?"}, "ana")
    assert outcomes(source) == [{"prompt": "what?"}, {"prompt": "why?"}]


def test_decisions_that_link_into_nowhere(tmp_path: Path) -> None:
    """My sidecar is a link to a disk that is not mounted: I am told which link that is."""
    source = write(tmp_path / "d.jsonl", [answer(1)])
    (tmp_path / "d.jsonl.decisions.jsonl").symlink_to(tmp_path / "unmounted" / "d.jsonl")
    with pytest.raises(FtarenaError, match=r"is a link to .*unmounted/d\.jsonl, which cannot be written"):
        Decisions.open(source).exclude(row_at(source, 1), "", "ana")
