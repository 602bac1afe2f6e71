"""Remains of how a text was made: tokens of chat templates, tags of HTML, placeholders nobody filled in."""

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


# What an export writes where there was nothing; `nan` is pandas', `#N/A` that of spreadsheets.
_NOTHING = re.compile(
    r"\s*(?:#?[Nn]/[Aa]|#?N/?A|#REF!|#VALUE!|[Nn]ull|NULL|None|NaN|nan|TB[AD]|\[object Object\]"
    r"|(?:TODO|FIXME|TBD|XXX)\b[^\n]{0,80}|[Tt]o be (?:done|added|filled in|written)"
    r"|[Ll]orem ipsum\b.*)[.…]*\s*",
    re.DOTALL,
)
_LONGEST_NOTHING = 400
_ASKS_HOW_MANY = re.compile(r"\b(?:how (?:many|much|often)|any|which|whom?|none|nothing)\b", re.IGNORECASE)


def no_answer(answer: str, asked: str) -> str:
    """Return what stands in place of an answer: `N/A`, `null`, `TODO: later`; nothing for an answer.

    Args:
        answer: The whole answer.
        asked: All that was said before it: who is told to answer “N/A” where nothing fits is right to do so.
    """
    if len(answer) > _LONGEST_NOTHING or _NOTHING.fullmatch(answer) is None:
        return ""
    word = answer.strip().rstrip(".…")
    if word.split(":")[0].split(" ")[0].casefold() in asked.casefold():
        return ""
    if word == "None" and _ASKS_HOW_MANY.search(asked):
        return ""
    return word


_HTML = re.compile(
    r"(?<![\w<])<(?:p|div|span|font|ul|ol|li|a|h[1-6]|strong|em)(?:\s+[a-z-]+\s*=\s*[\"'][^<>\"']*[\"'])*\s*>"
    r"|</(?:p|div|span|font|ul|ol|li|a|h[1-6]|strong|em|b|i)>|<br\s*/?>"
    r"|&(?:nbsp|amp|lt|gt|quot|apos|#39|#x27|rsquo|lsquo|rdquo|ldquo|ndash|mdash|hellip|eacute|[aou]uml|szlig);",
    re.IGNORECASE,
)
_ANY_TAG = re.compile(r"<[^<>]*>|&\w+;")
_ABOUT_MARKUP = re.compile(
    r"html|\bcss\b|markup|markdown|\bx(?:ml|slt|path)\b|\bsvg\b|\bjsx?\b|\btsx\b|javascript|typescript|react|\bvue\b"
    r"|angular|svelte|jquery|\bdom\b|\bphp\b|django|jinja|\bflask\b|\bweb|\bpages?\b|\bsites?\b|\btags?\b|browser|scrap"
    r"|\bparse|\bencod|\bescap|\bentit(?:y|ies)\b|\brss\b|\bmarquee\b|<!doctype|<\?xml|<script|<style|template|newsletter"
    r"|beautifulsoup|wordpress|wiki|\bepub\b|\bfrontend\b|front-end",
    re.IGNORECASE,
)


def about_markup(text: str) -> bool:
    """Return whether a text speaks of HTML or its like, so that tags in it are meant."""
    return _ABOUT_MARKUP.search(text) is not None


def html(text: str) -> Iterator[str]:
    """Yield the tags and entities of HTML in a text of prose: what is left of a page that it was taken from.

    Not in code, nor `<br>` in a row of a table, where Markdown has no other line break.
    """
    if ("<" not in text and "&" not in text) or _HTML.search(text) is None:
        return
    prose = without_code(text)
    if not any(map(str.isalpha, _ANY_TAG.sub("", prose))):  # nothing but tags: they are the answer
        return
    for mark in _HTML.finditer(prose):
        if mark.group()[:3].lower() == "<br":
            line = prose[prose.rfind("\n", 0, mark.start()) + 1 : mark.start()]
            if "|" in line:
                continue
        yield shorten(mark.group(), 40)
