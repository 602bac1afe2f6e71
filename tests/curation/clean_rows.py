"""Rows as good data have them, made up from a seed: many forms of questions, nothing wrong in any.

Some come as near to a defect as good data do: addresses at example.com, `git@` hosts, hashes, strike-through,
Jinja in code, "I'm sorry to hear that", headings named Response, test numbers of cards.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from word_lists import (
    DEEDS,
    EMOJI,
    FIRST_NAMES,
    FOODS,
    GOODS,
    IDENTIFIERS,
    LAST_NAMES,
    LINKS,
    PLACES,
    QUALITIES,
    SUBJECTS,
    THINGS,
    TRANSLATIONS,
    WHENS,
    WHYS,
)

Talk = list[tuple[str, str]]
"""Questions and answers, in turn."""


def name(rng: random.Random) -> str:
    """Return somebody's name."""
    return f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"


def thing(rng: random.Random) -> str:
    """Return a thing with two qualities, one of some half a million."""
    first, second = rng.sample(QUALITIES, 2)
    return f"{first}, {second} {rng.choice(THINGS)}"


def sentence(rng: random.Random) -> str:
    """Return a sentence, one of very many."""
    who, what, where = name(rng), thing(rng), rng.choice(PLACES)
    deed, when, why = rng.choice(DEEDS), rng.choice(WHENS), rng.choice(WHYS)
    other, number = rng.choice(THINGS), rng.randint(2, 1900)
    return rng.choice(
        (
            f"{when[0].upper()}{when[1:]}, {who} {deed} the {what} in {where}.",
            f"{who} {deed} a {what}, {why}.",
            f"The {what} stood next to the {other} in {where}, {why}.",
            f"There were {number:,} people in {where} who {deed} a {other} {when}.",
            f"{rng.choice(LINKS)}, the {other} was more {rng.choice(QUALITIES)} than the {what}.",
            f"“Who {deed} the {what}?” asked {who} {when} — and nobody in {where} knew.",
            f"It is said that {who} {deed} the {other} of {where} {when}; the {what} came later.",
            f"Nothing about the {what} was {rng.choice(QUALITIES)}, {why}.",
            f"If the {other} is {rng.choice(QUALITIES)}, the {what} (about {number} grams) will be, too.",
            f"{who} had {deed} {number % 40 + 2} of them: a {what}, a {other} and the rest.",
        )
    )


def paragraph(rng: random.Random, fewest: int = 2, most: int = 6) -> str:
    """Return some sentences."""
    return " ".join(sentence(rng) for _ in range(rng.randint(fewest, most)))


def _explanation(rng: random.Random) -> Talk:
    subject = rng.choice(SUBJECTS)
    asked = rng.choice(
        (
            f"Explain {subject} with the help of a {thing(rng)}.",
            f"How would you describe {subject} to {name(rng)}, who owns a {thing(rng)}?",
            f"What do {subject} and a {thing(rng)} have in common?",
        )
    )
    return [(asked, f"Think of {subject} as something to look after. {paragraph(rng, 3, 9)}")]


def _story(rng: random.Random) -> Talk:
    asked = (
        f"Write a story in which {name(rng)} and {name(rng)} meet at a {thing(rng)} in {rng.choice(PLACES)}."
    )
    return [(asked, "\n\n".join(paragraph(rng) for _ in range(rng.randint(2, 4))))]


def _sum(rng: random.Random) -> Talk:
    who, goods = name(rng), rng.choice(GOODS)
    a, b, c = rng.randint(12, 400), rng.randint(2, 60), rng.randint(2, 30)
    asked = (
        f"{who} has {a} {goods} and gets {b} more every week from {rng.choice(PLACES)}. After {c} weeks "
        f"half of all the {goods} go to {name(rng)}. How many are left?"
    )
    total = a + b * c
    answer = (
        f"In {c} weeks {who} gets {b} × {c} = <<{b}*{c}={b * c}>>{b * c} {goods}.\n"
        f"Together that makes {a} + {b * c} = <<{a}+{b * c}={total}>>{total}.\n"
        f"Half of them are {total} / 2 = {total / 2:g}.\n#### {total / 2:g}"
    )
    return [(asked, answer)]


def _listing(rng: random.Random) -> Talk:
    asked = (
        f"Give me tips for a trip to {rng.choice(PLACES)} with a {thing(rng)} and {rng.randint(2, 90)} euros."
    )
    tips = [f"**{rng.choice(THINGS).capitalize()}**: {sentence(rng)}" for _ in range(rng.randint(3, 7))]
    marks = rng.choice(("- {0}", "* {0}", "{1}. {0}"))
    listed = "\n".join(marks.format(tip, number) for number, tip in enumerate(tips, 1))
    return [(asked, f"## Before you go\n\n{sentence(rng)}\n\n{listed}")]


