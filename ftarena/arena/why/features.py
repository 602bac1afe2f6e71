"""What an answer shows: its length and looks, what it says of itself, whether it fits the question.

A feature is a flag (0 or 1) or an amount (0 or more), so that two answers can be held against each other. One
that does not apply (agreement, where there is no reference) is None. Nothing is asked of a model.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ftarena.arena.why.overlap import rouge_l, same, token_f1, words_of
from ftarena.arena.why.report import Kind
from ftarena.curation.check.debris import without_code
from ftarena.curation.check.languages import asks_for_a_language, language_of
from ftarena.curation.check.markers import cut_off, loops
from ftarena.curation.check.refusals import refuses


@dataclass(frozen=True)
class Question:
    """What was asked."""

    text: str
    """The last turn of the user, raw."""

    reference: str | None
    """The data set's own answer, where there is one."""

    @cached_property
    def language(self) -> str | None:
        """ISO 639-1; None where it cannot be told."""
        return language_of(self.text)

    @cached_property
    def wants_json(self) -> bool:
        """Whether JSON is asked for, or is what the reference is."""
        return _ASKS_JSON.search(self.text) is not None or (
            self.reference is not None and _is_json(self.reference)
        )


@dataclass(frozen=True)
class Answered:
    """One answer as it came."""

    text: str
    n_tokens: int | None
    finish_reason: str | None

    @cached_property
    def prose(self) -> str:
        """The text without code."""
        return without_code(self.text)


@dataclass(frozen=True)
class Feature:
    """Something an answer shows or does not."""

    key: str
    label: str
    kind: Kind
    measure: Callable[[Answered, Question], float | bool | None]


_ASKS_JSON = re.compile(r"\bJSON\b(?! schema| parser| library| vs)", re.I)
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d+[.)])\s+\S", re.M)
_HEADER = re.compile(r"^#{1,6}\s+\S", re.M)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
_FENCE = re.compile(r"^\s*```", re.M)
_INLINE = re.compile(r"`[^`\n]+`")
_TABLE = re.compile(r"^\s*\|.+\|\s*\n\s*\|[\s:|-]+\|", re.M)
_LINK = re.compile(r"\]\(https?://|(?<![(\w])https?://\S")
_HEDGE = re.compile(
    r"\b(?:might|maybe|perhaps|possibly|probably|likely|generally|typically|usually|seems?|appears? to"
    r"|could be|may be|it depends|I (?:think|believe|guess)|not (?:entirely )?(?:sure|certain)"
    r"|in some cases|as far as I know|vielleicht|möglicherweise|wahrscheinlich|vermutlich|peut-être"
    r"|probablement|quizás?|tal vez)\b",
    re.I,
)
_APOLOGY = re.compile(
    r"\b(?:(?:I(?:['’]m| am) )?(?:so |very )?sorry|apologi[sz]e|my apologies|apologies"
    r"|Entschuldigung|tut mir leid|désolée?|lo siento|desculpe)\b|抱歉|对不起|申し訳",
    re.I,
)
_SENTENCE_END = re.compile(r"[.!?。！？\n]")
_REPEATS = 0.8
"""Share of the words of an answer's first sentence that the question has, from which on it repeats it."""

_FEW = 4
"""Words below which a first sentence or a question is too short to be repeated."""


def _repeats_question(answer: Answered, question: Question) -> bool:
    opening = words_of(_SENTENCE_END.split(answer.text.strip(), maxsplit=1)[0])
    asked = set(words_of(question.text))
    if len(opening) < _FEW or len(asked) < _FEW:
        return False
    return sum(word in asked for word in opening) >= _REPEATS * len(opening)


def _other_language(answer: Answered, question: Question) -> bool | None:
    if question.language is None or asks_for_a_language(question.text):
        return None
    spoken = language_of(answer.text)
    return None if spoken is None else spoken != question.language


def _is_json(text: str) -> bool:
    stripped = text.strip()
    if not stripped.startswith(("{", "[")):
        return False
    try:
        json.loads(stripped)
    except (ValueError, RecursionError):
        return False
    return True


def _bad_json(answer: Answered, question: Question) -> bool | None:
    if not question.wants_json:
        return None
    text = answer.text.strip()
    if (block := re.search(r"```(?:json)?\s*\n(.*?)```", text, re.S)) is not None:
        text = block[1]
    return not _is_json(text)


def _cut(answer: Answered, _: Question) -> bool:
    return answer.finish_reason == "length" or cut_off(answer.text)


def _agrees(measure: Callable[[str, str], float]) -> Callable[[Answered, Question], float | None]:
    def agreement(answer: Answered, question: Question) -> float | None:
        return None if question.reference is None else measure(answer.text, question.reference)

    return agreement


FEATURES: tuple[Feature, ...] = (
    Feature("tokens", "length in tokens", "amount", lambda a, _: a.n_tokens),
    Feature("words", "length in words", "amount", lambda a, _: len(words_of(a.text))),
    Feature("lists", "list items", "amount", lambda a, _: len(_ITEM.findall(a.prose))),
    Feature("headers", "headers", "amount", lambda a, _: len(_HEADER.findall(a.prose))),
    Feature("bold", "bold", "amount", lambda a, _: len(_BOLD.findall(a.prose))),
    Feature("code_blocks", "has a code block", "flag", lambda a, _: _FENCE.search(a.text) is not None),
    Feature("inline_code", "has inline code", "flag", lambda a, _: _INLINE.search(a.text) is not None),
    Feature("table", "has a table", "flag", lambda a, _: _TABLE.search(a.prose) is not None),
    Feature("links", "has a link", "flag", lambda a, _: _LINK.search(a.text) is not None),
    Feature("refuses", "refuses", "flag", lambda a, _: refuses(a.text)),
    Feature("hedges", "hedging words", "amount", lambda a, _: len(_HEDGE.findall(a.prose))),
    Feature("apologises", "apologises", "flag", lambda a, _: _APOLOGY.search(a.prose) is not None),
    Feature("repeats_question", "opens with the question", "flag", _repeats_question),
    Feature("other_language", "in another language", "flag", _other_language),
    Feature("exact", "is the reference", "flag", _agrees(same)),
    Feature("token_f1", "reference: words (F1)", "amount", _agrees(token_f1)),
    Feature("rouge_l", "reference: order (ROUGE-L)", "amount", _agrees(rouge_l)),
    Feature("open_fence", "code block left open", "flag", lambda a, _: len(_FENCE.findall(a.text)) % 2 == 1),
    Feature("bad_json", "JSON asked, none valid", "flag", _bad_json),
    Feature("cut_off", "cut off", "flag", _cut),
    Feature("loops", "repeats itself to the end", "flag", lambda a, _: bool(loops(a.text))),
)
"""Everything that is looked at."""


def measured(answer: Answered, question: Question) -> dict[str, float | None]:
    """Return the value of every feature, by key; None where one does not apply."""
    found: dict[str, float | None] = {}
    for feature in FEATURES:
        value = feature.measure(answer, question)
        found[feature.key] = None if value is None else float(value)
    return found
