"""From an answer to a score."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.evaluation.tasks.items import Item
from ftarena.evaluation.tasks.metrics import chosen_option, normal, number_in, score_answer
from ftarena.serving.contestants import Message

CITIES = ("Paris", "Rome", "Oslo")


def item(reference: str = "", **more: object) -> Item:
    return Item((Message(role="user", content="Q?"),), reference, "f.jsonl:1", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ("B", 1),
        (" (b) Rome", 1),
        ("The answer is C.", 2),
        ("Answer: **B**", 1),
        ("a) Paris", 0),
        ("rome", 1),
        ("I think it is Oslo.", 2),
        ("Either Paris or Rome", None),
        ("A city in Norway", None),
        ("I do not know", None),
        ("E", None),
        ("", None),
    ],
)
def test_a_letter_or_the_option_itself(answer: str, place: int | None) -> None:
    """However a model names its choice, it is understood, or it is wrong."""
    assert chosen_option(answer, CITIES) == place


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("She earned 12 and then 1,234.50 dollars.", "1234.50"),
        ("5 + 5 = 10\n#### 10", "10"),
        ("#### 10 apples, 3 left", "10"),
        (r"so \boxed{7} of 9", "7"),
        ("it falls to \u22123", "-3"),
        ("in 2024.", "2024"),
        ("none", None),
        ("#### nothing", None),
    ],
)
def test_the_number_that_an_answer_arrives_at(text: str, number: str | None) -> None:
    """GSM8K's answers are found in a model's prose."""
    assert number_in(text) == (None if number is None else Decimal(number))


@given(st.integers(-(10**9), 10**9))
def test_thousands_separators_do_not_matter(number: int) -> None:
    """1,234 is 1234."""
    assert score_answer("number", item(f"#### {number}"), f"The result is {number:,}.") == 1


@given(st.text(max_size=40))
def test_exact_forgives_case_space_and_quotes(text: str) -> None:
    """What reads the same is the same."""
    assert score_answer("exact", item(text), f'  "{text.upper()}".  ') == float(
        normal(text.upper()) == normal(text)
    )
    assert score_answer("exact", item("Rome"), "It is Rome.") == 0


def test_accepted_phrases_are_whole_words() -> None:
    """`Rome` is in `it's Rome!` and not in `Romeo`."""
    asked = item("Rome is the capital.", accept=("Rome",))
    assert score_answer("accept", asked, "it's Rome!") == 1
    assert score_answer("accept", asked, "Romeo") == 0


def test_a_pattern_with_a_group_says_where_the_answer_is() -> None:
    """With a group its text must be the reference; without one the pattern must occur."""
    grouped = item("42", pattern=r"= (\d+)")
    assert [score_answer("regex", grouped, answer) for answer in ("x = 42", "x = 41", "42")] == [1, 0, 0]
    assert score_answer("regex", item(), "ERROR 7", pattern=r"(?i)error \d") == 1


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x), max_leaves=5)
)
def test_whatever_is_json_is_valid(value: object) -> None:
    """Also in a fence; never with words around it."""
    text = json.dumps(value)
    assert score_answer("json", item(), f" {text}\n") == 1
    assert score_answer("json", item(), f"```json\n{text}\n```") == 1
    assert score_answer("json", item(), f"Here you are: {text}") == 0


def test_json_is_checked_against_a_schema() -> None:
    """A missing key is wrong although it is JSON."""
    pytest.importorskip("jsonschema")
    asked = item(schema='{"type": "object", "required": ["name"]}')
    assert score_answer("json", asked, '{"name": 1}') == 1
    assert score_answer("json", asked, '{"nom": 1}') == 0
    assert score_answer("json", item(), '{"a": NaN}') == 0
