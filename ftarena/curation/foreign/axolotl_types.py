"""What a `type` of Axolotl says about the columns: the shape of the rows, and which column is what."""

from collections.abc import Mapping
from typing import Any

from ftarena.curation.examples import Shape
from ftarena.curation.sources import Columns
from ftarena.errors import FtarenaError
from ftarena.text import shorten

_ALPACA = {"system": "", "history": ""}  # its plain Alpaca types read neither
_INSTRUCTIONS: Mapping[str, Mapping[str, str]] = {
    "alpaca": _ALPACA,
    "alpaca_instruct": _ALPACA,
    "alpaca_chat": _ALPACA,
    "alpaca_chat.load_concise": _ALPACA,
    "alpaca_chat.load_no_prompt": _ALPACA,
    "alpaca_chat.load_qa": {"instruction": "question", "output": "answer", "input": "", **_ALPACA},
    "alpaca_chat.load_camel_ai": {"instruction": "message_1", "output": "message_2", "input": "", **_ALPACA},
    "alpaca_w_system": {"history": ""},
    "alpaca_w_system.load_instruct": {"history": ""},
    "alpaca_w_system.load_chat": {"history": ""},
    "alpaca_w_system.load_open_orca": {
        "instruction": "question",
        "output": "response",
        "system": "system_prompt",
        "input": "",
        "history": "",
    },
    "alpaca_w_system.load_open_orca_chatml": {
        "instruction": "question",
        "output": "response",
        "system": "system_prompt",
        "input": "",
        "history": "",
    },
    "gpteacher": {"output": "response", **_ALPACA},
    "oasst": {"instruction": "INSTRUCTION", "output": "RESPONSE", "input": "", **_ALPACA},
    "metharme": {"instruction": "prompt", "output": "generation", "input": "", **_ALPACA},
}
_PREFERENCES: Mapping[str, Mapping[str, str]] = {
    "argilla": {"prompt": "instruction", "chosen": "chosen_response", "rejected": "rejected_response"},
    "argilla_chat": {"prompt": "", "messages": ""},
    "icr": {"prompt": "input"},
    "intel": {"prompt": "question"},
    "prompt_pairs": {},
    "ultra": {},
    "default": {},
}
"""By what follows `chatml.` or `llama3.`; KTO has the same columns, with `completion` as the answer."""

_USER_DEFINED = {
    "field_system": "system",
    "field_prompt": "prompt",
    "field_chosen": "chosen",
    "field_rejected": "rejected",
    "field_completion": "completion",
    "field_label": "label",
}
_USER_ALPACA = {
    "field_system": "system",
    "field_instruction": "instruction",
    "field_input": "input",
    "field_output": "output",
}
_ROLES = ("system", "user", "assistant", "tool")
_PROPERTIES = {
    "role": "role",
    "content": "content",
    "reasoning_content": "reasoning",
    "thinking": "reasoning",
}
_REASONS = {
    "input_output": "segments with a mask of their own: only conversations and texts are read",
    "stepwise_supervised": "rewards for steps: no method here learns from them",
    "zephyr.nectar": "ranked answers: write the best and the worst as chosen and rejected",
    "_synthetic": "made-up tokens: no data",
}


def columns_of(entry: Mapping[str, Any], rl: str | None, where: str) -> tuple[Shape | None, Columns]:
    """Return the shape and the columns of one entry of `datasets:`.

    Args:
        entry: The entry.
        rl: The method of the recipe, where it is one of preferences.
        where: The entry's name, for messages.

    Returns:
        A shape of None where the rows tell it.

    Raises:
        FtarenaError: It is a type that is not read.
    """
    kind = entry.get("type")
    wanted: Shape | None = None if rl is None else ("kto" if rl == "kto" else "preference")
    if isinstance(kind, Mapping):
        return _user_defined(kind, wanted, where)
    if kind is None:
        raise FtarenaError(
            f"{where} has no type: its rows are tokens already", "give the conversations they were made of"
        )
    name = str(kind).partition(":")[0].removesuffix(".load")
    if name in _INSTRUCTIONS:
        return "alpaca", Columns(dict(_INSTRUCTIONS[name]))
    if name == "completion":
        field = entry.get("field") or "text"
        return "text", Columns({"text": _text(field, "field", where)})
    if name in ("sharegpt", "sharegpt.load_role", "pygmalion"):
        return "sharegpt", _sharegpt(entry, where)
    if name == "chat_template" or name.startswith("chat_template."):
        return _chat_template(entry, wanted, where)
    family, _, style = name.partition(".")
    if family in ("chatml", "llama3") and (style or "default") in _PREFERENCES:
        return wanted, Columns(dict(_PREFERENCES[style or "default"]))
    why = _REASONS.get(name, "")
    raise FtarenaError(
        f"{where}: type {shorten(str(kind), 40)!r} is not read"
        + (f" ({why.partition(':')[0]})" if why else ""),
        why.partition(": ")[2]
        or "convert the rows to messages, or give the file and say what its columns mean",
    )


