"""`ftarena check`: what is wrong with data before a night is lost on it."""

import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pyarrow
import pytest
from pyarrow import parquet
from token_models import write_model

from ftarena.curation.check import CheckReport, Progress, check_files, check_sources
from ftarena.curation.rows import read_chunks
from ftarena.curation.sources import source_of
from ftarena.curation.tokens import TokenSpec
from ftarena.errors import FtarenaError

DEMO = Path(__file__).parents[2] / "data" / "demo"


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(prompt: str, answer: str = "pwd") -> dict[str, str]:
    return {"prompt": prompt, "completion": answer}


def children() -> list[psutil.Process]:
    """Return the processes of a check; Python's own tracker of shared resources stays for ever."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(child.cmdline())
    ]


def codes(report: CheckReport) -> list[tuple[str, str, int]]:
    return [(finding.severity, finding.code, finding.line) for finding in report.findings]


def test_the_demos_data_are_clean() -> None:
    """The demo shows what clean data look like."""
    report = check_files(
        [DEMO / "sft.jsonl", DEMO / "preferences.jsonl"], [DEMO / "heldout.jsonl", DEMO / "general.jsonl"]
    )
    assert codes(report) == []
    assert (report.examples, report.heldout) == (576, 144)


def test_the_same_row_twice_is_a_warning(tmp_path: Path) -> None:
    """A row pasted twice counts double; white space does not hide it, but case may matter to a command."""
    report = check_files([write(tmp_path / "a", row("Where am I?"), row("where am I?"), row("Where  am I?"))])
    assert codes(report) == [("warning", "duplicate", 3)]
    assert "a:1" in report.findings[0].message


def test_two_answers_to_one_question_are_a_warning(tmp_path: Path) -> None:
    """The model cannot learn both."""
    report = check_files([write(tmp_path / "a", row("Where am I?", "pwd"), row("Where am I?", "echo $PWD"))])
    assert codes(report) == [("warning", "contradiction", 2)]


def test_all_answers_that_are_learned_count_in_the_lengths(tmp_path: Path) -> None:
    """Of a conversation every answer is learned, of a prompt with a completion only the last."""
    turns = [("user", "q"), ("assistant", "a" * 300), ("user", "r"), ("assistant", "b" * 20)]
    messages = [{"role": role, "content": text} for role, text in turns]
    (tmp_path / "talk").write_text(json.dumps({"messages": messages}) + "\n")
    prompted = {"prompt": messages[:3], "completion": messages[3:]}
    (tmp_path / "asked").write_text(json.dumps(prompted) + "\n")
    for name, length in (("talk", 320), ("asked", 20)):
        assert check_files([tmp_path / name]).stats["answer_characters_longest"] == length


def test_questions_of_other_scripts_are_told_apart(tmp_path: Path) -> None:
    """Comparing without punctuation folds neither Chinese nor bare punctuation together."""
    report = check_files([write(tmp_path / "a", row("你在哪里"), row("你是谁"), row("?"), row("!"))])
    assert codes(report) == []


def test_a_heldout_question_that_is_trained_on_is_an_error(tmp_path: Path) -> None:
    """Held-out loss on trained questions says nothing."""
    train = write(tmp_path / "train", row("One?"), row("Two?"))
    heldout = write(tmp_path / "heldout", row("Three?"), row("two"))
    report = check_files([train], [heldout])
    assert codes(report) == [("error", "leak", 2)]
    assert report.findings[0].file == heldout and "train:2" in report.findings[0].message


def test_prompts_without_an_answer_are_for_asking(tmp_path: Path) -> None:
    """Questions may be held out as they are; given to train on, I am told that nothing can be learned."""
    train = write(tmp_path / "train", row("One?"), {"prompt": "Two?"})
    questions = write(
        tmp_path / "questions",
        {"prompt": "Three?"},
        {"prompt": "Three?", "reference": "3"},
        {"prompt": "two"},
    )
    report = check_files([write(tmp_path / "fine", row("One?"))], [questions])
    assert codes(report) == [] and (report.examples, report.heldout) == (1, 3)
    report = check_files([train], [questions])
    assert codes(report) == [("error", "no-answer", 2)]
    assert "nothing to train on" in report.findings[0].message
    assert codes(check_files([], [write(tmp_path / "twice", *[{"prompt": "q"}] * 2)])) == [
        ("warning", "duplicate", 2)
    ]
    leaked = write(tmp_path / "leaked", {"prompt": "one"})
    assert codes(check_files([train], [leaked]))[-1] == ("error", "leak", 1)


def test_a_pair_without_a_preference_is_an_error(tmp_path: Path) -> None:
    """Chosen and rejected must differ."""
    pair = {"prompt": "q", "chosen": "a b", "rejected": "a  b\n"}
    assert codes(check_files([write(tmp_path / "p", pair)])) == [("error", "no-preference", 1)]
    assert codes(check_files([write(tmp_path / "q", {**pair, "rejected": "a c"})])) == []


def test_control_characters_and_template_tokens_are_warned_of(tmp_path: Path) -> None:
    """Terminal escapes and chat tokens in the text would be learned."""
    path = write(
        tmp_path / "a", row("one", "\x1b[31mred"), row("two", "ok<|im_end|>"), row("three", "a\r\nb\tc")
    )
    assert codes(check_files([path])) == [("warning", "control", 1), ("warning", "template-token", 2)]


def test_broken_rows_are_errors_with_their_column(tmp_path: Path) -> None:
    """What the reader finds is part of the report."""
    path = tmp_path / "broken"
    path.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": }\n')
    (finding,) = check_files([path]).findings
    assert (finding.severity, finding.code, finding.line) == ("error", "json", 2)
    assert "column 12" in finding.message


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    """A file without rows is not "nothing wrong"."""
    assert codes(check_files([write(tmp_path / "empty")])) == [("error", "no-rows", 1)]


def many(path: Path, count: int) -> Path:
    """Write rows of which every tenth has a twin, right before it or far away; two more are broken."""
    rows = [row(f"What is {n} and why is it not {n + 1}?", f"Because {n} comes first.") for n in range(count)]
    for number in range(10, count, 10):
        rows[number] = rows[number - 1] if number % 110 else rows[1]
    write(path, *rows)
    with path.open("a") as file:
        file.write('{"prompt": 1, "completion": "x"}\n{"prompt": \n')
    return path


@pytest.fixture
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a file of a few hundred rows shared out to processes in many chunks."""
    monkeypatch.setattr("ftarena.curation.check.sharing.SMALL_ROWS", 10)
    monkeypatch.setattr(
        "ftarena.curation.check.run.read_chunks", lambda source: read_chunks(source, chunk_bytes=4_000)
    )


