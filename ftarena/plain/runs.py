"""`ftarena runs`: what is training and what was trained, in line mode."""

import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from ftarena.drawing.ascii import to_ascii
from ftarena.plain.drawn import STYLES, needs_ascii
from ftarena.plain.run_data import data_lines, data_of
from ftarena.plain.run_table import print_runs
from ftarena.text import clean_line, clean_text, duration
from ftarena.training.checkpoints import checkpoints_of, read_best, why_torn
from ftarena.training.examining import exam_under_way
from ftarena.training.figures.standing import (
    Fact,
    Standing,
    checkpoint_words,
    figure_facts,
    guard_facts,
    next_facts,
    start_words,
    state_facts,
)
from ftarena.training.jobs import Run, RunState, find_run, list_runs, read_metrics
from ftarena.training.runs import LOG, RESOLVED_RECIPE
from ftarena.workspace import Workspace

FOLLOW_POLL_S = 0.3

_HEALTHY = (RunState.FINISHED, RunState.STOPPED, RunState.PAUSED)


def list_all(workspace: Workspace, *, as_json: bool = False, out: TextIO | None = None) -> int:
    """Print every run, the newest first.

    Args:
        workspace: The project.
        as_json: Print one JSON object instead of a table.
        out: Where to; standard output by default.
    """
    out = out or sys.stdout
    found = list_runs(workspace)
    if as_json:
        print(json.dumps({"runs": [_plain(run) for run in found]}, indent=2), file=out)
        return 0
    if not found:
        print("No run yet. Start one: ftarena train configs/demo-sft.yaml", file=out)
        return 0
    print_runs(found, out)
    return 0


def show(workspace: Workspace, key: str, *, as_json: bool = False, out: TextIO | None = None) -> int:
    """Print all about one run; return 1 if it failed or died, else 0.

    Args:
        workspace: The project.
        key: A run's id, the beginning of one, or its name.
        as_json: Print one JSON object, every row of metrics included.
        out: Where to; standard output by default.

    Raises:
        FtarenaError: There is no such run.
    """
    out = out or sys.stdout
    run = find_run(workspace, key)
    code = int(run.state.ended and run.state not in _HEALTHY)
    if as_json:
        print(json.dumps({**_plain(run), **_details(run)}, indent=2), file=out)
        return code
    facts = list(_page(run))
    width = max(len(fact.title) for fact in facts) + 2
    console = Console(file=out, highlight=False)
    above = ""
    for fact in facts:
        title = "" if fact.title == above else fact.title  # files that follow each other have one title
        above = fact.title or above
        line = Text(f"{title:<{width}}", "bold")
        line.append(to_ascii(fact.words) if needs_ascii(out) else fact.words, STYLES.get(fact.style, ""))
        console.print(line, soft_wrap=True)
    return code


def _page(run: Run) -> Iterator[Fact]:
    """Yield all that is known of a run, line by line."""
    standing = Standing.of(run)
    yield Fact("run", clean_line(run.id))
    yield from state_facts(standing)
    yield Fact("method", clean_line(f"{run.method}, {run.tuning}, on {run.base_model}"))
    if words := start_words(run):
        yield Fact("begins with", words)
    yield Fact("started", datetime.fromtimestamp(run.started_at).isoformat(sep=" ", timespec="seconds"))
    yield Fact("took" if run.state.ended else "so far", duration(run.seconds))
    yield from figure_facts(standing)
    yield from guard_facts(standing.guards)
    if words := checkpoint_words(run):
        yield Fact("checkpoints", words)
    for title, words in data_lines(run):
        yield Fact(title, clean_line(words))
    yield Fact("folder", clean_line(str(run.directory)))
    yield from next_facts(run)
    yield Fact("curves", f"ftarena runs chart {clean_line(run.id)}")
    yield Fact("again", f"ftarena train {clean_line(str(run.directory / RESOLVED_RECIPE))}")


def logs(
    workspace: Workspace, key: str, *, follow: bool = False, lines: int = 40, out: TextIO | None = None
) -> int:
    """Print the end of a run's log; with `follow` go on until the run ends.

    Returns:
        1 if the run was followed to a bad end, else 0.

    Raises:
        FtarenaError: There is no such run.
    """
    out = out or sys.stdout
    run = find_run(workspace, key)
    path = run.directory / LOG
    position = 0
    if path.exists():
        raw = path.read_bytes()
        position = len(raw)
        for line in raw.decode("utf-8", "replace").splitlines()[-lines:] if lines > 0 else []:
            print(clean_text(line), file=out)
    while follow:
        ended = find_run(workspace, run.id).state.ended  # asked first, so that its last words are printed
        if path.exists():
            with path.open("rb") as file:
                file.seek(position)
                new = file.read()
            whole = new if ended else new[: new.rfind(b"\n") + 1]
            position += len(whole)
            print(clean_text(whole.decode("utf-8", "replace")), end="", file=out, flush=True)
        if ended:
            state = find_run(workspace, run.id).state
            return int(state not in _HEALTHY)
        time.sleep(FOLLOW_POLL_S)
    return 0


def _plain(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "method": run.method,
        "state": run.state,
        "message": run.message,
        "step": run.step,
        "total_steps": run.total_steps,
        "eta_s": run.eta_s,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "seconds": round(run.seconds, 1),
        "base_model": run.base_model,
        "tuning": run.tuning,
        "adapter": str(run.adapter) if run.adapter else None,
        "model": str(run.model) if run.model else None,
        "after": run.after,
        "queue_position": run.queue_position,
        "resumable_from": run.resumable_from,
        "peak_memory_bytes": run.peak_memory_bytes,
        "directory": str(run.directory),
        "metrics": run.metrics,
    }


def _details(run: Run) -> dict[str, Any]:
    """Return what only the page of one run has: its plan, guards, checkpoints, data, and every figure."""
    standing = Standing.of(run)
    best = read_best(run.directory)
    return {
        "guards": [guard.model_dump(mode="json") for guard in standing.guards],
        "examining": exam_under_way(run.directory) or None,
        "plan": dict(standing.planned) or None,
        "checkpoints": [
            {"step": one.step, "best": one == best, "whole": not why_torn(one)}
            for one in checkpoints_of(run.directory)
        ],
        "data": data_of(run),
        "history": read_metrics(run),
    }
