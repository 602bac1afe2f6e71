"""From conversations to tokens: exactly the answers are learned, and each ends its turn."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_models import (
    BEGINNING,
    CHATML,
    ENDLESS,
    FORGETFUL,
    NO_SYSTEM,
    STRICT,
    THOUGHTFUL,
    byte_tokenizer,
    example,
)

from ftarena.curation.examples import Example, ToolCall, Turn
from ftarena.curation.tokens import IGNORED, ChatEncoder, ChatTokenizer
from ftarena.curation.tokens.chat_template import ChatTemplate
from ftarena.errors import FtarenaError

NAMED = {"eos_token": "|", "bos_token": "^"}


def tokenizer(template: str = CHATML, merges: tuple[tuple[str, str], ...] = ()) -> ChatTokenizer:
    backend = byte_tokenizer(["|", "^"], merges)
    end = backend.token_to_id("|")
    return ChatTokenizer(
        backend,
        ChatTemplate({"default": template}, NAMED),
        name="the model",
        special=NAMED,
        end_ids=frozenset([end]),
        vocabulary_size=backend.get_vocab_size(),
    )


def spell(model: ChatTokenizer, ids: list[int]) -> str:
    return model._backend.decode(ids, skip_special_tokens=False)


def learned(row: Example, template: str = CHATML) -> tuple[str, str]:
    """Return what the model sees, and of it what it learns (the rest as dots); for ASCII only."""
    model = tokenizer(template)
    (encoded,) = ChatEncoder(model).encode([row])
    assert len(encoded.labels) == len(encoded.input_ids)
    shown = "".join("." if label == IGNORED else spell(model, [label]) for label in encoded.labels)
    return spell(model, encoded.input_ids), shown


def test_only_the_answer_is_learned_and_its_end() -> None:
    """The question is read, the answer is learned, and so is stopping; the line break after it is cut off."""
    assert learned(example("Q", "A")) == ("<user>Q|\n<assistant>A|", "....................A|")


def test_every_answer_of_a_conversation_is_learned() -> None:
    """In `messages` each turn of the assistant counts, each with its end."""
    seen, shown = learned(example("Q", "A", "R", "BC"))
    assert seen.endswith("<assistant>BC|")
    assert shown.strip(".") == "A|" + "." * len("\n<user>R|\n<assistant>") + "BC|"


def test_an_answer_that_begins_with_a_blank_is_learned_whole() -> None:
    """Leading blanks and line breaks of an answer are part of it, in every turn."""
    _, shown = learned(example("Q", "\n A", "R", "  B"))
    assert shown.strip(".") == "\n A|" + "." * len("\n<user>R|\n<assistant>") + "  B|"


def test_a_given_context_is_not_learned() -> None:
    """In prompt and completion earlier answers are context."""
    _, shown = learned(example("Q", "A", "R", "B", shape="completion"))
    assert shown.strip(".") == "B|"


def test_a_labelled_answer_is_learned_alone() -> None:
    """A row with a label is one answer, good or bad."""
    row = replace(example("Q", "A", "R", "B", shape="kto"), label=True)
    assert learned(row)[1].strip(".") == "B|"


def test_what_the_file_calls_context_is_not_learned() -> None:
    """`weight: 0` on an answer, the first or the last, keeps it out of the loss."""
    row = example("Q", "A", "R", "B")
    first = replace(row, prompt=(row.prompt[0], replace(row.prompt[1], learned=False), row.prompt[2]))
    assert learned(first)[1].strip(".") == "B|"
    last = replace(row, completion=(replace(row.completion[0], learned=False),))
    seen, shown = learned(last)
    assert seen.endswith("B|") and shown.strip(".") == "A|"


def test_a_text_is_learned_from_its_first_letter_to_one_end() -> None:
    """Raw text goes through no template; it ends once, also where the file has ended it already."""
    for text in ("some text", "some text|"):
        row = Example(Path("file.jsonl"), 7, "text", (), (Turn("assistant", text),))
        assert learned(row, "") == ("some text|", "some text|")


def test_tool_calls_and_tools_reach_the_model() -> None:
    """A call of a function is an answer: it is learned, and what the tool says is not."""
    template = (
        "{% if tools %}{{ tools | tojson }}|\n{% endif %}{% for m in messages %}<{{ m['role'] }}>"
        "{{ m['content'] }}{% for call in m.tool_calls or [] %}{{ call.function | tojson }}{% endfor %}|\n"
        "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    turns = (
        Turn("user", "Q"),
        Turn("assistant", "", tool_calls=(ToolCall("now", '{"zone":"UTC"}'),)),
        Turn("tool", "noon", name="now"),
    )
    tools = '[{"type": "function", "function": {"name": "now"}}]'
    row = Example(Path("file.jsonl"), 7, "messages", turns, (Turn("assistant", "It is noon."),), tools=tools)
    seen, shown = learned(row, template)
    assert seen.startswith('[{"type": "function"')
    call = '{"name": "now", "arguments": {"zone": "UTC"}}|'
    assert shown.strip(".") == call + "." * len("\n<tool>noon|\n<assistant>") + "It is noon.|"


def test_reasoning_is_learned_where_the_template_shows_it() -> None:
    """Thoughts that the file keeps apart come where the template puts them, and are learned there."""
    template = CHATML.replace(
        "{{ m['content'] }}",
        "{% if m.reasoning_content %}({{ m.reasoning_content }}){% endif %}{{ m.content }}",
    )
    row = replace(example("Q", "A"), completion=(Turn("assistant", "A", reasoning="hm"),))
    assert learned(row, template)[1].strip(".") == "(hm)A|"


def test_a_template_that_drops_earlier_answers_teaches_the_last() -> None:
    """Templates of reasoning models leave earlier thoughts out; no label lands on another token."""
    seen, shown = learned(example("Q", "A", "R", "B"), FORGETFUL)
    assert "A" not in seen and shown.strip(".") == "B|"


def test_a_template_that_opens_a_thought_teaches_from_where_the_two_part() -> None:
    """Where a question is asked otherwise than it is trained, the difference is learned, and I am told."""
    assert learned(example("Q", "thin", "R", "B"), THOUGHTFUL)[1].strip(".") == "B|"
    encoder = ChatEncoder(tokenizer(THOUGHTFUL))
    list(encoder.encode([example("Q", "A"), example("Q", "B")]))
    assert encoder.noticed == {"prompt-not-prefix": 2}


def test_a_message_that_the_template_drops_is_noticed() -> None:
    """A system prompt that never reaches the model is worth a word, not a refusal."""
    row = example("Q", "A")
    row = replace(row, prompt=(Turn("system", "Be brief."), *row.prompt))
    encoder = ChatEncoder(tokenizer(NO_SYSTEM))
    list(encoder.encode([row]))
    assert encoder.noticed == {"turn-dropped": 1}


def test_a_second_beginning_is_noticed() -> None:
    """A text that brings the token for its beginning itself has it twice."""
    encoder = ChatEncoder(tokenizer(BEGINNING))
    list(encoder.encode([example("Q", "A"), example("^Q", "A")]))
    assert encoder.noticed == {"double-bos": 1}


def test_a_template_without_an_end_is_refused() -> None:
    """A model that is not taught to stop never stops; I hear of it before training."""
    with pytest.raises(
        FtarenaError, match=r"file.jsonl:7: the chat template of the model does not end an answer"
    ):
        list(ChatEncoder(tokenizer(ENDLESS)).encode([example("Q", "A")]))


def test_what_a_template_refuses_is_named() -> None:
    """Some models take no system prompt; I learn which row has one."""
    row = replace(example("Q", "A"), prompt=(Turn("system", "S"), Turn("user", "Q")))
    with pytest.raises(
        FtarenaError, match=r"file.jsonl:7: the chat template of the model refuses this: no system"
    ):
        list(ChatEncoder(tokenizer(STRICT)).encode([row]))


def test_a_row_that_teaches_nothing_is_refused() -> None:
    """A loss over no token is nan in the middle of the night."""
    row = example("Q", "A")
    row = replace(row, completion=(replace(row.completion[0], learned=False),))
    with pytest.raises(FtarenaError, match=r"file.jsonl:7: no token of it would be learned"):
        list(ChatEncoder(tokenizer()).encode([row]))


def test_a_base_model_without_a_template_is_refused() -> None:
    """A template is never made up."""
    with pytest.raises(FtarenaError, match="has no chat template") as error:
        list(ChatEncoder(tokenizer("")).encode([example("Q", "A")]))
    assert "instruct" in error.value.hint


TEXT = st.text("ab c<>é漢\n", min_size=1, max_size=8)


@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5))
def test_no_conversation_mixes_up_its_labels(rows: list[tuple[str, str]]) -> None:
    """Whatever the texts hold, what is learned is the answer and its end, token for token."""
    model = tokenizer()
    for (question, answer), encoded in zip(
        rows, ChatEncoder(model).encode([example(*row) for row in rows]), strict=True
    ):
        trained = [label for label in encoded.labels if label != IGNORED]
        assert spell(model, trained) == answer + "|"
        assert spell(model, encoded.input_ids) == f"<user>{question}|\n<assistant>{answer}|"
        assert encoded.trained == len(answer.encode()) + 1


@given(question=TEXT, chosen=TEXT, rejected=TEXT)
def test_a_pair_shares_its_prompt(question: str, chosen: str, rejected: str) -> None:
    """Both answers follow the very same tokens, and both end."""
    model = tokenizer()
    row = example(question, chosen, shape="preference", rejected=rejected)
    (pair,) = ChatEncoder(model).encode_pairs([row])
    assert spell(model, pair.prompt_ids) == f"<user>{question}|\n<assistant>"
    assert spell(model, pair.chosen_ids) == chosen + "|"
    assert spell(model, pair.rejected_ids) == rejected + "|"
    assert pair.length == len(pair.prompt_ids) + max(len(chosen.encode()), len(rejected.encode())) + 1


def test_a_pair_whose_prompt_grows_together_with_one_answer_begins_at_one_token() -> None:
    """Where `>a` is one token, the `>` belongs to both answers, not to one and the prompt of the other."""
    model = tokenizer(merges=((">", "a"),))
    (pair,) = ChatEncoder(model).encode_pairs([example("Q", "a", shape="preference", rejected="b")])
    assert spell(model, pair.prompt_ids) == "<user>Q|\n<assistant"
    assert (spell(model, pair.chosen_ids), spell(model, pair.rejected_ids)) == (">a|", ">b|")


def test_a_cut_keeps_what_is_left_to_learn() -> None:
    """Cut at a length, an example keeps its labels; where none would be left, it is none."""
    model = tokenizer()
    (encoded,) = ChatEncoder(model).encode([example("Q", "ABC")])
    short = encoded.cut(len(encoded.input_ids) - 2)
    assert short is not None and short.trained == encoded.trained - 2
    assert encoded.cut(10) is None
    (pair,) = ChatEncoder(model).encode_pairs([example("Q", "xa", shape="preference", rejected="xb")])
    begin = len(pair.prompt_ids)
    cut = pair.cut(begin + 2)
    assert cut is not None and (len(cut.chosen_ids), len(cut.rejected_ids)) == (2, 2)
    assert pair.cut(begin + 1) is None and pair.cut(3) is None
