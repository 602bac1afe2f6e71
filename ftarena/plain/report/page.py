"""The report as HTML: what a `View` holds, in one file that loads nothing and runs nothing.

Every text goes through jinja's escaping and is cleaned of what a terminal or a reader could be misled by; the
template is `report.html.jinja` beside this file.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

import ftarena
from ftarena.arena.standings.history import CastVote, VotedBattle
from ftarena.arena.standings.scoreboard import Standing
from ftarena.evaluation.measures import Measure
from ftarena.plain.report.carrying import battles_hash, carry, pseudonyms
from ftarena.plain.report.charts import Bar, course, intervals, rating_axis
from ftarena.plain.scores_view import View, held_equal, votes_of
from ftarena.plain.scores_words import (
    LABELER_HEAD,
    beside_names,
    beside_rows,
    difference_name,
    difference_words,
    interval_words,
    judge_words,
    labeler_cells,
    left_out_words,
    measure_words,
    quality_words,
    selection_words,
    size_words,
)
from ftarena.scoring.facing import Facing, facing, sentence
from ftarena.scoring.pairs import PairScore
from ftarena.scoring.words import counted, percent
from ftarena.text import clean_line, clean_text

MOST_BATTLES = 1000
"""Newest battles that a report has the texts of: beyond that no page is read, and a browser is slow."""

_MOST_PAIRS, _MOST_MATRIX = 30, 12


class _Pair(NamedTuple):
    """A pair as the template needs it."""

    score: PairScore
    seen: Facing
    sentence: str
    equal: str
    chart: Markup | None


class _Cell(NamedTuple):
    """One place of the head-to-head table: the row's contestant against the column's."""

    words: str
    kind: str
    title: str


def fill(
    view: View,
    votes: Sequence[CastVote],
    battles: Sequence[VotedBattle],
    looks: dict[str, Any] | None = None,
    *,
    with_names: bool,
) -> str:
    """Return the whole page.

    Args:
        view: What to show; it has votes.
        votes: The votes that its numbers are of, in the order they were cast.
        battles: Battles to show with their texts; none for none.
        looks: How the answers look (`read_looks`), where something is held equal.
        with_names: Whether labelers are named.
    """
    told = view.standing
    judges = told.asked.selection.voters == "judges"
    called = pseudonyms(votes, with_names=with_names or judges)
    names = beside_names(view)
    also: dict[str, Any] = {
        "slicing": view.slicing,
        "slices": _slices(view, called),
        "labelers": [
            (labeler_cells(one, called.get(one.name, "L?")), [clean_line(flag) for flag in one.flags])
            for one in view.labelers
        ],
        "beside_names": names,
        "beside": [_measured(view, *row) for row in beside_rows(view.beside, names)],
    }
    shown = [_battle(battle, called) for battle in battles]
    also["battles"] = battles_hash(_battles_of(shown))
    carried = carry(votes, told, called, looks, also)
    until = max(vote.created_at for vote in votes)
    return render(told, also, until, carried, _battles_of(shown), called)


def render(
    told: Standing,
    also: dict[str, Any],
    until: str,
    carried: str,
    battles: str = "",
    called: Mapping[str, str] | None = None,
) -> str:
    """Return the page: of these and of nothing else, so that it can be written again from what it carries.

    Args:
        told: What the votes say.
        also: What stands on the page beside that: slices, labelers, measurements, as they are shown.
        until: When the last vote was cast.
        carried: The votes as they lie in the page.
        battles: The battles with their texts, as HTML.
        called: What labelers are called, where `told` has their names.
    """
    everything = View(told).pairs
    pairs = [_pair(told, pair) for pair in everything[:_MOST_PAIRS]]
    return _template().render(
        told=told,
        version=ftarena.__version__,
        size=size_words(told),
        until=until[:16].replace("T", " "),
        selection=selection_words(told, called),
        pairs=pairs,
        more_pairs=len(everything) - len(pairs),
        ratings=_ratings(told) if len(told.report.contestants) > 2 else None,
        rates=_rates([pair.seen for pair in pairs]),
        matrix=_matrix(told) if 2 < len(told.report.contestants) <= _MOST_MATRIX else None,
        slicing=also["slicing"],
        slices=also["slices"],
        labeler_head=LABELER_HEAD,
        labelers=also["labelers"],
        beside_names=also["beside_names"],
        beside=also["beside"],
        notes=[*quality_words(told), *judge_words(told), *left_out_words(told)],
        battles=Markup(battles),  # of its own template, escaped there
        carried=Markup(carried),  # JSON without <, > and &, see `carry`
    )


def _measured(view: View, kind: str, measures: Sequence[Measure | None]) -> tuple[str, list[tuple[str, str]]]:
    """Return a row of what was measured: its name, then value and difference of each contestant."""
    cells = [(measure_words(one), difference_words(one)) for one in measures]
    differs = any(difference for _, difference in cells)
    return f"{kind}, and the {difference_name(view.beside)}" if differs else kind, cells


def _battles_of(shown: Sequence[dict[str, Any]]) -> str:
    return _template("battles.html.jinja").render(battles=shown) if shown else ""


@cache
def _template(name: str = "report.html.jinja") -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "percent": percent,
        "line": clean_line,
        "text": clean_text,
        "votes": votes_of,
        "counted": counted,
    }
    file = Path(__file__).with_name(name)
    return environment.from_string(file.read_text(encoding="utf-8"))


def _pair(told: Standing, pair: PairScore) -> _Pair:
    seen = facing(pair)
    first, second = clean_line(seen.first), clean_line(seen.second)
    points = pair.course.points(200)
    chart = course(points, pair.decided_after, seen.turned, (first, second)) if points else None
    equal = held_equal(told, pair)
    words = ""
    if equal is not None:
        rate, low, high = equal.win_rate
        if seen.turned:
            rate, low, high = 1 - rate, None if high is None else 1 - high, None if low is None else 1 - low
        held = " and ".join(told.asked.control)
        words = f"{percent(rate)} with {held} held equal"
        words += f" ({interval_words(low, high)})" if low is not None and high is not None else ""
    return _Pair(pair, seen, clean_line(sentence(pair)), words, chart)


def _ratings(told: Standing) -> Markup:
    bars = [
        Bar(
            clean_line(one.name),
            one.low,
            one.rating,
            one.high,
            f"{one.rating:.0f} ({_bound(one.low)} … {_bound(one.high)})",
        )
        for one in told.report.contestants
    ]
    return intervals(bars, rating_axis(bars), 1000, "Ratings with their intervals")


def _bound(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"


def _rates(pairs: Sequence[Facing]) -> Markup | None:
    bars = [
        Bar(
            f"{clean_line(one.first)} : {clean_line(one.second)}",
            100 * one.low,
            100 * one.rate,
            100 * one.high,
            f"{percent(one.rate)} ({interval_words(one.low, one.high)})",
        )
        for one in pairs
        if one.rate is not None and one.low is not None and one.high is not None
    ]
    return intervals(bars, (0, 100), 50, "Win rates with their intervals, in percent") if bars else None


def _matrix(told: Standing) -> tuple[list[str], list[tuple[str, list[_Cell]]]]:
    names = [one.name for one in told.report.contestants]
    rows = [(clean_line(row), [_cell(told, row, column) for column in names]) for row in names]
    return [clean_line(name) for name in names], rows


def _cell(told: Standing, row: str, column: str) -> _Cell:
    pair = told.report.pair(row, column) if row != column else None
    if pair is None or pair.win_rate is None:
        return _Cell("" if row == column else "–", "none", "")
    mine = pair.a == row
    rate = pair.win_rate if mine else 1 - pair.win_rate
    kind = "open"
    if pair.verdict in ("a", "b"):
        kind = "won" if (pair.verdict == "a") == mine else "lost"
    sign = {"won": " ▲", "lost": " ▼"}.get(kind, "")
    return _Cell(f"{percent(rate)}{sign}", kind, clean_line(f"{sentence(pair)} ({votes_of(pair)} votes)"))


def _slices(view: View, called: dict[str, str]) -> list[tuple[str, str, int, str, str, str]]:
    """Return a row a slice and pair: slice, pair, votes, win rate, interval, verdict."""
    whole = {(pair.a, pair.b): facing(pair) for pair in view.pairs}
    rename: Callable[[str], str] = (lambda name: called.get(name, name)) if view.slicing == "labeler" else str
    rows = []
    for name, part in view.slices:
        for pair in part.report.pairs:
            seen = whole[pair.a, pair.b]
            rate, low, high = pair.win_rate, pair.low, pair.high
            if seen.turned and rate is not None and low is not None and high is not None:
                rate, low, high = 1 - rate, 1 - high, 1 - low
            rows.append(
                (
                    clean_line(rename(name)),
                    f"{clean_line(seen.first)} against {clean_line(seen.second)}",
                    votes_of(pair),
                    percent(rate),
                    interval_words(low, high),
                    clean_line(sentence(pair)),
                )
            )
    return rows


_OUTCOMES = {"tie": "equally good", "both_bad": "both bad"}


def _battle(battle: VotedBattle, called: dict[str, str]) -> dict[str, Any]:
    better = _OUTCOMES.get(battle.outcome) or f"{battle.winner} is better"
    facts = [called.get(battle.labeler, "L?"), battle.created_at[:16].replace("T", " ")]
    facts += [f"{battle.elapsed_ms / 1000:.1f} s"] if battle.elapsed_ms is not None else []
    facts += battle.categories
    facts += [f"gave itself away: {battle.leaked}"] if battle.leaked else []
    facts += ["trained on this prompt"] if battle.trained else []
    facts += [f"“{comment}”" for comment in battle.comments]
    return {
        "question": battle.question or "(question not in the file)",
        "better": better,
        "facts": facts,
        "sides": (
            (battle.left, battle.left_text, battle.outcome == "left"),
            (battle.right, battle.right_text, battle.outcome == "right"),
        ),
    }
