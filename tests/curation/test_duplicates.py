"""Rows that are there twice, or almost."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.curation.check import CheckReport, check_files
from ftarena.curation.check.duplicates import repeats
from ftarena.curation.check.growing import GrowingColumns
from ftarena.curation.check.near import PERMUTATIONS, THRESHOLD, candidates, near_columns, signatures
from ftarena.curation.check.sampling import common_grams
from ftarena.curation.check.words import HashSet, Vocabulary, WordRows, normalised, words
from ftarena.curation.findings import Finding
from ftarena.errors import FtarenaError

LONG = (
    "The harbour was quiet when the captain came down to the pier and looked for the boat that his brother "
    "had promised to leave there. He found a rope, a broken oar and a letter in a bottle. The letter said "
    "that nobody should sail before the storm had passed, and that the key of the house was under the stone."
)


def write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def told(prompt: str, answer: str) -> dict[str, object]:
    return {"prompt": prompt, "completion": answer}


def found(report: CheckReport) -> list[tuple[str, int, int | None]]:
    return [(one.code, one.line, one.twin[1] if one.twin else None) for one in report.findings]


def near(report: CheckReport) -> list[Finding]:
    return [one for one in report.findings if one.code == "near-duplicate"]


def test_a_copy_with_one_word_changed_is_found_with_its_twin(tmp_path: Path) -> None:
    """I am told which row a near copy is like, and how alike they are, as measured on the texts."""
    changed = LONG.replace("broken oar", "rusty oar")
    report = check_files(
        [write(tmp_path / "a", told("Tell it.", LONG), told("Else?", "No."), told("Tell it.", changed))]
    )
    # The same question with another answer is said once, and as what it is.
    assert found(report) == [("contradiction", 3, 1)]
    report = check_files([write(tmp_path / "b", told("Tell it.", LONG), told("Please tell it.", changed))])
    assert found(report) == [("near-duplicate", 2, 1)]
    one, other = (
        {tuple(said[i : i + 5]) for i in range(len(said) - 4)}
        for said in (words(f"Tell it. {LONG}"), words(f"Please tell it. {changed}"))
    )
    exact = len(one & other) / len(one | other)
    assert f"{exact:.0%}".replace("%", " %") in report.findings[0].message


def test_case_and_punctuation_make_no_other_row(tmp_path: Path) -> None:
    """The same text typed again is a near duplicate even where it is short."""
    rows = (
        told("What is the capital of France?", "It is Paris."),
        told("what is the capital of france", "it is Paris"),
    )
    report = check_files([write(tmp_path / "a", *rows)])
    assert found(report) == [("near-duplicate", 2, 1)]
    assert "the same words as a:1" in report.findings[0].message


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (told("Translate: cat", "chat"), told("Translate: dog", "chien")),
        (told("What is 2+2?", "Four, as we all know."), told("What is 2*2?", "Four, as we all know.")),
        (told("Is 7 prime?", "Yes."), told("Is 11 prime?", "Yes.")),
        (told("你在哪里工作", "我在学校工作"), told("你在哪里学习", "我在学校学习")),
    ],
)  # fmt: skip
def test_short_rows_of_one_form_are_different_rows(
    tmp_path: Path, first: dict[str, object], second: dict[str, object]
) -> None:
    """A drill of short questions is not full of duplicates."""
    assert near(check_files([write(tmp_path / "a", first, second)])) == []


def test_a_filled_in_template_is_no_duplicate(tmp_path: Path) -> None:
    """A hundred reviews under the same long instruction are a hundred rows; a copied one is still found."""
    instruction = (
        "You are given a review of a product. Say whether the person who wrote it was content with what they "
        "bought or not, and answer with exactly one word, which is either positive or negative. The review: "
    )
    chance = random.Random(1)
    nouns = [f"thing{number}" for number in range(400)]
    rows = [told(instruction + " ".join(chance.choices(nouns, k=12)), "positive") for _ in range(100)]
    assert found(check_files([write(tmp_path / "a", *rows)])) == []
    copied = {**rows[7], "prompt": str(rows[7]["prompt"]).replace("The review", "the Review")}
    assert found(check_files([write(tmp_path / "b", *rows, copied)])) == [("near-duplicate", 101, 8)]


def test_an_exact_copy_is_not_told_twice(tmp_path: Path) -> None:
    """A row that is there three times gives two findings, not five."""
    path = write(tmp_path / "a", *[told("Tell it.", LONG)] * 3)
    assert found(check_files([path])) == [("duplicate", 2, 1), ("duplicate", 3, 1)]


def test_tools_labels_and_both_answers_of_a_pair_make_another_row(tmp_path: Path) -> None:
    """Rows are the same only when everything that is learned from is."""
    pair = {"prompt": "q", "chosen": "a", "rejected": "b"}
    labelled = {"prompt": "q", "completion": "a", "label": True}
    path = write(
        tmp_path / "a",
        pair,
        {**pair, "rejected": "c"},
        labelled,
        {**labelled, "label": False},
        told("q", "a"),
    )
    report = [one for one in found(check_files([path])) if one[0] != "label-imbalance"]
    assert report == [("contradiction", 4, 3)]


def test_the_same_question_in_other_letters_with_another_answer_is_a_contradiction(tmp_path: Path) -> None:
    """A question is the same here as it is for split and leaks: case and punctuation make no other one."""
    rows = (
        told("What is the capital of Peru?", "Lima."),
        told("what is the capital of peru", "Cuzco."),
        told("WHAT IS THE CAPITAL OF PERU", "lima"),
        told("What is 2+2?", "4"),
        told("What is 2-2?", "0"),
        told("What is 2+3?", "5"),
    )
    report = check_files([write(tmp_path / "a", *rows)])
    # The third row agrees with the first.
    assert [one for one in found(report) if one[0] == "contradiction"] == [("contradiction", 2, 1)]
    assert "the prompt of a:1 with another answer" in [finding.message for finding in report.findings]


def test_pairs_that_say_the_opposite_are_a_contradiction(tmp_path: Path) -> None:
    """The same two answers, once the one preferred and once the other; a ranking of three is none."""
    better = {"prompt": "Which pump?", "chosen": "Take the red one.", "rejected": "Whatever."}
    swapped = {"prompt": "which pump", "chosen": "whatever", "rejected": "Take the red one."}
    ranked = {"prompt": "Which pump?", "chosen": "Whatever.", "rejected": "Go away."}
    other = {**swapped, "prompt": "Which valve?"}
    report = check_files([write(tmp_path / "a", better, ranked, swapped, other)])
    assert [one for one in found(report) if one[0] != "length-bias"] == [("contradiction", 3, 1)]
    assert report.findings[0].message == "the pair of a:1 the other way round"


def test_a_turn_or_a_system_prompt_more_makes_another_question(tmp_path: Path) -> None:
    """“And then?” is asked in a thousand conversations."""
    asked = {"role": "user", "content": "And then?"}

    def talk(before: str, answer: str) -> dict[str, object]:
        return {
            "messages": [
                {"role": "system", "content": before},
                asked,
                {"role": "assistant", "content": answer},
            ]
        }

    assert (
        found(check_files([write(tmp_path / "a", talk("Be brief.", "Yes."), talk("Be kind.", "No."))])) == []
    )


def test_duplicates_are_found_across_files_and_named_apart(tmp_path: Path) -> None:
    """Two files of the same name are told apart."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "data.jsonl", told("Where?", "Here."))
    paths = [tmp_path / name / "data.jsonl" for name in ("one", "two")]
    (finding,) = check_files(paths).findings
    assert (finding.file, finding.twin) == (paths[1], (paths[0], 1))
    assert f"{paths[0]}:1" in finding.message


