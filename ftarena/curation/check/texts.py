"""What the texts of one example hold that nobody meant to teach: debris, broken letters, secrets.

Every check first looks for something cheap that must be there, so that a row of 300 tokens of English costs
about 50 µs in all, of Russian twice that; only a row that might be wrong is looked at closely.
"""

from collections.abc import Iterator

from ftarena.curation.check.debris import may_hold_tokens, placeholders, template_tokens
from ftarena.curation.check.letters import control_characters, mojibake
from ftarena.curation.check.parts import named_texts_of, texts_of
from ftarena.curation.check.personal import cards, emails
from ftarena.curation.check.secrets import private_keys, secrets
from ftarena.curation.examples import Example
from ftarena.curation.findings import Finding

_CHECKS = {
    "template-token": template_tokens,
    "placeholder": placeholders,
    "mojibake": mojibake,
    "control": control_characters,
    "secret": secrets,
    "private-key": private_keys,
    "email": emails,
    "card": cards,
}
"""By code, what finds it: a generator over a text that says in words what it found there."""


def text_findings(example: Example) -> Iterator[Finding]:
    """Yield what is wrong with an example's texts, at most one finding of a code.

    Args:
        example: Any kind of example.
    """
    joined = "\n".join(texts_of(example))
    for code, check in _CHECKS.items():
        # All texts at once first. Tokens of templates may depend on where a text begins and ends.
        suspected = may_hold_tokens(joined) if check is template_tokens else next(check(joined), None)
        if not suspected:
            continue
        places = [(where, what) for where, text in named_texts_of(example) for what in check(text)]
        if places:
            where, what = places[0]
            more = f", and {len(places) - 1} more" if len(places) > 1 else ""
            yield Finding(code, example.file, example.line, f"{what} in {where}{more}")
