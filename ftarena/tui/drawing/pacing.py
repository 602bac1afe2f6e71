"""Showing two streams so that neither tells which model it is by its speed.

A small adapter on a loaded card is slower than its base; two bare streams side by side would give the pair
away. So both panes show the same number of characters, that of the slower one, until an answer has ended.
"""

from collections.abc import Sequence


def paced(texts: Sequence[str], ended: Sequence[bool]) -> list[str]:
    """Return how much of each growing text may be shown.

    What is shown depends on what has arrived, never on which side it arrived at. A side that has ended does
    not hold the other back, but is itself shown only as far as the other has come: the end of an answer is
    seen when both have reached its length.

    Args:
        texts: What has arrived for each side.
        ended: Whether each side is complete.
    """
    running = [len(text) for text, end in zip(texts, ended, strict=True) if not end]
    return [text[: min(running)] for text in texts] if running else list(texts)
