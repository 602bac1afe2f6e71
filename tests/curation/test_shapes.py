"""Shapes: what a row means, in whatever way people write it, and what is said of a row that means nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation.examples import KINDS, BadRow, Example, ToolCall, Turn
from ftarena.curation.findings import CODES
from ftarena.curation.shapes import ANSWERED, QUESTIONS, SHAPES, check_columns, example_of, recognise
from ftarena.curation.shapes.columns import NAMES, TAGS
from ftarena.curation.sources import Columns
from ftarena.curation.writing import row_of
from ftarena.errors import UsageError

GSM8K = Path(__file__).parents[3] / "shared" / "data" / "gsm8k" / "train.jsonl"
FILE, TABLE = Path("rows.jsonl"), Path("rows.parquet")
Q, A, B = "Where am I?", "pwd", "ls"
U, GOOD, BAD = Turn("user", Q), (Turn("assistant", A),), (Turn("assistant", B),)
USER, ASSISTANT = {"role": "user", "content": Q}, {"role": "assistant", "content": A}
HUMAN, GPT = {"from": "human", "value": Q}, {"from": "gpt", "value": A}


def read(row: Any, *, file: Path = FILE, columns: Columns | None = None, **given: Any) -> Example:
    return example_of(file, 1, row, columns=columns or Columns(), **given)


def refused(row: Any, **given: Any) -> tuple[str, str]:
    """Return code and message of a row that cannot be used."""
    with pytest.raises(BadRow) as bad:
        read(row, **given)
    assert bad.value.code in CODES
    return bad.value.code, str(bad.value)


def test_every_shape_is_listed_once() -> None:
    """The lists that other parts choose from know all nine shapes."""
    assert set(SHAPES) == set(KINDS) == {*ANSWERED, *QUESTIONS}
    assert "prompt" not in ANSWERED


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ({"messages": [USER, ASSISTANT]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": Q}]}, ASSISTANT]}, "messages"),
        ({"messages": [HUMAN, GPT]}, "messages"),
        ({"messages": [USER, ASSISTANT], "tools": None, "label": None}, "messages"),
        ({"conversations": [HUMAN, GPT]}, "sharegpt"),
        ({"conversations": [USER, ASSISTANT]}, "sharegpt"),
        ({"conversations": [{"from": "user", "value": Q}, {"from": "chatgpt", "value": A}]}, "sharegpt"),
        ({"conversations": [{"role": "human", "value": Q}, {"role": "model", "value": A}]}, "sharegpt"),
        ({"instruction": Q, "input": "", "output": A}, "alpaca"),
        ({"instruction": Q, "output": A, "history": [], "system": ""}, "alpaca"),
        ({"prompt": Q, "completion": A}, "completion"),
        ({"prompt": [USER], "completion": [ASSISTANT], "instruction": "unused"}, "completion"),
        ({"prompt": Q, "reference": A}, "reference"),
    ],
)
def test_one_question_and_answer_in_many_spellings(row: Any, shape: str) -> None:
    """I do not convert my files first."""
    example = read(row)
    assert (example.shape, example.meaning) == (shape, ((U,), GOOD, (), "", None))
    assert recognise(row, tuple(SHAPES), Columns()) == shape


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": Q, "chosen": A, "rejected": B},
        {"prompt": [USER], "chosen": [ASSISTANT], "rejected": [ASSISTANT | {"content": B}]},
        {"prompt": Q, "chosen": ASSISTANT, "rejected": ASSISTANT | {"content": B}},
        {"chosen": [USER, ASSISTANT], "rejected": [USER, ASSISTANT | {"content": B}]},
        {"chosen_messages": [USER, ASSISTANT], "rejected_messages": [USER, ASSISTANT | {"content": B}]},
        {"conversations": [HUMAN], "chosen": GPT, "rejected": GPT | {"value": B}},
        {"messages": [USER], "chosen": ASSISTANT, "rejected": ASSISTANT | {"content": B}},
        {"instruction": Q, "input": "", "chosen": A, "rejected": B},
        # UltraFeedback has the question and the chosen conversation in columns besides.
        {
            "prompt": Q,
            "messages": [USER, ASSISTANT],
            "chosen": [USER, ASSISTANT],
            "rejected": [USER, ASSISTANT | {"content": B}],
            "score_chosen": 8.0,
        },
    ],
)
def test_one_preference_pair_in_many_spellings(row: Any) -> None:
    """TRL's, UltraFeedback's and LLaMA-Factory's pairs are all pairs."""
    assert (read(row).shape, read(row).meaning) == ("preference", ((U,), GOOD, BAD, "", None))


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": Q, "completion": A},
        {"prompt": [USER], "completion": [ASSISTANT]},
        {"completion": [USER, ASSISTANT]},
        {"messages": [USER, ASSISTANT]},
        {"conversations": [HUMAN, GPT]},
        {"instruction": Q, "output": A},
    ],
)
@pytest.mark.parametrize("label", [{"label": False}, {"kto_tag": False}, {"label": "False"}])
def test_one_labelled_answer_in_many_spellings(row: Any, label: Any) -> None:
    """A bad answer must never be taken for one to learn."""
    example = read(row | label)
    assert (example.shape, example.meaning) == ("kto", ((U,), GOOD, (), "", False))


