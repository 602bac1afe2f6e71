"""`ftarena improve`: the next run out of the votes, in line mode."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, get_args

from ftarena.arena.improving import Improvement, bring_in, find_parent, prepare, start
from ftarena.arena.improving.record import PAIRS, ImproveMethod
from ftarena.arena.improving.starting import check_writable
from ftarena.drawing.pieces import Row
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.watch import watch
from ftarena.store import Selection, Store
from ftarena.store.preferences import PairFilter
from ftarena.text import clean_line, shorten
from ftarena.training.figures.standing import Fact, fact_rows, short_path
from ftarena.training.jobs import Run, RunState
from ftarena.training.runs import read_run
from ftarena.workspace import Workspace

_WIDTH = 100


@dataclass(frozen=True)
class Asked:
    """What a command line says."""

    run: str | None = None
    method: str = "dpo"
    which: PairFilter = field(default_factory=PairFilter)
    overrides: Mapping[str, str] = field(default_factory=dict)
    hold_out: float | None = None
    again: bool = False
    plan: bool = False
    yes: bool = False
    follow: bool = False
    queue: bool = False
    force: bool = False
    as_json: bool = False


def improve(workspace: Workspace, database: Path, asked: Asked, out: TextIO | None = None) -> int:
    """Make the next run of the votes, show it, ask, and start it.

    Args:
        workspace: The project.
        database: The votes.
        asked: What the command line says.
        out: Where the page goes; standard output by default.

    Returns:
        The exit code: with `plan` 1 where it does not fit; 1 where somebody said no.

    Raises:
        UsageError: There is no such method, or nobody can be asked.
        FtarenaError: There are no votes or too few, or the run cannot be started.
    """
    out = out or sys.stdout
    if asked.method not in get_args(ImproveMethod):
        raise UsageError(
            f"votes cannot be learned from by {shorten(asked.method, 40)!r}",
            f"one of {', '.join(get_args(ImproveMethod))}",
        )
    method: ImproveMethod = "kto" if asked.method == "kto" else "dpo"
    if not database.exists():
        raise FtarenaError("there are no votes yet", "ftarena vote")
    if not asked.plan:
        check_writable(database)
    with Store.open_existing(database) as store:
        parent = find_parent(store, workspace, asked.run, asked.which.selection)
        improvement = prepare(
            store,
            workspace,
            parent,
            asked.which,
            method,
            asked.overrides,
            hold_out=asked.hold_out,
            again=asked.again,
            few=asked.force,
            tell=_note,
        )
    if not asked.as_json:
        show(improvement, out)
    if asked.plan:
        _tell(improvement, None, asked, out)
        return 0 if improvement.plan is None or improvement.plan.fits else 1
    if not _agreed(improvement, asked):
        print("Nothing was started.", file=sys.stderr)
        return 1
    run = start(improvement, queue=asked.queue, force=asked.force, tell=_note)
    _tell(improvement, run, asked, out)
    return _afterwards(workspace, database, improvement, run, follow_it=asked.follow)


def _tell(improvement: Improvement, run: Run | None, asked: Asked, out: TextIO) -> None:
    """Print what a script reads: the run's id, or everything as JSON with it."""
    if asked.as_json:
        told = improvement.to_json() | ({"run": run.id} if run is not None else {})
        print(json.dumps(told, indent=2, ensure_ascii=True, allow_nan=False), file=out)
    elif run is not None:
        print(run.id, file=out)


def show(improvement: Improvement, out: TextIO) -> None:
    """Print what there is to know before one says yes."""
    print(f"{clean_line(improvement.recipe.name)}: {improvement.method} from votes", file=out)
    facts = [Fact(title, clean_line(words)) for title, words in improvement.facts()]
    for row in fact_rows(facts, _WIDTH):
        print(_text(row), file=out)
    print(f"recipe        {clean_line(short_path(improvement.recipe_file))}", file=out)


def _text(row: Row) -> str:
    return "".join(piece.text for piece in row).rstrip()


def _agreed(improvement: Improvement, asked: Asked) -> bool:
    """Return whether it may be started.

    Raises:
        UsageError: Nobody can be asked.
        FtarenaError: Labelers agree no more than by chance, or `--yes` was said beforehand and the check
            found errors.
    """
    begun = improvement.run
    if begun is not None:
        _note(f"{begun.id} was begun from exactly these votes: it {begun.state.told}")
        return True
    if improvement.chance and not asked.force:
        raise FtarenaError(improvement.chance, "go on voting: ftarena vote; or train all the same: --force")
    if asked.yes:
        if improvement.check.errors and not asked.force:
            raise FtarenaError(
                f"the check found {improvement.check.errors} errors in the pairs",
                f"look at them: ftarena check {improvement.folder / PAIRS}; or start it: --force",
            )
        return True
    if asked.as_json or not sys.stdin.isatty():
        raise UsageError("there is nobody to ask", "say --yes, or only look: --plan")
    print("Start it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _afterwards(
    workspace: Workspace,
    database: Path,
    improvement: Improvement,
    run: Run,
    *,
    follow_it: bool,
) -> int:
    """Say what goes on, watch it if asked to, and bring a child that has finished into the arena."""
    if run.state is not RunState.FINISHED:
        _note(
            "It trains on its own; you may close the terminal. When it has ended it takes part by itself. "
            f"Watch it: ftarena runs watch {run.id}"
        )
        code = watch(workspace, run, out=sys.stderr) if follow_it else 0
        run = read_run(run.directory)
        if code or run.state is not RunState.FINISHED:
            return code
    with Store.open(database) as store:
        child, parent = bring_in(store, improvement, run)
    _note(
        f"{child.name} takes part. Compare it with its parent: "
        f"ftarena vote --contestant {child.name} --contestant {parent.name}"
    )
    return 0


def selection_of(
    *,
    contestants: list[str] | None,
    labelers: list[str] | None,
    categories: list[str] | None,
    criterion: str | None,
    since: str | None,
    leaked: bool,
    judges: bool,
) -> Selection:
    """Return the votes that a command line means; an empty list is everybody."""
    return Selection(
        contestants=contestants or None,
        voters="judges" if judges else "people",
        labelers=labelers or None,
        criterion=criterion,
        categories=categories or None,
        since=since,
        leaked=leaked,
    )


def _note(line: str) -> None:
    print(clean_line(line), file=sys.stderr)
