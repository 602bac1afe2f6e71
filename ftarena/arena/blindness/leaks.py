"""Answers that give themselves away: a name, "I am …, made by …", or debris of a chat template.

A battle with such an answer is not blind. It is marked when it is drawn, drawn last, and left out of scores
unless asked for. A false alarm costs a vote, so what is found must tell: an everyday word that happens to be
a contestant's name does not, nor a token that the question speaks of, nor HTML's strike-through.
"""

import re
from collections.abc import Collection
from functools import lru_cache

from ftarena.arena.blindness.self_naming import says_who_it_is
from ftarena.curation.check.debris import template_tokens, without_code
from ftarena.text import shorten

_TOKENS = re.compile(r"<unused\d+>|<extra_id_\d+>|<\|\w[\w ]{1,40}\|>")
"""Tokens that `template_tokens` leaves, because data sets may hold them for a reason."""

_ABOUT_TOKENS = re.compile(
    r"special tokens?\b|chat[ -]?template|chatml|\bBERT\b|tokeni[sz]er|\b[eb]os\b|strike|<s>", re.I
)

_OWN_HEADER = re.compile(r"\A\s*(?:\*\*)?(?:Assistant|ASSISTANT)(?:\*\*)?:|\A\s*assistant\s*\n")
_ALPACA = re.compile(r"^### (?:Response|Instruction|Assistant|Human):[ \t]*$", re.M)
_ASKS = re.compile(r"^(?:\*\*)?(?:Human|USER|User)(?:\*\*)?:", re.M)
_ANSWERS = re.compile(r"^(?:\*\*)?(?:Assistant|ASSISTANT|AI)(?:\*\*)?:", re.M)
_MADE_UP_TURN = re.compile(r"\n\s*(?:Human|USER): .*\Z|\nuser\n(?:.*\n)*?(?:assistant|model)\n")
"""A turn that the model went on to write for the other one, at the end of its answer."""

_ABOUT_TURNS = re.compile(
    r"dialog|conversation|chat|script|transcript|interview|screenplay|\bplay\b|scene|\broles?\b|prompt|template"
    r"|alpaca|vicuna|gespräch|\b(?:human|user|assistant|instruction|response|bot)s?\b",
    re.I,
)
"""A question in which roles are spoken of, so that an answer may write them."""

_EVERYDAY = frozenset(
    re.findall(
        r"\w+",
        """
    adapter alpaca answer answers apple assistant bard base baseline basic bloom bot chat claude
    code coder command control data default demo draft expert falcon full gemini granite hermes
    human instruct json latest left llama local main math medium mini model models newest next orca
    original phoenix policy preferred prompt prompted pythia reference remote reward right sample
    server source student style system teacher test tests third tiny train trained training trial
    tuned user version vicuna zephyr
    """,
    )
)
"""Words of the language, which tell nobody who wrote an answer unless it says "I am base"."""

_OF_ANYBODY = frozenset(
    re.findall(
        r"\w+",
        """
    best better big brief clean concise dutch english fast final first formal french friendly german
    good greek helpful honest italian japanese large last long new old older open plain polite ready
    second short simple slow small spanish strict young
    """,
    )
)
"""Words that anybody may say of themselves ("I am helpful"): they tell only as a name ("my name is …")."""

_SHORT = 4
"""Names of fewer letters stand in too many texts by chance."""

_ECHO = 40
"""Letters of a sentence of a system prompt that are no chance."""


def giveaway(text: str, names: Collection[str], prompt: str = "", system_prompt: str = "") -> str | None:
    """Return what an answer gives itself away by, in a few words, or `None`.

    Args:
        text: The answer, raw.
        names: Names that would tell: of contestants, runs and models.
        prompt: What was asked, all turns: what the question itself names tells nothing in an answer.
        system_prompt: The contestant's own system prompt, which others do not have.
    """
    if (found := _debris(text, prompt)) is not None:
        return f"template debris {found}"
    said = says_who_it_is(text)
    if said is not None and said.casefold() not in prompt.casefold():  # a translation of "I am Claude"
        return f"it says who it is: “{shorten(said, 60)}”"
    for name in sorted(names):
        pattern = _telling(name.strip())
        if pattern.search(text) is not None and pattern.search(prompt) is None:
            return f"the name {name}"
    if (echo := _echo(text, system_prompt, prompt)) is not None:
        return f"an echo of its system prompt: “{shorten(echo, 60)}”"
    return None


def _debris(text: str, prompt: str) -> str | None:
    """Return a token or a header of a chat template that the question does not speak of."""
    tokens = [mark for mark in template_tokens(text) if not mark.startswith("“")]
    tokens += [match.group() for match in _TOKENS.finditer(text)]
    if _ABOUT_TOKENS.search(prompt) is None:
        for token in tokens:
            if token not in prompt:
                return token
    if _ABOUT_TURNS.search(prompt) is not None:
        return None
    prose = without_code(text)
    for pattern in (_OWN_HEADER, _ALPACA, _MADE_UP_TURN):
        if (header := pattern.search(prose)) is not None:
            return shorten(header.group().strip(), 30)
    if (asks := _ASKS.search(prose)) is not None and _ANSWERS.search(prose) is not None:
        return shorten(asks.group(), 30)
    return None


@lru_cache(maxsize=4096)
def _telling(name: str) -> re.Pattern[str]:
    """Return what finds a name: as a whole word, or an everyday word only where it is said of oneself."""
    plain = name.casefold()
    exact = re.escape(name)
    if plain in _OF_ANYBODY:
        return re.compile(rf"\b(?:my name is|I am called|call me) {exact}(?=[.,;!?\n]|\Z)", re.I)
    if plain in _EVERYDAY or len(name) < _SHORT:
        return re.compile(
            rf"\b(?:I am|I['’]m|my name is|I am called|call me) {exact}(?=[.,;!?\n]|\Z)|\bas {exact}, I\b",
            re.I,
        )
    return re.compile(rf"(?<![\w-]){exact}(?![\w-])", re.I)


def _echo(text: str, system_prompt: str, prompt: str) -> str | None:
    """Return a sentence of the system prompt that the answer repeats word by word."""
    if len(system_prompt) < _ECHO:
        return None
    said, asked = (" ".join(part.split()).casefold() for part in (text, prompt))
    for sentence in re.split(r"(?<=[.!?])\s+|\n+", system_prompt):
        plain = " ".join(sentence.split())
        if len(plain) >= _ECHO and plain.casefold() in said and plain.casefold() not in asked:
            return plain
    return None
