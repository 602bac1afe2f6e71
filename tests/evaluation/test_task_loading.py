"""Reading a task: any format, its own metric, and one hash for one content."""

import json
from pathlib import Path
from typing import Any

import pytest

from ftarena.curation.shapes.columns import read_columns
from ftarena.errors import FtarenaError, UsageError
from ftarena.evaluation.tasks.loading import load_task, loss_task

GSM8K = Path(__file__).parents[2].parent / "shared" / "data" / "gsm8k" / "train.jsonl"


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "metric"),
    [
        ({"prompt": "Q?", "reference": "A"}, "exact"),
        ({"prompt": "Q?", "completion": "A"}, "exact"),
        ({"messages": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A"}]}, "exact"),
        ({"prompt": "Q?", "reference": "3 #### 3"}, "number"),
        ({"prompt": "Q?", "accept": ["A"], "topic": "x"}, "accept"),
        ({"prompt": "Q?", "choices": ["x", "y"], "reference": 1}, "choice"),
        ({"prompt": "Q?", "pattern": "a+"}, "regex"),
        ({"prompt": "Q?", "schema": {"type": "object"}}, "json"),
    ],
)
def test_rows_say_how_they_are_scored(tmp_path: Path, row: dict[str, Any], metric: str) -> None:
    """A file with choices is multiple choice without being told so."""
    assert load_task(str(write(tmp_path / "t.jsonl", [row]))).metric == metric


def test_a_table_is_read_too(tmp_path: Path) -> None:
    """A CSV of a spreadsheet, its columns named on the command line."""
    path = tmp_path / "quiz.csv"
    path.write_text('frage,antwort,choices\nWhat?,B,"[""x"", ""y""]"\n', encoding="utf-8")
    task = load_task(str(path), columns=read_columns("prompt=frage,reference=antwort"))
    assert task.metric == "choice" and task.items[0].right_choice == 1
    assert task.items[0].prompt[-1].content.startswith("What?\n\nA. x\nB. y")


def test_choices_that_the_question_names_are_not_named_twice(tmp_path: Path) -> None:
    """A question that lists its options is asked as it is."""
    row = {"prompt": "What? A. x  B. y", "choices": ["x", "y"], "reference": "x"}
    path = write(tmp_path / "t.jsonl", [row])
    assert load_task(str(path)).items[0].prompt[-1].content == "What? A. x  B. y"


def test_what_is_wrong_with_a_file_is_told_by_line(tmp_path: Path) -> None:
    """One bad row is named before a model is asked anything."""
    rows = [{"prompt": "Q?", "choices": ["x", "y"], "reference": "x"}, {"prompt": "R?", "reference": "z"}]
    path = write(tmp_path / "t.jsonl", rows)
    with pytest.raises(FtarenaError, match=r"t\.jsonl:2: choice needs `choices`"):
        load_task(str(path), metric="choice")
    with pytest.raises(FtarenaError, match=r"t\.jsonl:1: there is no number"):
        load_task(str(path), metric="number")
    with pytest.raises(FtarenaError, match="no regular expression"):
        load_task(str(path), metric="regex", pattern="(")
    with pytest.raises(UsageError, match="no metric 'bleu'"):
        load_task(str(path), metric="bleu")
    with pytest.raises(UsageError, match="go together"):
        load_task(str(path), metric="python")


def test_the_name_is_not_part_of_the_task(tmp_path: Path) -> None:
    """A copy is the same task; another metric is another task that asks the same."""
    rows = [{"prompt": f"Q{n}?", "reference": "a 1"} for n in range(3)]
    one = load_task(str(write(tmp_path / "a.jsonl", rows)))
    two = load_task(str(write(tmp_path / "b.jsonl", rows)))
    number = load_task(str(tmp_path / "a.jsonl"), metric="number", max_tokens=one.max_tokens)
    rows[0]["reference"] = "b"
    changed = load_task(str(write(tmp_path / "c.jsonl", rows)))
    assert one.id == two.id
    assert number.id != one.id and number.asked == one.asked
    assert changed.id != one.id and changed.asked == one.asked


def test_a_larger_limit_keeps_the_smaller_ones_items() -> None:
    """What was measured with --limit 10 counts when it is 30; and the choice is not the first rows."""
    task = load_task("builtin:general")
    few, more = task.chosen(10), task.chosen(30)
    assert set(few) < set(more) and few != list(range(10))
    assert task.chosen(None) == list(range(len(task.items)))


def test_gsm8k_is_read_as_it_is_published() -> None:
    """7,473 questions, scored by the number behind ####."""
    if not GSM8K.is_file():
        pytest.skip("GSM8K's training questions are not here")
    task = load_task(str(GSM8K), columns=read_columns("prompt=question,reference=answer"))
    assert (len(task.items), task.metric) == (7473, "number")


def test_losses_need_answers() -> None:
    """Rows that no engine can be asked make no task."""
    assert loss_task("held-out loss", []) is None