def test_several_processes_find_what_one_finds(tmp_path: Path, small_is_large: None) -> None:
    """How many processors I have changes nothing in the report, not even its order."""
    train = [source_of(many(tmp_path / "train.jsonl", 600))]
    heldout = [source_of(write(tmp_path / "heldout.jsonl", row("what is 5 and why is it not 6"), row("?")))]
    seen: list[Progress] = []
    alone = check_sources(train, heldout, processes=1)
    shared = check_sources(train, heldout, processes=2, on_progress=seen.append)
    assert shared.to_json() == alone.to_json()
    assert set(shared.counts) == {"type", "json", "duplicate", "leak"}
    assert [one.rows for one in seen] == sorted(one.rows for one in seen) and len(seen) > 5
    assert (seen[-1].share, seen[-1].rows) == (1.0, 604) and seen[-1].eta_s == 0
    assert not children()


def test_a_killed_process_is_one_clear_error(tmp_path: Path, small_is_large: None) -> None:
    """When the system runs out of memory and ends a process, I am told so, and nothing hangs."""
    train = [source_of(many(tmp_path / "train.jsonl", 600))]

    def kill(progress: Progress) -> None:
        for child in children():
            child.kill()

    with pytest.raises(FtarenaError, match="ended from outside") as raised:
        check_sources(train, processes=2, on_progress=kill)
    assert "--processes 1" in raised.value.hint
    assert not children()


def test_ctrl_c_leaves_no_process_behind(tmp_path: Path, small_is_large: None) -> None:
    """I can end a check at any time."""

    def interrupt(progress: Progress) -> None:
        assert children()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_sources([source_of(many(tmp_path / "train.jsonl", 600))], processes=2, on_progress=interrupt)
    assert not children()


