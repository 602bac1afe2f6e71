"""The words that tell two sets of texts apart most.

Log-odds ratios with an informative Dirichlet prior (Monroe, Colaresi and Quinn, "Fightin' Words", Political
Analysis 2008, eq. 16, 19 and 22), the prior being the words of both sides. A word counts once in a text, or
one model that repeats itself to the end would fill the list.
"""

import re
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from math import log, sqrt

from ftarena.arena.why.many import normal_p, standing_findings
from ftarena.arena.why.report import Word, word_order

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
_PRIOR = 500.0
"""Size of the prior in words; a prior as large as the texts would hide what they say."""

_FEWEST = 3
"""Texts that a word must stand in to be told."""

_LONGEST = 30


def words_in(text: str) -> frozenset[str]:
    """Return the different words of a text without case; of Chinese and Japanese, the pairs of signs."""
    found = set()
    for word in _WORD.findall(text.casefold()):
        if _UNSPACED.search(word) is not None:
            for run in _UNSPACED.findall(word):
                found |= {run[at : at + 2] for at in range(max(len(run) - 1, 1))}
        elif len(word) <= _LONGEST:
            found.add(word)
    return frozenset(found)


def telling_words(
    ones: Sequence[AbstractSet[str]], others: Sequence[AbstractSet[str]], *, most: int = 8
) -> tuple[Word, ...]:
    """Return the words that tell the two apart, at a false discovery rate of 5 % over all words.

    Args:
        ones: The words of each text of the first side.
        others: The same of the other.
        most: At most this many a side.
    """
    one, other = (Counter(word for text in texts for word in text) for texts in (ones, others))
    both = one + other
    total = both.total()
    if not one or not other:
        return ()
    share = min(_PRIOR / total, 1.0)
    sizes = one.total() + share * total, other.total() + share * total
    words = []
    for word in sorted(both):
        if both[word] < _FEWEST:
            continue
        prior = share * both[word]
        first, second = one[word] + prior, other[word] + prior
        odds = log(first / (sizes[0] - first)) - log(second / (sizes[1] - second))
        words.append(Word(word, odds / sqrt(1 / first + 1 / second), one[word], other[word]))
    stand = standing_findings([normal_p(word.z) for word in words])
    told = sorted((word for word, stands in zip(words, stand, strict=True) if stands), key=word_order)
    mine = [word for word in told if word.z > 0][:most]
    theirs = [word for word in told if word.z < 0][:most]
    return (*mine, *theirs)
