"""Who a run descends from by votes, and what those before it have already been trained on."""

from collections.abc import Iterator
from pathlib import Path

from ftarena.arena.improving.record import VOTES, read_record
from ftarena.errors import FtarenaError
from ftarena.store import Store
from ftarena.training.jobs import Run, find_run
from ftarena.workspace import Workspace


def lineage(workspace: Workspace, run: Run) -> Iterator[Run]:
    """Yield a run and those it descends from by votes, the youngest first; a broken record ends it."""
    seen = set()
    while run.id not in seen:
        seen.add(run.id)
        yield run
        record = read_record(run.directory)
        if record is None:
            return
        try:
            run = find_run(workspace, record.parent)
        except FtarenaError:  # its folder was removed; what it was trained on is no longer known
            return


def votes_used(workspace: Workspace, run: Run) -> set[str]:
    """Return the ids of the votes that a run and those before it were trained on."""
    return {vote for one in lineage(workspace, run) for vote in _ids(one.directory / VOTES)}


def _ids(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return []


def trained_prompts(store: Store, run_id: str) -> set[str]:
    """Return the prompts that a run was trained on, as far as that was noted."""
    return {
        prompt
        for (prompt,) in store.rows("SELECT prompt_id FROM trained_prompts WHERE run_id = ?", (run_id,))
    }
