"""From votes to a run that only has to be started: pairs, how doubtful they are, recipe, check and plan."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ftarena.arena.improving.ancestry import lineage, trained_prompts, votes_used
from ftarena.arena.improving.begun import run_begun
from ftarena.arena.improving.heldout import Heldout, inherited_heldout
from ftarena.arena.improving.improvement import Improvement
from ftarena.arena.improving.materials import Material, gather, labelers_of
from ftarena.arena.improving.parent import child_name, resolved_recipe, tied_with
from ftarena.arena.improving.recipe import recipe_text
from ftarena.arena.improving.record import (
    FRESH,
    HELDOUT,
    PAIRS,
    RECIPE_FILE,
    RECORD,
    VOTES,
    ImproveMethod,
    votes_sha256,
)
from ftarena.arena.improving.smoothing import Smoothing, measure_smoothing
from ftarena.arena.improving.writing import Wishes, filter_json, jsonl, record_of, write_whole
from ftarena.arena.lineup import why_not
from ftarena.curation.check import check_sources
from ftarena.curation.examples import Example
from ftarena.curation.reading import load_examples
from ftarena.curation.sources import source_of
from ftarena.errors import FtarenaError, UsageError
from ftarena.recipes.load import load_recipe
from ftarena.recipes.names import ALIASES
from ftarena.recipes.schema import Recipe
from ftarena.scoring.words import counted
from ftarena.store import Store
from ftarena.store.preferences import PairFilter
from ftarena.training.guards import read_guards
from ftarena.training.jobs import Run
from ftarena.training.plan import Plan, Unplannable, plan_of
from ftarena.workspace import Workspace, make_private

FEWEST: Final = 8
"""Pairs below which nothing is trained: DPO on fewer learns them by heart."""

DRAFTS: Final = "improvements"
"""Folder of the workspace with one folder for each set of votes, parent and wishes."""

_MADE_HERE = ("method", "dataset", "init_from", "model_name_or_path")
"""Keys that the votes and the parent decide."""


def prepare(
    store: Store,
    workspace: Workspace,
    parent: Run,
    which: PairFilter | None = None,
    method: ImproveMethod = "dpo",
    overrides: Mapping[str, str] | None = None,
    *,
    hold_out: float | None = None,
    again: bool = False,
    few: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Improvement:
    """Make everything of the next run but the run. Nothing is started, and the arena is only read.

    Repeated with the same votes, parent and wishes it finds what it made before, and the run begun from it.

    Args:
        store: The votes.
        workspace: The project; the files are written below its `improvements`.
        parent: The run to go on from.
        which: Which votes, and how sure one must be; None is every blind vote of a person.
        method: What is learned from: pairs (`dpo`) or labelled answers (`kto`).
        overrides: Keys of the recipe, as text; they win.
        hold_out: Share of the prompts that are kept out; None: a tenth, of 40 pairs and more.
        again: Use pairs once more that the parent or a run before it was trained on.
        few: Go on with fewer than `FEWEST` pairs.
        tell: Told what is being done, a line each.

    Raises:
        UsageError: A key cannot be set, or is none.
        FtarenaError: There are no votes or too few pairs, the parent cannot be gone on from, or the disk
            refuses.
    """
    wishes = Wishes(overrides or {}, hold_out, again, few)
    _check_overrides(wishes.overrides)
    if (error := why_not(parent)) is not None:
        raise error
    which = which or PairFilter()
    tell("making pairs of the votes")
    used = set() if again else votes_used(workspace, parent)
    seed = _seed(wishes.overrides)
    material = gather(store, which, method, used=used, hold_out=hold_out, seed=seed)
    _check_amount(material, parent, wishes)
    smoothing = measure_smoothing(store, which.selection, material.margins)
    draft = _Draft.open(workspace, parent, material, which, wishes)
    draft.put(PAIRS, jsonl(material.rows))
    draft.put(FRESH, jsonl(material.kept_out))
    draft.put(VOTES, "".join(f"{one}\n" for one in material.vote_ids))
    inherited = resolved_recipe(parent)
    heldout = _heldout(inherited, load_examples(draft.folder / PAIRS, method), material)
    draft.put(HELDOUT, "".join(f"{line}\n" for line in heldout.lines))
    text = recipe_text(
        method=method,
        name=child_name(workspace, parent, grown=(parent.directory / RECORD).is_file()),
        parent=parent,
        inherited=inherited,
        pairs=len(material.rows),
        data=draft.folder / PAIRS,
        heldout=draft.folder / HELDOUT if heldout.lines else None,
        label_smoothing=smoothing.value,
        why_smoothing=smoothing.words(),
        overrides=wishes.overrides,
    )
    draft.put(RECIPE_FILE, text)
    recipe = load_recipe(draft.folder / RECIPE_FILE, wishes.overrides, on_note=tell)
    chance = smoothing.warning()
    smoothing = _as_used(smoothing, recipe.label_smoothing, wishes.overrides)
    tell("checking the pairs")
    checked = check_sources(
        [source_of(draft.folder / PAIRS)], [source_of(draft.folder / HELDOUT)] if heldout.lines else []
    )
    tell("planning")
    plan, unplanned = _planned(recipe)
    prompts = set(store.prompt_ids())
    seen = set(material.prompts).union(
        *(trained_prompts(store, run.id) for run in lineage(workspace, parent))
    )
    improvement = Improvement(
        workspace=workspace,
        database=store.path,
        parent=parent,
        method=method,
        folder=draft.folder,
        recipe=recipe,
        recipe_file=draft.folder / RECIPE_FILE,
        material=material,
        smoothing=smoothing,
        labelers=labelers_of(store, material.vote_ids),
        check=checked,
        plan=plan,
        unplanned=unplanned,
        heldout=len(heldout.lines),
        heldout_asked=heldout.asked,
        prompts=len(prompts),
        fresh=len(prompts - seen),
        chance=chance,
        tied=tied_with(store, parent, which.selection),
        alarms=tuple(guard.words for guard in read_guards(parent) if guard.verdict == "alarm"),
        run=draft.begun,
    )
    draft.put(RECORD, json.dumps(record_of(improvement, which, wishes), indent=2) + "\n")
    return improvement


def _check_overrides(overrides: Mapping[str, str]) -> None:
    for key in overrides:
        name = ALIASES.get(key.replace("-", "_"), key.replace("-", "_"))
        if name in _MADE_HERE:
            raise UsageError(
                f"--{key.replace('_', '-')} cannot be set here: the votes and the parent decide it",
                "write a recipe of your own from the pairs: ftarena export dpo; ftarena train RECIPE",
            )


def _seed(overrides: Mapping[str, str]) -> int:
    given = overrides.get("seed", "")
    return int(given) if given.isdigit() else 42  # what is no number, the recipe says


def _check_amount(material: Material, parent: Run, wishes: Wishes) -> None:
    """Refuse where there is too little to learn from, and say how much more is needed."""
    noun, rows = material.noun, len(material.rows)
    if not material.report.votes:
        raise FtarenaError("nobody has voted yet", "ftarena vote")
    if rows == 0 and material.used_before:
        raise FtarenaError(
            f"{parent.name} and the runs before it were trained on all {material.used_before} {noun}s that "
            "the votes make",
            "vote on its answers: ftarena vote; or train on the same ones once more: --again",
        )
    if rows == 0:
        raise FtarenaError(
            f"{counted(material.report.votes, 'vote')}, but no {noun} to learn from: "
            + ("; ".join(material.left_out()) or "none of them is asked for"),
            "vote for one of two answers: ftarena vote",
        )
    if rows < FEWEST and not wishes.few:
        more = FEWEST - rows
        raise FtarenaError(
            f"{counted(rows, noun)} {'is' if rows == 1 else 'are'} too few to learn from: "
            f"{FEWEST} are needed, {more} more",
            "go on voting: ftarena vote; or try all the same: --force",
        )


@dataclass(frozen=True)
class _Draft:
    """The folder of one improvement. What a run was begun from is not written again."""

    folder: Path
    begun: Run | None

    @classmethod
    def open(
        cls, workspace: Workspace, parent: Run, material: Material, which: PairFilter, wishes: Wishes
    ) -> "_Draft":
        """Return the folder of exactly this, private to its user."""
        what = [
            parent.id,
            material.method,
            votes_sha256(material.vote_ids),
            len(material.rows),
            len(material.kept_out),
            filter_json(which),
            sorted(wishes.overrides.items()),
            wishes.again,
        ]
        key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
        top = workspace.ensure().root / DRAFTS
        make_private(top)
        make_private(top / key)
        return cls(top / key, run_begun(workspace, top / key))

    def put(self, name: str, text: str) -> None:
        """Write a file, unless a run that was begun from here has it."""
        if self.begun is None or not (self.folder / name).exists():
            write_whole(self.folder / name, text)


def _heldout(inherited: Mapping[str, Any], trained: Sequence[Example], material: Material) -> Heldout:
    """Return what is measured on: the parent's rows, or else the better ones of the answers kept out."""
    found = inherited_heldout(inherited, trained)
    if not found.lines and material.method == "dpo":
        return Heldout(tuple(jsonl([row]).rstrip("\n") for row in material.kept_out), found.asked)
    return found


def _planned(recipe: Recipe) -> tuple[Plan | None, str]:
    """Return the plan, or why there is none."""
    try:
        return plan_of(recipe), ""
    except Unplannable as why:
        return None, f"cannot be told: {why.message}"


def _as_used(smoothing: Smoothing, used: float, overrides: Mapping[str, str]) -> Smoothing:
    """Return the smoothing as the recipe has it in the end."""
    if any(key.replace("-", "_") == "label_smoothing" for key in overrides):
        return Smoothing(used, smoothing.flip, "given")
    return replace(smoothing, value=used)
