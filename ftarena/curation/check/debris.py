"""Remains of how a text was made: tokens of chat templates, and placeholders that nobody filled in."""

import re
from collections.abc import Iterator

from ftarena.text import shorten

_TOKENS = re.compile(
    # ChatML, Llama 3, Phi, Harmony and their like; no operator of F# or Haskell has a word inside.
    r"<\|[A-Za-z][\w▁-]{1,40}\|>"
    r"|<｜[^｜<>\n]{1,40}｜>"  # DeepSeek, with full-width bars
    r"|\[/?INST\]|<</?SYS>>"  # Llama 2
    r"|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"  # Mistral
    r"|<(?:start|end)_of_turn>|<end_of_utterance>|<(?:bos|eos|pad|unk)>"  # Gemma, SmolVLM
)

# Alpaca and Vicuna write plain text. A heading of Markdown may well be called "Response": it is debris where
# the text begins or ends with it, as a cut template does, or beside "### Instruction:", which with exactly
# three signs, in the singular, with a colon and alone on its line is nobody's heading.
_ALPACA_SURE = re.compile(
    r"^(?:### (?:Instruction|Human|Assistant):[ \t]*$|Below is an instruction that describes a task)", re.M
)
_ALPACA_EDGE = re.compile(r"\A\s*(### (?:Response|User|System):)|(### (?:Response|User|System):)\s*\Z")

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)


_STRIKES = re.compile(r"</?s>")


def without_code(text: str) -> str:
    """Return a text of Markdown without its code blocks and code spans."""
    return _CODE.sub(" ", text) if "`" in text else text


def may_hold_tokens(text: str) -> bool:
    """Return whether a look at each of the texts that were joined to this one is worth the while."""
    return (
        ("<" in text and ("s>" in text or _TOKENS.search(text) is not None))
        or ("[" in text and _TOKENS.search(text) is not None)
        or "### " in text
        or "Below is an instruction" in text
    )


def template_tokens(text: str) -> Iterator[str]:
    """Yield the tokens of chat templates in a text.

    They are named inside code, too: a tokenizer turns `<|im_end|>` into the special token wherever it stands.
    """
    if "<" in text or "[" in text:
        for mark in _TOKENS.finditer(text):
            yield f"{shorten(mark.group(), 40)}"
        if "s>" in text:
            yield from _sentence_marks(text)
    if "### " in text or "Below is an instruction" in text:
        for mark in _ALPACA_SURE.finditer(text):
            yield f"“{shorten(mark.group(), 40)}” of a prompt template"
        if (edge := _ALPACA_EDGE.search(text)) is not None:
            yield f"“{edge.group().strip()}” of a prompt template"


def _sentence_marks(text: str) -> Iterator[str]:
    """Tell Llama's `<s>` and `</s>` from HTML's strike-through.

    Strike-through comes in pairs inside a text. A sentence mark opens the text, or closes
    what nothing opened.
    """
    prose = without_code(text)
    if prose.lstrip().startswith("<s>"):
        yield "<s>"
    struck = 0
    for mark in _STRIKES.findall(prose):
        struck += 1 if mark == "<s>" else -1
        if struck < 0:
            yield "</s>"
            struck = 0


_BRACES = re.compile(r"\{\{(?<![\w{}\\^_$\"'`>=/(\[]\{\{) ?[A-Za-z][A-Za-z_ ]{1,30} ?\}\}(?![\w{}\"'`</)\]])")
_BRACKETS = re.compile(
    r"\[(?<![\w\]!]\[)(?:(?:[Yy]our|YOUR|[Ii]nsert|INSERT|[Ee]nter (?:your|the|an?)) [^\]\[\n]{2,40}"
    r"|(?:[Ff]irst|[Ll]ast|[Ff]ull|[Cc]ompany|[Rr]ecipient|[Ss]ender|[Cc]ustomer|[Cc]lient|[Mm]anager)"
    r"(?:['’]s)? (?:[Nn]ame|[Aa]ddress|[Ee]mail|[Tt]itle))\](?![(\[:])"
)
_ANGLES = re.compile(r"<(?:insert|Insert|INSERT|your|Your|YOUR) [A-Za-z][^<>\n=\"]{1,40}>")
_PLACEHOLDERS = (("{{", _BRACES), ("[", _BRACKETS), ("<", _ANGLES))
_ABOUT_TEMPLATES = re.compile(
    r"templat|placeholder|jinja|handlebars|mustache|liquid|twig|\bhelm\b|angular|\bvue\b|django|ansible"
    r"|fill[- ]in|\bblanks?\b|\{%|\bform letter",
    re.IGNORECASE,
)


def placeholders(text: str) -> Iterator[str]:
    """Yield what was to be filled in and never was: `{{name}}`, `[Your Name]`, `<insert date>`.

    Braces in code, beside LaTeX's commands or against a quote or tag are syntax. A text that speaks of
    templates means what it writes.
    """
    forms = [form for sign, form in _PLACEHOLDERS if sign in text]
    if not forms or not any(form.search(text) for form in forms):
        return
    prose = without_code(text)
    found = [mark.group() for form in forms for mark in form.finditer(prose)]
    if found and _ABOUT_TEMPLATES.search(text) is None:
        for mark in found:
            yield shorten(mark, 40)
