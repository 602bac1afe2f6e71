"""How much of a reference an answer has: the same words, or the same words in the same order."""

import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
_LONGEST = 400
"""Words that are compared in order; the time is their product."""


def words_of(text: str) -> list[str]:
    """Return the words of a text without case and punctuation."""
    return _WORD.findall(text.casefold())


def same(answer: str, reference: str) -> bool:
    """Return whether an answer is its reference but for case, punctuation and white space."""
    return words_of(answer) == words_of(reference)


def token_f1(answer: str, reference: str) -> float:
    """Return the harmonic mean of precision and recall over words, as SQuAD scores answers (Rajpurkar et al.
    2016)."""
    ours, theirs = Counter(words_of(answer)), Counter(words_of(reference))
    return _f1((ours & theirs).total(), ours.total(), theirs.total())


def rouge_l(answer: str, reference: str) -> float:
    """Return ROUGE-L (Lin 2004): F1 of the longest common subsequence of the first 400 words of each."""
    ours, theirs = words_of(answer)[:_LONGEST], words_of(reference)[:_LONGEST]
    return _f1(_common(ours, theirs), len(ours), len(theirs))


def _f1(shared: int, ours: int, theirs: int) -> float:
    if not ours or not theirs:
        return float(ours == theirs)
    return 2 * shared / (ours + theirs)


def _common(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Length of the longest common subsequence, by bits: a row of the table is one integer (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for place, word in enumerate(ours):
        places[word] = places.get(word, 0) | 1 << place
    full = (1 << len(ours)) - 1
    row = full
    for word in theirs:
        found = row & places.get(word, 0)
        row = (row + found | row - found) & full
    return len(ours) - row.bit_count()
