"""What is kept aside and trained on all the same."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation.check import CheckReport, check_sources
from ftarena.curation.check.leakage import Question, QuestionIndex
from ftarena.curation.check.saying import asked_digest
from ftarena.curation.check.words import Vocabulary, WordRows, words
from ftarena.curation.sources import source_of

TASK = (
    "A train leaves Lisbon at nine in the morning and goes at eighty kilometres an hour. Another one leaves "
    "Porto, three hundred kilometres away, half an hour later. When and where do the two trains meet?"
)


def write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def check(train: Path, heldout: Path | None = None, prompts: tuple[str, ...] = ()) -> CheckReport:
    held = [source_of(heldout)] if heldout else []
    return check_sources([source_of(train)], held, arena_prompts=prompts)


def codes(report: CheckReport) -> list[tuple[str, str, int]]:
    return [(one.code, one.file.name, one.line) for one in report.findings]


def told(prompt: str, answer: str = "At a quarter past eleven.") -> dict[str, object]:
    return {"prompt": prompt, "completion": answer}


def test_a_question_inside_a_longer_row_leaks_in_part(tmp_path: Path) -> None:
    """A held-out task that stands in a training row, wrapped in other words, is found with its share."""
    train = write(tmp_path / "train", told("Hello?"), told(f"Please solve this. {TASK} Show every step."))
    heldout = write(tmp_path / "heldout", told(TASK), told("What is the best way to see Porto?"))
    report = check(train, heldout)
    assert codes(report) == [("leak-part", "heldout", 1)]
    assert report.findings[0].twin == (train, 2)
    assert report.findings[0].message == "100 % of this held-out prompt stands in train:2"


def test_a_question_reworded_in_one_place_leaks_in_part(tmp_path: Path) -> None:
    """Changing a name does not hide it; another task on the same subject is no leak."""
    train = write(
        tmp_path / "train",
        told(TASK.replace("Lisbon", "Faro")),
        told("A train leaves Lisbon at nine in the morning. How long does it take to get to Porto by noon?"),
    )
    report = check(train, write(tmp_path / "heldout", told(TASK)))
    assert codes(report) == [("leak-part", "heldout", 1)]
    assert report.findings[0].twin == (train, 1)


def test_an_answer_may_give_a_question_away(tmp_path: Path) -> None:
    """The whole row is looked at, not only its question."""
    report = check(
        write(tmp_path / "train", told("Make up a task.", TASK)), write(tmp_path / "h", told(TASK))
    )
    assert codes(report) == [("leak-part", "h", 1)]


def test_short_questions_leak_only_in_whole(tmp_path: Path) -> None:
    """That 'list all files' stands in many rows says nothing; the same question does."""
    train = write(tmp_path / "train", told("How do I list all files, the hidden ones too?"), told("Who am I"))
    heldout = write(tmp_path / "heldout", told("How do I list all files"), told("who am i?"))
    report = check(train, heldout)
    assert codes(report) == [("leak", "heldout", 2)]


def test_questions_of_one_template_do_not_leak_into_each_other(tmp_path: Path) -> None:
    """An instruction that all held-out and all training rows share gives nothing away."""
    form = (
        "Translate the following English sentence into French, and say nothing else than the translation: {}"
    )
    train = write(tmp_path / "train", *[told(form.format(f"word{n}"), f"mot{n}") for n in range(50)])
    heldout = write(tmp_path / "heldout", *[told(form.format(f"other{n}"), f"autre{n}") for n in range(5)])
    assert codes(check(train, heldout)) == []


def test_every_row_that_asks_the_same_counts(tmp_path: Path) -> None:
    """A leaked question is told once, with how many rows give it away."""
    train = write(tmp_path / "train", *[told("What now?", f"{n}") for n in "abc"])
    report = check(train, write(tmp_path / "heldout", told("what now")))
    leaks = [one for one in report.findings if one.code == "leak"]
    assert [one.message for one in leaks] == [
        "this held-out prompt is also trained on, at train:1, and in 2 more rows"
    ]


def test_prompts_of_the_arena_are_looked_for_in_the_data(tmp_path: Path) -> None:
    """I am warned at the row that is trained on, since the arena has no lines."""
    train = write(tmp_path / "train", told("Hello?"), told("Who am I?"), told(f"Solve: {TASK}"))
    report = check(train, prompts=("who am I", TASK, "Anything else?"))
    assert codes(report) == [("leak-arena", "train", 2), ("leak-arena", "train", 3)]
    assert report.errors == 0 and report.warnings == 2


def test_texts_without_a_question_leak_as_texts(tmp_path: Path) -> None:
    """Plain text that is held out and trained on is found, too."""
    text = {"text": TASK}
    report = check(write(tmp_path / "train", text), write(tmp_path / "heldout", {"text": TASK.upper()}))
    assert codes(report) == [("leak", "heldout", 1)]


@pytest.mark.parametrize("text", ["?", "!", "2+2", "2*2", "कि", "का"])
def test_punctuation_signs_and_vowels_tell_questions_apart(text: str) -> None:
    """Nothing is folded together until nothing is left of it."""
    index = QuestionIndex([Question(text, None)], {})
    for other in ["?", "!", "2+2", "2*2", "कि", "का"]:
        found = words(other)
        matches = index.matches(WordRows.of([found], Vocabulary()), [asked_digest(found, other)])
        assert bool(matches) == (other == text)


@given(
    st.lists(st.sampled_from("abcdefghijklmnop"), min_size=10, max_size=60),
    st.lists(st.sampled_from("abcdefghijklmnop"), max_size=80),
    st.integers(0, 20),
    st.integers(0, 80),
)
def test_the_share_is_the_part_of_the_words_that_a_naive_search_covers(
    question: list[str], row: list[str], cut: int, place: int
) -> None:
    """Hashing and sorting find what comparing every sequence with every other finds."""
    row = row[:place] + question[cut:] + row[place:]
    n = 8 if len(question) < 40 else 13
    there = {tuple(row[i : i + n]) for i in range(len(row) - n + 1)}
    covered = {
        begin + step
        for begin in range(len(question) - n + 1)
        if tuple(question[begin : begin + n]) in there
        for step in range(n)
    }
    expected = len(covered) / len(question)
    index = QuestionIndex([Question(" ".join(question), None)], {})
    matches = index.matches(WordRows.of([row], Vocabulary()), [0])
    assert [match.share for match in matches] == ([expected] if expected >= 0.8 else [])
