"""The page of scores in a terminal: first who is better, then the numbers, then what they rest on."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ftarena.arena.standings.scoreboard import Standing
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
from ftarena.scoring import ContestantScore, PairScore
from ftarena.scoring.facing import Facing, facing, sentence
from ftarena.scoring.words import counted, percent
from ftarena.text import clean_line

MOST_PAIRS = 30
"""Pairs that are told in words; a hundred contestants have 4,950."""


def print_page(console: Console, view: View) -> None:
    """Print everything a view holds."""
    told = view.standing
    if not told.report.votes:
        _print_nothing(console, told)
        return
    pairs = view.pairs
    for pair in pairs[:MOST_PAIRS]:
        console.print(Text(clean_line(sentence(pair)) + ".", "" if pair.verdict == "undecided" else "bold"))
    if len(pairs) > MOST_PAIRS:
        console.print(f"{counted(len(pairs) - MOST_PAIRS, 'more pair')}: ftarena score --csv")
    console.print()
    console.print(size_words(told))
    _print_lines(console, selection_words(told))
    if len(told.report.contestants) > 2:
        console.print()
        console.print(_ratings(told.report.contestants))
    for pair in pairs[:MOST_PAIRS]:
        console.print()
        _print_pair(console, told, pair)
    if view.slicing is not None:
        console.print()
        console.print(_slices(view))
    if len(view.labelers) > 1 or any(report.flags for report in view.labelers):
        console.print()
        _print_labelers(console, view)
    if names := beside_names(view):
        console.print()
        console.print(_beside(view, names))
    console.print()
    _print_lines(console, [*quality_words(told), *judge_words(told), *left_out_words(told)])


def _print_nothing(console: Console, told: Standing) -> None:
    narrowed = selection_words(told)
    if narrowed:
        _print_lines(console, ["No votes that are meant here:", *narrowed])
    else:
        console.print("No votes yet. Cast some: ftarena vote. Bring some: ftarena votes import FILE.csv")
    _print_lines(console, [*judge_words(told), *left_out_words(told)])


def _print_lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(Text(line))


def _print_pair(console: Console, told: Standing, pair: PairScore) -> None:
    seen = facing(pair)
    console.print(
        Text.assemble((clean_line(seen.first), "bold"), " against ", (clean_line(seen.second), "bold"))
    )
    lost = f"{seen.lost:,} loss{'' if seen.lost == 1 else 'es'}"
    console.print(
        f"  {counted(seen.won, 'win')}, {lost}, {counted(pair.ties, 'tie')}, {pair.both_bad:,} both bad"
    )
    cover = f"{100 * (1 - told.asked.alpha):g} %"
    if seen.rate is not None and seen.low is not None and seen.high is not None:
        console.print(
            f"  win rate {percent(seen.rate)}, {cover} interval {interval_words(seen.low, seen.high)};"
            f" at all looks together {interval_words(seen.sequence_low, seen.sequence_high)}"
        )
    if (equal := _equal_words(told, pair, seen)) is not None:
        console.print(Text(f"  {equal}"))
    if pair.note:
        console.print(Text(f"  {clean_line(pair.note)}", "dim"))


def _equal_words(told: Standing, pair: PairScore, seen: Facing) -> str | None:
    """Return the win rate with length or style held equal, and how much longer one is than the other."""
    equal = held_equal(told, pair)
    if equal is None:
        return None
    rate, low, high = equal.win_rate
    if seen.turned:
        rate, low, high = 1 - rate, None if high is None else 1 - high, None if low is None else 1 - low
    held = " and ".join(told.asked.control)
    words = f"with {held} held equal {percent(rate)}"
    if low is not None and high is not None:
        words += f" ({interval_words(low, high)})"
    tokens = equal.ratios.get("tokens")
    if tokens is not None:
        ratio = 1 / tokens if seen.turned else tokens
        name, times = (seen.first, ratio) if ratio >= 1 else (seen.second, 1 / ratio)
        words += f"; {clean_line(name)} is {times:.1f} times as long"
    return words


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")


def _ratings(contestants: Sequence[ContestantScore]) -> Table:
    table = _table()
    table.add_column("rank", justify="right")
    table.add_column("contestant", overflow="fold", ratio=1)
    table.add_column("rating", justify="right")
    table.add_column("interval", justify="right")
    table.add_column("battles", justify="right")
    for one in contestants:
        name = Text(clean_line(one.name))
        if one.note:
            name.append(f"\n{clean_line(one.note)}", "dim")
        table.add_row(
            str(one.rank),
            name,
            f"{one.rating:.0f}",
            f"{_bound(one.low)} to {_bound(one.high)}",
            f"{one.battles:,}",
        )
    return table


def _bound(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"


def _slices(view: View) -> Table:
    table = _table()
    table.add_column(str(view.slicing), overflow="fold", ratio=1)
    table.add_column("pair", overflow="fold", ratio=2)
    table.add_column("votes", justify="right")
    table.add_column("win rate", justify="right")
    table.add_column("interval", justify="right")
    table.add_column("verdict")
    whole = {(pair.a, pair.b): facing(pair) for pair in view.pairs}
    for name, part in view.slices:
        for number, pair in enumerate(part.report.pairs):
            # Seen from the side that is ahead over all: else no two slices could be compared.
            turned = whole[pair.a, pair.b].turned
            rate, low, high = pair.win_rate, pair.low, pair.high
            if turned and rate is not None and low is not None and high is not None:
                rate, low, high = 1 - rate, 1 - high, 1 - low
            first, second = (pair.b, pair.a) if turned else (pair.a, pair.b)
            table.add_row(
                Text("" if number else clean_line(name)),
                Text(f"{clean_line(first)} against {clean_line(second)}"),
                f"{votes_of(pair):,}",
                percent(rate),
                interval_words(low, high),
                Text(_verdict(pair)),
            )
    return table


def _verdict(pair: PairScore) -> str:
    if pair.verdict == "equivalent":
        return "no difference"
    if pair.verdict == "undecided":
        return "undecided"
    return f"{clean_line(pair.a if pair.verdict == 'a' else pair.b)} better"


def _print_labelers(console: Console, view: View) -> None:
    table = _table()
    for number, title in enumerate(LABELER_HEAD):
        if number:
            table.add_column(title, justify="right")
        else:
            table.add_column(title, overflow="fold", ratio=1)
    for report in view.labelers:
        first, *cells = labeler_cells(report)
        table.add_row(Text(first), *cells)
    console.print(table)
    for report in view.labelers:
        for flag in report.flags:
            console.print(Text(f"  look at {clean_line(report.name)}: {clean_line(flag)}", "bold"))


def _beside(view: View, names: Sequence[str]) -> Table:
    table = _table()
    table.add_column("beside preference", overflow="fold", ratio=1)
    for name in names:
        table.add_column(Text(clean_line(name)), justify="right", overflow="fold")
    for kind, measures in beside_rows(view.beside, names):
        table.add_row(Text(clean_line(kind)), *(Text(measure_words(measure)) for measure in measures))
        differences = [difference_words(measure) for measure in measures]
        if any(differences):
            table.add_row(
                Text(f"  {difference_name(view.beside)}", "dim"),
                *(Text(words, "dim") for words in differences),
            )
    return table
