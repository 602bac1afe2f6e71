"""The questions that come with ftarena."""

import json
from pathlib import Path

import pytest

from ftarena.curation.builtin import builtin_path, general_questions
from ftarena.curation.reading import load_examples
from ftarena.curation.resolving import resolve
from ftarena.errors import FtarenaError

DEMO = Path(__file__).parents[2] / "data" / "demo"


def test_every_reference_is_right_by_its_own_list() -> None:
    """What counts as right includes the answer that the set itself gives, and nothing empty."""
    questions = general_questions()
    assert len(questions) == 120
    for question in questions:
        assert question.right(question.reference), question
        assert not question.right(""), question
        assert not question.right("I like turtles."), question


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("19", True),
        ("The sum is **19**.", True),
        ("It is nineteen!", True),
        ("It is 190.", False),
        ("1 and 9", False),
    ],
)
def test_an_answer_is_right_by_whole_words(answer: str, right: bool) -> None:
    """12 plus 7 is 19 in any wording, but 190 is not 19."""
    (question,) = [one for one in general_questions() if one.prompt == "What is 12 plus 7?"]
    assert question.right(answer) is right


def test_it_is_read_like_any_file() -> None:
    """`builtin:general` stands where a file could stand."""
    (source,) = resolve("builtin:general")
    examples = load_examples(source, None)
    assert [one.prompt[-1].content for one in examples] == [one.prompt for one in general_questions()]
    assert examples[0].completion[0].content == general_questions()[0].reference


def test_an_unknown_set_is_named() -> None:
    """A typing error says what there is."""
    with pytest.raises(FtarenaError, match="no built-in set generla") as caught:
        builtin_path("builtin:generla")
    assert "builtin:general" in str(caught.value.hint)


def test_no_question_is_in_the_demo() -> None:
    """The demo trains and measures on other questions, and none stands twice."""
    ours = [one.prompt.casefold() for one in general_questions()]
    assert len(set(ours)) == len(ours)
    theirs = set()
    for file in DEMO.glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            theirs.add((row.get("messages") or row["prompt"])[0]["content"].casefold())
    assert len(theirs) > 600 and not theirs & set(ours)