def _recipe(rng: random.Random) -> Talk:
    foods = rng.sample(FOODS, rng.randint(4, 8))
    there = f"{', '.join(foods[:-1])} and {foods[-1]}"
    asked = f"What can {name(rng)} cook with {there} for {rng.randint(2, 12)} people?"
    steps = [f"{number}. {sentence(rng)}" for number in range(1, rng.randint(4, 7))]
    listed = "\n".join(f"• {food}" for food in foods)
    return [
        (asked, f"A gratin, at {rng.randint(16, 23)}0 °C.\n\n{listed}\n\n" + "\n".join(steps) + "\n\nEnjoy!")
    ]


def _python(rng: random.Random) -> Talk:
    a, b, c = rng.sample(IDENTIFIERS, 3)
    limit, step = rng.randint(3, 9999), rng.randint(2, 99)
    asked = (
        f"Write a Python function {a}_{b} that skips every {c} below {limit} and adds {step} to the others."
    )
    answer = (
        f"```python\ndef {a}_{b}({c}s: list[int], *, limit: int = {limit}) -> dict[str, int]:\n"
        f'    """Return each {c} plus {step}."""\n'
        f"    {b} = {{f'{{{c}}}': {c} + {step} for {c} in {c}s if {c} >= limit}}\n"
        f"    # {sentence(rng)}\n    return {b}\n```\n\n"
        f"`{a}_{b}([{limit}, {limit + step}])` returns {{'{limit}': {limit + step}, …}}. {sentence(rng)}"
    )
    return [(asked, answer)]


def _shell(rng: random.Random) -> Talk:
    a, b = rng.sample(IDENTIFIERS, 2)
    number, who = rng.randint(1024, 65535), rng.choice(FIRST_NAMES).lower()
    asked, answer = rng.choice(
        (
            (f"Copy {a}.csv to the server {b}{number}.", f"scp {a}.csv root@{b}{number}.hetzner.de:/srv/{a}"),
            (
                f"Clone the repository {a}-{b} number {number}.",
                f"git clone git@github.com:{a}/{b}-{number}.git",
            ),
            (
                f"Show who uses port {number} for {a} {b}.",
                f"sudo ss -ltnp 'sport = :{number}' | grep {a}_{b}",
            ),
            (
                f"Find {a} files above {number} kB that mention {b}.",
                f"find . -name '*.{a}' -size +{number}k -exec grep -l {b} {{}} +",
            ),
            (
                f"Set {who}@example.com as the author of {a}, commit {number}.",
                f"git commit --amend --author='{a} <{who}@example.com>'  # was {rng.getrandbits(160):040x}",
            ),
        )
    )
    if rng.random() < 0.5:
        answer = f"```\n{answer}\n```\n{sentence(rng)}"
    return [(asked, answer)]


def _table(rng: random.Random) -> Talk:
    goods = rng.sample(GOODS, 4)
    asked = (
        f"Make a table of prices of {', '.join(goods)} in {rng.choice(PLACES)}, {rng.randint(1850, 2025)}."
    )
    rows = "\n".join(f"| {item} | {rng.uniform(1, 900):,.2f} € | {rng.randint(1, 31)}/07 |" for item in goods)
    return [(asked, f"| what | price | until |\n|---|---:|---|\n{rows}\n\n{sentence(rng)}")]


def _json(rng: random.Random) -> Talk:
    keys = rng.sample(IDENTIFIERS, 4)
    who = name(rng)
    asked = f"Answer in JSON with the keys {', '.join(keys)} for {who}, born {rng.randint(1900, 2020)}."
    values = [rng.randint(1, 10**9), round(rng.random(), 6), who, [rng.choice(THINGS), rng.choice(THINGS)]]
    body = ", ".join(f'"{key}": {value!r}'.replace("'", '"') for key, value in zip(keys, values, strict=True))
    return [
        (
            asked,
            f'{{"at": "2024-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}T08:{rng.randint(10, 59)}Z", {body}}}',
        )
    ]


def _letter(rng: random.Random) -> Talk:
    sender, receiver = name(rng), name(rng)
    asked = f"Write a letter from {sender} to {receiver} about a {thing(rng)} that was never returned."
    return [(asked, f"Dear {receiver},\n\n{paragraph(rng)}\n\n{paragraph(rng)}\n\nKind regards,\n{sender}")]


def _translation(rng: random.Random) -> Talk:
    language, pattern, things = rng.choice(TRANSLATIONS)
    what, where, who = rng.choice(things.split("|")), rng.choice(PLACES), name(rng)
    asked = f"Translate into {language}: Where is it? It was left in {where}, next to {who}'s café ({what})."
    return [(asked, pattern.format(a=what, b=where, c=who))]


def _rewriting(rng: random.Random) -> Talk:
    text = paragraph(rng, 2, 5)
    asked = rng.choice((f"Summarise this:\n\n{text}", f"Who is this about?\n\n“{text}”", f"Shorten: {text}"))
    return [(asked, sentence(rng))]


