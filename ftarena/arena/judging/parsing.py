"""What a judge said: the verdict out of its last line, whatever stands before it."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ftarena.store import Outcome
from ftarena.text import clean_line

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.S)
_OBJECT = re.compile(r"\{[^{}]*\}")
_SAID = re.compile(
    r"^\W*(?:(?:my |the |final )*(?:verdict|better(?: answer)?|winner|answer|choice)\W+(?:is\W+)?)?"
    r"(?:answer |assistant )?(A|B|tie|both[ _]bad)\W*$",
    re.I | re.M,
)
_BRACKETS = re.compile(r"\[\[(A|B|C|tie)\]\]", re.I)
_WORDS: dict[str, Outcome] = {
    "a": "left",
    "answer a": "left",
    "b": "right",
    "answer b": "right",
    "tie": "tie",
    "equal": "tie",
    "c": "tie",  # MT-Bench's letter for a tie
    "both bad": "both_bad",
    "neither": "both_bad",
}
_REASON = 500


@dataclass(frozen=True)
class Judgement:
    """One reading of two answers, as they stood: `left` is the one that was called A."""

    outcome: Outcome
    reason: str
    """In the judge's words, on one line; may be empty."""

    criteria: dict[str, Outcome] = field(default_factory=dict)
    """The outcome by each criterion that was asked and answered."""


FLIPPED: dict[Outcome, Outcome] = {"left": "right", "right": "left", "tie": "tie", "both_bad": "both_bad"}
"""Outcomes seen with the sides swapped."""


def judgement_in(text: str, criteria: Sequence[str] = ()) -> Judgement | None:
    """Return the verdict in what a judge wrote, or `None` where there is none to be found.

    Args:
        text: All that it wrote; thoughts between `<think>` tags are passed over.
        criteria: What else was asked.
    """
    said = _THOUGHT.sub("", text).strip()
    for value in _objects(said):
        outcome = _outcome(value.get("better"))
        if outcome is not None:
            reason = value.get("reason")
            by = {name: _outcome(value.get(name)) for name in criteria}
            return Judgement(
                outcome,
                _line(reason if isinstance(reason, str) else ""),
                {name: each for name, each in by.items() if each is not None},
            )
    found = [match for pattern in (_BRACKETS, _SAID) for match in pattern.finditer(said)]
    if not found:
        return None
    last = max(found, key=lambda match: match.start())
    outcome = _outcome(last[1])
    return None if outcome is None else Judgement(outcome, _line(said[: last.start()]))


def _objects(said: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in a text, the last one first."""
    for found in reversed(_OBJECT.findall(said)):
        try:
            value = json.loads(found, strict=False)
        except ValueError:
            continue
        yield value


def _outcome(word: object) -> Outcome | None:
    if not isinstance(word, str):
        return None
    return _WORDS.get(" ".join(word.replace("_", " ").casefold().split()).strip(" .*\"'"))


def _line(reason: str) -> str:
    return clean_line(reason)[:_REASON]
