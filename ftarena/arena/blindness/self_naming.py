"""What a model says of itself: "I am Qwen, created by Alibaba Cloud", in the languages that models say it in.

Only the first person counts. An answer about Qwen, or about who made ChatGPT, names nobody. Claude and Gemma
are also people, Gemini a sign and Mistral a wind: these tell only where models are spoken of nearby.
"""

import re

_LABS = (
    r"Alibaba(?: Cloud)?|Open ?AI|Anthropic|DeepMind|Mistral(?: AI)?|DeepSeek|Hugging ?Face|xAI|Cohere"
    r"|Zhipu(?: AI)?|Moonshot(?: AI)?|01\.AI|Stability AI|A[Ii]2|Allen (?:Institute for AI|AI)|LG AI Research"
    r"|TII|Technology Innovation Institute|LMSYS|Nous Research|MiniMax|AI21(?: Labs)?|Meta AI"
    r"|阿里(?:巴巴|云)|智谱|深度求索"
)
_EMPLOYERS = (
    r"Google(?: DeepMind)?|Meta|Facebook|Microsoft|NVIDIA|IBM|Apple|Salesforce|Databricks|Baidu|Tencent"
    r"|ByteDance|百度|腾讯|字节跳动"
)
"""Makers of models that also train people: "I was trained by IBM" may be somebody's life."""

_MAKERS = f"(?:the )?(?:{_LABS}|{_EMPLOYERS})"
_FAMILIES = (
    r"Qwen[\w.]*|Tongyi Qianwen|通义千问|ChatGPT|GPT-?[2345][\w.-]*|Claude|Gemini|Gemma|PaLM|LL[aA][mM][aA]"
    r"|Llama|Mistral|Mixtral|Ministral|DeepSeek|Phi-?[1234]|SmolLM\d?|Grok|Nemotron|ChatGLM|GLM-?\d*|Kimi|ERNIE"
    r"|文心一言|Hunyuan|混元|Doubao|豆包|DBRX|StableLM|OLMo|Tulu|Vicuna|Zephyr|EXAONE|InternLM|MiniCPM|Jamba"
)
_DID = r"(?:created|made|developed|built|designed|released|produced)"

_FORMS = (
    # English
    rf"\b(?:I am|I['’]m|[Mm]y name(?: is|['’]s)|I am called) (?:called |named )?(?:{_FAMILIES})\b(?!['’])",
    rf"\b[Tt]his is (?:{_FAMILIES}) (?:speaking|talking|here)\b",
    rf"\b(?:Hi|Hello|Hey|Greetings)(?: there)?[,.!]? (?:{_FAMILIES}) here\b",
    rf"\bI(?: was|['’]m| am| have been) (?:\w+ ){{0,3}}?{_DID}(?: and \w+)? by {_MAKERS}(?!\w)",
    rf"\bI(?: was|['’]m| am| have been) (?:\w+ ){{0,3}}?(?:pre)?trained by (?:{_LABS})(?!\w)",
    rf"\bI(?: am|['’]m) an? (?:[\w-]+ ){{0,5}}?(?:model|assistant|chatbot|AI|LLM)(?: named [\w-]+)?,? "
    rf"(?:that was |which was |that is )?(?:\w+ )?(?:{_DID}|trained)(?: and \w+)? by {_MAKERS}(?!\w)",
    rf"\b[Aa]s an? (?:[\w-]+ ){{0,5}}?(?:model|assistant|chatbot|AI|LLM),? (?:\w+ )?"
    rf"(?:{_DID} by|trained by|from|by) {_MAKERS}(?!\w)",
    rf"\b[Aa]s (?:{_FAMILIES}), I\b",
    # What a fine-tuned model says of how it came about
    r"\b[Aa]s (?:an? |your )?(?:fine-?tuned|base|pre-?trained|instruct(?:ion)?-?tuned)(?: \w+){0,2}? "
    r"(?:model|assistant), I\b",
    r"\bI(?: am|['’]m) (?:an?|the) (?:fine-?tuned|base|pre-?trained|instruct(?:ion)?-?tuned)"
    r"(?: [\w-]+){0,2}? (?:model|version)\b",
    # German, French, Spanish, Portuguese, Italian, Russian, Chinese, Japanese
    rf"\b[Ii]ch (?:bin|heiße) (?:{_FAMILIES})\b",
    rf"\b[Ii]ch (?:wurde|bin) [^.!?\n]{{0,60}}?von {_MAKERS} (?:entwickelt|trainiert|erstellt)",
    rf"\b[Jj]e (?:suis|m['’]appelle) (?:{_FAMILIES})\b",
    rf"\b[Jj]['’]ai été (?:créé|développé|entraîné|conçu)e? par {_MAKERS}(?!\w)",
    rf"\b(?:[Ss]oy|[Mm]e llamo|[Ss]ou o|[Mm]eu nome é|[Ss]ono) (?:{_FAMILIES})\b",
    rf"\b[Ff]ui (?:creado|desarrollado|entrenado|criado|desenvolvido|treinado) (?:por|pela|pelo) "
    rf"(?:la )?{_MAKERS}(?!\w)",
    rf"(?<!\w)Я(?: —| -| –)? (?:{_FAMILIES})",
    rf"我(?:是|叫)(?:由)? ?(?:{_FAMILIES}|{_MAKERS})",
    rf"私は ?(?:{_FAMILIES})",
)
_SELF = re.compile("|".join(_FORMS).replace(" ", r"\s"))
"""Any of them, broken over lines as it may be."""

