"""A list of messages, understood: who says what, with which tools, in which order.

Both spellings of a message are read (`role`/`content` and `from`/`value`), and any other through
`Columns.tags`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ftarena.curation.examples import BadRow, Role, ToolCall, Turn, Turns
from ftarena.curation.shapes.calls import calls_of
from ftarena.curation.shapes.values import check_characters, checked_text, kind_of, parsed_list
from ftarena.curation.sources import Columns
from ftarena.text import shorten

Word = Literal["system", "user", "assistant", "tool", "call"]
"""What a role can mean; a `call` is a turn of the assistant that holds nothing but calls of tools."""

OPENAI: Mapping[str, Word] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
SHAREGPT: Mapping[str, Word] = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "function_call": "call",
    "observation": "tool",
    "tool": "tool",
}
_TAGS: Mapping[str, Word] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function_call": "call",
}
_REASONING = ("reasoning_content", "reasoning", "thinking")
_WEIGHTS = ("weight", "loss_weight", "train")


@dataclass(frozen=True, slots=True)
class Spelling:
    """How the messages of one list are written."""

    role: str
    content: str
    words: Mapping[str, Word]
    reasoning: Sequence[str] = _REASONING
    weights: Sequence[str] = _WEIGHTS


_PLAIN = Spelling("role", "content", OPENAI)
_SHAREGPT = Spelling("from", "value", SHAREGPT)


def spelling_of(messages: Sequence[Any], columns: Columns, *, sharegpt: bool = False) -> Spelling:
    """Return how a list of messages is written, by its first one and by what was said of the file.

    Args:
        messages: The list.
        columns: Its `tags` go before what the first message looks like.
        sharegpt: Whether ShareGPT's words for roles are expected even beside `role`.
    """
    first = messages[0] if messages and isinstance(messages[0], dict) else {}
    tags = columns.tags
    if not tags:
        if not sharegpt and "role" in first and "content" in first:
            return _PLAIN
        if "from" in first and "value" in first:
            return _SHAREGPT
    role = tags.get("role") or ("from" if "from" in first and "role" not in first else "role")
    content = tags.get("content") or ("value" if "value" in first and "content" not in first else "content")
    if sharegpt and not first:
        role, content = tags.get("role", "from"), tags.get("content", "value")
    words = {**OPENAI, **SHAREGPT} if tags else dict(SHAREGPT if sharegpt or role == "from" else OPENAI)
    for tag, meaning in _TAGS.items():
        words.update(dict.fromkeys(tags.get(tag, "").split("|"), meaning))
    words.pop("", None)
    reasoning = (tags["reasoning"],) if tags.get("reasoning") else _REASONING
    weights = (tags["learned"],) if tags.get("learned") else _WEIGHTS
    return Spelling(role, content, words, reasoning, weights)


def turns_of(
    value: Any,
    where: str,
    columns: Columns,
    *,
    sharegpt: bool = False,
    sparse: bool = False,
    wanted: str = "",
) -> Turns:
    """Return the turns of a list of messages, in whatever order they are: see `check_order`.

    Args:
        value: What stands in the row; a list, or a list as JSON text.
        where: The name of its column, for messages.
        columns: Names of keys and words for roles.
        sharegpt: Whether ShareGPT's words are expected.
        sparse: Whether nulls in calls of tools are absent keys, see `values.is_columnar`.
        wanted: What may stand there, for messages; a list of messages by default.

    Raises:
        BadRow: Something in it is not as it must be.
    """
    value = parsed_list(value, where)
    if not isinstance(value, list):
        raise BadRow("type", f"{where} must be {wanted or 'a list of messages'}, found {kind_of(value)}")
    if not value:
        raise BadRow("empty", f"{where} is an empty list")
    spelling = spelling_of(value, columns, sharegpt=sharegpt)
    role_key, content_key, words = spelling.role, spelling.content, spelling.words
    turns: list[Turn] = []
    for index, item in enumerate(value):
        # Most messages are two texts; this way 100,000 conversations take a second, not three.
        if type(item) is dict and len(item) == 2:
            word, content = item.get(role_key), item.get(content_key)
            if type(word) is str and type(content) is str and content and not content.isspace():
                role = words.get(word)
                if role is not None and role != "call":
                    if not content.isascii():
                        check_characters(content, f"{where}[{index}].{content_key}")
                    turns.append(Turn(role, content))
                    continue
        turns.append(_turn(item, f"{where}[{index}]", spelling, sparse))
    return tuple(turns)


def turn_of(item: Any, where: str, columns: Columns, *, sparse: bool = False) -> Turn:
    """Return one message that stands by itself.

    Raises:
        BadRow: It is not as it must be.
    """
    return _turn(item, where, spelling_of([item], columns), sparse)


def check_order(turns: Sequence[Turn], where: str) -> None:
    """Refuse turns that no chat ever has: [system], then user, assistant, user, assistant …

    A call of tools is followed by their answers, and those by the assistant. The last turn may be anybody's.

    Raises:
        BadRow: Code `system` or `order`.
    """
    before: Turn | None = None
    for index, turn in enumerate(turns):
        role = turn.role
        if role == "system":
            if index:
                raise BadRow("system", f"{where}[{index}] is a system message; it may only come first")
            continue
        if before is None:
            expected: tuple[Role, ...] = ("user",)
        elif before.role == "user":
            expected = ("assistant",)
        elif before.role == "tool":
            expected = ("tool", "assistant")
        else:
            expected = ("tool",) if before.tool_calls else ("user",)
        if role not in expected:
            raise BadRow("order", _out_of_order(turns, index, before, expected, where))
        if turn.tool_call_id is not None:
            _check_call(turns, index, where)
        before = turn


def _out_of_order(
    turns: Sequence[Turn], index: int, before: Turn | None, expected: tuple[Role, ...], where: str
) -> str:
    if before is None and all(turn.role != "user" for turn in turns):
        end = "have" if where.endswith("s") else "has"
        return f"{where} {end} no turn of the user before the last answer"
    place = f"{where}[{index}] is a turn of the {turns[index].role}"
    if before is None:
        return f"{place}, but a conversation begins with the user's"
    after = "a call of tools" if before.tool_calls else f"one of the {before.role}"
    wanted = " or the ".join(expected)
    return f"{place} after {after}: expected is the {wanted}'s"


def _check_call(turns: Sequence[Turn], index: int, where: str) -> None:
    """Refuse an answer to a call that was not made; files without ids are left alone."""
    at = index - 1
    while turns[at].role == "tool":
        at -= 1
    ids = {call.id for call in turns[at].tool_calls}
    if None not in ids and turns[index].tool_call_id not in ids:
        id = shorten(str(turns[index].tool_call_id), 30)
        raise BadRow("order", f"{where}[{index}] answers the call {id!r}, which {where}[{at}] does not make")


def _turn(item: Any, where: str, spelling: Spelling, sparse: bool) -> Turn:
    if not isinstance(item, dict):
        keys = f"{spelling.role} and {spelling.content}"
        raise BadRow("type", f"{where} must be an object with {keys}, found {kind_of(item)}")
    word = item.get(spelling.role)
    if spelling.role not in item:
        raise BadRow("field", f"{where} has no {spelling.role}")
    if not isinstance(word, str):
        raise BadRow("type", f"{where}.{spelling.role} must be text, found {kind_of(word)}")
    role = spelling.words.get(word)
    if role is None:
        # One word for each role, the first that this way of writing has for it.
        by_role = {
            meaning: name for name, meaning in reversed(list(spelling.words.items())) if meaning != "call"
        }
        names = [
            shorten(by_role[role], 20) for role in ("system", "user", "assistant", "tool") if role in by_role
        ]
        expected = f"{', '.join(names[:-1])} or {names[-1]}"
        raise BadRow("role", f"{where}.{spelling.role} is {shorten(word, 20)!r}, expected {expected}")
    content, place = item.get(spelling.content), f"{where}.{spelling.content}"
    if role == "call":
        if spelling.content not in item:
            raise BadRow("field", f"{where} has no {spelling.content}")
        return Turn(
            "assistant", "", calls_of(content, place, sparse=sparse), learned=_learned(item, where, spelling)
        )
    text, reasoning, calls = "", "", _calls(item, where, sparse) if role == "assistant" else ()
    if isinstance(content, list):
        text, reasoning, more = _parts(content, place, sparse)
        calls += more if role == "assistant" else ()
    elif isinstance(content, str):
        text = content
    if role == "assistant":
        for key in spelling.reasoning:
            if item.get(key):
                reasoning = checked_text(item[key], f"{where}.{key}")
                break
    if calls:
        if content is not None and not isinstance(content, str | list):
            raise BadRow("type", f"{place} must be text, found {kind_of(content)}")
        check_characters(text, place)
        text = "" if text.isspace() else text
    elif spelling.content not in item:
        raise BadRow("field", f"{where} has no {spelling.content}")
    elif role == "tool" and isinstance(content, str):  # a tool may well have nothing to say
        check_characters(text, place)
    else:
        text = checked_text(text if isinstance(content, list) else content, place)
    if role != "assistant":
        if role != "tool":
            return Turn(role, text)
        name, call_id = (_optional(item, key, where) for key in ("name", "tool_call_id"))
        return Turn("tool", text, name=name, tool_call_id=call_id)
    return Turn("assistant", text, calls, reasoning, learned=_learned(item, where, spelling))


def _calls(item: Mapping[str, Any], where: str, sparse: bool) -> tuple[ToolCall, ...]:
    for key in ("tool_calls", "function_call"):
        if item.get(key):
            return calls_of(item[key], f"{where}.{key}", sparse=sparse)
    return ()


def _optional(item: Mapping[str, Any], key: str, where: str) -> str | None:
    value = item.get(key)
    return None if value is None or value == "" else checked_text(value, f"{where}.{key}")


def _learned(item: Mapping[str, Any], where: str, spelling: Spelling) -> bool:
    if item.get("train_detail"):
        raise BadRow("type", f"{where}.train_detail is not read: answers are learned whole or not at all")
    for key in spelling.weights:
        weight = item.get(key)
        if weight is None:
            continue
        if weight not in (0, 1) or isinstance(weight, str):
            raise BadRow("type", f"{where}.{key} must be 0 or 1, or true or false, found {str(weight)[:20]}")
        return bool(weight)
    return True


def _parts(parts: Sequence[Any], where: str, sparse: bool) -> tuple[str, str, tuple[ToolCall, ...]]:
    """Return text, reasoning and calls of a content that is written in parts."""
    texts: list[str] = []
    reasoning: list[str] = []
    calls: tuple[ToolCall, ...] = ()
    for index, part in enumerate(parts):
        place = f"{where}[{index}]"
        if isinstance(part, str):
            texts.append(part)
            continue
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise BadRow("type", f"{place} must be an object with a type, found {kind_of(part)}")
        kind = part["type"]
        found = next((part[k] for k in ("text", "value", kind, "content") if part.get(k) is not None), None)
        if kind in ("text", "input_text", "output_text", "reasoning", "thinking"):
            if not isinstance(found, str):
                raise BadRow("type", f"{place} must hold text, found {kind_of(found)}")
            (reasoning if kind in ("reasoning", "thinking") else texts).append(found)
        elif kind in ("tool_call", "function_call"):
            calls += calls_of(part if found is None else found, place, sparse=sparse)
        else:
            kind = shorten(kind, 20)
            raise BadRow("type", f"{place} is of type {kind!r}; only text is trained on")
    thought = "".join(reasoning)
    check_characters(thought, where)
    return "".join(texts), thought, calls
