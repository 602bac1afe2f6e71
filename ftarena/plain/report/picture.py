"""Scores as a picture: ratings or win rates with their intervals, and the course of the verdict below.

Drawn by matplotlib, which is loaded only here and only when a picture is asked for.
"""

import io
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.plain.scores_view import View
from ftarena.plain.scores_words import size_words
from ftarena.scoring.facing import facing, sentence
from ftarena.scoring.pairs import PairScore
from ftarena.text import shorten

_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#777777"
# Okabe and Ito's colours, which people of any colour vision tell apart (jfly.uni-koeln.de/color).

_INCHES = 7.2
_DOTS_PER_INCH = 150
_MOST_ROWS, _MOST_COURSES = 30, 3


def draw(view: View) -> bytes:
    """Return the picture as PNG; the same votes make the same file.

    Args:
        view: Scores with at least one vote.

    Raises:
        FtarenaError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise FtarenaError(
            "--png needs matplotlib, which is not installed",
            "pip install 'ftarena[charts]'; --html needs nothing, and its charts are pictures too",
        ) from error
    told = view.standing.report
    pairs = [pair for pair in view.pairs if len(pair.course)][:_MOST_COURSES]
    rows = len(told.contestants[:_MOST_ROWS]) if len(told.contestants) > 2 else len(told.pairs)
    heights = [0.9 + 0.3 * rows, *[2.6] * len(pairs)]
    figure = Figure(figsize=(_INCHES, sum(heights) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(_plain(f"{sentence(view.pairs[0])}\n{size_words(view.standing)}", 120), fontsize=10)
    axes = figure.subplots(len(heights), squeeze=False, height_ratios=heights)[:, 0]
    if len(told.contestants) > 2:
        _ratings(axes[0], view)
    else:
        _rates(axes[0], told.pairs)
    for one, pair in zip(axes[1:], pairs, strict=True):
        _course(one, pair)
    for one in axes:
        one.tick_params(labelsize=8)
        one.spines[["top", "right"]].set_visible(False)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=_DOTS_PER_INCH, format="png", metadata={"Software": None})
    return drawn.getvalue()


def _ratings(axes: Any, view: View) -> None:
    shown = view.standing.report.contestants[:_MOST_ROWS]
    # An interval without an end goes on to the edge of what is drawn.
    values = [x for one in shown for x in (one.low, one.rating, one.high) if x is not None]
    low, high = min(values) - 20, max(values) + 20
    for number, one in enumerate(shown):
        ends = low if one.low is None else one.low, high if one.high is None else one.high
        axes.plot(ends, (number, number), color=_BLUE, linewidth=1.6, marker="|", markersize=8)
        axes.plot(one.rating, number, color=_BLUE, marker="o", markersize=5)
    axes.axvline(1000, color=_GREY, linewidth=1, linestyle=":")
    _names(axes, [one.name for one in shown])
    axes.set_xlim(low, high)
    axes.set_xlabel("rating", fontsize=9)


def _rates(axes: Any, pairs: tuple[PairScore, ...]) -> None:
    seen = [facing(pair) for pair in pairs]
    for number, one in enumerate(seen):
        if one.rate is not None and one.low is not None and one.high is not None:
            ends = 100 * one.low, 100 * one.high
            axes.plot(ends, (number, number), color=_BLUE, linewidth=1.6, marker="|", markersize=8)
            axes.plot(100 * one.rate, number, color=_BLUE, marker="o", markersize=5)
    axes.axvline(50, color=_GREY, linewidth=1, linestyle=":")
    _names(axes, [f"{shorten(one.first, 20)} against {shorten(one.second, 20)}" for one in seen])
    axes.set_xlim(0, 100)
    axes.set_xlabel("win rate, %", fontsize=9)


def _names(axes: Any, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), [_plain(name, 44) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)


def _course(axes: Any, pair: PairScore) -> None:
    seen = facing(pair)
    points = pair.course.points(400)
    votes = [point.votes for point in points]

    def rates(values: list[float]) -> list[float]:
        return [100 * (1 - value if seen.turned else value) for value in values]

    low, high = rates([point.low for point in points]), rates([point.high for point in points])
    axes.fill_between(votes, low, high, color=_BLUE, alpha=0.18, label="not refuted at any look")
    won = rates([point.wins / (point.wins + point.losses) for point in points])
    axes.plot(votes, won, color=_BLUE, linewidth=1.4, label=_plain(f"win rate of {seen.first}", 50))
    axes.axhline(50, color=_GREY, linewidth=1, linestyle=":")
    if pair.decided_after is not None:
        axes.axvline(
            pair.decided_after,
            color=_ORANGE,
            linewidth=1,
            linestyle="--",
            label=f"decided: {pair.decided_after}",
        )
    axes.set_ylim(0, 100)
    axes.set_ylabel("%", fontsize=9)
    axes.set_xlabel(_plain(f"votes on {seen.first} against {seen.second}", 90), fontsize=9)
    axes.legend(fontsize=8, edgecolor="none", framealpha=0.85, loc="lower right")


def _plain(words: str, most: int) -> str:
    """Return words that matplotlib draws as they are: a dollar sign would begin a formula."""
    return "\n".join(shorten(line, most) for line in words.split("\n")).replace("$", r"\$")
