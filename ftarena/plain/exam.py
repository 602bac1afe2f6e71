"""`ftarena runs examine`: what the engine finds out about a run, in lines or as JSON."""

import json
import sys
from collections.abc import Sequence
from typing import TextIO

from ftarena.evaluation.exam import examine
from ftarena.plain.goes_on import told_what_goes_on
from ftarena.plain.progress import Stage, Stages
from ftarena.processes import read_json
from ftarena.text import clean_line
from ftarena.training.guards import EXAM, Guard
from ftarena.training.runs import find_run
from ftarena.workspace import Workspace

_MARKS = {"ok": "ok     ", "alarm": "ALARM  ", "unknown": "unknown"}


def examine_run(workspace: Workspace, key: str, *, as_json: bool = False, out: TextIO | None = None) -> int:
    """Examine a run, showing how far that is on standard error, and print what was found.

    Args:
        workspace: The project.
        key: The run's id, the beginning of one, or its name.
        as_json: Print one JSON object, with all questions and answers, instead of lines.
        out: Where to; standard output by default.

    Returns:
        The exit code: 1 where a finding is an alarm.

    Raises:
        FtarenaError: There is no such run, or it cannot be examined now but was before.
    """
    out = out or sys.stdout
    run = find_run(workspace, key)
    with (
        told_what_goes_on(workspace),
        Stages([Stage("exam", f"Exam of {clean_line(run.id)}", None)]) as stages,
        stages.run("exam") as stage,
    ):
        guards = examine(run, workspace, lambda line, part: stage.update(line, fraction=part))
    if as_json:
        print(json.dumps({"run": run.id, **read_json(run.directory / EXAM)}, indent=2), file=out)
    else:
        print("\n".join(guard_lines(guards)), file=out)
        print(f"All questions and answers: {run.directory / EXAM}", file=sys.stderr)
    return int(any(guard.verdict == "alarm" for guard in guards))


def guard_lines(guards: Sequence[Guard]) -> list[str]:
    """Return findings as lines: the mark, the guard, what was found, and below an alarm what to do."""
    lines = []
    for guard in guards:
        lines.append(f"{_MARKS[guard.verdict]}  {guard.name:12}  {clean_line(guard.words)}")
        lines += [f"         → {clean_line(remedy)}" for remedy in guard.remedies]
    return lines
