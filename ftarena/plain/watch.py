"""`ftarena runs watch`: a run as it goes, in place on a terminal, a line a step in a pipe.

The run does not depend on being watched: ctrl+c stops watching and nothing else.
"""

import sys
import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ftarena.drawing.ascii import to_ascii
from ftarena.errors import FtarenaError
from ftarena.plain.drawn import is_live, needs_ascii, printed
from ftarena.plain.goes_on import told_what_goes_on
from ftarena.plain.watch_page import page, step_line
from ftarena.text import clean_line, duration
from ftarena.training.figures.standing import (
    Standing,
    fact_rows,
    guard_facts,
    next_facts,
    state_words,
    waiting_words,
)
from ftarena.training.runs import Run, RunState, read_events, read_run
from ftarena.workspace import Workspace

POLL_S = 0.5

_EARLIER = 10
"""Steps before the first look that are told in a pipe."""

_BAD = {RunState.FAILED: "failed", RunState.DIED: "died"}


def watch(
    workspace: Workspace,
    run: Run,
    *,
    out: TextIO | None = None,
    wait: Callable[[float], object] = time.sleep,
) -> int:
    """Show a run until it has ended, then what its guards found.

    On a terminal a page is drawn in place; a pipe or a dumb terminal gets a line at each change of state and
    each step that is logged.

    Args:
        workspace: The project, whose other work is named when watching is interrupted.
        run: The run; one that has ended is told at once.
        out: Where to; standard output by default.
        wait: Waits so many seconds between two looks.

    Returns:
        0 where it finished, 1 where it was stopped or paused.

    Raises:
        FtarenaError: The run failed or died.
        KeyboardInterrupt: Someone stopped watching; the run goes on and that has been said.
    """
    out = out or sys.stdout
    console = Console(file=out, highlight=False)
    standing = Standing.of(run)
    with told_what_goes_on(workspace, run.directory):
        if is_live(console) and not standing.run.state.ended:
            _draw(standing, console, out, wait)
        else:
            _tell(standing, console, out, wait)
    return _last_words(standing, console, out)


def _draw(standing: Standing, console: Console, out: TextIO, wait: Callable[[float], object]) -> None:
    plain = needs_ascii(out)

    def drawn() -> RenderableType:
        # One row is left free: a page that fills the terminal scrolls, and would be drawn below itself.
        return Group(*printed(page(standing, console.width, max(console.height - 1, 8)), ascii_only=plain))

    with Live(drawn(), console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while not standing.run.state.ended:
            wait(POLL_S)
            standing.look(read_run(standing.run.directory))
            live.update(drawn(), refresh=True)


def _tell(standing: Standing, console: Console, out: TextIO, wait: Callable[[float], object]) -> None:
    plain = needs_ascii(out)
    told = ("", "")
    noted = len(read_events(standing.run))
    rows = list(standing.metrics.rows)[-_EARLIER:]
    while True:
        run = standing.run
        if told != (now := (str(run.state), waiting_words(run) or _message(run))):
            told = now
            _say(console, f"{now[0]}{': ' if now[1] else ''}{now[1]}", plain)
        for row in rows:
            if line := step_line(row, run):
                _say(console, line, plain)
        events = read_events(run)
        for event in events[noted:]:
            if event.get("event") not in set(RunState):  # that it has ended is said anyway
                _say(console, f"{event.get('event')}: {event.get('message')}", plain)
        noted = len(events)
        if run.state.ended:
            return
        wait(POLL_S)
        standing.look(read_run(run.directory))
        rows = list(standing.metrics.rows)


def _message(run: Run) -> str:
    """Return what a run does, where it is not a count of steps, of which each has a line of its own."""
    return "" if run.state is RunState.TRAINING else run.message


def _say(console: Console, words: str, plain: bool) -> None:
    line = clean_line(words)
    console.print(Text(to_ascii(line) if plain else line), soft_wrap=True)
    console.file.flush()


def _last_words(standing: Standing, console: Console, out: TextIO) -> int:
    run = standing.run
    if run.state in _BAD:
        raise FtarenaError(
            f"the run {run.id} {_BAD[run.state]} at step {run.step} of {run.total_steps}"
            + (f": {run.message}" if run.message else ""),
            f"ftarena runs logs {run.id}"
            if run.resumable_from is None
            else f"ftarena runs resume {run.id} goes on from step {run.resumable_from}",
        )
    plain = needs_ascii(out)
    said = f"{state_words(run)} at step {run.step} of {run.total_steps} after {duration(run.seconds)}"
    _say(console, said, plain)
    rows = fact_rows(guard_facts(standing.guards), console.width)
    rows += fact_rows(next_facts(run), console.width)
    for line in printed(rows, ascii_only=plain):
        console.print(line, soft_wrap=True)
    return int(run.state is not RunState.FINISHED)
