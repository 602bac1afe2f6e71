"""Tools: the functions on offer, and the calls of them, in every spelling that is in use.

OpenAI's `tool_calls` and legacy `function_call`, LLaMA-Factory's turns of `function_call` (JSON as text) and
the plain `{"name", "arguments"}` of TRL's documentation all become `ToolCall`.
"""

import json
from typing import Any

from ftarena.curation.examples import BadRow, ToolCall
from ftarena.curation.shapes.values import check_characters, kind_of, parsed_list, without_nulls


def calls_of(value: Any, where: str, *, sparse: bool = False) -> tuple[ToolCall, ...]:
    """Return the calls of one turn.

    Args:
        value: A call, a list of calls, or either as JSON text.
        where: Its place in the row, for messages.
        sparse: Whether null arguments are absent ones, see `values.is_columnar`.

    Raises:
        BadRow: They are not what calls must be.
    """
    if isinstance(value, str):
        value = _parsed(value, where)
    items = value if isinstance(value, list) else [value]
    if not items:
        raise BadRow("empty", f"{where} holds no call")
    single = not isinstance(value, list)
    return tuple(_call(item, where if single else f"{where}[{i}]", sparse) for i, item in enumerate(items))


def tools_of(value: Any, where: str, *, sparse: bool = False) -> str:
    """Return the functions on offer as a JSON list in text, or nothing where there are none.

    Functions without a wrapper (`functions` of the legacy API, LLaMA-Factory's) get OpenAI's.

    Args:
        value: A list, or one as JSON text.
        where: Its place in the row, for messages.
        sparse: Whether nulls in it are absent keys, see `values.is_columnar`.

    Raises:
        BadRow: It is no list of objects, or a function has no name.
    """
    if isinstance(value, str) and not value.strip():
        return ""
    value = parsed_list(value, where)
    if not isinstance(value, list):
        raise BadRow("type", f"{where} must be a list of functions, found {kind_of(value)}")
    if not value:
        return ""
    tools = []
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise BadRow("type", f"{where}[{index}] must be an object, found {kind_of(item)}")
        wrapped = item if "type" in item and "name" not in item else {"type": "function", "function": item}
        function = wrapped.get("function")
        if wrapped["type"] == "function" and not (
            isinstance(function, dict) and isinstance(function.get("name"), str)
        ):
            raise BadRow("field", f"{where}[{index}] has no name")
        tools.append(without_nulls(wrapped) if sparse else wrapped)
    return _written(tools, where)


def _call(item: Any, where: str, sparse: bool) -> ToolCall:
    if isinstance(item, str):
        item = _parsed(item, where)
    if not isinstance(item, dict):
        raise BadRow("type", f"{where} must be an object with name and arguments, found {kind_of(item)}")
    function = item.get("function")
    if function is None:
        function = item
    if not isinstance(function, dict):
        raise BadRow("type", f"{where}.function must be an object, found {kind_of(function)}")
    name, id = function.get("name"), item.get("id")
    if not isinstance(name, str) or not name.strip():
        raise BadRow("field", f"{where} has no name of a function")
    if id is not None and not isinstance(id, str):
        raise BadRow("type", f"{where}.id must be text, found {kind_of(id)}")
    arguments = function.get("arguments")
    if arguments is None:
        arguments = {}
    if isinstance(arguments, str):
        arguments = _parsed(arguments, f"{where}.arguments") if arguments.strip() else {}
    elif sparse:
        arguments = without_nulls(arguments)
    if not isinstance(arguments, dict):
        raise BadRow("type", f"{where}.arguments must be a JSON object, found {kind_of(arguments)}")
    check_characters(name, where)
    return ToolCall(name, _written(arguments, f"{where}.arguments", sort=True), id)


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadRow("json", f"{where} must be JSON, found other text") from None


def _written(value: Any, where: str, *, sort: bool = False) -> str:
    try:
        text = json.dumps(
            value,
            ensure_ascii=False,
            allow_nan=False,
            sort_keys=sort,
            separators=(",", ":") if sort else None,
        )
    except ValueError:
        raise BadRow("type", f"{where} holds a number that JSON does not have") from None
    check_characters(text, where)
    return text
