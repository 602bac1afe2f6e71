"""What many rows have in common, learned from the first rows of each source: templates and turns of phrase.

Data are often made by filling in templates. Two rows of one template share most of their words and are still
two rows, and a held-out question of a template that is trained on has not leaked. So sequences of words that
at least 1 % of the sampled rows have, and at least 20 rows, count neither for near duplicates nor for leaks.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from ftarena.curation.check.saying import said
from ftarena.curation.check.words import HashSet, Vocabulary, WordRows
from ftarena.curation.examples import Example
from ftarena.curation.reading import iter_examples
from ftarena.curation.shapes import ANSWERED
from ftarena.curation.sources import Source

SOURCES = 16
ROWS = 2_000
SHARE = 0.01
FEWEST_ROWS = 20


def common_sequences(sources: Sequence[Source], sizes: Sequence[int]) -> Mapping[int, HashSet]:
    """Return the sequences of words that many rows have.

    Args:
        sources: Where to take the sample: 2,000 rows, the first ones of up to 16 sources.
        sizes: Words to a sequence.

    Returns:
        By size, hashes as `WordRows.grams` makes them.
    """
    rows = WordRows.of(
        (said(example).all for example in _sample(sources)),
        Vocabulary(),
    )
    return {size: common_grams(rows.grams(size)) for size in sizes}


def common_grams(rows: WordRows) -> HashSet:
    """Return the n-grams that many of some rows have."""
    count = len(rows.offsets) - 1
    many = max(FEWEST_ROWS, SHARE * count)
    hashes, counts = np.unique(rows.hashes, return_counts=True)
    often = HashSet(hashes[counts >= many])
    # Some of them only stand many times in few rows: an n-gram counts once a row.
    where, which = often.positions(rows.hashes)
    row = np.searchsorted(rows.offsets, where, side="right") - 1
    once = np.unique(which * count + row) // count if count else which
    return HashSet(often.sorted[np.bincount(once, minlength=len(often)) >= many])


def _sample(sources: Sequence[Source]) -> Iterator[Example]:
    step = -(-len(sources) // SOURCES) or 1
    chosen = sources[::step]
    for source in chosen:
        items = iter_examples(source, ANSWERED)
        yield from islice((item for item in items if isinstance(item, Example)), ROWS // len(chosen))
