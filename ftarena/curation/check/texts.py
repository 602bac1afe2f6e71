"""What the texts of one example hold that nobody meant to teach: debris, broken letters, secrets.

Every check first looks for something cheap that must be there, so that a row of 470 letters of English costs
about 50 µs in all; only a row that might be wrong is looked at closely.
"""

from collections.abc import Iterator

from ftarena.curation.check.debris import (
    about_markup,
    html,
    may_hold_tokens,
    no_answer,
    placeholders,
    template_tokens,
)
from ftarena.curation.check.letters import control_characters, mojibake
from ftarena.curation.check.markers import asks_for_a_part, asks_to_repeat, breaks_off, loops
from ftarena.curation.check.parts import learned_texts_of, named_texts_of, texts_of
from ftarena.curation.check.personal import cards, emails, ibans
from ftarena.curation.check.secrets import private_keys, secrets
from ftarena.curation.examples import Example
from ftarena.curation.findings import Finding
from ftarena.text import shorten

_CHECKS = {
    "template-token": template_tokens,
    "placeholder": placeholders,
    "mojibake": mojibake,
    "control": control_characters,
    "secret": secrets,
    "private-key": private_keys,
    "email": emails,
    "card": cards,
    "iban": ibans,
}
"""By code, what finds it: a generator over a text that says in words what it found there."""


def text_findings(example: Example) -> Iterator[Finding]:
    """Yield what is wrong with an example's texts, at most one finding of a code.

    Args:
        example: Any kind of example.
    """
    joined = "\n".join(texts_of(example))
    learned = list(learned_texts_of(example))
    lost = [] if example.kind == "text" else _lost_answers(example, learned)
    for code, check in _CHECKS.items():
        # All texts at once first. Tokens of templates may depend on where a text begins and ends.
        suspected = may_hold_tokens(joined) if check is template_tokens else next(check(joined), None)
        if not suspected and not (lost and code == "placeholder"):
            continue
        places = [(where, what) for where, text in named_texts_of(example) for what in check(text)]
        yield from _told(code, example, places if suspected else lost)
    if "<" in joined or "&" in joined:
        tags = [(where, tag) for where, text in learned for tag in html(text)]
        if tags and not about_markup(joined):
            yield from _told("html", example, tags)
    looped = [
        (where, f"“{shorten(unit, 40)}” over and over") for where, text in learned if (unit := loops(text))
    ]
    if looped:
        if not asks_to_repeat(example.question):
            yield from _told("repetition", example, looped)
    elif example.kind != "text":  # a text may well be a piece of a longer one
        stopped = [
            (where, f"nothing after “… {shorten(end, 40)}”")
            for where, text in learned
            if (end := breaks_off(text))
        ]
        if stopped and not asks_for_a_part(example.question):
            yield from _told("cut-off", example, stopped)


def _lost_answers(example: Example, learned: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return where something stands in place of an answer, and what."""
    asked = "\n".join(turn.content for turn in example.prompt)
    return [
        (where, f"nothing but “{shorten(word, 40)}”")
        for where, text in learned
        if (word := no_answer(text, asked))
    ]


def _told(code: str, example: Example, places: list[tuple[str, str]]) -> Iterator[Finding]:
    if places:
        where, what = places[0]
        more = f", and {len(places) - 1} more" if len(places) > 1 else ""
        yield Finding(code, example.file, example.line, f"{what} in {where}{more}")
