"""`ftarena judge`: has a model vote, and says how far it can be trusted beside people."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from ftarena.arena import contestant_of
from ftarena.arena.judging import Judged, JudgeTally, judge_tallies
from ftarena.arena.judging import judge as let_judge
from ftarena.arena.judging.asking import Endpoint, LocalJudge, asking, remember
from ftarena.arena.judging.judging import WAIT_S
from ftarena.arena.judging.recording import REFUSED, said_instead
from ftarena.arena.standings.scoreboard import standing
from ftarena.errors import FtarenaError, UsageError
from ftarena.scoring.words import counted, percent
from ftarena.serving.protocol import EngineGone, RequestRefused
from ftarena.store import Store
from ftarena.text import clean_line, shorten
from ftarena.workspace import Workspace

if TYPE_CHECKING:
    from ftarena.scoring.judges import JudgeAgreement

_SAMPLE = 100
"""Letters of what came instead of a verdict."""

_FEW = 30
"""Shared battles below which agreement with people is little more than a guess."""


def judge(
    workspace: Workspace,
    database: Path,
    name: str,
    *,
    endpoint: str | None = None,
    judge_model: str | None = None,
    contestant: str | None = None,
    prompts: int | None = None,
    only: Sequence[str] | None = None,
    criteria: Sequence[str] = (),
    again: bool = False,
    as_json: bool = False,
    out: TextIO | None = None,
    wait_s: float = WAIT_S,
) -> int:
    """Have a model vote, and say how consistent it is and how far it agrees with people.

    Args:
        workspace: The project.
        database: The arena.
        name: What the judge is called.
        endpoint: URL of a server that speaks OpenAI's protocol.
        judge_model: Which model judges there.
        contestant: Name of the contestant that judges instead.
        prompts: How many prompts in all; `None` is every one.
        only: Names of who is compared; `None` is everybody who takes part.
        criteria: What else is asked.
        again: Also ask again about what could not be judged before.
        as_json: Print one JSON object instead of words.
        out: Where to; standard output by default.
        wait_s: Before asking again after a failure, in seconds.

    Returns:
        The exit code.

    Raises:
        FtarenaError: Nobody who could judge is named, or it cannot be asked. What was judged before is kept.
    """
    out = out or sys.stdout
    with Store.open_existing(database) as store:
        who = _who(store, endpoint, judge_model, contestant)
        progress = Console(stderr=True, highlight=False)

        async def run() -> Judged:
            async with asking(workspace, who) as ask:
                remember(store, name, who, criteria)
                return await let_judge(
                    store,
                    name,
                    ask,
                    contestants=only,
                    prompts=prompts,
                    criteria=criteria,
                    again=again,
                    on_decided=lambda done: _say(progress, done),
                    wait_s=wait_s,
                )

        try:
            done = asyncio.run(run())
        except (EngineGone, RequestRefused) as error:
            kept = "what was judged is kept, the same command goes on"
            hint = f"{error.hint}; {kept}" if error.hint else kept
            raise FtarenaError(error.message, hint) from error
        [tally] = judge_tallies(store, [done.labeler]) or [JudgeTally(done.labeler, 0, 0, 0, 0)]
        agreement = next((each for each in standing(store).judges if each.name == done.labeler), None)
        instead = said_instead(store, done.labeler) if tally.unreadable else ""
        is_player = contestant is not None and _takes_part(store, contestant, only)
    if as_json:
        print(json.dumps(_plain(done, tally, agreement), indent=2, allow_nan=False), file=out)
        return 0
    console = Console(file=out, highlight=False)
    for line in _lines(done, tally, agreement, instead):
        console.print(Text(clean_line(line)))
    if is_player:
        console.print(Text(f"Mind: {clean_line(str(contestant))} judges its own answers, too.", "bold"))
    return 0


def _who(
    store: Store, endpoint: str | None, judge_model: str | None, contestant: str | None
) -> Endpoint | LocalJudge:
    if (endpoint is None) == (contestant is None):
        raise UsageError(
            "who judges?", "give either --endpoint URL --judge-model MODEL, or --contestant NAME"
        )
    if endpoint is not None:
        if not judge_model:
            raise UsageError(f"which model judges at {endpoint}?", "give its name with --judge-model")
        return Endpoint(endpoint, judge_model)
    row = store.contestant(str(contestant))
    if row is None:
        raise FtarenaError(f"there is no contestant {contestant!r}", "see them all: ftarena contestants list")
    return LocalJudge(contestant_of(row))


def _takes_part(store: Store, contestant: str, only: Sequence[str] | None) -> bool:
    row = store.contestant(contestant)
    return row is not None and (not row.hidden if only is None else contestant in only)


def _say(progress: Console, done: Judged) -> None:
    """Say how far it is: on a terminal at every pair, in a log at every tenth of them."""
    step = max(done.todo // 10, 1)
    if progress.is_terminal:
        progress.print(Text(f"\rjudged {done.done:,} of {done.todo:,}"), end="")
        if done.done == done.todo:
            progress.print()
    elif done.done % step == 0:
        progress.print(Text(f"judged {done.done:,} of {done.todo:,}"))


def _lines(done: Judged, tally: JudgeTally, agreement: "JudgeAgreement | None", instead: str) -> list[str]:
    lines = [f"{done.labeler}: {counted(done.done, 'pair')} of answers judged now, each in both orders"]
    if not done.todo:
        lines[0] = f"{done.labeler}: nothing left to judge; for more, raise --prompts or add answers"
    share = tally.consistent_share
    lines.append(
        f"in all {counted(tally.consistent, 'vote')} that count,"
        f" {tally.inconsistent:,} that turned with the order"
        + (f" ({percent(share)} consistent)" if share is not None else "")
        + (f", {tally.unreadable:,} without a verdict" if tally.unreadable else "")
        + (f", {tally.open:,} open" if tally.open else "")
    )
    if instead:
        why, _, said = instead.partition(": ")
        if why == REFUSED:
            lines.append(f"the last refusal: {shorten(said, _SAMPLE)}")
            lines.append("take a judge that reads more, and ask it again: --as ANOTHER, or --again")
        else:
            lines.append(f"instead of a verdict it said: “{shorten(said, _SAMPLE)}”")
            lines.append("take a larger judge (--as ANOTHER), or ask this one once more with --again")
    if not tally.consistent:
        lines.append("no vote of it counts, so there is nothing to hold against people")
        return lines
    if agreement is None or not agreement.shared:
        lines.append("no battle shared with people yet: vote on some to know how far it can be trusted")
        return lines
    figures = [
        f"{name} {value:.2f}"
        for name, value in (("κ", agreement.kappa), ("α", agreement.alpha))
        if value is not None
    ]
    said = (
        f"with people: the same on {percent(agreement.raw)} of {counted(agreement.shared, 'shared battle')}"
    )
    lines.append(
        ", ".join([said, *figures]) + ("; few, so take it as a guess" if agreement.shared < _FEW else "")
    )
    return lines


def _plain(done: Judged, tally: JudgeTally, agreement: "JudgeAgreement | None") -> dict[str, object]:
    return {
        "judge": done.labeler,
        "now": {
            "pairs": done.done,
            "consistent": done.consistent,
            "inconsistent": done.inconsistent,
            "unreadable": done.unreadable,
        },
        "all": {
            "consistent": tally.consistent,
            "inconsistent": tally.inconsistent,
            "unreadable": tally.unreadable,
            "open": tally.open,
            "consistent_share": tally.consistent_share,
        },
        "people": None
        if agreement is None
        else {name: getattr(agreement, name) for name in ("shared", "raw", "kappa", "alpha")},
    }