def _user_defined(kind: Mapping[str, Any], wanted: Shape | None, where: str) -> tuple[Shape | None, Columns]:
    if kind.get("system_prompt"):
        raise FtarenaError(
            f"{where}: type.system_prompt is one prompt for all rows", "put it into a column, as field_system"
        )
    fields, known = ({"history": ""}, _USER_ALPACA) if wanted is None else ({}, _USER_DEFINED)
    for field, ours in known.items():
        if kind.get(field):
            fields[ours] = _text(kind[field], f"type.{field}", where)
    return wanted or "alpaca", Columns(fields)


def _sharegpt(entry: Mapping[str, Any], where: str) -> Columns:
    names = {"conversations": _text(entry.get("field_messages") or "conversations", "field_messages", where)}
    tags = {
        ours: _text(entry[field], field, where)
        for field, ours in (("field_human", "user"), ("field_model", "assistant"))
        if entry.get(field)
    }
    return Columns(names, tags | _roles(entry, where))


def _chat_template(
    entry: Mapping[str, Any], wanted: Shape | None, where: str
) -> tuple[Shape | None, Columns]:
    style = str(entry["type"]).partition(".")[2]
    trained = entry.get("roles_to_train", ["assistant"])
    if trained is not None and list(trained) != ["assistant"]:
        raise FtarenaError(
            f"{where}: roles_to_train is {shorten(str(trained), 40)}; answers of the assistant are learned",
            "leave it out; a turn that is context only is marked: train: false",
        )
    names = {"messages": _text(entry.get("field_messages") or "messages", "field_messages", where)}
    if entry.get("field_tools"):
        names["tools"] = _text(entry["field_tools"], "field_tools", where)
    if wanted is not None:
        names |= {"prompt": "", "conversations": "", "instruction": ""}
        if style.startswith("argilla"):
            names["messages"] = ""
        for ours in ("chosen", "rejected"):
            names[ours] = _text(entry.get(f"field_{ours}") or ours, f"field_{ours}", where)
    tags = _roles(entry, where)
    for field, ours in (
        ("message_field_role", "role"),
        ("message_field_content", "content"),
        ("message_field_training", "learned"),
        ("field_thinking", "reasoning"),
    ):
        if entry.get(field):
            tags[ours] = _text(entry[field], field, where)
    mappings = entry.get("message_property_mappings") or {}
    if not isinstance(mappings, Mapping):
        raise FtarenaError(f"{where}: message_property_mappings must be a mapping", "write role: from")
    for key, theirs in mappings.items():
        if key in _PROPERTIES:
            tags[_PROPERTIES[key]] = _text(theirs, f"message_property_mappings.{key}", where)
        elif key != theirs:
            raise FtarenaError(
                f"{where}: message_property_mappings.{shorten(str(key), 30)} is not read",
                f"read are {', '.join(_PROPERTIES)}",
            )
    return (wanted or "messages"), Columns(names, tags)


def _roles(entry: Mapping[str, Any], where: str) -> dict[str, str]:
    """Return the words for each role, several of them separated by a bar."""
    roles = entry.get("roles") or {}
    tags = {}
    for role, words in roles.items() if isinstance(roles, Mapping) else [(roles, None)]:
        if (
            role not in _ROLES
            or not isinstance(words, list)
            or not all(isinstance(word, str) for word in words)
        ):
            raise FtarenaError(
                f"{where}: roles.{shorten(str(role), 30)} is not read",
                f"roles has lists of words for {', '.join(_ROLES)}",
            )
        tags[role] = "|".join(words)
    return tags


def _text(value: Any, field: str, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise FtarenaError(f"{where}: {field} must be the name of a column", "write it as text")
    return value
