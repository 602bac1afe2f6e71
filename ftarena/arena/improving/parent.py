"""Which run the next one goes on from, and what of its recipe is kept."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from ftarena.arena.lineup import enlist, why_not
from ftarena.errors import FtarenaError
from ftarena.store import ContestantRow, Selection, Store
from ftarena.text import clean_line
from ftarena.training.jobs import Run, find_run, list_runs
from ftarena.training.runs import RESOLVED_RECIPE
from ftarena.workspace import Workspace

if TYPE_CHECKING:
    from ftarena.scoring import ContestantScore


def find_parent(store: Store, workspace: Workspace, key: str | None, selection: Selection) -> Run:
    """Return the run to go on from.

    Args:
        store: The arena.
        workspace: The project.
        key: A run's id, unique beginning or name, with or without `run:`. None: the run whose contestant is
            rated best by the votes, the newest of equals; without votes the newest run.
        selection: The votes that rate, where nobody is named.

    Raises:
        FtarenaError: There is no such run, or it cannot be trained on and compared.
    """
    if key is not None:
        run = find_run(workspace, key.removeprefix("run:"))
        if (error := why_not(run)) is not None:
            raise error
        return run
    able = [run for run in list_runs(workspace) if run.state.ended and why_not(run) is None]
    if not able:
        raise FtarenaError(
            "there is no trained run to go on from", "train one first: ftarena train configs/demo-sft.yaml"
        )
    ratings: dict[str, float] = {}
    by_name = {one.name: one.rating for one in _rated(store, selection)}
    for row in store.contestants(include_hidden=False):
        if row.run_id and row.name in by_name:  # a run may take part several times, with other prompts
            ratings[row.run_id] = max(by_name[row.name], ratings.get(row.run_id, -math.inf))
    rated = [run for run in able if run.id in ratings]
    # `able` has the newest first, and `max` keeps the first of equals.
    return max(rated, key=lambda run: ratings[run.id]) if rated else able[0]


def tied_with(store: Store, run: Run, selection: Selection) -> tuple[str, ...]:
    """Return the names of contestants that the votes do not tell from a run's: those of the same rank.

    Args:
        store: The arena.
        run: The run.
        selection: The votes that rate.
    """
    own = {row.name for row in store.contestants() if row.run_id == run.id}
    rated = _rated(store, selection)
    places = {(one.part, one.rank) for one in rated if one.name in own}
    return tuple(one.name for one in rated if one.name not in own and (one.part, one.rank) in places)


def contestant_of_run(store: Store, run: Run) -> ContestantRow:
    """Return the contestant that answers with what a run left, registering it where it is new.

    Raises:
        FtarenaError: It has left nothing that could answer.
    """
    row = enlist(store, run)
    if row is None:
        raise why_not(run) or FtarenaError(f"{run.id} cannot answer", f"ftarena runs show {run.id}")
    return row


def resolved_recipe(run: Run) -> Mapping[str, Any]:
    """Return what a run's resolved recipe says, key by key; empty where it cannot be read.

    Read as plain values: data that have been moved since must not keep anybody from training on.
    """
    try:
        said = yaml.safe_load((run.directory / RESOLVED_RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    return said if isinstance(said, dict) else {}


def child_name(workspace: Workspace, parent: Run, grown: bool) -> str:
    """Return a name that no run has: `sft-2` for the first child of `sft`, `sft-3` for the child of that.

    Args:
        workspace: The project.
        parent: Whose child it is.
        grown: Whether the parent is a child itself, so that its number is counted on.
    """
    stem, dash, number = parent.name.rpartition("-")
    counted = grown and dash and number.isdigit()
    stem = (stem if counted else clean_line(parent.name))[:56]
    taken = {run.name for run in list_runs(workspace)}
    following = int(number) + 1 if counted else 2
    while f"{stem}-{following}" in taken:
        following += 1
    return f"{stem}-{following}"


def _rated(store: Store, selection: Selection) -> "Sequence[ContestantScore]":
    """Return who is rated, the best first; nobody without votes."""
    from ftarena.scoring import Vote, score  # numpy, which a front end that only looks around never loads

    votes = [Vote(*row) for row in store.standing_votes(selection)]
    return score(votes).contestants if votes else ()