@pytest.mark.parametrize("label", [1, 0, "good", 0.5, [True]])
def test_a_label_is_true_or_false(label: Any) -> None:
    """Whether 1 is good or the first of two classes is not guessed; I name the shape where it is no label."""
    row = {"prompt": Q, "completion": A, "label": label}
    code, said = refused(row)
    assert code == "type" and said.startswith(
        "label must be true (a good answer) or false (a bad one), found"
    )
    assert read(row, shapes=("completion",)).label is None


def test_a_text_is_learned_whole() -> None:
    """I have plain texts for a language or a style."""
    assert read({"text": "Once.", "url": "x"}).meaning == ((), (Turn("assistant", "Once."),), (), "", None)
    assert refused({"text": " "}) == ("empty", "text is empty")
    assert refused({"prompt": Q, "text": A}, shapes=ANSWERED)[1].endswith("--columns completion=text")
    assert read({"prompt": Q, "text": A}, shapes=("text",)).completion == GOOD


def test_alpaca_is_read_as_its_tools_read_it() -> None:
    """Instruction and input are joined by one newline; history and system come before."""
    row = {
        "instruction": "Sum up:",
        "input": "1 2",
        "output": "3",
        "system": "Be brief.",
        "history": [["a", "b"], ["c", "d"]],
        "tools": '[{"name": "add"}]',
    }
    example = read(row)
    assert [turn.content for turn in example.prompt] == ["Be brief.", "a", "b", "c", "d", "Sum up:\n1 2"]
    assert [turn.role for turn in example.prompt] == ["system", *["user", "assistant"] * 2, "user"]
    assert example.tools == '[{"type": "function", "function": {"name": "add"}}]'
    assert read({"instruction": "", "input": "only this", "output": "x"}).question == "only this"
    assert refused({"instruction": "", "input": " ", "output": "x"}) == ("empty", "instruction is empty")
    assert refused(row | {"history": [["a"]]}) == (
        "type",
        "history[0] must be a question and its answer, found a list",
    )
    assert refused(row | {"history": [["a", None]]}) == ("type", "history[0][1] must be text, found null")


def test_a_system_prompt_may_stand_in_a_column() -> None:
    """ShareGPT and Alpaca have it beside the conversation; two different ones are a mistake."""
    for row in (
        {"conversations": [HUMAN, GPT]},
        {"prompt": Q, "completion": A},
        {"instruction": Q, "output": A},
    ):
        assert read(row | {"system": "s"}).prompt == (Turn("system", "s"), U)
        assert read(row | {"system": ""}).prompt == (U,)
    messages = [{"role": "system", "content": "s"}, USER, ASSISTANT]
    assert len(read({"messages": messages, "system": "s"}).prompt) == 2
    assert refused({"messages": messages, "system": "other"})[0] == "system"
    assert read({"prompt": Q, "reference": A, "system": "metadata"}).prompt == (U,)


@pytest.mark.parametrize(
    ("rejected", "code", "said"),
    [
        (
            [USER | {"content": "Who?"}, ASSISTANT],
            "prompts-differ",
            "before the last answer, first in turn 1",
        ),
        ([USER, ASSISTANT, USER, ASSISTANT], "prompts-differ", "chosen has 2 turns and rejected 4"),
        ([ASSISTANT], "order", "chosen is a whole conversation, and rejected only its answer"),
        ([USER], "order", "rejected ends with a turn of the user"),
    ],
)
def test_a_pair_compares_two_answers_to_one_prompt(rejected: Any, code: str, said: str) -> None:
    """Two answers to two questions say nothing about which is better."""
    found = refused({"chosen": [USER, ASSISTANT], "rejected": rejected})
    assert found[0] == code and said in found[1]