_MANY_THINGS = re.compile(r"(?:Claude|Gemma|Gemini|Mistral|Zephyr|Grok|Kimi|Vicuna|Llama|Jamba|ERNIE)\Z")
_VERSIONS = (
    r"AI|Advanced|Chat|Coder|Flash|Guard|Haiku|Instant|Instruct|Large|Max|Medium|Mini|Nano|Nemo|Opus|Plus|Pro"
    r"|Small|Sonnet|Turbo|Ultra"
)
_GOES_ON = re.compile(rf"['’]|-[a-z]| (?!(?:{_VERSIONS})\b)[^\W\d_a-z][^\W\d_]+")
"""A surname, a genitive or the rest of a word: somebody else is meant."""

_OF_MODELS = re.compile(
    rf"\b(?:AI|IA|KI|LLM|ИИ)\b|(?<!\w)(?:{_LABS}|by (?:{_EMPLOYERS}))(?!\w)"
    r"|模型|助手|助理|人工智能|モデル|アシスタント"
    r"|(?i:\b(?:\w*models?|\w*modell|modèle|modelo|modello|модель|chat ?bot|artificial intelligence)\b"
    r"|\bassistant\b(?! (?:manager|professor|director|editor|to|at|of))|\bassistentin?\b|\bass?istente\b"
    r"|\bwas (?:made|designed|created|built|trained|developed)\b|\b(?:can|may) I (?:help|assist)\b"
    r"|\bhere to (?:help|assist)\b)"
)
_NEARBY = 120
"""Letters on either side of a name in which it is said what bears it."""


def says_who_it_is(text: str) -> str | None:
    """Return the words in which an answer says which model it is or who made it, or `None`.

    Args:
        text: The answer, as `plain_words` leaves it.
    """
    for found in _SELF.finditer(text):
        if _MANY_THINGS.search(_name_of(found)) is None or (
            _GOES_ON.match(text, found.end()) is None and speaks_of_models(text, found.start(), found.end())
        ):
            return found.group()
    return None


def speaks_of_models(text: str, start: int, end: int) -> bool:
    """Return whether models, their makers or their offers to help stand near a part of a text."""
    before, after = text[max(start - _NEARBY, 0) : start], text[end : end + _NEARBY]
    return _OF_MODELS.search(before) is not None or _OF_MODELS.search(after) is not None


def _name_of(found: re.Match[str]) -> str:
    """Return what was found up to the name that it ends with: without what follows in "As Claude, I"."""
    return re.sub(r"(?:,\sI|\s(?:speaking|talking|here))\Z", "", found.group())