def test_a_killed_check_takes_its_processes_along(tmp_path: Path) -> None:
    """After `kill -9` no worker waits for work for ever."""
    path = many(tmp_path / "train.jsonl", 3_000)
    code = (
        "import sys, os, signal, psutil\n"
        "from pathlib import Path\n"
        "from ftarena.curation.check import check_sources\n"
        "from ftarena.curation.sources import source_of\n"
        "def die(progress):\n"
        "    print(*[child.pid for child in psutil.Process().children()], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    check_sources([source_of(Path(sys.argv[1]))], processes=2, on_progress=die)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, script, path], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = [psutil.Process(int(pid)) for pid in done.stdout.split() if psutil.pid_exists(int(pid))]
    assert psutil.wait_procs(left, timeout=20)[1] == []


def test_a_script_without_a_guard_ends_in_one_clear_error(tmp_path: Path) -> None:
    """My script has no `if __name__ == "__main__"`: it doesn't hang, and says once what it lacks."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from ftarena.curation.check import check_sources\n"
        "from ftarena.curation.sources import source_of\n"
        "check_sources([source_of(Path(sys.argv[1]))], processes=2)\n"
    )
    path = many(tmp_path / "train.jsonl", 3_000)
    done = subprocess.run(
        [sys.executable, script, path], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.count("FtarenaError: a process of the check ended while it was starting") == 1
    assert '__name__ == "__main__"' in done.stderr
    assert "bootstrapping" not in done.stderr


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    """Somebody cuts a file off or writes to it while it's being checked: the counts are of no one state."""
    path = write(tmp_path / "a", row("one"), row("two"))

    def cut(progress: Progress) -> None:
        path.write_text("")

    report = check_sources([source_of(path)], on_progress=cut)
    assert [(finding.code, finding.line) for finding in report.findings] == [("torn", 1)]
    assert "changed while it was read" in report.findings[0].message


def test_findings_are_kept_up_to_a_limit_and_counted_beyond(tmp_path: Path) -> None:
    """A million duplicates fill neither my memory nor my screen, and I still know how many there are."""
    path = write(tmp_path / "a", *[row("a")] * 50, *[row(f"b{n}", "\x07") for n in range(20)])
    report = check_sources([source_of(path)], keep=5)
    assert report.counts == {"control": 20, "duplicate": 49}
    assert codes(report) == [
        *[("warning", "duplicate", line) for line in range(2, 7)],
        *[("warning", "control", line) for line in range(51, 56)],
    ]
    assert report.warnings == 69


def test_near_duplicates_beyond_the_limit_are_counted_by_their_estimate(tmp_path: Path) -> None:
    """Only what is shown is read a second time."""
    text = "the quick brown fox jumps over the lazy dog and then sleeps in the warm sun all day " * 3
    rows = []
    for n in range(12):
        words = " ".join(f"{word}{n}" for word in text.split())
        rows += [row(words), row(f"{words} indeed")]
    report = check_sources([source_of(write(tmp_path / "a", *rows))], keep=2)
    assert report.counts == {"near-duplicate": 12}
    assert codes(report) == [("warning", "near-duplicate", 2), ("warning", "near-duplicate", 4)]


def test_figures_of_the_data_are_in_the_report(tmp_path: Path) -> None:
    """The report says what there is, not only what is wrong with it."""
    train = write(tmp_path / "a", row("one", "xx"), row("two", "x" * 50), row("three", "xxx"), {"prompt": 5})
    report = check_sources([source_of(train)], [source_of(write(tmp_path / "b", {"prompt": "q"}))])
    stats = report.to_json()["stats"]
    assert stats["rows"] == {str(train): {"completion": 3}, str(tmp_path / "b"): {"prompt": 1}}
    assert (stats["heldout"], stats["unusable"], stats["counts"]) == (1, 1, {"no-answer": 1})
    assert (stats["answer_characters_median"], stats["answer_characters_longest"]) == (3, 50)


def test_only_held_out_data_can_be_checked(tmp_path: Path) -> None:
    """A file of questions can be checked before there is anything to train on."""
    report = check_sources([], [source_of(write(tmp_path / "b", {"prompt": "q"}, {"prompt": ""}))])
    assert (report.examples, report.heldout, dict(report.counts)) == (0, 1, {"empty": 1})


def test_tokens_are_looked_at_in_every_process(tmp_path: Path, small_is_large: None) -> None:
    """With a model, lengths and cut rows are counted over all chunks, whoever counted them."""
    spec = TokenSpec(write_model(tmp_path / "model"), "the model", 60)
    rows = [row(f"q{number}", "x" * (100 if number % 50 == 7 else 10)) for number in range(300)]
    train = [source_of(write(tmp_path / "train.jsonl", *rows))]
    heldout = [source_of(write(tmp_path / "heldout.jsonl", row("another", "y" * 200)))]
    alone = check_sources(train, heldout, tokens=spec, processes=1)
    shared = check_sources(train, heldout, tokens=spec, processes=2)
    assert shared.to_json() == alone.to_json()
    tokens = shared.stats["tokens"]
    assert (tokens["examples"], tokens["too_long"]) == (300, 6)
    assert [one.line for one in shared.findings if one.code == "too-long"] == [8, 58, 108, 158, 208, 258]


def test_packed_and_columnar_files_are_checked_like_lines(tmp_path: Path) -> None:
    """How a file is packed changes neither what is found nor where."""
    rows = [row("a"), row("b"), row("a")]
    plain = write(tmp_path / "a.jsonl", *rows)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    table = pyarrow.Table.from_pylist(rows)
    parquet.write_table(table, tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.jsonl.gz", "a.parquet"):
        assert codes(check_files([tmp_path / name])) == [("warning", "duplicate", 3)], name
    # Near duplicates are read a second time, from whatever they are in.
    long = " ".join(f"word{number}" for number in range(60))
    parquet.write_table(
        pyarrow.Table.from_pylist([row("a", long), row("b"), row("a b", long)]), tmp_path / "b.parquet"
    )
    assert codes(check_files([tmp_path / "b.parquet"])) == [("warning", "near-duplicate", 3)]
