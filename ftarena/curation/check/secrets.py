"""Keys, tokens and passwords in a text: known by the rules of detect-secrets and a few of our own.

Only rules that know an issuer's form are used, and a narrow one for passwords: those that guess (high
entropy, whatever follows the word "password") cry wolf in ordinary text. What is found is never told in full.
"""

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ftarena.text import clean_line


class _Rule(NamedTuple):
    """One kind of secret, looked for only among words that hold one of a few letters in a row."""

    what: str
    needles: tuple[str, ...]
    plugin: str = ""
    """Module and class of detect-secrets' plugin whose expressions are used."""

    pattern: str = ""
    """Our own expression, where detect-secrets has none."""


_RULES = (
    _Rule(
        "an AWS access key",
        ("AKIA", "ASIA", "ABIA", "ACCA", "A3T", "aws", "AWS"),
        plugin="aws.AWSKeyDetector",
    ),
    _Rule(
        "a GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), plugin="github_token.GitHubTokenDetector"
    ),
    _Rule("a GitHub token", ("github_pat_",), pattern=r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _Rule(
        "a GitLab token",
        (
            "glpat-",
            "gldt-",
            "glft-",
            "glsoat-",
            "glrt-",
            "GR1348941",
            "glcbt-",
            "glimt-",
            "glptt-",
            "glagent-",
            "gloas-",
        ),
        plugin="gitlab_token.GitLabTokenDetector",
    ),
    _Rule("a Slack token", ("xox", "hooks.slack.com/"), plugin="slack.SlackDetector"),
    _Rule("a Stripe key", ("k_live_",), plugin="stripe.StripeDetector"),
    _Rule("an OpenAI key", ("T3BlbkFJ",), plugin="openai.OpenAIDetector"),
    _Rule(
        "an API key",
        ("sk-",),
        # Anthropic, OpenRouter, DeepSeek and their like; not a slug: a key has digits and no word of its own.
        pattern=r"(?<![\w-])sk-(?:ant-[a-z0-9]+-[\w-]{40,}|or-v1-[0-9a-f]{64}|(?=[a-z]*\d)[0-9a-zA-Z]{32,64})(?![\w-])",
    ),
    _Rule("a Hugging Face token", ("hf_",), pattern=r"(?<!\w)hf_[A-Za-z0-9]{34,40}(?!\w)"),
    _Rule("a Google API key", ("AIza",), pattern=r"(?<![\w-])AIza[\w-]{35}(?![\w-])"),
    _Rule("a Google client secret", ("GOCSPX-",), pattern=r"GOCSPX-[\w-]{28}(?![\w-])"),
    _Rule("a Groq key", ("gsk_",), pattern=r"(?<!\w)gsk_[A-Za-z0-9]{52}(?!\w)"),
    _Rule("a DigitalOcean token", ("_v1_",), pattern=r"(?<!\w)do[opr]_v1_[0-9a-f]{64}(?!\w)"),
    _Rule("a JSON web token", ("eyJ",), plugin="jwt.JwtTokenDetector"),
    _Rule("an npm token", ("_authToken",), plugin="npm.NpmDetector"),
    _Rule("a PyPI token", ("pypi-A",), plugin="pypi_token.PypiTokenDetector"),
    _Rule("a SendGrid key", ("SG.",), plugin="sendgrid.SendGridDetector"),
    _Rule("a Mailchimp key", ("-us",), plugin="mailchimp.MailchimpDetector"),
    _Rule("a Square key", ("sq0csp-",), plugin="square_oauth.SquareOAuthDetector"),
    _Rule("an Azure storage key", ("AccountKey=",), plugin="azure_storage_key.AzureStorageKeyDetector"),
    _Rule("a Telegram bot's token", (":AA",), plugin="telegram_token.TelegramBotTokenDetector"),
)

_LONG_WORD = re.compile(r"[^\x21-\x7e][\x21-\x7e]{20,}")
_LONGEST = 2048
_PASSWORD_IN_URL = re.compile(r"://([^\s/:@{}$<>]+):([^\s/@{}$<>]{6,})@([\w.-]+)")

# What documentation writes where a secret would be, and the example of jwt.io, which everybody has pasted.
_MADE_UP = re.compile(
    r"example|x{4}|your|\*{3}|\.{3}|1234567|abcdef|0{6}|changeme|dummy|fake|placeholder|redacted|sample"
    r"|eyJzdWIiOiIxMjM0NTY3ODkw",
    re.IGNORECASE,
)
_MADE_UP_PASSWORDS = re.compile(
    r"p[a@4](?:s|\$){1,2}(?:w(?:[o0]?r)?d)?|secret|pwd?|admin|root|user|guest|test|foo|bar|key|token|my|your|123",
    re.IGNORECASE,
)
"""Words of which made-up passwords consist."""

_FEWEST_LETTERS = 7
"""Different letters that a password has besides such words."""

_NAMES_OF_PASSWORDS = (
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "passwort",
    "kennwort",
    "contraseña",
    "mot de passe",
)

# `password: hunter2!X9kL0`: what stands there counts only if it looks like nothing else, with letters of both
# cases, a digit and a sign, and nobody asked for a password.
_ASSIGNED = re.compile(
    r"(?<![\w-])(?:" + "|".join(_NAMES_OF_PASSWORDS) + r")[\"'*`]{0,3}"
    r"\s?(?:[:=]|\bis\b|\blautet\b)\s?[\"'*`]{0,3}([A-Za-z0-9!#%&*+?@^~_-]{9,40})(?=[\s\"'`.,;)]|\Z)",
    re.IGNORECASE,
)
_SIGNS = frozenset("!#%&*+?@^~")
_ABOUT_PASSWORDS = re.compile(
    r"\bstrong|secure|generat|random|\bexamples?\b|e\.g\.|hash|regex|valid|\bweak|\bguess|entropy|requirement|polic(?:y|ies)"
    r"|characters|uppercase|sicheres|zufällig",
    re.IGNORECASE,
)


def secrets(text: str) -> Iterator[str]:
    """Yield the keys, tokens and passwords in a text: what kind, and the few letters that show which."""
    # Every secret is a word of at least 20 letters, which most texts have none of: finding those takes 11 µs,
    # looking for the beginnings of all kinds of secrets in the whole text three times that.
    # They are cut, since some rules take quadratic time over a word that is repetitive on purpose.
    long_words = "".join([word[:_LONGEST] for word in _LONG_WORD.findall(f"\n{text}")])
    for rule in _RULES if long_words else ():
        if not any(needle in long_words for needle in rule.needles):
            continue
        for secret in _matches(rule, long_words):
            if _MADE_UP.search(secret) is None and len(set(secret)) >= 10:
                yield f"{rule.what} ({masked(secret)})"
    if "://" in text and "@" in text:
        for match in _PASSWORD_IN_URL.finditer(text):
            password = match[2]
            if _is_password(password):
                yield f"a password in the address of {clean_line(match[3])} ({masked(password)})"
    small = text.lower()
    if any(name in small for name in _NAMES_OF_PASSWORDS) and _ABOUT_PASSWORDS.search(text) is None:
        for match in _ASSIGNED.finditer(text):
            password = match[1].rstrip("!?*")
            kinds = (str.islower, str.isupper, str.isdigit, _SIGNS.__contains__)
            if all(any(map(kind, password)) for kind in kinds) and _is_password(password):
                yield f"a password ({masked(password)})"


def _is_password(text: str) -> bool:
    """Return whether what stands in a password's place is more than the words of documentation."""
    if _MADE_UP.search(text) is not None:
        return False
    rest, words = _MADE_UP_PASSWORDS.subn("", text)
    return not words or len(set(rest)) >= _FEWEST_LETTERS


def masked(secret: str) -> str:
    """Return enough of a secret to recognise it by and too little to use it: `ghp_…9f2c`.

    Of a short one, such as a password, only its length.
    """
    secret = clean_line(secret)
    if len(secret) < 20:
        return f"{len(secret)} characters"
    return f"{secret[:4]}…{secret[-4:]}"


def _matches(rule: _Rule, text: str) -> Iterator[str]:
    if rule.pattern:
        for match in re.finditer(rule.pattern, text):
            yield match.group()
        return
    patterns, valid = _plugin(rule.plugin)
    for pattern in patterns:
        for match in pattern.finditer(text):
            # A group is what matters in a longer match: the token after `_authToken=`.
            secret = next((group for group in match.groups() if group and len(group) >= 20), match.group())
            if valid is None or valid(secret):
                yield secret


_plugins: dict[str, tuple[Sequence[re.Pattern[str]], Callable[[str], bool] | None]] = {}


def _plugin(name: str) -> tuple[Sequence[re.Pattern[str]], Callable[[str], bool] | None]:
    """Return the expressions of one of detect-secrets' plugins, and what checks a match further."""
    if name not in _plugins:
        module, _, detector = name.partition(".")
        found = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), detector)
        _plugins[name] = (tuple(found.denylist), getattr(found, "is_formally_valid", None))
    return _plugins[name]


_KEY_HEADER = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-[23]:")
_KEY_BODY = re.compile(r"(?:[A-Za-z0-9+/]{16,}(?:=|\\n|\\r|\s)*){3,}")


def private_keys(text: str) -> Iterator[str]:
    """Yield the private keys in a text: a header with a body of base64, not the header alone."""
    if "PRIVATE KEY" not in text and "PuTTY-User-Key-File" not in text:
        return
    for header in _KEY_HEADER.finditer(text):
        body = _KEY_BODY.search(text, header.end(), header.end() + 800)
        if body is not None and len(set(body.group())) >= 20 and _MADE_UP.search(body.group()[:64]) is None:
            yield f"a private key ({header.group().strip('-: ').removeprefix('BEGIN ').lower()})"
