"""From an answer to a score, 0 to 1. Pure text: nothing is asked and no code of the user's runs here."""

import json
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.evaluation.exam.knowledge import general_question, is_right
from ftarena.evaluation.tasks.items import Item

_NUMBER = re.compile(r"[-\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\d)|[-\u2212]?\.\d+")
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
_FENCE = re.compile(r"\A```(?:json|JSON)?\s*\n(.*?)\n?```\Z", re.DOTALL)
_EDGES = " \t\r\n.,;:!?\"'`*_()[]“”‘’«»"
_SAID = re.compile(r"\b(?:answer|option|choice)\b\W{0,6}(?:is\b)?\W{0,6}([A-Z])(?![\w'])", re.IGNORECASE)
_FIRST = re.compile(r"\A[\s(\[*\"']*([A-Za-z])(?=[\s).\]:,*\"']|\Z)")

CLOSE = Decimal("1e-6")
"""How far a number may be from the right one, relative to it."""


def score_answer(metric: str, item: Item, answer: str, pattern: str = "") -> float:
    """Return how good an answer is.

    Args:
        metric: Any but `loss`, `choice-logprob` and `python`.
        item: What was asked.
        answer: As it came.
        pattern: For `regex`, where the item has none.

    Returns:
        1 for right, 0 for wrong.

    Raises:
        FtarenaError: A JSON schema is to be checked, and the package for it is not installed.
    """
    if metric == "exact":
        return float(normal(answer) == normal(item.reference))
    if metric == "number":
        return float(_same_number(number_in(answer), number_in(item.reference)))
    if metric == "accept":
        question = general_question(item.prompt, item.reference, item.accept)
        return float(question is not None and is_right(question, answer))
    if metric == "regex":
        return float(_matches(item.pattern or pattern, item.reference, answer))
    if metric == "choice":
        return float(chosen_option(answer, item.choices) == item.right_choice)
    if metric == "json":
        return float(_is_json(answer, item.schema))
    raise ValueError(f"{metric} is not scored from a text alone")


def complaint(item: Item, metric: str, pattern: str = "") -> str:
    """Return what is wrong with an item under a metric, or an empty text."""
    if metric == "accept" and general_question(item.prompt, item.reference, item.accept) is None:
        return "no `accept`, and the reference is too long to be told from its words"
    if metric == "number" and number_in(item.reference) is None:
        return "there is no number in the reference"
    if metric == "regex":
        try:
            re.compile(item.pattern or pattern)
        except re.error as error:
            return f"the pattern {(item.pattern or pattern)[:60]!r} is no regular expression: {error}"
    if metric == "json" and item.schema:
        return _schema_complaint(item.schema)
    return ""


def normal(text: str) -> str:
    """Return a text as `exact` compares it: one case, single spaces, no quotes or punctuation around it."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(_EDGES)


def number_in(text: str) -> Decimal | None:
    r"""Return the number that a text arrives at: behind `####`, in `\boxed{}`, else its last one."""
    if "####" in text:
        found = _NUMBER.search(text.rpartition("####")[2])
        return _decimal(found.group()) if found else None
    if boxed := _BOXED.findall(text):
        found = _NUMBER.search(boxed[-1])
        return _decimal(found.group()) if found else None
    numbers = _NUMBER.findall(text)
    return _decimal(numbers[-1]) if numbers else None


def chosen_option(answer: str, choices: Sequence[str]) -> int | None:
    """Return the place of the option that an answer names, by letter or by its words; None where none.

    Args:
        answer: `B`, `(b)`, `The answer is B.`, or the option itself.
        choices: The options, A first.
    """
    plain = [normal(choice) for choice in choices]
    said = normal(answer)
    if said in plain:
        return plain.index(said)
    found = _FIRST.match(answer) or next(iter([*_SAID.finditer(answer)][-1:]), None)
    if found is not None:
        place = ord(found.group(1).upper()) - ord("A")
        word = found.group(1) in ("a", "A", "I") and answer[found.end() :][:1].isspace()  # "A city"
        if 0 <= place < len(choices) and not word:
            return place
    named = [place for place, choice in enumerate(plain) if choice and _has_words(said, choice)]
    return named[0] if len(named) == 1 else None


def _has_words(text: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def _same_number(one: Decimal | None, right: Decimal | None) -> bool:
    if one is None or right is None:
        return False
    return abs(one - right) <= CLOSE * abs(right)


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", "").replace("\u2212", "-"))
    except InvalidOperation:
        return None


def _matches(pattern: str, reference: str, answer: str) -> bool:
    """A pattern with a group says where the answer is, and that must be the reference; else it must occur."""
    found = re.search(pattern, answer)
    if found is None:
        return False
    if found.re.groups and reference.strip():
        return normal(found.group(1) or "") == normal(reference)
    return True


def _is_json(answer: str, schema: str) -> bool:
    text = answer.strip()
    fenced = _FENCE.match(text)
    try:
        value = json.loads(fenced.group(1) if fenced else text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return not schema or _fits(value, schema)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _fits(value: Any, schema: str) -> bool:
    return bool(_validator(schema).is_valid(value))


def _schema_complaint(schema: str) -> str:
    try:
        parsed = json.loads(schema)
    except ValueError as error:
        return f"the schema is not JSON: {error}"
    validator = _validator(schema)
    try:
        type(validator).check_schema(parsed)
    except _jsonschema().SchemaError as error:
        return f"the schema is none: {str(error).splitlines()[0]}"
    return ""


def _validator(schema: str) -> Any:
    parsed = json.loads(schema)
    return _jsonschema().validators.validator_for(parsed)(parsed)


def _jsonschema() -> Any:
    try:
        import jsonschema  # type: ignore[import-untyped]  # it ships no types
    except ImportError as error:
        raise FtarenaError(
            "checking answers against a JSON schema needs the package jsonschema",
            "pip install 'ftarena[eval]', or leave the schema out: valid JSON is then enough",
        ) from error
    return jsonschema
