"""What a model says of itself: "I am Qwen, created by Alibaba Cloud", in the languages that models say it in.

Only the first person counts. An answer about Qwen, or about who made ChatGPT, names nobody.
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
    rf"\b(?:I am|I['’]m|[Mm]y name is|I am called) (?:called |named )?(?:{_FAMILIES})\b",
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
    r"\bI(?: am|['’]m) an? (?:fine-?tuned|base|pre-?trained|instruct(?:ion)?-?tuned)(?: [\w-]+){0,2}? "
    r"(?:model|version)\b",
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
_SELF = re.compile("|".join(_FORMS))


def says_who_it_is(text: str) -> str | None:
    """Return the words in which an answer says which model it is or who made it, or `None`."""
    found = _SELF.search(text)
    return None if found is None else found.group()
