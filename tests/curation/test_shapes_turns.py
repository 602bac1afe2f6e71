"""Messages: tool calls, reasoning, weights and the order of turns."""

from pathlib import Path
from typing import Any

import pytest

from ftarena.curation.examples import BadRow, Example, ToolCall, Turn
from ftarena.curation.shapes import example_of

ARGUMENTS = '{"city":"Rome","days":2}'


def read(messages: Any, **columns: Any) -> Example:
    return example_of(Path("rows.jsonl"), 1, {"messages": messages} | columns)


def refused(messages: Any, **columns: Any) -> tuple[str, str]:
    """Return code and message of a conversation that cannot be used."""
    with pytest.raises(BadRow) as bad:
        read(messages, **columns)
    return bad.value.code, str(bad.value)


def say(roles: str) -> list[dict[str, Any]]:
    """Return messages by their initials; `c` is an assistant that calls a tool."""
    names = {"s": "system", "u": "user", "a": "assistant", "t": "tool", "d": "developer", "c": "assistant"}
    call = {"function": {"name": "f", "arguments": "{}"}}
    return [
        {"role": names[role], "content": role} | ({"tool_calls": [call]} if role == "c" else {})
        for role in roles
    ]


@pytest.mark.parametrize("roles", ["ua", "sua", "dua", "uaua", "uc", "ucta", "uctta", "suctctaua", "ucta"])
def test_legal_orders(roles: str) -> None:
    """What chat templates render and servers send is taken."""
    assert len(read(say(roles)).prompt) == len(roles) - 1


@pytest.mark.parametrize(
    ("roles", "code", "said"),
    [
        (
            "uua",
            "order",
            "messages[1] is a turn of the user after one of the user: expected is the assistant's",
        ),
        (
            "uaa",
            "order",
            "messages[2] is a turn of the assistant after one of the assistant: expected is the user's",
        ),
        ("aua", "order", "messages[0] is a turn of the assistant, but a conversation begins with the user's"),
        ("sa", "order", "messages have no turn of the user before the last answer"),
        (
            "uca",
            "order",
            "messages[2] is a turn of the assistant after a call of tools: expected is the tool's",
        ),
        (
            "uata",
            "order",
            "messages[2] is a turn of the tool after one of the assistant: expected is the user's",
        ),
        (
            "uctua",
            "order",
            "messages[3] is a turn of the user after one of the tool: expected is the tool or the a",
        ),
        ("usa", "system", "messages[1] is a system message; it may only come first"),
        ("ssua", "system", "messages[1] is a system message; it may only come first"),
        ("uau", "order", "messages end with a turn of the user: the assistant's answer is missing"),
        ("uct", "order", "messages end with a turn of the tool: the assistant's answer is missing"),
    ],
)
def test_turns_out_of_order_are_named(roles: str, code: str, said: str) -> None:
    """I am told which turn, not only that something is wrong."""
    found = refused(say(roles))
    assert found[0] == code and found[1].startswith(said)


CALLS = [
    {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "w", "arguments": ARGUMENTS}}]},
    {"tool_calls": [{"id": "1", "function": {"name": "w", "arguments": {"days": 2, "city": "Rome"}}}]},
    {"tool_calls": [{"id": "1", "name": "w", "arguments": {"days": 2, "city": "Rome"}}]},
    {"content": [{"type": "tool_call", "value": '{"name": "w", "arguments": ' + ARGUMENTS + "}"}]},
    {"function_call": {"name": "w", "arguments": ARGUMENTS}},
]


@pytest.mark.parametrize("spelling", CALLS)
def test_a_call_survives_in_every_spelling(spelling: dict[str, Any]) -> None:
    """Arguments as text or as an object, with or without ids: the same call."""
    message = {"role": "assistant", "content": None} | spelling
    (turn,) = read([{"role": "user", "content": "q"}, message]).completion
    id = "1" if "tool_calls" in spelling else None
    assert turn == Turn("assistant", "", (ToolCall("w", ARGUMENTS, id),))


def test_sharegpts_calls_are_calls() -> None:
    """LLaMA-Factory's function_call and observation become what OpenAI has."""
    two = '[{"name": "w", "arguments": {"days": 2, "city": "Rome"}}, {"name": "now"}]'
    row = {
        "conversations": [
            {"from": "human", "value": "q"},
            {"from": "function_call", "value": two},
            {"from": "observation", "value": "sun"},
            {"from": "gpt", "value": "a"},
        ],
        "tools": '[{"name": "w", "parameters": {}}]',
    }
    example = example_of(Path("x.json"), 1, row)
    assert example.prompt[1] == Turn("assistant", "", (ToolCall("w", ARGUMENTS), ToolCall("now", "{}")))
    assert example.prompt[2] == Turn("tool", "sun")
    assert example.tools == '[{"type": "function", "function": {"name": "w", "parameters": {}}}]'


def test_answers_of_tools_keep_what_they_refer_to() -> None:
    """Names and ids survive; an answer to a call that nobody made is out of order."""
    call = {"id": "1", "function": {"name": "w", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "sun", "name": "w", "tool_call_id": "1"},
        {"role": "assistant", "content": "a"},
    ]
    assert read(messages).prompt[2] == Turn("tool", "sun", name="w", tool_call_id="1")
    messages[2]["tool_call_id"] = "2"
    assert refused(messages) == (
        "order",
        "messages[2] answers the call '2', which messages[1] does not make",
    )


