"""`ftarena check` in a shell: what is printed, and what a script is told."""

import io
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ftarena.curation.check import check_files
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.check import check
from ftarena.plain.check_report import print_report
from ftarena.store import Store, Turn


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(prompt: str, answer: str = "pwd") -> dict[str, str]:
    return {"prompt": prompt, "completion": answer}


def printed(path: Path, *, terminal: bool = False, width: int = 80, **options: Any) -> str:
    out = io.StringIO()
    print_report(check_files([path]), Console(file=out, force_terminal=terminal, width=width), **options)
    return out.getvalue()


def test_the_exit_code_tells_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ftarena check` fails on errors; on warnings only where it is asked to."""
    good = write(tmp_path / "good", row("a"), row("a"))
    bad = write(tmp_path / "bad", {"prompt": ""})
    assert check([good]) == 0
    assert check([good], strict=True) == 1
    assert check([bad]) == 1
    assert "no-answer" in capsys.readouterr().out


def test_json_is_the_whole_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program gets examples, findings and stats; a finding has code, severity, file, line and message."""
    path = write(tmp_path / "a", row("a"), row("a"), {"prompt": ""})
    assert check([path], as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["examples", "findings", "stats"]
    assert told["examples"] == 2
    assert told["findings"][0] == {
        "code": "duplicate",
        "severity": "warning",
        "file": str(path),
        "line": 2,
        "message": "the same as a:1",
        "remedy": "remove all but one",
        "twin": {"file": str(path), "line": 1},
    }
    assert told["stats"]["counts"] == {"no-answer": 1, "duplicate": 1}
    check([path], as_json=True, codes=["no-answer"])
    told = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in told["findings"]] == ["no-answer"]
    assert told["stats"]["counts"] == {"no-answer": 1, "duplicate": 1}


def test_a_clean_file_takes_four_lines(tmp_path: Path) -> None:
    """Nothing wrong is said in a sentence, with what there is."""
    path = write(tmp_path / "a", row("one", "x"), row("two", "xyz"), row("three", "xy"))
    assert printed(path).splitlines() == [
        f"{path}: 3 prompts with a completion",
        "answers: 2 characters in the median, 3 at most",
        "3 examples, nothing wrong.",
    ]


def test_findings_are_grouped_and_say_once_why_they_hurt(tmp_path: Path) -> None:
    """First the counts, then each kind with its reason, its remedy and its first ten places."""
    path = write(tmp_path / "a", *[row("a")] * 13, row("b", "\x07!"))
    said = printed(path)
    assert "14 examples: 13 warnings" in said
    assert "       12  warning  duplicate: the same row again\n" in said
    assert said.count("why: A row that is there n times") == 1
    assert said.count(": the same as a:1") == 10
    assert "… and 2 more: --code duplicate --all" in said
    assert printed(path, show_all=True).count(": the same as a:1") == 12
    only = printed(path, codes=["control"])
    assert "why: They are invisible" in only and "why: A row" not in only
    assert "12  warning  duplicate" in only, "the summary stays whole"


def test_what_is_said_of_many_rows_is_said_once(tmp_path: Path) -> None:
    """A table whose columns are not known gives one line and the command that reads it, not 42 lines."""
    path = tmp_path / "f aq.csv"
    path.write_text("Frage,Antwort\n" + "".join(f"Was ist {n}?,Eine Zahl.\n" for n in range(42)))
    said = printed(path)
    assert said.count("none of the known shapes") == 1 and f"{path}:2-43 (42 rows): none of" in said
    assert f"try: ftarena check '{path}' --columns prompt=Frage,completion=Antwort\n" in said
    assert printed(path, show_all=True).count("none of the known shapes") == 42
    marked = [row(f"q{n}", "x</s>" if n % 2 else "x") for n in range(20)]
    assert f"{tmp_path / 'b'}:2,4,6,8,10 and 5 more: </s> in the answer" in printed(
        write(tmp_path / "b", *marked)
    )


def test_what_concerns_a_whole_file_has_no_line(tmp_path: Path) -> None:
    """Too many good labels are no defect of line 1."""
    path = write(tmp_path / "a", *[{**row(f"q{n}", f"x{n}"), "label": n > 0} for n in range(40)])
    assert f"  {path}: 39 good and 1 bad answers" in printed(path)


def test_shares_of_languages_say_of_how_many_answers(tmp_path: Path) -> None:
    """One German row among four that can be told is not a quarter of the file."""
    english, german = (
        "This is the answer to the question that was asked.",
        "Das ist die Antwort auf die Frage.",
    )
    rows = (
        [row(f"q{n}", english) for n in range(3)]
        + [row("g", german)]
        + [row(f"s{n}", "ok") for n in range(69)]
    )
    assert "languages, of 4 of 73 answers that can be told: en 75 %, de 25 %" in printed(
        write(tmp_path / "a", *rows)
    )
    rows = [row(f"q{n}", english) for n in range(150)] + [row("g", german)]
    said = printed(write(tmp_path / "b", *rows))
    assert "languages: en 99 %, 1 other language below 1 %" in said


def test_a_p_value_that_does_not_count_says_so(tmp_path: Path) -> None:
    """“No bias” beside p = 0.037 needs a word, or it will be argued about."""
    rows = [
        {"prompt": f"q{n}", "chosen": "a" * (1 + (n < 62)), "rejected": "b" * (1 + (n >= 62))}
        for n in range(100)
    ]
    said = printed(write(tmp_path / "a", *rows))
    assert "no length bias to be seen" in said and "p = 0.021; what counts here is p < 0.01)" in said


def test_lines_are_wrapped_on_a_terminal_only(tmp_path: Path) -> None:
    """On a narrow terminal nothing is cut off; in a pipe a finding is one line, for grep."""
    path = write(tmp_path / "a", row("a"), row("a"))
    assert f"{path}:2: the same as a:1" in printed(path, width=40)
    assert max(map(len, printed(path, terminal=True, width=200).splitlines())) > 60
    wrapped = Console(file=io.StringIO(), force_terminal=True, width=60, no_color=True)
    print_report(check_files([path]), wrapped)
    said = wrapped.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO from above
    assert "first to be recited" in " ".join(said.split())


def test_colour_is_never_needed(tmp_path: Path) -> None:
    """Without colour every word is there."""
    path = write(tmp_path / "a", row("a"), row("a"), {"prompt": ""})
    out = io.StringIO()
    print_report(
        check_files([path]), Console(file=out, force_terminal=True, width=200, color_system="truecolor")
    )
    coloured = out.getvalue()
    assert "\x1b[" in coloured
    assert "error    no-answer" in printed(path)
    assert "warning  duplicate" in printed(path)


def test_two_kinds_of_rows_in_one_file_get_a_word(tmp_path: Path) -> None:
    """Answers and preference pairs in one file are trained on by different methods."""
    pair = {"prompt": "q", "chosen": "a", "rejected": "b"}
    path = write(tmp_path / "a", row("one"), pair)
    assert f"{path} mixes answers to learn and preference pairs" in printed(path)


def test_questions_and_hostile_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Questions are counted as what they are; a data file cannot write my clipboard by being checked."""
    questions = write(
        tmp_path / "questions", {"prompt": "one"}, {"prompt": "two"}, {"prompt": "x", "reference": "y"}
    )
    evil = write(tmp_path / "evil", {"messages": [{"role": "\x1b]52;c;eA==\x07", "content": "x"}]})
    assert check([evil], eval_specs=[questions]) == 1
    said = capsys.readouterr().out
    assert f"{questions}: 2 prompts without an answer, 1 prompt with a reference" in said
    assert "\x1b" not in said
    assert check([], eval_specs=[questions]) == 0
    assert "3 held-out examples, nothing wrong." in capsys.readouterr().out
    assert check([evil], as_json=True) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_prompts_of_the_arena_are_read_where_there_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The arena is looked at, never made; a broken one is an error that says how to go on without it."""
    path = write(tmp_path / "a", row("Who am I?", "Nobody knows."))
    database = tmp_path / "arena.db"
    assert check([path], database=database) == 0
    assert not database.exists()
    with Store.open(database) as store:
        store.add_prompts([((Turn("user", "who am I"),), None)], source="test")
    assert check([path], database=database) == 0
    assert f"{path}:1: this prompt is in the arena, too" in capsys.readouterr().out
    database.write_bytes(b"not SQLite at all" * 100)
    with pytest.raises(FtarenaError) as raised:
        check([path], database=database)
    assert "--no-arena" in raised.value.hint


def test_columns_and_shapes_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Data whose columns have other names are checked as they are."""
    path = write(tmp_path / "a", {"ask": "one", "say": "1"}, {"ask": "two", "say": "2"})
    assert check([path]) == 1
    assert check([path], columns="prompt=ask,completion=say") == 0
    assert "2 prompts with a completion" in capsys.readouterr().out
    text = write(tmp_path / "b", {"text": "one", "prompt": "p", "completion": "c"})
    assert check([text], shape="text") == 0
    assert "1 plain text" in capsys.readouterr().out


def test_an_arena_is_only_read(tmp_path: Path) -> None:
    """A check changes nothing: an arena of an older version is not brought up to date behind my back."""
    path = write(tmp_path / "a", row("Who am I?", "Nobody knows."))
    database = tmp_path / "arena.db"
    with Store.open(database) as store:
        store.add_prompts([((Turn("user", "who am I"),), None)], source="test")
    before = database.read_bytes()
    check([path], database=database)
    assert database.read_bytes() == before
    with sqlite3.connect(database) as connection:
        connection.execute(
            "DELETE FROM _sqlite_migrations WHERE id = (SELECT max(id) FROM _sqlite_migrations)"
        )
    connection.close()
    before = database.read_bytes()
    with pytest.raises(FtarenaError, match="of an older version") as raised:
        check([path], database=database)
    assert "--no-arena" in raised.value.hint
    assert database.read_bytes() == before


def test_a_file_that_is_named_twice_is_looked_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check *.jsonl a.jsonl` doesn't call every row of a.jsonl a duplicate."""
    path = write(tmp_path / "a", row("Who am I?", "Nobody knows."))
    assert check([path, path], strict=True) == 0
    said = capsys.readouterr()
    assert "1 example, nothing wrong" in said.out and "is named twice" in said.err


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"codes": ["nonsense"]}, "no code of findings", "known are json"),
        ({"codes": ["duplicat"]}, "no code of findings 'duplicat'", "did you mean duplicate?"),
        ({"shape": "message"}, "no shape 'message'", "did you mean messages?"),
        ({"columns": "prompt"}, "does not say what columns mean", "prompt=question"),
        ({"columns": "completions=a"}, "'completions' is no column", "did you mean completion=a?"),
        ({"max_length": 5}, "needs a model", "--model"),
    ],
)
def test_impossible_options_are_named(tmp_path: Path, options: Any, message: str, hint: str) -> None:
    """A typing error in an option is said before anything is read."""
    with pytest.raises(UsageError, match=message) as raised:
        check([write(tmp_path / "a", row("a"))], **options)
    assert hint in raised.value.hint


def test_the_command_line_checks_standard_input(tmp_path: Path) -> None:
    """`zcat data | ftarena check -` works, and nothing at all is an error."""
    done = subprocess.run(
        [sys.executable, "-m", "ftarena", "check", "-", "--strict"],
        input=json.dumps(row("a")) + "\n" + json.dumps(row("a")) + "\n",
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={
            "PATH": "",
            "HOME": str(tmp_path),
            "FTARENA_HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
    )
    assert done.returncode == 1 and "duplicate" in done.stdout and not done.stderr
    assert not (tmp_path / "home").exists(), "checking created a project"
    with pytest.raises(UsageError, match="nothing to check"):
        check([])
