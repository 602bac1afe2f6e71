"""The mask found by characters is the mask found by comparing beginnings, token for token."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefix_oracle import labels_by_prefixes
from token_models import CHATML, FORGETFUL, THOUGHTFUL, byte_tokenizer, example

from ftarena.curation.reading import read_examples
from ftarena.curation.tokens import ChatEncoder, ChatTokenizer
from ftarena.curation.tokens.chat_template import ChatTemplate

DATA = Path(__file__).parents[2] / "data/demo/sft.jsonl"

MERGES = (("a", "b"), ("b", "c"), ("ab", "c"), ("Ġ", "a"), ("Ċ", "Ċ"), ("Ċ", "<"), ("<", "a"), ("Ġ", "Ġ"))
# Joins over blanks and brackets, where a template's text meets an answer's.


def small(template: str) -> ChatTokenizer:
    backend = byte_tokenizer(["|"], MERGES)
    end = backend.token_to_id("|")
    return ChatTokenizer(
        backend,
        ChatTemplate({"default": template}, {}),
        name="the model",
        special={"eos_token": "|"},
        end_ids=frozenset([end]),
    )


@pytest.fixture(scope="module")
def demo(demo_model: Path) -> Iterator[ChatTokenizer]:
    yield ChatTokenizer.load(demo_model, "demo:smollm2")


def check(row: object, tokenizer: ChatTokenizer) -> None:
    (encoded,) = ChatEncoder(tokenizer).encode([row])  # type: ignore[list-item]  # an example
    assert (encoded.input_ids, encoded.labels) == labels_by_prefixes(encoded.example, tokenizer)


# An earlier answer that begins with a blank grows together with the template's line break: by characters it
# is learned, by comparing tokens it would be left out. So no blank begins one here.
ANSWER = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).map(lambda text: "x" + text)
TALK = st.lists(st.tuples(st.text(st.characters(codec="utf-8"), max_size=20), ANSWER), min_size=1, max_size=3)


@settings(deadline=None)
@given(talk=TALK, shape=st.sampled_from(["messages", "completion"]))
def test_on_a_real_model_both_ways_agree(
    demo: ChatTokenizer, talk: list[tuple[str, str]], shape: str
) -> None:
    """Whatever is said, in any script, the demo's model learns the very same tokens."""
    check(example(*(text for pair in talk for text in pair), shape=shape), demo)  # type: ignore[arg-type]


LETTERS = st.text("abc <\n", min_size=1, max_size=6)


@given(
    talk=st.lists(st.tuples(LETTERS, LETTERS.map(lambda text: "b" + text)), min_size=1, max_size=3),
    template=st.sampled_from([CHATML, FORGETFUL, THOUGHTFUL]),
)
def test_tokens_over_the_border_of_an_answer_are_taken_alike(
    talk: list[tuple[str, str]], template: str
) -> None:
    """Whatever grows together in the texts, both ways agree."""
    check(example(*(text for pair in talk for text in pair)), small(template))


@given(answer=LETTERS)
def test_a_last_answer_may_begin_with_anything(answer: str) -> None:
    """The answer that is always learned agrees wherever its first token begins."""
    check(
        example("a", answer),
        small(
            CHATML.replace("<assistant>{% endif %}", "<assistant>\n{% endif %}").replace(
                "<{{ m['role'] }}>", "<{{ m['role'] }}>{{ '\\n' if m.role == 'assistant' }}"
            )
        ),
    )


def test_the_demo_data_is_learned_as_before(demo: ChatTokenizer) -> None:
    """Every row of the demo."""
    for row in read_examples(DATA).examples:
        check(row, demo)
    assert json.loads(DATA.read_text().splitlines()[0])  # there were rows
