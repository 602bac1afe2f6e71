"""Answers that give themselves away: a name, "I am …, made by …", or debris of a chat template.

A battle with such an answer is not blind. It is marked when it is drawn, drawn last, and left out of scores
unless asked for. A false alarm costs a vote, so what is found must tell: an everyday word that happens to be
a contestant's name does not, nor a token that the question speaks of, nor HTML's strike-through. Letters of
other scripts that look like Latin ones are not looked through.
"""

import re
from collections.abc import Collection
from functools import lru_cache

from ftarena.arena.blindness.plain_words import plain_words
from ftarena.arena.blindness.self_naming import says_who_it_is, speaks_of_models
from ftarena.curation.check.debris import template_tokens, without_code
from ftarena.text import shorten

_TOKENS = re.compile(r"<unused\d+>|<extra_id_\d+>|<\|\w[\w ]{1,40}\|>")
"""Tokens that `template_tokens` leaves, because data sets may hold them for a reason."""

_WORN_TOKENS = re.compile(
    r"(?:<|&lt;)\s?\|\s?(?:im_(?:start|end|sep)|endoftext|e[ou]t_id|(?:start|end)_header_id|(?:begin|end)_of_text)"
    r"\s?\|\s?(?:>|&gt;)"
)
"""Tokens that came through a tokenizer or a web page: `< |im_end|>`, `&lt;|im_end|&gt;`."""

_THOUGHT = re.compile(r"(?:<|&lt;)/?think(?:ing)?(?:>|&gt;)")
_ABOUT_THOUGHT = re.compile(r"</?think|\bthink(?:ing)? tags?\b|reasoning (?:model|trace|token)", re.I)

_ABOUT_TOKENS = re.compile(
    r"special tokens?\b|chat[ -]?template|chatml|\bBERT\b|tokeni[sz]er|\b[eb]os\b|strike|<s>", re.I
)

_SPEAKS = r"(?:[ \t]*\n|[ \t]*(?=[^a-z\s])|[^\n]*[.!?][ \t]*$)"
"""A sentence after a role, or a new line: "Assistant: manager of shop" is an entry of a list."""

_OWN_HEADER = re.compile(
    rf"\A\s*(?:\*\*)?(?:Assistant|ASSISTANT)(?:\*\*)?:(?:\*\*)?{_SPEAKS}|\A\s*assistant\s*\n", re.M
)
_ALPACA = re.compile(r"^### (?:Response|Instruction|Assistant|Human):[ \t]*$", re.M)
_ASKS = re.compile(r"^(?:\*\*)?(?:Human|USER|User)(?:\*\*)?:", re.M)
_ANSWERS = re.compile(rf"^(?:\*\*)?(?:Assistant|ASSISTANT|AI)(?:\*\*)?:(?:\*\*)?{_SPEAKS}", re.M)
_MADE_UP_TURN = re.compile(r"\n[ \t]*(?:Human|USER): .*\Z|\nuser\n(?:.*\n)*?(?:assistant|model)\n")
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
    code coder command control data default demo draft expert falcon full gemini gemma granite grok hermes
    human instruct json kimi latest left llama local main math medium mini model models newest next orca
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

_COINED = re.compile(
    r"(?:sft|dpo|q?lora|orpo|kto|grpo|rlhf|simpo|phi\d*|gpt\d*)\Z"
    r"|(?:tiny)?llama|qwen|smollm|mistral|mixtral|gemma|deepseek|olmo|claude|gemini|pythia\d|falcon\d|vicuna",
    re.I,
)
"""Parts that are no words: thanks to them "smollm sft" is `smollm-sft`, while "my run" is not `my-run`."""

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
    said_plainly, asked_plainly = plain_words(text), plain_words(prompt)
    if (found := _debris(text, prompt) or _worn_debris(text, said_plainly, prompt)) is not None:
        return f"template debris {found}"
    said = says_who_it_is(said_plainly)
    if said is not None and said.casefold() not in asked_plainly.casefold():  # a translation of "I am Claude"
        return f"it says who it is: “{shorten(said, 60)}”"
    for name in sorted(names):
        if _names(name, said_plainly, asked_plainly):
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


def _worn_debris(text: str, plain: str, prompt: str) -> str | None:
    """Return a token that was mangled on its way, or the tag of a thought that was left in."""
    worn = _WORN_TOKENS.search(plain)
    if worn is not None and worn.group() not in prompt and _ABOUT_TOKENS.search(prompt) is None:
        return worn.group()
    thought = _THOUGHT.search(without_code(text))
    if thought is not None and _ABOUT_THOUGHT.search(prompt) is None:
        return thought.group()
    return None


def _names(name: str, text: str, prompt: str) -> bool:
    """Return whether a text names somebody whom the question does not; both as `plain_words` leaves them."""
    sure, likely = _telling(name)
    if sure.search(text) is not None:
        return sure.search(prompt) is None
    if likely is None:
        return False
    found = likely.search(text)
    if found is None or likely.search(prompt) is not None:
        return False
    return not text[found.end() :].strip(" \n.,;!?") or speaks_of_models(text, found.start(), found.end())


@lru_cache(maxsize=4096)
def _telling(name: str) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
    """Return what finds a name for sure, and what finds it if models are spoken of nearby.

    A name is found as a whole word, an everyday word only where it is said of oneself.
    """
    plain = plain_words(name).strip()
    parts = [part for part in re.split(r"[-_\s]+", plain) if part]
    coined = any(_COINED.match(part) for part in parts)
    spaced = len(plain.split()) > 1
    exact = (r"[-_\s]{1,2}" if coined or spaced else r"[-_]\s?").join(map(re.escape, parts))
    ends = r"(?=[.,;!?\n]|\Z)"
    if plain.casefold() in _OF_ANYBODY:
        return re.compile(rf"\b(?:my\sname(?:\sis|'s)|I\sam\scalled|call\sme)\s{exact}{ends}", re.I), None
    phrase = spaced and not coined and not any(map(str.isdigit, plain))
    if phrase and sum(part[0].isupper() for part in parts) > 1:  # "Night Owl", which prose writes otherwise
        return re.compile(rf"(?<![\w-]){exact}(?![\w-])"), None
    if phrase or plain.casefold() in _EVERYDAY or len(plain) < _SHORT:
        called = rf"\b(?:my\sname(?:\sis|'s)|I\sam\scalled|call\sme)\s{exact}{ends}|\bas\s{exact},\sI\b"
        called += rf"|\bthis\sis\s{exact}\sspeaking\b"
        am = rf"\bI(?:\sam|'m)\s{exact}{ends}"
        if any(map(str.isdigit, plain)):  # nobody is v2 but a model
            return re.compile(f"{called}|{am}", re.I), None
        return re.compile(called, re.I), re.compile(am, re.I)
    return re.compile(rf"(?<![\w-]){exact}(?![\w-])", re.I), None


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
