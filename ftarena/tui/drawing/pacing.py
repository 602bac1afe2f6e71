"""Showing two streams so that neither tells which model it is by its speed.

A small adapter on a loaded card is slower than its base; two bare streams side by side would give the pair
away, and so would an answer that is whole before its time. So both sides show the same number of pieces
(tokens, as the servers send them), which grows at one steady speed: that of the slower side. It goes on at
that speed when the slower one has ended, as if the other one were as slow. What is shown at any time is the
same when the two models swap their speeds.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

FASTEST_PER_S = 60.0
"""Pieces a second at most: twelve times as fast as people read, and calm."""

_SURE = 3
"""Pieces from which the speed of a side is measured: one interval alone may be a hiccup."""

_UNSURE_PER_S = 10.0
"""At least so fast where the speed is not measured yet, in pieces a second."""


class Stream(NamedTuple):
    """What has arrived of one answer."""

    pieces: int
    first_at: float | None
    """When the first piece came; monotonic clock, seconds, like `last_at`."""

    last_at: float | None
    ended: bool


def common_pieces(streams: Sequence[Stream], now: float, fastest: float = FASTEST_PER_S) -> int:
    """Return how many pieces of every stream may be shown; a stream that has fewer is shown whole.

    What is returned depends on what has arrived, never on which side it arrived at.

    Args:
        streams: The sides.
        now: Monotonic clock, seconds.
        fastest: Pieces a second at most.
    """
    if any(not stream.ended and stream.pieces == 0 for stream in streams):
        return 0
    begun = [stream for stream in streams if stream.first_at is not None]
    if not begun:
        return 0
    speed = min([fastest, *(_speed(stream) for stream in begun)])
    since = now - max(stream.first_at or 0.0 for stream in begun)
    steady = 1 + math.floor(min(speed * since, 1e9) + 1e-6) if since > 0 else 1
    return min([steady, *(stream.pieces for stream in streams if not stream.ended)])


def _speed(stream: Stream) -> float:
    took = (stream.last_at or 0.0) - (stream.first_at or 0.0)
    if stream.pieces < 2 or took <= 0:
        return math.inf
    speed = (stream.pieces - 1) / took
    return speed if stream.pieces >= _SURE else max(speed, _UNSURE_PER_S)
