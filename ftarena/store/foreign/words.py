"""What several programs' files share: texts, times, verdicts in words, and which field is what."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ftarena.store.foreign.reading import Record
from ftarena.store.ids import iso
from ftarena.store.rows import Outcome

Turns = tuple[tuple[str, str], ...]

JUDGE = "judge:"
"""How names of judges begin."""

_WORDS: dict[str, Outcome] = {
    **dict.fromkeys(("left", "a", "1", "first", "model_a", "response_a", "a is better"), "left"),
    **dict.fromkeys(("right", "b", "2", "second", "model_b", "response_b", "b is better"), "right"),
    **dict.fromkeys(
        ("tie", "equal", "same", "draw", "both", "both good", "both_good", "both are good"), "tie"
    ),
    **dict.fromkeys(
        ("tie (bothbad)", "bothbad", "both bad", "both_bad", "both are bad", "neither", "none"), "both_bad"
    ),
}

_PROMPTS = (
    "prompt",
    "instruction",
    "question",
    "query",
    "input",
    "messages",
    "conversation",
    "context",
    "text",
)
_STEMS = (
    "response", "answer", "output", "completion", "generation", "reply", "text", "option", "candidate",
    "summary", "item",
)  # fmt: skip
_SUFFIXES = (("1", "2"), ("_1", "_2"), ("-1", "-2"), ("_a", "_b"), ("-a", "-b"), ("A", "B"), ("_A", "_B"))
_MODELS = (
    ("model_a", "model_b"), ("model_1", "model_2"), ("model1", "model2"), ("generator_1", "generator_2"),
    ("left_model", "right_model"), ("model_left", "model_right"),
)  # fmt: skip


def outcome_of(said: object) -> Outcome | None:
    """Return what a word says, `None` if that is not known."""
    return _WORDS.get(str(said).strip().lower())


def outcome_in(record: Record, said: object) -> Outcome:
    """Return what a word says.

    Raises:
        FtarenaError: It says nothing that is known.
    """
    outcome = outcome_of(said)
    if outcome is None:
        raise record.wrong(
            f"the verdict {said!r} is none of model_a, model_b, tie, tie (bothbad), left, right"
        )
    return outcome


def name_in(record: Record, key: str) -> str:
    """Return the name of a contestant.

    Raises:
        FtarenaError: There is none.
    """
    name = record.values.get(key)
    if not isinstance(name, str) or not name.strip():
        raise record.wrong(f"{key!r} names no contestant")
    return name


def text_in(value: object) -> str | None:
    """Return a text that is written as one, as parts, or as one message in a list; `None` if it is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return text_in(value.get("text", value.get("content")))
    if isinstance(value, list | tuple):
        parts = [text for part in value if (text := text_in(part)) is not None]
        return "\n".join(parts) if parts else None
    return None


def turns_in(value: object) -> Turns | None:
    """Return a conversation that is a list of messages, or a question that is a text."""
    if isinstance(value, str):
        return (("user", value),) if value.strip() else None
    if not isinstance(value, list | tuple) or not value:
        return None
    turns = []
    for message in value:
        if not isinstance(message, Mapping):
            return None
        content = text_in(message.get("content"))
        turns.append((str(message.get("role", "user")), content or ""))
    return tuple(turns)


def moment_in(record: Record, value: object) -> str | None:
    """Return a time as it is stored: from seconds since 1970, ISO 8601, or a time.

    Raises:
        FtarenaError: It is no time.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, int | float):
            moment = datetime.fromtimestamp(round(value, 3), UTC)
        else:
            moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise record.wrong(f"{value!r} is no time") from error
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def prompt_in(fields: Mapping[str, Any], but: Iterable[str]) -> Turns | None:
    """Return what was asked, from the first field that is called like a prompt and is no answer."""
    taken = set(but)
    for key in _PROMPTS:
        if key not in taken and (turns := turns_in(fields.get(key))) is not None:
            return turns
    return None


def answer_fields(fields: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return which two fields are the answers, left and right, by what they are called."""
    pairs = [("left", "right"), *((f"{s}{one}", f"{s}{two}") for s in _STEMS for one, two in _SUFFIXES)]
    for one, two in pairs:
        if all(text_in(fields.get(key)) is not None for key in (one, two)):
            return one, two
    return None


def contestants_of(fields: Mapping[str, Any], answers: tuple[str, str]) -> tuple[str, str]:
    """Return who gave two answers: the models that a field names, else the names of the answers' fields."""
    one, two = answers
    pairs = [*_MODELS, *((f"{one}{end}", f"{two}{end}") for end in ("_model", "-model", ".model"))]
    for a, b in pairs:
        names = fields.get(a), fields.get(b)
        if all(isinstance(name, str) and name.strip() for name in names):
            return str(names[0]), str(names[1])
    return answers
