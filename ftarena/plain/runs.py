"""`ftarena runs`: what is training and what was trained, in line mode."""

import json
import sys
import time
from datetime import datetime
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from ftarena.plain.run_data import data_lines, data_of
from ftarena.plain.run_table import print_runs, seconds
from ftarena.text import clean_line, clean_text, duration
from ftarena.training.jobs import Run, RunState, find_run, list_runs, read_metrics, stop_run
from ftarena.training.runs import LOG, RESOLVED_RECIPE
from ftarena.workspace import Workspace

FOLLOW_POLL_S = 0.3

_HEALTHY = (RunState.FINISHED, RunState.STOPPED)


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
        print(
            json.dumps({**_plain(run), "data": data_of(run), "history": read_metrics(run)}, indent=2),
            file=out,
        )
        return code
    lines = [
        ("run", run.id),
        ("state", str(run.state) + (f": {run.message}" if run.message else "")),
        ("method", f"{run.method} on {run.base_model}"),
        ("started", datetime.fromtimestamp(run.started_at).isoformat(sep=" ", timespec="seconds")),
        ("took" if run.state.ended else "so far", duration(seconds(run))),
        ("steps", f"{run.step} of {run.total_steps}"),
        *_losses(run),
        *data_lines(run),
        ("folder", str(run.directory)),
    ]
    if not run.state.ended and run.eta_s is not None:
        lines.append(("left", f"about {duration(run.eta_s)}"))
    if run.adapter is not None:
        lines.append(("ask it", f'ftarena chat --left base --right run:{run.id} -p "…"'))
    lines.append(("again", f"ftarena train {run.directory / RESOLVED_RECIPE}"))
    console = Console(file=out, highlight=False)
    above = ""
    for name, words in lines:
        name, above = "" if name == above else name, name  # files that follow each other have one title
        console.print(Text.assemble((f"{name:<10}", "bold"), clean_line(words)), soft_wrap=True)
    return code


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


def stop(workspace: Workspace, key: str, out: TextIO | None = None) -> int:
    """Stop a run after its current step; what it has learned is kept.

    Raises:
        FtarenaError: There is no such run.
    """
    out = out or sys.stdout
    run = find_run(workspace, key)
    if run.state.ended:
        verb = "was" if run.state is RunState.STOPPED else "has"
        print(f"{clean_line(run.id)} {verb} {run.state} already.", file=out)
        return 0
    print(f"{clean_line(run.id)}: stopping after the current step …", file=sys.stderr)
    run = stop_run(run)
    kept = f", adapter in {run.adapter}" if run.adapter else ", before it had learned anything"
    print(f"{clean_line(run.id)}: {run.state} at step {run.step} of {run.total_steps}{kept}", file=out)
    return 0


def _losses(run: Run) -> list[tuple[str, str]]:
    """Return train and held-out loss as first and last value, where they were measured."""
    rows = read_metrics(run)
    found = []
    for name, key in (("loss", "loss"), ("held out", "eval_loss"), ("margin", "rewards/margins")):
        values = [row[key] for row in rows if isinstance(row.get(key), int | float)]
        if values:
            found.append(
                (name, f"{values[0]:.3f} → {values[-1]:.3f}" if len(values) > 1 else f"{values[0]:.3f}")
            )
    return found


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
        "seconds": round(seconds(run), 1),
        "base_model": run.base_model,
        "adapter": str(run.adapter) if run.adapter else None,
        "directory": str(run.directory),
        "metrics": run.metrics,
    }
