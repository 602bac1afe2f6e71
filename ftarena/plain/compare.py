"""`ftarena runs compare`: the kept checkpoints of a run, for people to choose among."""

import json
import sys
from pathlib import Path
from typing import TextIO

from ftarena.arena.comparing import Candidate, enlist_checkpoints
from ftarena.store import Store
from ftarena.text import clean_line
from ftarena.training.runs import Run, find_run, read_metrics
from ftarena.workspace import Workspace


def compare(
    workspace: Workspace, database: Path, key: str, *, as_json: bool = False, out: TextIO | None = None
) -> int:
    """Let the kept checkpoints of a run take part in the arena, and say how to vote on them.

    Args:
        workspace: The project.
        database: The arena's file.
        key: The run's id, the beginning of one, or its name.
        as_json: Print one JSON object instead of lines.
        out: Where to; standard output by default.

    Raises:
        FtarenaError: There is no such run, or nothing to choose from.
    """
    out = out or sys.stdout
    run = find_run(workspace, key)
    with Store.open(database) as store:
        found = enlist_checkpoints(store, run)
    losses = {row["step"]: row["eval_loss"] for row in read_metrics(run) if "eval_loss" in row}
    if as_json:
        rows = [
            {
                "contestant": candidate.contestant.name,
                "step": candidate.step,
                "eval_loss": losses.get(candidate.step),
                "best": candidate.best,
                "final": candidate.final,
            }
            for candidate in found
        ]
        print(json.dumps({"run": run.id, "contestants": rows}, indent=2), file=out)
        return 0
    for candidate in found:
        print(_line(candidate, losses.get(candidate.step)), file=out)
    print(_what_next(run, found), file=sys.stderr)
    return 0


def _line(candidate: Candidate, loss: float | None) -> str:
    notes = [f"held-out loss {loss:.3f}"] if loss is not None else []
    notes += ["the lowest"] if candidate.best and loss is not None else []
    notes += ["best"] if candidate.best and loss is None else []
    notes += ["what the run left"] if candidate.final else []
    name = clean_line(candidate.contestant.name)
    return f"{name}  step {candidate.step}" + (f"  ({', '.join(notes)})" if notes else "")


def _what_next(run: Run, found: list[Candidate]) -> str:
    named = " ".join(f"--contestant {clean_line(candidate.contestant.name)}" for candidate in found)
    others = [candidate for candidate in found if not candidate.final]
    return (
        f"Vote blind: ftarena vote {named}\n"
        f"Take one out again: ftarena contestants hide {clean_line(others[0].contestant.name)}"
    )
