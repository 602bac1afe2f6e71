"""From conversations to tokens: exactly the answers are learned, and each ends its turn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment
from jinja2.exceptions import TemplateError

from ftarena.curation.reading import Example, Turn
from ftarena.errors import FtarenaError
from ftarena.training.worker.chat import IGNORED, ChatEncoder

CHATML = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}|\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
# `|` ends a turn; what is after it belongs to no answer.

FORGETFUL = (
    "{% for m in messages %}{% if m['role'] != 'assistant' or loop.last %}"
    "<{{ m['role'] }}>{{ m['content'] }}|{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
ENDLESS = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
STRICT = "{% if messages[0]['role'] == 'system' %}{{ refuse('no system prompts') }}{% endif %}"


class CharacterTokenizer:
    """A tokenizer with one token a character: what the encoder needs of one, and readable."""

    def __init__(self, template: str) -> None:
        self.chat_template = template
        environment = Environment()
        environment.globals["refuse"] = self._refuse
        self._template = environment.from_string(template)

    @staticmethod
    def _refuse(why: str) -> None:
        raise TemplateError(why)

    def apply_chat_template(
        self, messages: list[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool
    ) -> str:
        assert not tokenize
        return self._template.render(messages=messages, add_generation_prompt=add_generation_prompt)

    def __call__(self, texts: Sequence[str], *, add_special_tokens: bool) -> dict[str, Any]:
        assert not add_special_tokens
        return {"input_ids": [[ord(character) for character in text] for text in texts]}


def encoder(template: str = CHATML) -> ChatEncoder:
    return ChatEncoder(CharacterTokenizer(template), frozenset([ord("|")]), "the model")


def example(*texts: str, shape: Any = "messages", rejected: str = "") -> Example:
    """A conversation in turns of user and assistant."""
    turns = tuple(Turn("assistant" if index % 2 else "user", text) for index, text in enumerate(texts))
    worse = (Turn("assistant", rejected),) if rejected else ()
    return Example(Path("file.jsonl"), 7, shape, turns[:-1], turns[-1:], worse)


def learned(template: str, row: Example) -> tuple[str, str]:
    """Return what the model sees, and of it what it learns (the rest as dots)."""
    (encoded,) = encoder(template).encode([row])
    seen = "".join(map(chr, encoded.input_ids))
    shown = "".join("." if label == IGNORED else chr(label) for label in encoded.labels)
    assert len(encoded.labels) == len(encoded.input_ids)
    return seen, shown


def test_only_the_answer_is_learned_and_its_end() -> None:
    """The question is read, the answer is learned, and so is stopping; the line break after it is cut off."""
    assert learned(CHATML, example("Q", "A")) == ("<user>Q|\n<assistant>A|", "....................A|")


def test_every_answer_of_a_conversation_is_learned() -> None:
    """In `messages` each turn of the assistant counts, each with its end."""
    seen, shown = learned(CHATML, example("Q", "A", "R", "BC"))
    assert seen.endswith("<assistant>BC|")
    assert shown.strip(".") == "A|....................BC|".replace(
        "....................", "." * len("\n<user>R|\n<assistant>")
    )


def test_a_given_context_is_not_learned() -> None:
    """In prompt and completion earlier answers are context."""
    _, shown = learned(CHATML, example("Q", "A", "R", "B", shape="completion"))
    assert shown.strip(".") == "B|"


def test_a_template_that_drops_earlier_answers_teaches_the_last() -> None:
    """Templates of reasoning models leave earlier thoughts out; no label lands on another token."""
    seen, shown = learned(FORGETFUL, example("Q", "A", "R", "B"))
    assert "A" not in seen and shown.strip(".") == "B|"


def test_a_template_without_an_end_is_refused() -> None:
    """A model that is not taught to stop never stops; I hear of it before training."""
    with pytest.raises(
        FtarenaError, match=r"file.jsonl:7: the chat template of the model does not end an answer"
    ):
        list(encoder(ENDLESS).encode([example("Q", "A")]))


def test_what_a_template_refuses_is_named() -> None:
    """Some models take no system prompt; I learn which row has one."""
    row = Example(
        Path("file.jsonl"), 7, "messages", (Turn("system", "S"), Turn("user", "Q")), (Turn("assistant", "A"),)
    )
    with pytest.raises(
        FtarenaError, match=r"file.jsonl:7: the chat template of the model refuses this: no system"
    ):
        list(encoder(STRICT).encode([row]))


def test_a_base_model_without_a_template_is_refused() -> None:
    """A template is never made up."""
    with pytest.raises(FtarenaError, match="has no chat template") as error:
        encoder("")
    assert "instruct" in error.value.hint


TEXT = st.text("ab c<>|\n", min_size=1, max_size=8)


@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5))
def test_no_conversation_mixes_up_its_labels(rows: list[tuple[str, str]]) -> None:
    """Whatever the texts hold, what is learned is the answer and its end, token for token."""
    for (question, answer), encoded in zip(
        rows, encoder().encode([example(*row) for row in rows]), strict=True
    ):
        trained = [label for label in encoded.labels if label != IGNORED]
        assert "".join(map(chr, trained)) == answer + "|"
        assert "".join(map(chr, encoded.input_ids)) == f"<user>{question}|\n<assistant>{answer}|"
        assert encoded.trained == len(answer) + 1


@given(question=TEXT, chosen=TEXT, rejected=TEXT)
def test_a_pair_shares_its_prompt(question: str, chosen: str, rejected: str) -> None:
    """Both answers follow the very same tokens, and both end."""
    row = example(question, chosen, shape="preference", rejected=rejected)
    (pair,) = encoder().encode_pairs([row])
    assert "".join(map(chr, pair.prompt_ids)) == f"<user>{question}|\n<assistant>"
    assert "".join(map(chr, pair.chosen_ids)) == chosen + "|"
    assert "".join(map(chr, pair.rejected_ids)) == rejected + "|"
    assert pair.length == len(pair.prompt_ids) + max(len(chosen), len(rejected)) + 1
