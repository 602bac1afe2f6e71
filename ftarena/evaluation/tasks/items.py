"""A task read from a file: its items, how their answers are scored, and the hash that names it.

Any format and shape that is trained on can be read. Beside prompt and reference a row may say `accept` (a
list of phrases), `choices` (a list of options), `pattern` (a regular expression) or `schema` (a JSON schema).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ftarena.serving.contestants import Message
from ftarena.store.ids import content_hash
from ftarena.store.results import LOSS

MetricName = Literal["exact", "number", "accept", "regex", "choice", "choice-logprob", "json", "python"]
METRICS: tuple[MetricName, ...] = get_args(MetricName)

MAX_TOKENS: Mapping[str, int] = {
    "accept": 64,
    "choice": 32,
    "choice-logprob": 1,
    "exact": 128,
    LOSS: 1,
}
"""Length limit of an answer, in tokens, by metric; any other: 512."""

MOST_TOKENS = 512
"""Length limit of an answer where the metric says none, in tokens."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What options are called, the first one A."""


@dataclass(frozen=True)
class Item:
    """One question and what its answer is held against."""

    prompt: tuple[Message, ...]
    """The conversation up to the answer, as it is asked."""

    reference: str
    """The right answer; may be empty where accepted phrases, a pattern or a schema say enough."""

    where: str
    """`FILE:LINE`, for people."""

    accept: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    pattern: str = ""
    schema: str = ""
    """A JSON schema, as text."""

    @property
    def right_choice(self) -> int | None:
        """Place of the right option in `choices`; None where the reference names none."""
        said = self.reference.strip()
        if said in self.choices:
            return self.choices.index(said)
        letter = said.strip("().: ").upper()
        if len(letter) == 1 and letter in LETTERS[: len(self.choices)]:
            return LETTERS.index(letter)
        if said.isdecimal() and int(said) < len(self.choices):
            return int(said)
        return None


@dataclass(frozen=True)
class Task:
    """Items, and how answers to them are scored."""

    name: str
    metric: str
    items: tuple[Item, ...]
    max_tokens: int
    """Length limit of an answer, in tokens."""

    pattern: str = ""
    """For `regex`, where the rows say none."""

    scorer: Path | None = None
    """For `python`: the user's file."""

    @property
    def asked(self) -> str:
        """Hash of what is asked: tasks of the same are scored from the same answers."""
        kind = self.metric if self.metric in (LOSS, "choice-logprob") else "answer"
        return content_hash("asked", kind, self.max_tokens, *map(self._question, self.items))

    @property
    def id(self) -> str:
        """Hash of what is asked and of how it is scored."""
        scorer = hashlib.sha256(self.scorer.read_bytes()).hexdigest() if self.scorer else ""
        held = (
            json.dumps([item.reference, item.accept, item.choices, item.pattern, item.schema])
            for item in self.items
        )
        return content_hash("task", self.metric, self.pattern, scorer, self.asked, *held)

    def chosen(self, limit: int | None) -> list[int]:
        """Return the places of so many items, in order: a fair sample, whatever the order of the file.

        A larger limit takes the same ones and more, so that what was measured counts on.

        Args:
            limit: How many; `None` is all.
        """
        places = range(len(self.items))
        if limit is None or limit >= len(self.items):
            return list(places)
        return sorted(
            sorted(places, key=lambda place: content_hash(self._question(self.items[place])))[:limit]
        )

    def _question(self, item: Item) -> str:
        said = [[message.role, message.content] for message in item.prompt]
        if self.metric == LOSS:
            return json.dumps([said, item.reference])
        return json.dumps([said, item.choices] if self.metric == "choice-logprob" else said)
