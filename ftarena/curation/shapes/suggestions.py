"""What a row of unknown shape looks like: the mapping of columns that would make it readable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ftarena.curation.examples import Shape
from ftarena.text import clean_line

_QUESTIONS = (
    *("prompt", "question", "query", "instruction", "problem", "input", "user", "human", "article"),
    *("frage", "pregunta", "domanda", "pergunta", "вопрос", "问题", "質問", "질문"),
)
_ANSWERS = (
    *("completion", "answer", "response", "output", "solution", "target", "reply", "assistant"),
    *("antwort", "réponse", "reponse", "respuesta", "risposta", "resposta", "ответ", "回答", "答案", "답변"),
    *("summary", "generation", "text"),
)
_PAIRS = (("chosen_response", "rejected_response"), ("preferred", "dispreferred"), ("accepted", "rejected"))
_CONTEXTS = ("input", "context", "passage", "document")
_SYSTEMS = ("system_prompt", "system_message")


@dataclass(frozen=True, slots=True)
class Guess:
    """What a row looks like."""

    looks: str
    """In words, cleaned: `Question and Answer`."""

    names: Mapping[str, str]
    """What its columns mean, as `Columns.names` has it: ours → the file's."""


def suggestion(row: Mapping[str, Any], shapes: Sequence[Shape]) -> str:
    """Return what a row looks like and the option that says so, or nothing where no guess is good.

    Args:
        row: The row; only its keys and the types of its values are looked at.
        shapes: What it may be.
    """
    found = guess(row, shapes)
    if found is None:
        return ""
    pairs = ",".join(f"{ours}={_shown(theirs)}" for ours, theirs in found.names.items())
    return f"looks like {found.looks}: --columns {pairs}"


def guess(row: Mapping[str, Any], shapes: Sequence[Shape]) -> Guess | None:
    """Return what the columns of a row seem to mean, or None where no guess is good; as `suggestion`."""
    names = {key.casefold(): key for key in row if isinstance(key, str)}
    for key, value in row.items():
        if "messages" in shapes and isinstance(value, list) and value and isinstance(value[0], dict):
            first = value[0]
            if ("role" in first or "from" in first) and key not in ("prompt", "completion"):
                return _option(f"a conversation in {_shown(key)}", {"messages": key})
    question = next((names[name] for name in _QUESTIONS if _is_text(row, names.get(name))), None)
    if question is None:
        return None
    if "completion" not in shapes:
        return None if question == "prompt" else _option(_shown(question), {"prompt": question})
    column = next((names[name] for name in _SYSTEMS if name in names), None)
    system = {"system": column} if column else {}
    for chosen, rejected in _PAIRS:
        if "preference" in shapes and chosen in names and rejected in names:
            mapping = {"prompt": question, "chosen": names[chosen], "rejected": names[rejected], **system}
            return _option("a preference pair", mapping)
    for name in _ANSWERS:
        answer = names.get(name)
        if answer is not None and answer != question and _is_text(row, answer):
            looks = f"{_shown(question)} and {_shown(answer)}"
            context = next((names[name] for name in _CONTEXTS if _is_text(row, names.get(name))), question)
            if "alpaca" in shapes and context not in (question, answer):
                mapping = {"instruction": question, "input": context, "output": answer, **system}
                return _option(f"{looks} with {_shown(context)}", mapping)
            return _option(looks, {"prompt": question, "completion": answer, **system})
    return None


def _option(looks: str, mapping: Mapping[str, str]) -> Guess | None:
    names = {ours: theirs for ours, theirs in mapping.items() if ours != theirs}
    return Guess(looks, names) if names else None


def _is_text(row: Mapping[str, Any], name: str | None) -> bool:
    return name is not None and isinstance(row[name], str)


def _shown(name: str) -> str:
    return clean_line(name)[:40]
