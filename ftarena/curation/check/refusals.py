"""Answers that refuse or apologise: one is a choice, hundreds teach a model to refuse everything."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import nsmallest
from pathlib import Path
from typing import Any, Self

from ftarena.curation.examples import Example
from ftarena.curation.findings import Finding
from ftarena.text import shorten

ENOUGH = 20
SHARE = 0.05
"""A file is worth a finding from this many refusals on, if they are also this share of its answers."""

_FIRST = 5

# Openings only: a refusal says so at once, and "I'm sorry to hear that" is none. "As an AI, I can" is none
# either, so those that could go on well must say no within the sentence.
_NO = r"(?=[^.!?\n]{0,90}?\b(?:not|cannot|unable|no|never|\w+n['’]t)\b)"
_OPENINGS = re.compile(
    r"\s*(?:"
    + "|".join(
        (
            r"(?:I(?:['’]m| am) (?:really |very |so |truly )?sorry|Sorry"
            r"|My apologies|I apologi[sz]e|Apologies)"
            r"(?: for (?:any|the) (?:confusion|inconvenience))?[,.;:—–-]?\s*(?:but|however|I|as)\b"
            r"(?! (?:hear|think|believe|hope|am glad|made|misunderstood|overlooked))",
            r"(?:Unfortunately|Regrettably),? (?:I|as an?)\b" + _NO,
            r"As an? (?:AI|artificial intelligence|(?:large )?language model)\b" + _NO,
            r"I(?:['’]m| am) (?:unable|not (?:able|comfortable|allowed|programmed|capable))\b",
            r"I (?:can(?:['’]t|not| not)|won['’]t|will not|must decline|must refuse)"
            r"(?: (?:assist|help|fulfil|provide|comply|answer|create|generate|engage|participate|support"
            r"|do that|discuss|share|write|access|browse|perform)|\.|,)",
            r"I (?:do not|don['’]t) have (?:access|the (?:ability|capability)|real-time)",
            r"(?:Es tut mir|Tut mir) (?:sehr )?leid,? (?:aber|ich|das)\b",
            r"Leider kann ich",
            r"Als (?:KI|künstliche Intelligenz|Sprachmodell)\b(?=[^.!?\n]{0,90}?\b(?:nicht|kein))",
            r"(?:Je suis (?:vraiment |sincèrement )?)?[Dd]ésolée?,? (?:mais|je)\b|Malheureusement,? je",
            r"En tant qu['’](?:IA|intelligence artificielle)\b(?=[^.!?\n]{0,90}?\bpas\b)",
            r"Je ne peux pas (?:vous aider|fournir|répondre)",
            r"Lo siento,? (?:pero|no)\b|Lamentablemente,? no|No puedo (?:ayudar|proporcionar)",
            r"Como (?:IA|modelo de lenguaje|modelo de linguagem)\b(?=[^.!?\n]{0,90}?\b(?:no|não)\b)",
            r"(?:Desculpe|Sinto muito|Lamento),? (?:mas|não)\b|Infelizmente,? (?:eu )?não",
            r"Mi dispiace,? (?:ma|non)\b|Come (?:IA|modello linguistico)\b(?=[^.!?\n]{0,90}?\bnon\b)",
            r"Извините, но|К сожалению, я не|Я не могу (?:помочь|предоставить)|Как (?:ИИ|языковая модель)",
            r"(?:非常|很|十分)?(?:抱歉|对不起|對不起)[，,。！]?\s*(?:但|我|作为|作為|这|這)",
            r"作为(?:一个|一种|一个大型)?(?:AI|人工智能|语言模型)(?=[^。\n]{0,60}(?:无法|不能|没有))",
            r"申し訳(?:ありません|ございません)が|すみませんが、",
        )
    )
    + ")"
)


def refuses(answer: str) -> bool:
    """Return whether an answer opens like a refusal or an apology for not answering."""
    return _OPENINGS.match(answer) is not None


@dataclass
class _Counted:
    """What was seen in one file."""

    answers: int = 0
    refusals: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)
    """Line and opening of the first few refusals."""


class Refusals:
    """How many answers of each file are refusals. Answers labelled as bad ones are left out."""

    def __init__(self) -> None:
        self._files: dict[Path, _Counted] = {}

    def add(self, example: Example) -> None:
        """Count an example's last answer."""
        if example.kind not in ("answer", "preference", "labelled") or example.label is False:
            return
        counted = self._files.setdefault(example.file, _Counted())
        counted.answers += 1
        answer = example.completion[0].content
        if refuses(answer):
            counted.refusals += 1
            if len(counted.first) < _FIRST or example.line < counted.first[-1][0]:
                self._keep(counted, [(example.line, shorten(answer[:200], 60))])

    def merge(self, other: Self) -> None:
        """Add what was counted elsewhere."""
        for file, theirs in other._files.items():
            ours = self._files.setdefault(file, _Counted())
            ours.answers += theirs.answers
            ours.refusals += theirs.refusals
            self._keep(ours, theirs.first)

    @staticmethod
    def _keep(counted: _Counted, more: list[tuple[int, str]]) -> None:
        counted.first = nsmallest(_FIRST, [*counted.first, *more])

    def findings(self) -> Iterator[Finding]:
        """Yield one finding for each file in which they are many, at the first of them."""
        for file, counted in sorted(self._files.items()):
            share = counted.refusals / counted.answers
            if counted.refusals >= ENOUGH and share >= SHARE:
                lines = ", ".join(str(line) for line, _ in counted.first)
                line, opening = counted.first[0]
                message = (
                    f"{counted.refusals:,} of {counted.answers:,} answers ({share:.0%}) are refusals or "
                    f"apologies, the first in lines {lines}: “{opening}”"
                )
                yield Finding("refusal", file, line, message)

    def stats(self) -> dict[str, Any]:
        """Return answers and refusals by file, where there are any refusals."""
        found = {
            str(file): {"answers": counted.answers, "refusals": counted.refusals}
            for file, counted in sorted(self._files.items())
            if counted.refusals
        }
        return {"refusals": found} if found else {}