@pytest.mark.parametrize(
    ("call", "code", "said"),
    [
        ({"function": {"name": "w", "arguments": "{"}}, "json", "tool_calls[0].arguments must be JSON"),
        (
            {"function": {"name": "w", "arguments": "[1]"}},
            "type",
            "arguments must be a JSON object, found a list",
        ),
        ({"function": {"arguments": "{}"}}, "field", "tool_calls[0] has no name of a function"),
        ({"id": 1, "name": "w"}, "type", "tool_calls[0].id must be text, found a number"),
        (3, "type", "tool_calls[0] must be an object with name and arguments, found a number"),
        ({"name": "w", "arguments": {"a": float("nan")}}, "type", "holds a number that JSON does not have"),
        ({"name": "w", "arguments": '{"a": "\\ud800"}'}, "surrogate", "has half of a surrogate pair"),
    ],
)
def test_broken_calls_are_named(call: Any, code: str, said: str) -> None:
    """A model that learned arguments that no parser reads would never be able to call."""
    found = refused(
        [{"role": "user", "content": "q"}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    )
    assert found[0] == code and said in found[1] and "messages[1].tool_calls" in found[1]


@pytest.mark.parametrize("tools", ["[]", [], "", None])
def test_no_tools_are_no_tools(tools: Any) -> None:
    """However a file writes that there are none."""
    assert read(say("ua"), tools=tools).tools == ""


@pytest.mark.parametrize(
    ("tools", "code", "said"),
    [
        ("add", "type", "tools must be a list of functions, found text"),
        ([3], "type", "tools[0] must be an object, found a number"),
        ([{"type": "function", "function": {}}], "field", "tools[0] has no name"),
        ("[{", "json", "tools holds broken JSON"),
    ],
)
def test_broken_tools_are_named(tools: Any, code: str, said: str) -> None:
    """Tools are JSON in a row, and can be wrong like it."""
    found = refused(say("ua"), tools=tools)
    assert found[0] == code and found[1].startswith(said)


def test_legacy_functions_are_tools() -> None:
    """`functions`, `function_call` and the role `function` of the first API."""
    example = read(
        [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
            {"role": "assistant", "content": "a"},
        ],
        functions=[{"name": "f"}],
    )
    assert example.prompt[2] == Turn("tool", "1", name="f")
    assert example.tools == '[{"type": "function", "function": {"name": "f"}}]'


def test_reasoning_is_kept_apart() -> None:
    """What was thought is no part of what was said, where the file keeps the two apart."""
    spellings = [
        {"content": "a", "reasoning_content": "r"},
        {"content": [{"type": "reasoning", "value": "r"}, {"type": "text", "value": "a"}]},
        {"content": [{"type": "thinking", "thinking": "r"}, {"type": "text", "text": "a"}]},
    ]
    for spelling in spellings:
        (turn,) = read([{"role": "user", "content": "q"}, {"role": "assistant"} | spelling]).completion
        assert turn == Turn("assistant", "a", reasoning="r")


@pytest.mark.parametrize("mark", [{"weight": 0}, {"train": False}, {"loss_weight": 0.0}])
def test_an_answer_may_be_context_only(mark: dict[str, Any]) -> None:
    """OpenAI's, Axolotl's and LLaMA-Factory's way to say that an answer is not to be learned."""
    messages = say("uaua")
    messages[1] |= mark
    messages[2] |= {"weight": 0}  # of a user this says nothing
    example = read(messages)
    assert [turn.learned for turn in (*example.prompt, *example.completion)] == [True, False, True, True]


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ({"weight": 0.5}, "messages[1].weight must be 0 or 1, or true or false, found 0.5"),
        ({"weight": "1"}, "messages[1].weight must be 0 or 1, or true or false, found 1"),
        ({"train_detail": [{"begin_offset": 0}]}, "messages[1].train_detail is not read"),
    ],
)
def test_half_learned_answers_are_refused(mark: dict[str, Any], said: str) -> None:
    """What cannot be done is not done silently in another way."""
    messages = say("ua")
    messages[1] |= mark
    assert refused(messages)[1].startswith(said)


@pytest.mark.parametrize(
    ("message", "code", "said"),
    [
        ({"role": "assistant", "content": ""}, "empty", "messages[1].content is empty"),
        ({"role": "assistant", "content": []}, "empty", "messages[1].content is empty"),
        ({"role": "assistant", "content": 3}, "type", "messages[1].content must be text, found a number"),
        (
            {"role": "assistant", "content": [3]},
            "type",
            "messages[1].content[0] must be an object with a type",
        ),
        ({"role": 3, "content": "a"}, "type", "messages[1].role must be text, found a number"),
        ({"content": "a"}, "field", "messages[1] has no role"),
        ({"role": "assistant", "tool_calls": []}, "field", "messages[1] has no content"),
        (
            {"role": "bot", "content": "a"},
            "role",
            "messages[1].role is 'bot', expected system, user, assistant or t",
        ),
        (
            {"role": "assistant", "content": "\ud800"},
            "surrogate",
            "messages[1].content has half of a surrogate",
        ),
    ],
)
def test_broken_messages_are_named(message: Any, code: str, said: str) -> None:
    """File, line, field, expected and found."""
    found = refused([{"role": "user", "content": "q"}, message])
    assert found[0] == code and found[1].startswith(said)


def test_an_unknown_role_is_told_in_the_words_of_the_file() -> None:
    """A file that says human and gpt is not told to say user and assistant."""
    code, said = refused([{"from": "human", "value": "q"}, {"from": "butler", "value": "a"}])
    assert code == "role"
    assert said == "messages[1].from is 'butler', expected system, human, gpt or observation"
