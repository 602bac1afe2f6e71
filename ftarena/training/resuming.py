"""Whether a run may go on where it was interrupted: nothing that its result depends on may have changed.

What it depended on lies beside it: `data.lock.json` has the hash of each data file, `environment.json` those
of the model, the recipe and the adapter it started from, and the versions of the packages.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ftarena.curation.sets.manifest import sha256_of
from ftarena.errors import FtarenaError
from ftarena.processes import read_json
from ftarena.recipes.models import resolve_model
from ftarena.training.checkpoints import Checkpoint, newest_whole
from ftarena.training.identity import fingerprint, versions
from ftarena.training.runs import ADAPTER_WEIGHTS, DATA_LOCK, ENVIRONMENT, RESOLVED_RECIPE, Run, RunState
from ftarena.training.terms import read_terms


def check_resumable(run: Run, *, force: bool = False) -> Checkpoint:
    """Return the checkpoint from which a run goes on; its files are held against their hashes.

    Args:
        run: The run, as it is now.
        force: Go on with other versions of the packages; other data are never taken.

    Raises:
        FtarenaError: It has not ended, has finished, has no whole checkpoint, or would not be the same run.
    """
    if not run.state.ended:
        raise FtarenaError(f"{run.id} goes on already: it {run.state.told}", f"ftarena runs logs -f {run.id}")
    again = f"ftarena train {run.directory / RESOLVED_RECIPE}"
    if run.state is RunState.FINISHED:
        raise FtarenaError(
            f"{run.id} has finished: there is nothing left to resume",
            f"train on from what it learned in a new run: ftarena train RECIPE --init-from {run.id}",
        )
    checkpoint = newest_whole(run.directory, thorough=True)
    if checkpoint is None:
        raise FtarenaError(
            f"{run.id} has no whole checkpoint to resume from: it {run.state.told}", f"start it anew: {again}"
        )
    if changed := [*_changed_data(run), *_changed_inputs(run)]:
        raise FtarenaError(
            f"{run.id} cannot be resumed, it would not be the same run: {'; '.join(changed)}",
            f"put it back, or start a new run: {again}",
        )
    if not force and (others := list(_other_versions(run))):
        raise FtarenaError(
            f"{run.id} began with other versions: {', '.join(others)}",
            "install those, or resume it all the same with --force; the curve may have a small step there",
        )
    return checkpoint


def check_same_data(directory: Path, lock: Mapping[str, Any]) -> None:
    """Hold what a resumed worker has read against what the run was trained on.

    Args:
        directory: The run's folder.
        lock: What `data.lock.json` would say now.

    Raises:
        FtarenaError: It is not the same.
    """
    before = read_json(directory / DATA_LOCK)
    for part in ("train", "heldout", "eval_split", "replay"):
        if (before.get(part) or []) != (lock.get(part) or []):
            raise FtarenaError(
                f"the data of this run are not what they were: {part} in {DATA_LOCK} differs",
                "put the files back, or start a new run",
            )


def _changed_data(run: Run) -> Iterator[str]:
    lock, folder = read_json(run.directory / DATA_LOCK), Path(read_terms(run.directory).folder)
    if not lock:
        yield f"{DATA_LOCK} is missing"
    for part in ("train", "heldout"):
        for entry in lock.get(part) or []:
            path = folder / str(entry.get("path"))
            try:
                same = sha256_of(path) == entry.get("sha256")
            except OSError:
                yield f"{entry.get('path')} is gone"
                continue
            if not same:
                yield f"{entry.get('path')} has changed"


def _changed_inputs(run: Run) -> Iterator[str]:
    before = read_json(run.directory / ENVIRONMENT)
    if before.get("recipe_sha256") != sha256_of(run.directory / RESOLVED_RECIPE):
        yield f"{RESOLVED_RECIPE} has changed"
        return
    # Not by `load_recipe`, which would complain of data files that are gone in its own way.
    recipe = yaml.safe_load((run.directory / RESOLVED_RECIPE).read_text(encoding="utf-8"))
    folder = Path(read_terms(run.directory).folder)
    named, adapter = str(recipe["model_name_or_path"]), recipe.get("init_from")
    model: Path | None = folder / named
    if not (folder / named).is_dir():
        try:
            model = resolve_model(named).path
        except FtarenaError:
            model = None
    if model is None or not model.is_dir():
        yield f"the model {named} is gone"
    elif before.get("base_model_fingerprint") != fingerprint(model):
        yield f"the model {named} has changed"
    if adapter is not None:
        weights = folder / adapter / ADAPTER_WEIGHTS
        if not weights.is_file():
            yield f"the adapter it started from, {adapter}, is gone"
        elif before.get("init_from_sha256") != sha256_of(weights):
            yield f"the adapter it started from, {adapter}, has changed"


def _other_versions(run: Run) -> Iterator[str]:
    before, now = read_json(run.directory / ENVIRONMENT).get("versions"), versions()
    for package, version in (before or {}).items():
        if now.get(package) != version:
            yield f"{package} {version} then, {now.get(package, 'none')} now"
