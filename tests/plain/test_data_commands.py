"""`ftarena data …` at its edges: what people mistype, and what lies in their way."""

import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from ftarena import cli
from ftarena.curation.sources import source_of
from ftarena.errors import UsageError
from ftarena.plain.data_specs import split_place
from ftarena.plain.unapplied import note_unapplied


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shell in a folder of data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FTARENA_HOME", str(tmp_path / ".ftarena"))
    monkeypatch.setenv("FTARENA_LABELER", "ana")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    rows = [
        {"prompt": f"How do I do thing number {n} of all?", "completion": f"Do {n}."} for n in range(1, 11)
    ]
    write(tmp_path / "d.jsonl", rows)
    return tmp_path


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def ftarena(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    """Run a command line; return its exit code and everything that it printed."""

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["ftarena", "data", *words])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        printed = capsys.readouterr()
        return int(caught.value.code or 0), printed.out + printed.err

    return run


@pytest.mark.parametrize(
    ("place", "name", "lines"),
    [
        ("d.jsonl", "d.jsonl", []),
        ("d.jsonl:3", "d.jsonl", [3]),
        ("d.jsonl:3-5,9", "d.jsonl", [3, 4, 5, 9]),
        ("-:2", "-", [2]),
        ("org/name:train", "org/name:train", []),
        ("info.json:identity:7", "info.json:identity", [7]),
        ("odd:3", "odd:3", []),
    ],
)
def test_rows_are_named_by_their_lines(folder: Path, place: str, name: str, lines: list[int]) -> None:
    """`FILE:3-5,9` are four rows; a file that is really called so is taken as it is."""
    (folder / "odd:3").write_text("")
    found, ranges = split_place(place)
    assert (found, [line for part in ranges for line in part]) == (name, lines)


@pytest.mark.parametrize("place", ["d.jsonl:0", "d.jsonl:5-3", "d.jsonl:1-999999999"])
def test_lines_that_cannot_be(place: str) -> None:
    """Line 0, a range backwards and a billion lines are typing errors."""
    with pytest.raises(UsageError):
        split_place(place)


def test_ranges_are_excluded_once(ftarena) -> None:  # type: ignore[no-untyped-def]  # a function that runs it
    """I exclude lines 3 to 5, then 4 to 6: the second time only line 6 is new."""
    assert "excluded 3 rows: line 3, 4, 5" in ftarena("exclude", "d.jsonl:3-5")[1]
    said = ftarena("exclude", "d.jsonl:4-6", "--reason", "boring")[1]
    assert "excluded 1 row: line 6" in said and "2 other rows had been excluded before" in said
    assert "d.jsonl: nothing new, 4 rows had been excluded before" in ftarena("exclude", "d.jsonl:3-6")[1]
    told = json.loads(ftarena("decisions", "d.jsonl", "--json")[1])
    assert [(decision["line"], decision["reason"]) for decision in told["decisions"]] == [
        (3, ""),
        (4, ""),
        (5, ""),
        (6, "boring"),
    ]


