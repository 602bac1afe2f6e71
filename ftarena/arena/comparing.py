"""The kept checkpoints of a run as contestants, so that people choose among them.

Loss is a proxy: held-out perplexity may rise while people like the answers better (LIMA, arXiv 2305.11206).
The base and the run's last state take part already; here come the states in between.
"""

from dataclasses import dataclass

from ftarena.arena.contestants import find_or_add
from ftarena.arena.lineup import default_sampling, enlist, why_not
from ftarena.curation.sets.manifest import sha256_of
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant
from ftarena.store import ContestantRow, Store
from ftarena.training.checkpoints import checkpoints_of, read_best, why_torn
from ftarena.training.runs import ADAPTER_WEIGHTS, Run


@dataclass(frozen=True)
class Candidate:
    """A state of a run that people can vote on."""

    contestant: ContestantRow
    step: int
    """Optimiser steps done."""

    best: bool
    """Whether it has the lowest held-out loss."""

    final: bool
    """Whether it is what the run left in the end; it takes part under the run's own name."""


def enlist_checkpoints(store: Store, run: Run) -> list[Candidate]:
    """Let each kept checkpoint of a run take part, as `NAME@STEP`. Idempotent.

    A checkpoint with the very weights that the run left in the end is not added beside it.

    Args:
        store: Where contestants are.
        run: One that has ended and left an adapter.

    Returns:
        The states, the earliest first, and the run's own in its place.

    Raises:
        FtarenaError: There is nothing to choose from: it goes on, left no adapter, or kept one state only.
    """
    if not run.state.ended:
        raise FtarenaError(
            f"{run.id} goes on, and its checkpoints come and go",
            f"wait for its end: ftarena runs show {run.id}",
        )
    if run.model is not None:
        raise FtarenaError(
            f"{run.id} trained the whole model: each of its checkpoints would need an engine of its own",
            "train an adapter (tuning: lora) to have its steps compared",
        )
    own = enlist(store, run)
    if own is None or run.adapter is None:
        raise why_not(run) or FtarenaError(f"{run.id} has left no adapter", f"ftarena runs show {run.id}")
    last = sha256_of(run.adapter / ADAPTER_WEIGHTS)
    best = read_best(run.directory)
    sampling = default_sampling(run.base_model)
    found: list[Candidate] = []
    for checkpoint in checkpoints_of(run.directory):
        weights = checkpoint.folder / ADAPTER_WEIGHTS
        if not weights.is_file() or why_torn(checkpoint):
            continue
        is_best = checkpoint == best
        if sha256_of(weights) == last:
            found.append(Candidate(own, checkpoint.step, is_best, True))
            continue
        adapter = f"{run.id}/{checkpoint.folder.name}"
        contestant = Contestant(model=run.base_model, adapter=adapter, sampling=sampling)
        row = find_or_add(store, contestant, f"{run.name}@{checkpoint.step}")
        found.append(Candidate(row, checkpoint.step, is_best, False))
    if not any(candidate.final for candidate in found):
        found.append(Candidate(own, run.step, False, True))
    if len(found) < 2:
        raise FtarenaError(
            f"{run.id} has kept no state but its last one",
            "keep more of the next run: save_steps, or eval_steps, with save_total_limit: 5",
        )
    return found