@given(st.lists(st.integers(0, 6), max_size=40))
def test_repeats_are_what_a_dictionary_would_find(values: list[int]) -> None:
    """Sorting digests finds exactly the rows that a naive search finds, and their first twin."""
    first: dict[int, int] = {}
    naive = [(row, first[value]) for row, value in enumerate(values) if first.setdefault(value, row) != row]
    got = repeats(np.array(values, dtype=np.uint64))
    assert list(zip(got.rows.tolist(), got.twins.tolist(), strict=True)) == naive


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=9), max_size=6), st.integers(1, 4))
def test_grams_of_a_row_do_not_reach_into_the_next(rows: list[list[str]], n: int) -> None:
    """n words in a row are equal where a naive comparison says so, whatever stands around them."""
    grams = WordRows.of(rows, Vocabulary()).grams(n)
    meaning: dict[int, tuple[str, ...]] = {}
    for number, row in enumerate(rows):
        naive = [tuple(row[i : i + n]) for i in range(len(row) - n + 1)]
        hashed = grams.row(number).tolist()
        assert len(hashed) == len(naive)
        assert all(meaning.setdefault(one, gram) == gram for one, gram in zip(hashed, naive, strict=True))
    assert len(set(meaning.values())) == len(meaning)


@given(st.lists(st.integers(0, 2**64 - 1)), st.lists(st.integers(0, 2**64 - 1)))
def test_a_set_of_hashes_is_a_set(members: list[int], asked: list[int]) -> None:
    """The bit field in front of the search turns no member away."""
    asked += members[:3]
    got = HashSet(np.array(members, dtype=np.uint64)).contains(np.array(asked, dtype=np.uint64))
    assert got.tolist() == [one in set(members) for one in asked]


