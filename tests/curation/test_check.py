"""`ftarena check`: what is wrong with data before a night is lost on it."""

import json
from pathlib import Path
from typing import Any

from ftarena.curation.check import CheckReport, check_files

DEMO = Path(__file__).parents[2] / "data" / "demo"


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(prompt: str, answer: str = "pwd") -> dict[str, str]:
    return {"prompt": prompt, "completion": answer}


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
