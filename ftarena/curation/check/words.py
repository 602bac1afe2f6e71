"""Texts as comparisons see them: words without case and punctuation, and hashes of n words in a row.

Everything here is the same in every process and on every machine: a word's hash is the beginning of its
BLAKE2b, never Python's own `hash`, which differs from process to process.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint64]

# What stands between words, besides white space. Signs of arithmetic do not (2+2 is another question than
# 2*2), nor does what makes the option of a command.
_ASCII_MARKS = ".,;:!?'\"`()[]{}"
_OTHER_MARKS = "¡¿«»·\u2010-\u2027\u2030-\u205e\u3000-\u3003\u3008-\u3011\u3014-\u301f\u0964\u0965،؛؟"
_TYPOGRAPHIC = "–—‘’“”…\u00a0"
_TO_SPACE = str.maketrans(dict.fromkeys(_ASCII_MARKS, " "))
# Scripts without spaces between words: each letter counts as a word (Thai, Lao, Burmese, Khmer, kana, Han).
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_CLASS = re.escape(_ASCII_MARKS) + _OTHER_MARKS
_SPACED_WORD = re.compile(rf"[^\s{_CLASS}]+")
_ANY_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_CLASS}{_UNSPACED}]+")
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")

_MAX_VOCABULARY = 500_000
_MULTIPLIER = 0x9E3779B97F4A7C15


def words(text: str) -> list[str]:
    """Return the words of a text, case folded and without punctuation."""
    if not text.isascii():
        for mark in _TYPOGRAPHIC:  # the only thing that is not ASCII in most English texts
            text = text.replace(mark, " ")
    if text.isascii():
        return text.lower().translate(_TO_SPACE).split()  # ten times as fast as a regular expression
    text = unicodedata.normalize("NFKC", text).casefold()
    # Three times as fast as looking for both kinds of words everywhere.
    return (_ANY_WORD if _HAS_UNSPACED.search(text) else _SPACED_WORD).findall(text)


def normalised(text: str) -> str:
    """Return a text as comparisons see it: its words with single spaces; a text without words as it is."""
    return " ".join(words(text)) or text.strip()


def digest(text: str) -> int:
    """Return 64 bits that are equal for equal texts, and for others by a chance of 1 in 2^64."""
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
    )


class Vocabulary(dict[str, int]):
    """Hashes of words, remembered: most words of a text have been seen before."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MAX_VOCABULARY:  # about 60 MB; hashing anew is slower, not wrong
            self.clear()
        hashed = self[word] = digest(word)
        return hashed

    def hashes(self, found: Sequence[str]) -> Hashes:
        """Return the hash of each word."""
        return np.fromiter(map(self.__getitem__, found), dtype=np.uint64, count=len(found))


@dataclass(frozen=True)
class WordRows:
    """The words of some rows, as hashes, one row after the other."""

    hashes: Hashes
    """Of all words of all rows."""

    offsets: NDArray[np.int64]
    """(rows + 1,): row i is `hashes[offsets[i]:offsets[i + 1]]`."""

    @classmethod
    def of(cls, rows: Iterable[Sequence[str]], vocabulary: Vocabulary) -> "WordRows":
        """Hash the words of rows."""
        every: list[str] = []
        ends = [0]
        for row in rows:
            every += row
            ends.append(len(every))
        return cls(vocabulary.hashes(every), np.array(ends, dtype=np.int64))

    def grams(self, n: int) -> "WordRows":
        """Return the hashes of every n words in a row, row by row; a row of fewer words has none."""
        lengths = np.maximum(np.diff(self.offsets) - (n - 1), 0)
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        total = int(offsets[-1])
        if not total:
            return WordRows(np.empty(0, dtype=np.uint64), offsets)
        # Where each n-gram begins: its number within its row, after the beginning of the row.
        starts = np.arange(total) + np.repeat(self.offsets[:-1] - offsets[:-1], lengths)
        rolled = self.hashes[: len(self.hashes) - n + 1].copy()
        for step in range(1, n):
            rolled *= np.uint64(_MULTIPLIER)
            rolled += self.hashes[step : len(self.hashes) - n + 1 + step]
        return WordRows(mixed(rolled[starts]), offsets)

    def row(self, index: int) -> Hashes:
        """Return the hashes of one row."""
        return self.hashes[self.offsets[index] : self.offsets[index + 1]]

    def without(self, unwanted: "HashSet") -> "WordRows":
        """Return the rows without some hashes."""
        if not len(unwanted):
            return self
        wanted = ~unwanted.contains(self.hashes)
        kept = np.concatenate(([0], np.cumsum(wanted)))
        return WordRows(self.hashes[wanted], kept[self.offsets])


def mixed(hashes: Hashes) -> Hashes:
    """Return the hashes with every bit depending on every other (the finaliser of SplitMix64)."""
    hashes = hashes.copy()
    hashes ^= hashes >> np.uint64(30)
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(27)
    hashes *= np.uint64(0x94D049BB133111EB)
    hashes ^= hashes >> np.uint64(31)
    return hashes


class HashSet:
    """A set of hashes that can be asked for millions at once.

    Args:
        hashes: In any order; twice is once.
    """

    def __init__(self, hashes: Hashes) -> None:
        self.sorted: Hashes = np.unique(hashes)
        # A bit a hash over 16 × as many bits: 15 of 16 strangers are turned away without a search.
        bits = max(10, min(int(len(self.sorted) * 16).bit_length(), 27))
        self._shift = np.uint64(64 - bits)
        self._seen = np.zeros(1 << bits, dtype=bool)
        self._seen[self.sorted >> self._shift] = True

    def __len__(self) -> int:
        return len(self.sorted)

    def positions(self, hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where in `hashes` there are members, and where in `sorted` each of them is."""
        if not len(self.sorted):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        likely = np.flatnonzero(self._seen[hashes >> self._shift])
        asked = hashes[likely]
        found = np.minimum(np.searchsorted(self.sorted, asked), len(self.sorted) - 1)
        there = self.sorted[found] == asked
        return likely[there], found[there]

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Return for each hash whether it is a member."""
        result = np.zeros(len(hashes), dtype=bool)
        result[self.positions(hashes)[0]] = True
        return result
