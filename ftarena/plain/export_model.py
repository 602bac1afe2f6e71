"""`ftarena export model RUN -o DIR`: what a run learned, as a folder that other programs load."""

import json
import sys
from pathlib import Path
from typing import TextIO

from ftarena.arena import contestant_of
from ftarena.arena.standings.scoreboard import standing
from ftarena.plain.ending import ends_cleanly
from ftarena.plain.progress import Stage, Stages
from ftarena.scoring.words import counted, hundredths, percent, summary
from ftarena.serving.contestants import Contestant
from ftarena.store import Store
from ftarena.text import clean_line, duration, shorten, size
from ftarena.training.jobs import Run, find_run
from ftarena.training.shipping.exporting import Export, weights_of
from ftarena.training.shipping.exporting import export_model as make
from ftarena.workspace import Workspace


def export_model(
    workspace: Workspace,
    database: Path,
    key: str,
    target: Path,
    *,
    adapter_only: bool = False,
    checkpoint: str | None = None,
    scale: float = 1.0,
    dtype: str = "as-base",
    verify: bool = True,
    force: bool = False,
    as_json: bool = False,
    out: TextIO | None = None,
) -> int:
    """Make the folder, and say what is in it.

    Args:
        workspace: The project.
        database: The arena, for what people voted; it need not be there.
        key: Id, beginning or name of the run.
        target: The folder to make.
        adapter_only, checkpoint, scale, dtype, verify, force: As `training.shipping.exporting` has them.
        as_json: Print one JSON object instead of words.
        out: Where to; standard output by default.

    Returns:
        The exit code.

    Raises:
        FtarenaError: There is nothing to ship, it does not fit, or it is not what the run learned.
    """
    run = find_run(workspace, key)
    step = weights_of(run, checkpoint).step
    # People voted on what it learned as a whole: a weakened adapter is something else.
    arena = arena_lines(database, run, step) if scale == 1 else ()
    stages = Stages([Stage("export", f"Model {clean_line(target.name)}", None)])
    with ends_cleanly(), stages, stages.run("export") as stage:
        made = make(
            run,
            target,
            adapter_only=adapter_only,
            checkpoint=checkpoint,
            scale=scale,
            dtype=dtype,
            verify=verify,
            force=force,
            arena=arena,
            on_progress=stage.update,
        )
    out = out or sys.stdout
    if as_json:
        print(json.dumps(made.to_json(), indent=2), file=out)
        return 0
    for line in _told(made):
        print(line, file=out)
    return 0


def arena_lines(database: Path, run: Run, step: int | None = None) -> tuple[str, ...]:
    """Return what people voted about what a run learned, a line a pair; empty where nobody has.

    Args:
        database: The arena.
        run: The run.
        step: Of the checkpoint that is meant; `None` is what the run ended with.
    """
    if not database.exists():
        return ()
    with Store.open_existing(database) as store:
        rows = [row for row in store.contestants() if row.run_id == run.id]
        names = {row.name for row in rows if _is_of(contestant_of(row), run, step)}
        report = standing(store).report
    lines = []
    for pair in report.pairs:
        if pair.win_rate is None or pair.low is None or pair.high is None or not {pair.a, pair.b} & names:
            continue
        ours = pair.a in names
        rate, low, high = (
            (pair.win_rate, pair.low, pair.high) if ours else (1 - pair.win_rate, 1 - pair.high, 1 - pair.low)
        )
        name, other = (pair.a, pair.b) if ours else (pair.b, pair.a)
        votes = pair.wins + pair.losses + pair.ties + pair.both_bad
        lines.append(
            f"{shorten(name, 60)} against {shorten(other, 60)}: win rate {percent(rate)}, 95 % interval "
            f"{hundredths(low)} to {hundredths(high)}, {counted(votes, 'blind vote')} "
            f"({clean_line(summary(pair))})"
        )
    return tuple(lines)


def _is_of(contestant: Contestant, run: Run, step: int | None) -> bool:
    """Return whether a contestant answers with these weights, whatever its prompt and sampling."""
    if contestant.is_whole:
        return step is None
    return contestant.adapter == (run.id if step is None else f"{run.id}/checkpoint-{step}")


def _told(made: Export) -> list[str]:
    what = {"merged": "merged model", "adapter": "adapter", "model": "model"}[made.form]
    step = f" of step {made.step}" if made.step is not None else ""
    lines = [f"{made.folder}: {what}{step}, {size(made.bytes)}, made in {duration(made.seconds)}."]
    if agreement := made.figures.get("agreement"):
        words = (
            f"Checked on {agreement['tokens']} tokens: the same within {agreement['largest_error']:.1g} nats."
        )
        if agreement["rounding"] > agreement["largest_error"]:
            words += f" Rounding costs {agreement['rounding']:.2g} nats on average"
            if agreement["effect"] is not None:
                words += f"; training changed {agreement['effect']:.2g}"
            words += "."
        lines.append(words)
    elif made.form == "merged":
        lines.append("It was not compared with the adapter.")
    name = clean_line(str(made.folder))
    if made.form != "adapter":
        lines.append(
            f"Let it take part: ftarena contestants add {clean_line(made.folder.name)} --model {name}"
        )
    return lines
