"""Spellings are spellings: whatever a conversation is written as, it means the same when read again."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftarena.curation.examples import KINDS, Example, Shape, ToolCall, Turn
from ftarena.curation.reading import load_examples
from ftarena.curation.shapes import example_of
from ftarena.curation.writing import row_of, write_rows
from ftarena.errors import FtarenaError

FILE = Path("rows.jsonl")
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=2)
)
ARGUMENTS = st.dictionaries(TEXTS, JSON, max_size=2).map(
    lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
)
CALLS = st.builds(ToolCall, TEXTS, ARGUMENTS)
TOOLS = st.just("") | TEXTS.map(
    lambda name: json.dumps([{"type": "function", "function": {"name": name}}], ensure_ascii=False)
)


@st.composite
def conversations(draw: st.DrawFn, *, tools: bool) -> tuple[Turn, ...]:
    """Draw the turns of a legal conversation, with or without calls of tools."""
    turns = [Turn("system", draw(TEXTS))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        turns.append(Turn("user", draw(TEXTS)))
        while tools and draw(st.booleans()):
            turns.append(Turn("assistant", "", tuple(draw(st.lists(CALLS, min_size=1, max_size=2)))))
            turns += [Turn("tool", draw(TEXTS | st.just(""))) for _ in range(draw(st.integers(1, 2)))]
        turns.append(Turn("assistant", draw(TEXTS)))
    return tuple(turns)


def written(example: Example, shape: Shape) -> Any:
    """Return a row as it comes back from a file."""
    return json.loads(json.dumps(row_of(example, shape)))


@given(turns=conversations(tools=False), tools=TOOLS)
def test_four_spellings_of_a_conversation_are_one(turns: tuple[Turn, ...], tools: str) -> None:
    """`messages`, ShareGPT, Alpaca and `prompt`/`completion`: from each to each, nothing changes."""
    shapes: list[Shape] = ["messages", "sharegpt", "alpaca", "completion"]
    example = Example(FILE, 1, "messages", turns[:-1], turns[-1:], (), tools)
    for shape in shapes:
        again = example_of(FILE, 1, written(example, shape))
        assert (again.shape, again.meaning) == (shape, example.meaning)
        for other in shapes:
            assert example_of(FILE, 1, written(again, other)).meaning == example.meaning


@given(turns=conversations(tools=True), tools=TOOLS)
def test_calls_of_tools_are_one_in_three_spellings(turns: tuple[Turn, ...], tools: str) -> None:
    """Alpaca has no place for them, and says so instead of losing them."""
    example = Example(FILE, 1, "messages", turns[:-1], turns[-1:], (), tools)
    shapes: list[Shape] = ["messages", "sharegpt", "completion"]
    for shape in shapes:
        assert example_of(FILE, 1, written(example, shape)).meaning == example.meaning
    if any(turn.tool_calls for turn in turns):
        with pytest.raises(
            FtarenaError, match=r"rows.jsonl:1 cannot be written as alpaca: the calls of tools"
        ):
            row_of(example, "alpaca")


@given(turns=conversations(tools=True), worse=TEXTS, label=st.booleans(), tools=TOOLS)
def test_pairs_labels_texts_and_questions_come_back(
    turns: tuple[Turn, ...], worse: str, label: bool, tools: str
) -> None:
    """The shapes that are more, or less, than a conversation."""
    prompt, answer, rejected = turns[:-1], turns[-1:], (Turn("assistant", worse),)
    for example in (
        Example(FILE, 1, "preference", prompt, answer, rejected, tools),
        Example(FILE, 1, "kto", prompt, answer, (), tools, label),
        Example(FILE, 1, "text", (), answer),
        Example(FILE, 1, "reference", prompt, answer),
        Example(FILE, 1, "prompt", prompt, ()),
    ):
        again = example_of(FILE, 1, written(example, example.shape))
        assert (again.shape, again.meaning) == (example.shape, example.meaning)


@pytest.mark.parametrize("shape", ["messages", "completion"])
def test_everything_a_turn_can_hold_comes_back(shape: Shape) -> None:
    """Ids, names, reasoning, text beside a call, and answers that are context only."""
    calls = (ToolCall("w", '{"a":1}', "1"), ToolCall("n", "{}", "2"))
    prompt = (
        Turn("user", "q"),
        Turn("assistant", "Let me look.", calls, "r", learned=False),
        Turn("tool", "sun", name="w", tool_call_id="1"),
        Turn("tool", "noon", name="n", tool_call_id="2"),
    )
    example = Example(FILE, 1, "messages", prompt, (Turn("assistant", "a", reasoning="r2"),))
    assert example_of(FILE, 1, written(example, shape)).meaning == example.meaning


USER, ANSWER = (Turn("user", "q"),), (Turn("assistant", "a"),)
CALL = (ToolCall("f", "{}", "1"),)


@pytest.mark.parametrize(
    ("example", "shape", "why"),
    [
        (
            Example(FILE, 1, "preference", USER, ANSWER, ANSWER),
            "messages",
            "the rejected answer would be lost",
        ),
        (Example(FILE, 1, "kto", USER, ANSWER, label=True), "completion", "the label would be lost"),
        (Example(FILE, 1, "messages", USER, ANSWER), "kto", "it has no label"),
        (Example(FILE, 1, "messages", USER, ANSWER), "preference", "it has no rejected answer"),
        (Example(FILE, 1, "messages", USER, ANSWER), "text", "its turns would be lost"),
        (Example(FILE, 1, "reference", USER, ANSWER), "prompt", "the answer would be lost"),
        (Example(FILE, 1, "prompt", USER, ()), "messages", "it has no answer"),
        (Example(FILE, 1, "text", (), ANSWER), "alpaca", "it is a text, without question and answer"),
        (Example(FILE, 1, "messages", USER, ANSWER, tools="[1]"), "reference", "the tools would be lost"),
        (
            Example(FILE, 1, "messages", USER, (Turn("assistant", "", CALL),)),
            "sharegpt",
            "the ids of calls would be lost",
        ),
        (
            Example(FILE, 1, "messages", USER, (Turn("assistant", "t", CALL),)),
            "sharegpt",
            "the text beside a call of tools would be lost",
        ),
        (
            Example(FILE, 1, "messages", USER, (Turn("assistant", "a", reasoning="r"),)),
            "alpaca",
            "reasoning that is kept apart would be lost",
        ),
        (
            Example(FILE, 1, "messages", USER, (Turn("assistant", "a", learned=False),)),
            "alpaca",
            "that an answer is not to be learned would be lost",
        ),
    ],
)
def test_what_a_shape_has_no_place_for_is_said(example: Example, shape: Shape, why: str) -> None:
    """Nothing is lost without a word, and I am told which shape keeps it."""
    with pytest.raises(FtarenaError) as error:
        row_of(example, shape)
    assert error.value.message == f"rows.jsonl:1 cannot be written as {shape}: {why}"
    fitting = error.value.hint.split()[2]
    assert fitting in KINDS and row_of(example, fitting)  # type: ignore[arg-type]  # any of the shapes


DEMO = Path(__file__).parents[2] / "data" / "demo" / "sft.jsonl"


@pytest.mark.parametrize("shape", ["messages", "sharegpt", "alpaca", "completion"])
def test_the_demo_data_mean_the_same_in_every_spelling(shape: Shape, tmp_path: Path) -> None:
    """Whichever tool the data were written for, what is learned from them is the same."""
    examples = load_examples(DEMO)
    write_rows((row_of(example, shape) for example in examples), tmp_path / "other.jsonl")
    again = load_examples(tmp_path / "other.jsonl")
    assert len(again) == 384 and {example.shape for example in again} == {shape}
    assert [example.meaning for example in again] == [example.meaning for example in examples]