def rows_with_likeness(chance: random.Random, copies: int) -> tuple[list[list[str]], list[float]]:
    """Return texts, each followed by a copy that shares more or less of it, and how much that is exactly."""
    texts: list[list[str]] = []
    exact: list[float] = []
    for _ in range(copies):
        text = [f"w{chance.randrange(5000)}" for _ in range(chance.choice((40, 150, 600)))]
        copy = list(text)
        for _ in range(round(len(text) * chance.choice((0.005, 0.01, 0.02, 0.03, 0.05)))):
            copy[chance.randrange(len(copy))] = "other"
        grams = [{tuple(one[i : i + 5]) for i in range(len(one) - 4)} for one in (text, copy)]
        exact.append(len(grams[0] & grams[1]) / len(grams[0] | grams[1]))
        texts += [text, copy]
    return texts, exact


def test_signatures_estimate_the_jaccard_index_without_bias() -> None:
    """What the MinHash library computes is what its theory says, and bands miss one pair in a hundred."""
    texts, exact = rows_with_likeness(random.Random(3), 400)
    grams = WordRows.of(texts, Vocabulary()).grams(5)
    with near_columns() as columns:
        columns.append(signatures(grams, np.zeros(len(texts), dtype=np.uint64)))
        low = columns.column("bytes")
        estimates = ((low[0::2] == low[1::2]).mean(axis=1) - 1 / 256) / (1 - 1 / 256)
        errors = estimates - np.array(exact)
        assert abs(errors.mean()) < 0.01
        assert errors.std() < (0.25 / PERMUTATIONS) ** 0.5
        got = candidates(columns, np.zeros(len(texts), dtype=bool))
    pairs = dict(zip(got.rows.tolist(), got.twins.tolist(), strict=True))
    alike = [2 * pair for pair, share in enumerate(exact) if share >= THRESHOLD]
    assert len(alike) > 100
    assert sum(pairs.get(row + 1) == row for row in alike) >= 0.98 * len(alike)
    assert not [row for row, twin in pairs.items() if twin != row - 1]


def test_only_rows_of_a_group_are_compared() -> None:
    """A held-out row is no near duplicate of the row it was taken from; that is a leak."""
    grams = WordRows.of([words(LONG)] * 3, Vocabulary()).grams(5)
    with near_columns() as columns:
        columns.append(signatures(grams, np.array([1, 2, 1], dtype=np.uint64)))
        got = candidates(columns, np.zeros(3, dtype=bool))
    assert (got.rows.tolist(), got.twins.tolist(), got.alike.tolist()) == ([2], [0], [1.0])


def test_an_n_gram_that_one_row_repeats_is_not_common() -> None:
    """Common is what many rows have, not what one row says many times."""
    rows: Sequence[Sequence[str]] = [["a", "b"] * 50, *[["c", "d", str(number)] for number in range(30)]]
    grams = WordRows.of(rows, Vocabulary()).grams(2)
    common = common_grams(grams)
    assert len(common) == 1 and common.contains(grams.row(1)[:1]).all()


@given(st.text())
@settings(max_examples=200)
def test_normalising_a_text_again_changes_nothing(text: str) -> None:
    """What comparisons see of a text is the same however often it is normalised."""
    assert normalised(normalised(text)) == normalised(text)


def test_words_of_any_script_are_words() -> None:
    """Vowel signs of Hindi and letters of Chinese are not lost; punctuation of any script is."""
    assert words("Où  es-tu, MAINTENANT?") == ["où", "es-tu", "maintenant"]
    assert words("你在哪里？ कितना? «Так»… ２+２") == ["你", "在", "哪", "里", "कितना", "так", "2+2"]
    assert normalised("?!") == "?!"


def test_a_full_disk_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When the temporary folder is full I am told which one, and what to do."""
    monkeypatch.setattr(
        "tempfile.TemporaryFile",
        lambda **_: open("/dev/full", "r+b", buffering=1 << 16),  # noqa: PTH123, SIM115
    )
    with pytest.raises(FtarenaError, match="is full") as raised, GrowingColumns({"a": np.uint64}) as columns:
        columns.append({"a": np.zeros(1 << 16, dtype=np.uint64)})
    assert "TMPDIR" in raised.value.hint


def test_typographic_marks_change_no_word() -> None:
    """A row with curly quotes has the words of one with straight quotes, whatever else stands in it."""
    straight, curly = "He said: 'it - is' \"fine\"... no", "He said: ‘it — is’ “fine”… no"
    for rest in ("", " café"):
        assert words(curly + rest) == [word for word in words(straight + rest) if word != "-"]
