"""Holding rows out: by what they ask, so that the same question is never on both sides.

Which side a row is on depends on its question alone (and on how many are to be held out), so sorting a file
moves no row across. Questions that differ only in case, punctuation or spacing are the same question.
"""

from array import array
from collections.abc import Iterable, Sequence

from ftarena.curation.examples import Example

NONE = -1
"""A cut below every question: nothing is held out."""


def question_key(example: Example) -> int:
    """Return 64 bits of what an example asks, the same on every machine.

    Of an example that asks nothing (plain text) it is what the text says.
    """
    # Inside: the words of a text need numpy, which a front end that only looks around never loads.
    from ftarena.curation.check.words import digest, normalised

    asked = example.question
    if not asked.strip():
        asked = "\n".join(turn.content for turn in (*example.prompt, *example.completion))
    return digest(normalised(asked))


def cut(keys: Iterable[int], amount: float) -> int:
    """Return the key up to which questions are held out.

    Args:
        keys: One a row, of all rows; 8 bytes each are kept.
        amount: A share below 1, or a number of rows. Where a question stands in several rows, it may be more.

    Returns:
        The largest key that is held out, or `NONE`.
    """
    import numpy as np  # inside: a front end that only looks around never loads it

    every = np.frombuffer(array("Q", keys), dtype=np.uint64)  # (n_rows,)
    wanted = min(round(amount * len(every)) if amount < 1 else int(amount), len(every))
    return int(np.partition(every, wanted - 1)[wanted - 1]) if wanted else NONE


def hold_out(examples: Sequence[Example], amount: float) -> tuple[list[Example], list[Example]]:
    """Split examples into those to train on and those to measure on, each in the order given.

    Args:
        examples: All of them.
        amount: A share below 1, or a number of rows.
    """
    keys = [question_key(example) for example in examples]
    last = cut(keys, amount)
    return (
        [example for example, key in zip(examples, keys, strict=True) if key > last],
        [example for example, key in zip(examples, keys, strict=True) if key <= last],
    )