def test_every_row_with_a_finding(folder: Path, ftarena) -> None:  # type: ignore[no-untyped-def]
    """All leaks leave the training file, not the held-out one; a finding that no row has excludes nothing."""
    write(folder / "held.jsonl", [{"prompt": "How do I do thing number 7 of all?"}])
    code, said = ftarena("exclude", "d.jsonl", "--code", "leak", "--eval", "held.jsonl")
    assert (code, said.splitlines()[0]) == (0, "d.jsonl: excluded 1 row: line 7")
    assert not (folder / "held.jsonl.decisions.jsonl").exists()
    assert "no row has the finding duplicate" in ftarena("exclude", "d.jsonl", "--code", "duplicate")[1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["exclude", "d.jsonl"], 2, "which rows?"),
        (["exclude", "d.jsonl:99"], 1, "d.jsonl has no row that begins on line 99"),
        (["exclude", "array.json:1"], 1, "on line 1: the next one begins on line 2"),
        (["exclude", "d.jsonl", "--code", "duplikate"], 2, "there is no finding duplikate"),
        (["exclude", "d.jsonl", "--code", "duplikate"], 2, "did you mean duplicate?"),
        (["exclude", "d.jsonl", "--code", "xyzzy"], 2, "there are json, "),
        (
            ["exclude", "d.jsonl:1", "--code", "empty", "--code", "order"],
            2,
            "for one finding, and 2 are named",
        ),
        (["exclude", "d.jsonl", "d.jsonl:1", "--code", "empty"], 2, "is named with lines and without"),
        (["exclude", "d.jsonl", "--code", "length-bias"], 2, "says something about a whole file"),
        (["exclude", "nope.jsonl:1"], 1, "there is no file nope.jsonl"),
        (["exclude", ".:1"], 2, "stands for 4 files"),
        (["undo", "d.jsonl:1"], 1, "nothing was decided about this row"),
        (["relabel", "d.jsonl:1"], 1, "a row of shape completion has no label"),
        (["edit", "d.jsonl"], 2, "which row?"),
        (["edit", "d.jsonl:1-2"], 2, "which row?"),
        (["edit", "d.jsonl:1", "--set", "completion"], 2, "names no value"),
        (["edit", "d.jsonl:1", "--set", "messages.0.content=x"], 2, "has no messages.0.content to set"),
        (["edit", "d.jsonl:1", "--json", "{"], 2, "broken JSON"),
        (["edit", "d.jsonl:1", "--json", '{"prompt": 1, "prompt": 2}'], 2, "is twice in one object"),
        (["edit", "d.jsonl:1", "--json", '{"prompt": NaN}'], 2, "NaN is no JSON value"),
        (["edit", "d.jsonl:1", "--json", '{"prompt": 1e999}'], 2, "the number 1e999 is too large"),
        (["edit", "d.jsonl:1", "--json", '{"prompt": "x"}'], 1, "a prompt without an answer"),
        (["edit", "d.jsonl:1", "--json", "[]"], 1, "a row must be a JSON object"),
        (["edit", "d.jsonl:1", "--json", "{}", "--set", "a=b"], 2, "--set and --json are both given"),
        (["edit", "d.jsonl:1", "--set", "completion= "], 1, "so edited, the row cannot be used"),
        (["edit", "d.jsonl:1"], 2, "what is to be changed?"),
        (["apply", "d.jsonl", "e.jsonl"], 2, "2 files make one set"),
        (["apply", "d.jsonl", "-o", "d.jsonl", "--overwrite"], 1, "a source is never written"),
        (["apply", "d.jsonl", "-o", "no/x.jsonl"], 1, "there is no folder no"),
        (["apply", "d.jsonl", "-o", "x.pdf"], 1, "error: x.pdf: it is not known how to write it"),
        (["apply", "empty.jsonl"], 1, "empty.jsonl holds no row"),
        (["convert", "d.jsonl", "-o", "x.pdf"], 1, "it is not known how to write it"),
        (["convert", "d.jsonl", "-o", "x.jsonl", "--shape", "mesages"], 2, "did you mean messages?"),
        (
            ["convert", "d.jsonl", "-o", "x.jsonl", "--columns", "prompt"],
            2,
            "does not say what columns mean",
        ),
        (["split", "d.jsonl", "--share", "10"], 2, "none would be left to train on"),
        (["split", "d.jsonl", "--share", "1.5"], 2, "--share is 1.5"),
        (["split", "d.jsonl", "--share", "inf"], 2, "--share is inf"),
        (["mix", "d.jsonl", "-o", "x.jsonl", "--ratio", "0.2"], 2, "--ratio is the share of replay"),
        (["mix", "d.jsonl", "d.jsonl", "-o", "x.jsonl"], 2, "d.jsonl is named twice"),
        (["mix", "d.jsonl", "-o", "x.jsonl", "--replay", "d.jsonl"], 2, "d.jsonl is named twice"),
        (["mix", "d.jsonl", "e.jsonl", "-o", "x.jsonl", "--columns", "prompt=q"], 1, "has the columns q"),
        (["apply", "d.jsonl", "-o", "d.jsonl.decisions.jsonl", "--overwrite"], 1, "those of records"),
        (["mix", "d.jsonl=0", "-o", "x.jsonl"], 1, "must be above 0"),
        (["mix", "d.jsonl=1", "e.jsonl=1", "-o", "x.jsonl", "--rows", "50"], 2, "50 rows were asked for"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_said(folder: Path, ftarena, words: list[str], code: int, said: str) -> None:  # type: ignore[no-untyped-def]
    """Each slip is one message that names what I typed, with something to do; and nothing is written."""
    (folder / "e.jsonl").write_bytes((folder / "d.jsonl").read_bytes())
    (folder / "array.json").write_text('[\n{"prompt": "q", "completion": "a"}]')
    (folder / "empty.jsonl").write_text("")
    before = sorted(folder.iterdir())
    found, printed = ftarena(*words)
    assert (found, said in printed) == (code, True), printed
    assert "Traceback" not in printed and printed.startswith("error: ")
    assert sorted(path for path in folder.iterdir() if path.name != ".ftarena") == before


def test_edits_reach_inside_and_keep_types(folder: Path, ftarena) -> None:  # type: ignore[no-untyped-def]
    """I change one message of a conversation and a number beside it; the number stays one."""
    talk = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    write(folder / "m.jsonl", [{"messages": talk, "score": 1}])
    code, said = ftarena("edit", "m.jsonl:1", "--set", "messages.1.content=b=c", "--set", "score=2")
    assert code == 0 and "m.jsonl:1: edited messages, score" in said
    ftarena("edit", "m.jsonl:1", "--set", "score=3", "--reason", "again")
    (line,) = (folder / "m.jsonl.decisions.jsonl").read_text().splitlines()[1:]
    event = json.loads(line)
    assert event["value"] == {"messages": [talk[0], {"role": "assistant", "content": "b=c"}], "score": 3}
    assert event["reason"] == "again"
    assert "nothing was changed" in ftarena("edit", "m.jsonl:1", "--set", "score=3")[1]


def editor(folder: Path, script: str) -> str:
    path = folder / "my editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"'{path}'"


def test_an_edit_in_my_editor(folder: Path, ftarena, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """My editor opens the row as indented JSON; what I save is the new row."""
    monkeypatch.setenv("EDITOR", editor(folder, 'sed -i "s/Do 2/Try 2/" "$1"'))
    code, said = ftarena("edit", "d.jsonl:2")
    assert code == 0 and "d.jsonl:2: edited completion" in said
    monkeypatch.setenv("EDITOR", editor(folder, "true"))
    assert "nothing was changed" in ftarena("edit", "d.jsonl:2")[1]
    monkeypatch.setenv("EDITOR", editor(folder, "exit 3"))
    assert "the editor ended with 3, so nothing was changed" in ftarena("edit", "d.jsonl:2")[1]
    monkeypatch.setenv("EDITOR", "no-such-editor-here")
    assert "cannot be started" in ftarena("edit", "d.jsonl:2")[1]


def test_a_slip_in_the_editor_loses_nothing(folder: Path, ftarena, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """I forget a brace: my text is kept, and I am told the command that takes it."""
    monkeypatch.setenv("EDITOR", editor(folder, 'echo "{ oops" > "$1"'))
    code, said = ftarena("edit", "d.jsonl:2")
    assert code == 1 and "what you wrote is broken JSON" in said
    kept = Path(said.partition("it is kept in ")[2].partition(";")[0])
    assert kept.read_text() == "{ oops\n"
    kept.unlink()


def test_a_line_that_cannot_be_read_is_mended_whole(folder: Path, ftarena) -> None:  # type: ignore[no-untyped-def]
    """A broken line is replaced by a whole row; then the set is whole."""
    with (folder / "d.jsonl").open("a") as file:
        file.write('{"prompt": "cut o\n')
    assert "give the whole row: --json" in ftarena("edit", "d.jsonl:11", "--set", "prompt=x")[1]
    row = '{"prompt": "mended?", "completion": "yes"}'
    assert ftarena("edit", "d.jsonl:11", "--json", row)[0] == 0
    assert "11 rows written" in ftarena("apply", "d.jsonl")[1]


def test_what_is_piped_in_can_be_decided_on(folder: Path, ftarena, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """`zcat d.gz | ftarena data exclude -- -:2`, then apply; I am told where the decisions are."""
    from ftarena.curation import spool

    for words in (["exclude", "--", "-:2"], ["apply", "-", "-o", "out.jsonl"]):
        spool.standard_input.cache_clear()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((folder / "d.jsonl").read_bytes())))
        code, said = ftarena(*words)
        assert code == 0
        if words[0] == "exclude":
            assert "note: decisions about - are kept in " in said
            assert "-: excluded 1 row: line 2\n" in said and "next: ftarena data apply - -o std" in said
    spool.standard_input.cache_clear()
    assert len((folder / "out.jsonl").read_text().splitlines()) == 9


def test_a_raw_file_with_decisions_is_noted(
    folder: Path, ftarena, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    """I train on the raw file by mistake: one line says that decisions wait, and the command."""
    note_unapplied([source_of(folder / "d.jsonl")])
    assert capsys.readouterr().err == ""
    ftarena("exclude", "d.jsonl:3")
    note_unapplied([source_of(Path("d.jsonl"))])
    assert capsys.readouterr().err == (
        "note: 1 decision about d.jsonl is not applied: ftarena data apply d.jsonl -o d.curated.jsonl\n"
    )
    assert "note: 1 decision about d.jsonl is not applied" in ftarena("split", "d.jsonl")[1]


def test_the_next_command_knows_what_i_said(folder: Path, ftarena) -> None:  # type: ignore[no-untyped-def]
    """Where I had to say what columns mean, the command that comes next says it as well."""
    (folder / "t.csv").write_text("q,a\nWhat?,That.\nWhy?,So.\n")
    said = ftarena("exclude", "t.csv:2", "--columns", "prompt=q,completion=a")[1]
    following = "data apply t.csv --columns prompt=q,completion=a -o t.curated.jsonl"
    assert f"next: ftarena {following}\n" in said
    assert ftarena(*following.split()[1:])[0] == 0


PAIRS: list[dict[str, object]] = [
    {"prompt": f"Which is better, {n}?", "chosen": f"the first, {n}", "rejected": f"the other, {n}"}
    for n in range(3)
]


def test_all_rows_are_relabelled_or_none(folder: Path, ftarena) -> None:  # type: ignore[no-untyped-def]
    """One of the lines that I name has no label: I am told, and the others are as they were."""
    write(folder / "p.jsonl", [*PAIRS, {"prompt": "q", "completion": "a"}])
    code, said = ftarena("relabel", "p.jsonl:1-4")
    assert code == 1 and "p.jsonl:4: a row of shape completion has no label" in said
    assert "no row was relabelled" in said and not (folder / "p.jsonl.decisions.jsonl").exists()
    assert "3 relabelled" in ftarena("relabel", "p.jsonl:1-2", "p.jsonl:3")[1]


def test_two_turns_are_none(folder: Path, ftarena) -> None:  # type: ignore[no-untyped-def]
    """I relabel a pair twice: it is as it was, and no count says otherwise."""
    write(folder / "p.jsonl", PAIRS)
    ftarena("relabel", "p.jsonl:1")
    assert "p.jsonl: nothing is decided" in ftarena("relabel", "p.jsonl:1")[1]
    assert ftarena("decisions", "p.jsonl")[1].count("(has no effect)") == 2
    assert "relabelled" not in ftarena("apply", "p.jsonl")[1]
    assert (folder / "p.curated.jsonl").read_text() == (folder / "p.jsonl").read_text()


def test_undo_passes_over_what_was_not_decided(ftarena) -> None:  # type: ignore[no-untyped-def]
    """I take back a whole range in which only two rows were decided about."""
    ftarena("exclude", "d.jsonl:1,7")
    code, said = ftarena("undo", "d.jsonl:1-7")
    assert code == 0 and said.count("taken back: exclude by ana") == 2
    assert "nothing was decided about 5 other rows" in said and "d.jsonl: nothing is decided" in said
    assert "nothing was decided about any of these 7 rows" in ftarena("undo", "d.jsonl:1-7")[1]


def test_a_row_that_comes_back_is_said(ftarena) -> None:  # type: ignore[no-untyped-def]
    """I edit a row that I had excluded: it is in again, and I am told."""
    ftarena("exclude", "d.jsonl:2")
    said = ftarena("edit", "d.jsonl:2", "--set", "completion=Do it.")[1]
    assert "d.jsonl:2: edited completion; it had been excluded, and is in again" in said
    assert "0 excluded" not in said and "1 edited" in said


def test_several_findings_at_once(folder: Path, ftarena) -> None:  # type: ignore[no-untyped-def]
    """`--code empty --code duplicate` leaves out what has either, each counted for its own."""
    rows = [{"prompt": f"Question number {n}?", "completion": a} for n, a in enumerate(["a", "b", "", "c"])]
    write(folder / "x.jsonl", [*rows, rows[0], {"prompt": "no answer?"}])
    assert "line 3, 5" in ftarena("exclude", "x.jsonl", "--code", "empty", "--code", "duplicate")[1]
    ftarena("exclude", "x.jsonl:6")
    said = ftarena("apply", "x.jsonl")[1]
    assert "3 excluded (" in said and all(
        part in said for part in ("empty: 1", "duplicate: 1", "by hand: 1", ", ")
    )


def test_columns_hold_everywhere(folder: Path, ftarena) -> None:  # type: ignore[no-untyped-def]
    """What I said of a file's columns, I can say to show, edit, undo, decisions and mix as well."""
    (folder / "t.csv").write_text("Question,Answer,id\nWhat?,That.,1\nWhy?,,2\n")
    named = ["--columns", "prompt=Question,completion=Answer"]
    assert "assistant\n  That." in ftarena("show", "t.csv:2", *named)[1]
    for name in ("Answer", "completion"):
        assert ftarena("edit", "t.csv:3", "--set", f"{name}=It is that.", *named)[0] == 0
        assert "t.csv:3: taken back: edit" in ftarena("undo", "t.csv:3", *named)[1]
    ftarena("edit", "t.csv:3", "--set", "Answer=It is that.", *named)
    listed = ftarena("decisions", "t.csv", *named)[1]
    assert "UTC  Answer" in listed and "next: ftarena data apply t.csv --columns prompt=Q" in listed
    said = ftarena("split", "t.csv", "--drop-bad", "--share", "1", *named)[1]
    assert "ftarena data apply t.csv --columns prompt=Question,completion=Answer -o" in said
    assert ftarena("apply", "t.csv", *named)[0] == 0
    assert [json.loads(line) for line in (folder / "t.curated.jsonl").read_text().splitlines()] == [
        {"prompt": "What?", "completion": "That.", "id": "1"},
        {"prompt": "Why?", "completion": "It is that.", "id": "2"},
    ]
    code, said = ftarena("mix", "d.jsonl", "t.csv", "-o", "m.jsonl", "--drop-bad", *named)
    assert code == 0 and "11 rows written" in said


def test_the_command_in_an_error_knows_my_columns(folder: Path, ftarena) -> None:  # type: ignore[no-untyped-def]
    """A row cannot be used: the check that I am sent to reads the file as I do."""
    (folder / "t.csv").write_text("q,a\nWhat?,\n")
    said = ftarena("apply", "t.csv", "--columns", "prompt=q,completion=a")[1]
    assert "ftarena check t.csv --columns prompt=q,completion=a" in said


def test_some_rows_are_shown(ftarena) -> None:  # type: ignore[no-untyped-def]
    """`show FILE:3-4,9` shows three rows, like exclude and relabel have it."""
    said = ftarena("show", "d.jsonl:3-4,9")[1]
    assert [n for n in range(1, 11) if f"d.jsonl:{n}  completion" in said] == [3, 4, 9]


def test_a_broken_line_is_shown_with_its_column(folder: Path, ftarena) -> None:  # type: ignore[no-untyped-def]
    """As in check: where in the line it is broken."""
    (folder / "x.jsonl").write_text('{"prompt": "cut o\n')
    assert "unterminated string starting at (column 12)" in ftarena("show", "x.jsonl:1")[1]


def test_packed_and_unpacked_have_two_sets(folder: Path, ftarena) -> None:  # type: ignore[no-untyped-def]
    """`d.jsonl` and `d.jsonl.gz` lie in one folder: neither's curated set is in the way of the other's."""
    (folder / "d.jsonl.gz").write_bytes(gzip.compress((folder / "d.jsonl").read_bytes()))
    assert "written to d.curated.jsonl," in ftarena("apply", "d.jsonl")[1]
    assert "written to d.curated.jsonl.gz," in ftarena("apply", "d.jsonl.gz")[1]