def test_a_prompt_beside_two_conversations_is_theirs() -> None:
    """A prompt column that belongs to another row is noticed."""
    row = {"chosen": [USER, ASSISTANT], "rejected": [USER, ASSISTANT]}
    assert refused(row | {"prompt": "Else?"}) == ("prompts-differ", "prompt is not what is asked in chosen")
    assert read(row | {"prompt": [USER]}).prompt == (U,)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"question": Q, "answer": A},
            "looks like question and answer: --columns prompt=question,completion=answer",
        ),
        ({"prompt": Q, "response": A}, "looks like prompt and response: --columns completion=response"),
        (
            {"system_prompt": "s", "question": Q, "response": A},
            "--columns prompt=question,completion=response,system=system_prompt",
        ),
        (
            {"instruction": Q, "context": "c", "response": A},
            "looks like instruction and response with context: --columns input=context,output=response",
        ),
        ({"Query": Q, "Answer": A}, "--columns prompt=Query,completion=Answer"),
        (
            {"instruction": Q, "chosen_response": A, "rejected_response": B},
            "--columns prompt=instruction,chosen=chosen_response,rejected=rejected_response",
        ),
        ({"dialog": [HUMAN, GPT]}, "looks like a conversation in dialog: --columns messages=dialog"),
        ({"chosen": A, "rejected": B}, "prompt is missing (found: chosen, rejected)"),
        ({"instruction": Q, "chosen": A}, "rejected is missing (found: instruction, chosen)"),
        ({"prompt": Q, "completion": None}, "a prompt without an answer"),
        ({"a": 1}, "none of the known shapes (found: a): needed are messages, or prompt and an answer"),
    ],
)
def test_an_unknown_row_gets_the_columns_that_would_make_it_readable(row: Any, said: str) -> None:
    """I copy the option from the message."""
    code, found = refused(row, shapes=ANSWERED)
    assert code in ("shape", "no-answer") and said in found
    names = found.partition("--columns ")[2]
    if names:
        columns = Columns(dict(pair.split("=") for pair in names.split(",")))
        assert read(row, columns=columns).completion


def test_columns_are_read_under_the_names_that_were_said() -> None:
    """A file's own columns of our names mean nothing then, and messages speak of the file's names."""
    columns = Columns({"prompt": "question", "completion": "answer", "system": ""})
    row = {"question": Q, "answer": A, "prompt": "an id", "system": "metadata"}
    assert read(row, columns=columns).meaning == ((U,), GOOD, (), "", None)
    assert refused({"question": Q, "answer": " "}, columns=columns) == ("empty", "answer is empty")
    assert refused({"question": Q, "anser": A}, columns=columns, shapes=("completion",)) == (
        "shape",
        "answer is missing (found: question, anser)",
    )
    swapped = Columns({"input": "", "instruction": "input", "output": "instruction"})
    assert read({"input": Q, "instruction": A}, columns=swapped).meaning == ((U,), GOOD, (), "", None)


@pytest.mark.skipif(not GSM8K.is_file(), reason="the problems of GSM8K are not there")
def test_mapped_columns_of_a_real_file() -> None:
    """`--columns prompt=question,completion=answer` is all that GSM8K needs."""
    columns = Columns({"prompt": "question", "completion": "answer"})
    rows = [json.loads(line) for line in GSM8K.read_text().splitlines()]
    found = [example_of(GSM8K, line, row, ANSWERED, columns) for line, row in enumerate(rows, 1)]
    assert len(found) == 7473 and {example.shape for example in found} == {"completion"}
    assert found[0].question.startswith("Natalia") and found[0].completion[0].content.endswith("#### 72")


def test_keys_and_words_of_messages_can_be_said() -> None:
    """Whatever a message calls who speaks and what is said."""
    columns = Columns(
        {"messages": "dialog"},
        {"role": "who", "content": "said", "user": "Q|client", "assistant": "bot", "learned": "good"},
    )
    turns = [{"who": "client", "said": "a"}, {"who": "bot", "said": "b", "good": False}]
    rest = [{"who": "Q", "said": Q}, {"who": "bot", "said": A}]
    example = read({"dialog": turns + rest}, columns=columns)
    assert example.prompt == (Turn("user", "a"), Turn("assistant", "b", learned=False), U)
    code, said = refused({"dialog": [{"who": "cat", "said": "a"}]}, columns=columns)
    assert (code, said) == ("role", "dialog[0].who is 'cat', expected system, user, assistant or tool")


