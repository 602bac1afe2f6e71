"""`ftarena score`: who is better and how sure that is, as text for people or JSON for programs."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ftarena.arena.scoreboard import scoreboard
from ftarena.scoring import ContestantScore, PairScore, ScoreReport, Vote, summary
from ftarena.scoring.words import counted, hundredths, percent
from ftarena.store import Store
from ftarena.text import clean_line

_VAGUE_LOGITS = 4.0
"""Width of an interval of the side bias that tells nothing: from 12 % to 88 % left, or wider."""


def score(
    database: Path, *, as_json: bool = False, anchor: str | None = None, out: TextIO | None = None
) -> int:
    """Print the scores of an arena.

    Args:
        database: The arena; one that is not there has no votes, and is not created.
        as_json: Print the whole report as JSON instead.
        anchor: Name of the contestant whose rating is 1000; by default the mean is.
        out: Where to; standard output by default.

    Returns:
        The exit code.

    Raises:
        FtarenaError: The database cannot be read, or nobody is called like the anchor.
    """
    out = out or sys.stdout
    votes, report, not_blind = _read(database, anchor)
    if as_json:
        told = {"votes": report.votes, "not_blind": not_blind, **report.to_json()}
        # ASCII, so that control characters in a name are data that does nothing when it is shown.
        print(json.dumps(told, indent=2, ensure_ascii=True, allow_nan=False), file=out)
        return 0
    console = Console(file=out, highlight=False, soft_wrap=False)
    if votes:
        _print(console, votes, report)
    else:
        console.print("No votes yet. Cast some: ftarena vote. Bring some: ftarena votes import FILE.csv")
    if not_blind:
        console.print(f"Not scored: {counted(not_blind, 'vote')} cast again with the names known.")
    return 0


def _read(database: Path, anchor: str | None) -> tuple[list[Vote], ScoreReport, int]:
    if not database.exists():
        return *scoreboard([], anchor=None), 0
    with Store.open_existing(database) as store:
        return *scoreboard(store.standing_votes(), anchor=anchor), store.ballots.not_blind()


def _print(console: Console, votes: Sequence[Vote], report: ScoreReport) -> None:
    labelers = len({vote.labeler for vote in votes})
    prompts = len({vote.prompt for vote in votes})
    console.print(
        f"{counted(len(votes), 'vote')}, {counted(labelers, 'labeler')}, {counted(prompts, 'prompt')}"
    )
    for pair in report.pairs:
        console.print()
        _print_pair(console, pair)
    if len(report.contestants) > 2:
        console.print()
        console.print(_ratings(report.contestants))
    console.print()
    for line in _quality(report):
        console.print(Text(line))


def _print_pair(console: Console, pair: PairScore) -> None:
    # The one that is ahead is named first; the numbers are then seen from its side.
    ahead, behind, wins, losses = pair.a, pair.b, pair.wins, pair.losses
    rate, low, high = pair.win_rate, pair.low, pair.high
    if losses > wins:
        ahead, behind, wins, losses = behind, ahead, losses, wins
        rate, low, high = _mirrored(rate), _mirrored(high), _mirrored(low)
    console.print(Text.assemble((clean_line(ahead), "bold"), " against ", (clean_line(behind), "bold")))
    lost = f"{losses:,} loss{'' if losses == 1 else 'es'}"
    console.print(
        f"  {counted(wins, 'win')}, {lost}, {counted(pair.ties, 'tie')}, {pair.both_bad:,} both bad"
    )
    if rate is not None and low is not None and high is not None:
        console.print(f"  win rate {percent(rate)}, 95 % interval {hundredths(low)} to {hundredths(high)}")
    console.print(Text(f"  {clean_line(summary(pair))}", "" if pair.verdict == "undecided" else "bold"))
    if pair.note:
        console.print(Text(f"  {clean_line(pair.note)}", "dim"))


def _mirrored(rate: float | None) -> float | None:
    return None if rate is None else 1 - rate


def _ratings(contestants: Sequence[ContestantScore]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("rank", justify="right")
    table.add_column("contestant", overflow="fold", ratio=1)
    table.add_column("rating", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("battles", justify="right")
    for contestant in contestants:
        name = Text(clean_line(contestant.name))
        if contestant.note:
            name.append(f"\n{clean_line(contestant.note)}", "dim")
        table.add_row(
            str(contestant.rank),
            name,
            f"{contestant.rating:.0f}",
            f"{_bound(contestant.low)} to {_bound(contestant.high)}",
            f"{contestant.battles:,}",
        )
    return table


def _bound(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"


def _quality(report: ScoreReport) -> list[str]:
    lines = []
    bias = report.side_bias
    if bias.left_rate is not None:
        line = f"The left side won {percent(bias.left_rate)} of decisive votes"
        if bias.gamma is not None and bias.low is not None and bias.high is not None:
            if bias.high - bias.low > _VAGUE_LOGITS:
                line += "; too few to tell a side bias"
            else:
                none = bias.low <= 0 <= bias.high
                line += f"; side bias {bias.gamma:+.2f} ({bias.low:+.2f} to {bias.high:+.2f})"
                line += ", none to be seen" if none else ", so people do favour a side"
        lines.append(line + ".")
    agreed = report.agreement
    if agreed is not None:
        alpha = "" if agreed.alpha is None else f", Krippendorff's alpha {agreed.alpha:.2f}"
        lines.append(
            f"Labelers agree on {percent(agreed.raw)} of shared battles"
            f" ({counted(agreed.units, 'battle')}, {counted(agreed.labelers, 'labeler')}){alpha}."
        )
    return lines
