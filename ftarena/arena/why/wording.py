"""The words that tell two sets of texts apart most.

Log-odds ratios with an informative prior, as in Monroe, Colaresi and Quinn ("Fightin' Words", Political
Analysis
2008, eq. 16, 19 and 22), of the texts that hold a word, not of its occurrences: a model that repeats itself
to the end would fill the list, and a longer answer would make every other word of it rare.
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
_PRIOR = 10.0
"""Texts that the prior is worth: as if each side had this many more, with words as often as both together."""

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
    if not ones or not others:
        return ()
    both = one + other
    words = []
    for word in sorted(both):
        if both[word] < _FEWEST:
            continue
        held = _PRIOR * both[word] / (len(ones) + len(others))
        first, second = one[word] + held, other[word] + held
        lacking = len(ones) + _PRIOR - first, len(others) + _PRIOR - second
        if lacking[0] <= 0 or lacking[1] <= 0:  # a word of every text tells nothing
            continue
        odds = log(first / lacking[0]) - log(second / lacking[1])
        deviation = sqrt((1 / first + 1 / lacking[0]) + (1 / second + 1 / lacking[1]))
        words.append(Word(word, odds / deviation, one[word], other[word]))
    stand = standing_findings([normal_p(word.z) for word in words])
    told = sorted((word for word, stands in zip(words, stand, strict=True) if stands), key=word_order)
    mine = [word for word in told if word.z > 0][:most]
    theirs = [word for word in told if word.z < 0][:most]
    return (*mine, *theirs)
