"""Charts as SVG inside a page: intervals on a common axis, and the course of a verdict.

No script and no file of their own: they are a part of the page, take its colours (`var(--…)`, so that light
and dark both work) and its width. Every text in them is escaped.
"""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from markupsafe import Markup, escape

from ftarena.scoring.pairs import CoursePoint

_WIDTH = 720
"""Units across; the page scales them."""

_LABEL, _WORDS = 190, 150
"""Units for the names on the left of intervals, and for the figures on their right."""

_ROW = 26
_LEAST_SPAN = 200.0
"""Rating points that an axis shows at least: else two equals would look worlds apart."""


class Bar(NamedTuple):
    """One interval with its point."""

    label: str
    low: float | None
    """None where the votes do not bound it; drawn up to the end of the axis, with an arrow."""

    value: float
    high: float | None
    words: str
    """The figures, for whoever reads instead of looks."""


def rating_axis(bars: Sequence[Bar]) -> tuple[float, float]:
    """Return the ends of an axis of ratings that holds all bars."""
    found = [x for bar in bars for x in (bar.low, bar.value, bar.high) if x is not None]
    low, high = min(found, default=900.0), max(found, default=1100.0)
    air = max(_LEAST_SPAN - (high - low), 0) / 2 + 0.03 * (high - low)
    return low - air, high + air


def intervals(bars: Sequence[Bar], axis: tuple[float, float], mark: float, title: str) -> Markup:
    """Draw intervals below each other.

    Args:
        bars: From top to bottom.
        axis: Values at the left and the right end.
        mark: A value to compare with, drawn as an upright line.
        title: What is seen, for a screen reader.
    """
    low, high = axis
    left, right = _LABEL, _WIDTH - _WORDS
    height = _ROW * len(bars) + 28

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(left + share * (right - left), 1)

    foot = _ROW * len(bars) + 6
    parts = [_line(x(tick), 4, x(tick), foot, "grid") for tick in ticks(low, high)]
    parts += [_text(x(tick), foot + 14, f"{tick:g}", "axis", "middle") for tick in ticks(low, high)]
    parts.append(_line(x(mark), 2, x(mark), foot, "mark"))
    for number, bar in enumerate(bars):
        y = _ROW * number + 18
        first, last = x(low if bar.low is None else bar.low), x(high if bar.high is None else bar.high)
        parts.append(_text(0, y + 4, _cut(bar.label, 26), "name", "start", whole=bar.label))
        parts.append(_line(first, y, last, y, "bar"))
        parts += [_end(first, y, open_end=bar.low is None, sign=-1)]
        parts += [_end(last, y, open_end=bar.high is None, sign=1)]
        parts.append(Markup('<circle cx="{}" cy="{}" r="5" class="point"/>').format(x(bar.value), y))
        parts.append(_text(_WIDTH, y + 4, bar.words, "figures", "end"))
    return _svg(height, title, parts)


def course(
    points: Sequence[CoursePoint], decided_after: int | None, turned: bool, names: tuple[str, str]
) -> Markup:
    """Draw how the verdict on a pair came about: the win rate, and what is refuted at all looks together.

    Args:
        points: The course, seen from the pair's `a`.
        decided_after: Number of the vote at which the verdict fell.
        turned: Whether it is to be seen from `b` instead.
        names: Whose win rate is drawn, and against whom.
    """
    height, left, right, top, foot = 230, 44, _WIDTH - 10, 10, 200
    last = max(points[-1].votes, 2)

    def x(votes: float) -> float:
        return round(left + (votes - 1) / (last - 1) * (right - left), 1)

    def y(rate: float) -> float:
        return round(top + (rate if turned else 1 - rate) * (foot - top), 1)

    parts = []
    for share in (0, 25, 50, 75, 100):
        at = round(top + (1 - share / 100) * (foot - top), 1)
        parts.append(_line(left, at, right, at, "mark" if share == 50 else "grid"))
        parts.append(_text(left - 6, at + 4, f"{share} %", "axis", "end"))
    upper = [f"{x(p.votes)},{y(p.high)}" for p in points]
    lower = [f"{x(p.votes)},{y(p.low)}" for p in points]
    parts.append(Markup('<polygon points="{}" class="band"/>').format(" ".join(upper + lower[::-1])))
    middle = " ".join(f"{x(p.votes)},{y(p.wins / (p.wins + p.losses))}" for p in points)
    parts.append(Markup('<polyline points="{}" class="rate"/>').format(middle))
    whole = [tick for tick in ticks(1, last) if tick >= 1 and tick == int(tick)]
    parts += [_text(x(tick), foot + 16, f"{tick:,.0f}", "axis", "middle") for tick in whole]
    parts.append(_text(right, foot + 28, "votes on the pair", "axis", "end"))
    if decided_after is not None:
        at = x(decided_after)
        parts.append(_line(at, top, at, foot, "decided"))
        near_end = at > (left + right) / 2
        words = f"decided after {decided_after:,}"
        parts.append(
            _text(at + (-6 if near_end else 6), foot - 6, words, "axis", "end" if near_end else "start")
        )
    return _svg(height, f"Win rate of {names[0]} against {names[1]}, vote by vote", parts)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round values inside an axis, `most` at most."""
    span = high - low
    if span <= 0:
        return [low]
    step = 10 ** floor(log10(span / most))
    step = next(step * times for times in (1, 2, 5, 10, 20) if span / (step * times) <= most)
    first, last = ceil(low / step), floor(high / step)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _svg(height: float, title: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>').format(
        _WIDTH, height, title, Markup("").join(parts)
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>').format(x1, y1, x2, y2, kind)


def _end(x: float, y: float, *, open_end: bool, sign: int) -> Markup:
    """The end of an interval: a stroke, or an arrow where it goes on."""
    if open_end:
        return Markup('<path d="M{} {}l{} -4v8z" class="arrow"/>').format(x + 6 * sign, y, -6 * sign)
    return _line(x, y - 5, x, y + 5, "bar")


def _text(x: float, y: float, words: str, kind: str, anchor: str, whole: str = "") -> Markup:
    title = Markup("<title>{}</title>").format(whole) if whole and whole != words else Markup("")
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}">{}{}</text>').format(
        x, y, kind, anchor, escape(words), title
    )


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