def _chat(rng: random.Random) -> Talk:
    who, what = name(rng), thing(rng)
    return [
        (
            f"Hi! My {what} broke in {rng.choice(PLACES)} 😢",
            f"I'm sorry to hear that! {sentence(rng)} {rng.choice(EMOJI)}",
        ),
        (f"Thanks. And {who}'s {rng.choice(THINGS)}?", paragraph(rng, 1, 3)),
        (
            rng.choice(("ok", "Great, thank you!", "And then?", "haha 😂")),
            f"{sentence(rng)} {rng.choice(EMOJI)}",
        ),
    ]


def _tricky(rng: random.Random) -> Talk:
    a, b = rng.sample(IDENTIFIERS, 2)
    number = rng.randint(100, 10**6)
    asked, answer = rng.choice(
        (
            ("How do I print {a} {b} ({n}) in Jinja?", "Write `{{{{ {a} }}}}` and `{{% if {b} > {n} %}}`."),
            ("Strike {a} out of my page on {b} number {n}.", "<p>The {b} costs <s>{n}</s> 12 euros.</p>"),
            (
                "Which card numbers can I test {a} {b} with in case {n}?",
                "4111 1111 1111 1111, or 4242424242424242.",
            ),
            (
                "What does the API for {a} {b} v{n} return?",
                "## Call\n\nGET /{a}\n\n### Response\n\n200, with {b}.",
            ),
            (
                "Pipe {a} through {b} {n} times in F#.",
                "`{a} |> Seq.map {b} |> Seq.take {n}`, or `{b} <| {a}`.",
            ),
            ("Is 978-3-16-148410-0 the ISBN of {a} {b} {n}?", "Yes; the order's id is 94539148803436467{n}."),
            (
                "Write {a} over {b} as LaTeX, {n} times.",
                r"\frac{{{{a}}}}{{{{b}}}} \cdot {n} = \sqrt{{{{x}}}}_{{i}}",
            ),
            ("Show me a public key for {a}-{b}-{n}.", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{k} {a}@{b}"),
            (
                "How do I set the key of {a} for {b} {n}?",
                "export {A}_KEY='sk-your-key' or OPENAI_API_KEY=sk-xxxxxxxx",
            ),
            (
                "Connect to the database {a} of {b}, port {n}.",
                "psql postgres://user:password@localhost:{n}/{a}",
            ),
        )
    )
    key = f"{rng.getrandbits(200):050x}"
    fill = {"a": a, "b": b, "n": number, "k": key, "A": a.upper()}
    return [(asked.format(**fill), answer.format(**fill))]


FORMS: tuple[Callable[[random.Random], Talk], ...] = (
    *(_explanation, _story, _sum, _listing, _recipe, _python, _shell, _table),
    *(_json, _letter, _translation, _rewriting, _chat, _tricky, _explanation, _sum),
)


class CleanRows:
    """Makes rows without end, no two of which ask the same.

    Args:
        seed: The same seed makes the same rows.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self._asked: set[str] = set()

    def _talk(self, forms: Sequence[Callable[[random.Random], Talk]] = FORMS) -> Talk:
        while True:
            talk = self.rng.choice(forms)(self.rng)
            if talk[0][0].casefold() not in self._asked:
                self._asked.add(talk[0][0].casefold())
                return talk

    def answers(self, count: int) -> Iterator[dict[str, Any]]:
        """Yield rows with an answer to learn, in four spellings."""
        for _ in range(count):
            talk = self._talk()
            question, answer = talk[0]
            yield (
                self.rng.choice((self._messages, self._sharegpt))(talk)
                if len(talk) > 1
                else self.rng.choice(
                    (
                        self._messages(talk),
                        self._sharegpt(talk),
                        {"instruction": question, "input": "", "output": answer},
                        {"prompt": question, "completion": answer},
                    )
                )
            )

    def _messages(self, talk: Talk) -> dict[str, Any]:
        system = [{"role": "system", "content": "You are a helpful assistant."}] * (self.rng.random() < 0.2)
        turns = [
            {"role": role, "content": text}
            for pair in talk
            for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
        return {"messages": system + turns}

    def _sharegpt(self, talk: Talk) -> dict[str, Any]:
        turns = [
            {"from": role, "value": text}
            for pair in talk
            for role, text in zip(("human", "gpt"), pair, strict=True)
        ]
        return {"conversations": turns}

    def pairs(self, count: int) -> Iterator[dict[str, Any]]:
        """Yield preference pairs, neither side longer as a rule."""
        for _ in range(count):
            chosen, rejected = paragraph(self.rng), paragraph(self.rng)
            yield {"prompt": self._talk()[0][0], "chosen": chosen, "rejected": rejected}

    def labelled(self, count: int) -> Iterator[dict[str, Any]]:
        """Yield answers called good or bad, about as many of each."""
        for _ in range(count):
            question, answer = self._talk()[0]
            yield {"prompt": question, "completion": answer, "label": self.rng.random() < 0.5}

    def questions(self, count: int) -> Iterator[dict[str, Any]]:
        """Yield questions without an answer, for holding out, with many words of their own.

        Two commands for different ports are nearly the same question, and rightly told as such.
        """
        for _ in range(count):
            yield {"prompt": self._talk((_story, _rewriting, _recipe, _letter))[0][0]}
