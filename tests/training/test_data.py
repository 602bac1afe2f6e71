"""Which examples a run sees."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation.reading import Example, Turn
from ftarena.errors import FtarenaError
from ftarena.recipes.schema import Recipe
from ftarena.training.data import hold_out, load_data, sample


def examples(questions: list[str]) -> list[Example]:
    turns = [(Turn("user", question),) for question in questions]
    return [
        Example(Path("x"), line, "completion", prompt, (Turn("assistant", str(line)),))
        for line, prompt in enumerate(turns, start=1)
    ]


QUESTIONS = st.lists(st.text("abc", min_size=1, max_size=3), max_size=40)


@given(questions=QUESTIONS, share=st.floats(0, 0.99) | st.integers(1, 30))
def test_a_split_loses_nothing_and_leaks_nothing(questions: list[str], share: float) -> None:
    """Each row is on one side; the same question is never on both."""
    rows = examples(questions)
    train, heldout = hold_out(rows, share)
    assert sorted([*train, *heldout], key=lambda row: row.line) == rows
    assert not {row.question for row in train} & {row.question for row in heldout}
    wanted = round(share * len(rows)) if share < 1 else min(share, len(rows))
    assert len(heldout) >= wanted


@given(questions=QUESTIONS, share=st.floats(0, 0.99), seed=st.randoms())
def test_a_split_does_not_depend_on_the_order(questions: list[str], share: float, seed: object) -> None:
    """Sorting the file differently moves no row across."""
    rows = examples(questions)
    shuffled = rows[:]
    seed.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert {row.line for row in hold_out(rows, share)[1]} == {
        row.line for row in hold_out(shuffled, share)[1]
    }


@given(questions=QUESTIONS, count=st.none() | st.integers(1, 50), seed=st.integers(0, 9))
def test_a_sample_is_the_same_on_every_machine(questions: list[str], count: int | None, seed: int) -> None:
    """`file#500` with one seed is one set of rows, in the file's order, none twice."""
    rows = examples(questions)
    chosen = sample(rows, count, seed)
    assert chosen == sample(rows, count, seed)
    assert len(chosen) == (len(rows) if count is None else min(count, len(rows)))
    assert [row.line for row in chosen] == sorted({row.line for row in chosen})


def test_what_was_trained_on_is_written_down(tmp_path: Path) -> None:
    """A year later I can tell which rows of which file made this adapter."""
    path = tmp_path / "d.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"q{n}", "completion": "a"}) + "\n" for n in range(20)))
    recipe = Recipe(
        method="sft", model_name_or_path="demo:smollm2", dataset=[f"{path}#10"], eval_dataset=[str(path)]
    )
    data = load_data(recipe.resolved())
    assert (len(data.train), len(data.heldout)) == (10, 20)
    (entry,) = data.lock["train"]
    assert (entry["rows"], entry["used"], len(entry["sha256"])) == (20, 10, 64)


def test_holding_out_everything_is_refused(tmp_path: Path) -> None:
    """A split that leaves nothing to train on is said, not trained on."""
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps({"prompt": "q", "completion": "a"}) + "\n")
    recipe = Recipe(method="sft", model_name_or_path="demo:smollm2", dataset=[str(path)], eval_split=1)
    with pytest.raises(FtarenaError, match="none would be left to train on"):
        load_data(recipe.resolved())
