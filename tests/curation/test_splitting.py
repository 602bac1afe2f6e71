"""Holding rows out."""

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation.decisions.identity import items_of
from ftarena.curation.examples import Example, Turn
from ftarena.curation.rows import Row
from ftarena.curation.sets.splitting import hold_out, question_key, split_files
from ftarena.curation.sources import source_of
from ftarena.errors import FtarenaError, UsageError


def examples(questions: list[str]) -> list[Example]:
    return [
        Example(Path("x"), line, "completion", (Turn("user", question),), (Turn("assistant", str(line)),))
        for line, question in enumerate(questions, start=1)
    ]


def written(path: Path, questions: list[str]) -> Path:
    rows = ({"prompt": question, "completion": str(n), "n": n} for n, question in enumerate(questions))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def values(path: Path) -> list[dict[str, object]]:
    return [item.row.value for item in items_of(source_of(path)) if isinstance(item.row, Row)]


QUESTIONS = st.lists(st.text("aB? ", min_size=1, max_size=4).filter(str.strip), max_size=40)


@given(questions=QUESTIONS, share=st.floats(0, 0.99) | st.integers(1, 30))
def test_a_split_loses_nothing_and_leaks_nothing_at_all(questions: list[str], share: float) -> None:
    """Each row is on one side; a question that differs in case or spacing only is on the same one."""
    rows = examples(questions)
    train, heldout = hold_out(rows, share)
    assert sorted([*train, *heldout], key=lambda row: row.line) == rows
    assert not {question_key(row) for row in train} & {question_key(row) for row in heldout}
    assert len(heldout) >= (round(share * len(rows)) if share < 1 else min(share, len(rows)))


@given(questions=QUESTIONS, share=st.floats(0, 0.99), random=st.randoms())
def test_a_split_does_not_depend_on_the_order(questions: list[str], share: float, random: Random) -> None:
    """Sorting the file differently moves no row across."""
    rows = examples(questions)
    shuffled = rows[:]
    random.shuffle(shuffled)
    assert {row.line for row in hold_out(rows, share)[1]} == {
        row.line for row in hold_out(shuffled, share)[1]
    }


@given(questions=QUESTIONS.filter(lambda questions: len(questions) > 1), share=st.floats(0.1, 0.9))
def test_files_are_split_like_lists(
    tmp_path_factory: pytest.TempPathFactory, questions: list[str], share: float
) -> None:
    """`data split` and a recipe's `eval_split` hold out the same rows, with all their keys."""
    folder = tmp_path_factory.mktemp("split")
    source = source_of(written(folder / "d.jsonl", questions))
    train, heldout = hold_out(examples(questions), share)
    sides = (folder / "train.jsonl", folder / "heldout.jsonl")
    if not (train and heldout):
        with pytest.raises(UsageError):
            split_files([source], *sides, share)
        assert not any(side.exists() for side in sides)
        return
    split = split_files([source], *sides, share)
    assert (split.train, split.heldout) == (len(train), len(heldout))
    everything = values(source.path)
    for side, wanted in zip(sides, (train, heldout), strict=True):
        assert values(side) == [everything[example.line - 1] for example in wanted]


def test_questions_that_are_nearly_the_same_stay_together() -> None:
    """Case, spacing and punctuation make no other question; a sign of arithmetic does."""
    one, same = map(question_key, examples(["What is the capital?", "what is the  Capital"]))
    assert one == same
    plus, minus = map(question_key, examples(["2 + 2", "2 - 2"]))
    assert plus != minus


def test_plain_text_is_split_by_what_it_says() -> None:
    """Texts ask nothing; they do not all land on one side."""
    texts = [Example(Path("x"), n, "text", (), (Turn("assistant", f"text {n}"),)) for n in range(1, 11)]
    train, heldout = hold_out(texts, 0.3)
    assert (len(train), len(heldout)) == (7, 3)


@pytest.mark.parametrize(
    ("share", "said"),
    [(2, "none would be left to train on"), (0.9, "stay on one side"), (0.1, "nothing would be held out")],
)
def test_an_empty_side_is_refused(tmp_path: Path, share: float, said: str) -> None:
    """A split that leaves a side empty is said, not written."""
    source = source_of(written(tmp_path / "d.jsonl", ["same", "Same"]))
    with pytest.raises(UsageError) as error:
        split_files([source], tmp_path / "a.jsonl", tmp_path / "b.jsonl", share)
    assert said in str(error.value) and not (tmp_path / "a.jsonl").exists()


def test_both_sides_in_one_file_is_no_split(tmp_path: Path) -> None:
    """I gave the same name twice."""
    source = source_of(written(tmp_path / "d.jsonl", ["a", "b"]))
    with pytest.raises(FtarenaError, match="both sides cannot be written to"):
        split_files([source], tmp_path / "a.jsonl", tmp_path / "a.jsonl", 0.5)


def test_ten_thousand_rows(tmp_path: Path) -> None:
    """A larger file keeps every row, a tenth of it aside."""
    source = source_of(
        written(tmp_path / "d.jsonl", [f"question {number % 9000}" for number in range(10_000)])
    )
    split = split_files([source], tmp_path / "a.jsonl.gz", tmp_path / "b.csv", 0.1)
    assert split.train + split.heldout == 10_000 and 1000 <= split.heldout <= 1001
