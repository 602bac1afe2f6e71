"""What `why` hands back. Everything is seen from the first contestant; `mirrored` is the other's view."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Kind = Literal["flag", "amount"]
"""A flag is there or not; an amount is how much of it there is."""


class Span(NamedTuple):
    """A value and its 95 % interval; an end is None where the answers or votes do not bound it."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class FeatureFinding:
    """One feature of the answers: how much of it either side shows, and what it is worth in votes."""

    key: str
    label: str
    """What it is, for people."""

    kind: Kind
    prompts: int
    """Prompts on which both answers have it or could have it (agreement needs a reference)."""

    one: float
    """A flag: share of the first contestant's answers that show it. An amount: the mean."""

    other: float
    difference: Span
    """`one` − `other`, paired by prompt."""

    differs: bool
    """Whether the two show it differently: false discovery rate 5 % over all features (Benjamini and Hochberg
    1995)."""

    votes: int
    """Votes between answers that differ in it, ties included."""

    alone: Span | None
    """Logit that people give an answer for showing it where the other does not (a flag), or for twice as much
    of it (an amount), fitted alone. None where fewer than `effects.FEWEST` votes could tell."""

    jointly: Span | None
    """The same, fitted together with all other features (ridge)."""

    counts: bool
    """Whether `alone` is told from 0: false discovery rate 5 % over all features."""

    held_equal: float | None
    """The first contestant's score if both showed it alike; compare with `WhyReport.score`."""

    battles: tuple[str, ...]
    """Ids of battles that show it best: the largest differences that were voted accordingly."""


@dataclass(frozen=True)
class Word:
    """A word that tells the two apart."""

    word: str
    z: float
    """Log-odds ratio with an informative Dirichlet prior over its standard error (Monroe et al. 2008);
    positive: the first contestant's."""

    one: int
    """Answers of the first contestant that hold it."""

    other: int


@dataclass(frozen=True)
class Slice:
    """Prompts that have something in common, and the score on them."""

    what: str
    """By what the prompts were taken apart: category, question length, …"""

    name: str
    prompts: int
    votes: int
    """Votes that say something about strength; both bad does not."""

    score: Span
    """The first contestant's (wins + ties/2) / (wins + ties + losses), with Wilson's interval; a prompt is
    one observation."""

    rest: float | None
    """The same on all other prompts; None where there are none."""

    turns: bool
    """Whether the interval excludes the score on all prompts, and it is told from the rest at a false
    discovery rate of 5 % over all slices."""


@dataclass(frozen=True)
class ReasonWords:
    """What a judge gave as its reasons."""

    judge: str
    wins: tuple[int, int]
    """Reasons read: for the first contestant, for the other."""

    words: tuple[Word, ...]
    """Words that tell reasons for the first from reasons for the other."""

    quotes: tuple[str, ...]
    """Up to three reasons as they were written, those that hold most of these words."""


@dataclass(frozen=True)
class WhyReport:
    """Why the votes on two contestants are as they are."""

    one: str
    other: str
    pairs: int
    """Pairs of answers that were compared, one a prompt and sample."""

    votes: int
    """Votes with texts that say something about strength."""

    both_bad: int
    without_texts: int
    """Votes that are left out because the answers' texts are not known (imported ones)."""

    prompts: int
    """Different prompts voted on."""

    score: Span | None
    """(wins + ties/2) / (wins + ties + losses) of the first; None without votes."""

    features: tuple[FeatureFinding, ...]
    """Those that count first, then by how sure they are."""

    words: tuple[Word, ...]
    slices: tuple[Slice, ...]
    """Those that turn first."""

    judges: tuple[ReasonWords, ...]

    def mirrored(self) -> "WhyReport":
        """Return the same seen from the other contestant."""
        return replace(
            self,
            one=self.other,
            other=self.one,
            score=_from_one(self.score),
            features=tuple(
                replace(
                    found,
                    one=found.other,
                    other=found.one,
                    difference=_negated(found.difference),
                    held_equal=None if found.held_equal is None else 1 - found.held_equal,
                )
                for found in self.features
            ),
            words=_turned(self.words),
            slices=tuple(
                replace(
                    part,
                    score=_from_one(part.score) or part.score,
                    rest=None if part.rest is None else 1 - part.rest,
                )
                for part in self.slices
            ),
            judges=tuple(
                replace(said, wins=(said.wins[1], said.wins[0]), words=_turned(said.words))
                for said in self.judges
            ),
        )

    def to_json(self) -> dict[str, object]:
        """Everything as strictly valid JSON."""
        return {
            "one": self.one,
            "other": self.other,
            "pairs": self.pairs,
            "votes": self.votes,
            "both_bad": self.both_bad,
            "without_texts": self.without_texts,
            "prompts": self.prompts,
            "score": _span(self.score),
            "features": [
                {
                    **{name: getattr(found, name) for name in _PLAIN},
                    "difference": _span(found.difference),
                    "alone": _span(found.alone),
                    "jointly": _span(found.jointly),
                    "battles": list(found.battles),
                }
                for found in self.features
            ],
            "words": _words(self.words),
            "slices": [
                {
                    "what": part.what,
                    "name": part.name,
                    "prompts": part.prompts,
                    "votes": part.votes,
                    "score": _span(part.score),
                    "rest": part.rest,
                    "turns": part.turns,
                }
                for part in self.slices
            ],
            "judges": [
                {
                    "judge": said.judge,
                    "wins": list(said.wins),
                    "words": _words(said.words),
                    "quotes": list(said.quotes),
                }
                for said in self.judges
            ],
        }


_PLAIN = ("key", "label", "kind", "prompts", "one", "other", "differs", "votes", "counts", "held_equal")


def _span(span: Span | None) -> dict[str, float | None] | None:
    return None if span is None else span._asdict()


def _words(words: Iterable[Word]) -> list[dict[str, object]]:
    return [{"word": each.word, "z": each.z, "one": each.one, "other": each.other} for each in words]


def _negated(span: Span) -> Span:
    return Span(
        -span.value, None if span.high is None else -span.high, None if span.low is None else -span.low
    )


def _from_one(span: Span | None) -> Span | None:
    if span is None:
        return None
    return Span(
        1 - span.value,
        None if span.high is None else 1 - span.high,
        None if span.low is None else 1 - span.low,
    )


def _turned(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Return words seen from the other side, in the order that the other side would have them."""
    turned = [Word(each.word, -each.z, each.other, each.one) for each in words]
    return tuple(sorted(turned, key=word_order))


def word_order(word: Word) -> tuple[bool, float, str]:
    """Order words: the first contestant's, then the other's, the surest of each first."""
    return word.z < 0, -abs(word.z), word.word
