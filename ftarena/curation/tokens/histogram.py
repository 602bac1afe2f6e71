"""A histogram of lengths, drawn in text."""

from collections.abc import Mapping, Sequence
from typing import Any

_EIGHTHS = " ▏▎▍▌▋▊▉"
_MOST_LINES = 16


def draw_histogram(stats: Mapping[str, Any], width: int = 80) -> list[str]:
    """Draw how long the examples are, one line for each bin, with a line where `max_length` cuts.

    Args:
        stats: What `TokenTally.stats` gives.
        width: Columns to use.

    Returns:
        Lines of text, none longer than `width` (40 at least); nothing where no example was counted.
    """
    bins = list(stats["histogram"])
    if not bins:
        return []
    while len(bins) > _MOST_LINES:
        bins = [_joined(bins[at : at + 2]) for at in range(0, len(bins), 2)]
    width = max(width, 40)
    limit = stats["max_length"]
    labels = [_label(one) for one in bins]
    counts = [f"{one['count']:,}" for one in bins]
    left, right = max(map(len, labels)), max(map(len, counts))
    room = width - left - right - 2
    most = max(one["count"] for one in bins)
    lines = []
    drawn = False
    for one, label, count in zip(bins, labels, counts, strict=True):
        if not drawn and limit < one["from"]:
            lines.append(_limit(limit, left, width))
            drawn = True
        bar = _bar(one["count"] / most, room)
        lines.append(f"{label:>{left}} {bar} {count}")
        if not drawn and one["to"] is not None and limit < one["to"] - 1:
            lines.append(_limit(limit, left, width))
            drawn = True
    return lines


def _joined(bins: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counted = sum(one["count"] for one in bins)
    return {"from": bins[0]["from"], "to": bins[-1]["to"], "count": counted}


def _label(one: Mapping[str, Any]) -> str:
    return f"{one['from']:,}+" if one["to"] is None else f"{one['from']:,}–{one['to'] - 1:,}"


def _limit(limit: int, left: int, width: int) -> str:
    return f"{'─' * left} max_length {limit:,} ".ljust(width, "─")


def _bar(share: float, width: int) -> str:
    """Return a bar of eighths of a character; something that is there at all shows as one eighth."""
    eighths = max(round(share * width * 8), 1) if share else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