def test_rows_about_pictures_are_not_trained_on_without_them() -> None:
    """A question about an image that nobody sees would teach making things up."""
    row = {"messages": [USER, ASSISTANT]}
    assert refused(row | {"images": ["a.png"]})[1].startswith("images holds something to look at")
    assert read(row | {"images": []}).completion == GOOD
    parts = [{"type": "text", "text": Q}, {"type": "image_url", "image_url": {"url": "x"}}]
    assert refused({"messages": [{"role": "user", "content": parts}, ASSISTANT]}) == (
        "type",
        "messages[0].content[1] is of type 'image_url'; only text is trained on",
    )


def test_a_ranking_is_nothing_but_pairs() -> None:
    """Half a pair in a file of pairs is no answer to learn."""
    row = {"prompt": Q, "completion": A, "chosen": A}
    assert refused(row, columns=Columns(ranking=True)) == (
        "shape",
        "rejected is missing (found: prompt, completion, chosen)",
    )


@pytest.mark.parametrize("file", [TABLE, Path("rows.csv.gz")])
def test_cells_of_a_table_may_hold_json(file: Path) -> None:
    """CSV has only text, Parquet sometimes; in a JSON file a text is a text."""
    prompt = '[{"role": "user", "content": "Where am I?"}]'
    assert read({"prompt": prompt, "completion": A}, file=file).prompt == (U,)
    assert read({"prompt": prompt, "completion": A}).prompt == (Turn("user", prompt),)
    assert read({"prompt": Q, "completion": '[{"x": 1}]'}, file=file).completion[0].content == '[{"x": 1}]'
    history = '[["a", "b"]]'
    assert len(read({"instruction": Q, "output": A, "history": history}).prompt) == 3
    assert refused({"messages": "[{"})[0] == "json"


def test_nulls_that_table_libraries_add_are_no_values() -> None:
    """Parquet gives every object the keys of all others."""
    call = {"id": None, "type": "function", "function": {"name": "f", "arguments": {"a": 1, "b": None}}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"x": None, "y": {"type": "int"}}}}]
    row = {
        "messages": [
            USER | {"tool_calls": None, "name": None},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ],
        "tools": tools,
    }
    example = read(row, file=TABLE)
    assert example.completion[0].tool_calls == (ToolCall("f", '{"a":1}'),)
    assert "x" not in example.tools and '"y"' in example.tools
    assert '"b":null' in read(row).completion[0].tool_calls[0].arguments


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        (Columns({"complet": "x"}), "did you mean completion=x?"),
        (Columns({"response": "answer"}), "did you mean completion=answer?"),
        (Columns({"zzz": "x"}), "known: messages, conversations"),
        (Columns(tags={"human": "H"}), "did you mean user=H?"),
        (Columns(tags={"rôle": "who"}), "did you mean role=who?"),
    ],
)
def test_a_misspelt_mapping_is_noticed(columns: Columns, hint: str) -> None:
    """It would map to nothing, and the rows would be called unreadable."""
    with pytest.raises(UsageError) as error:
        check_columns(columns)
    assert "is no" in error.value.message and error.value.hint.startswith(hint)
    check_columns(Columns({"prompt": "q", "system": ""}, {"role": "from"}))


KEYS = st.sampled_from([*NAMES, "role", "content", "from", "value", "type", "function", "tool_calls", "x"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["user", "gpt"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(
    row=st.dictionaries(KEYS, JSON, max_size=6),
    file=st.sampled_from([FILE, TABLE]),
    names=st.dictionaries(KEYS, KEYS | st.just(""), max_size=2),
    tags=st.dictionaries(st.sampled_from(sorted(TAGS)), st.text(max_size=3), max_size=2),
    shapes=st.sampled_from([tuple(SHAPES), ANSWERED, QUESTIONS, *[(shape,) for shape in SHAPES]]),
)
def test_any_row_is_an_example_or_a_problem(row: Any, file: Path, names: Any, tags: Any, shapes: Any) -> None:
    """Whatever is in my file, I get no traceback."""
    try:
        example = read(row, file=file, columns=Columns(names, tags), shapes=shapes)
    except BadRow as bad:
        assert bad.code in CODES and str(bad)
    else:
        assert example.shape in shapes and (example.completion or example.shape == "prompt")
        assert json.dumps(row_of(example, example.shape))


def test_what_is_there_is_listed_even_where_the_mapping_hides_it() -> None:
    """I map a column that is not there: the message lists what is, my columns of our names as well."""
    row = {"prompt": Q, "completion": A}
    said = refused(row, columns=Columns({"prompt": "nope"}), shapes=("completion",))
    assert said == ("shape", "nope is missing (found: prompt, completion)")
