"""Starting what was prepared; its record goes into the run's folder, its prompts are noted in the arena.

Each step can be repeated, so a start that was interrupted anywhere is completed by starting again.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from ftarena.arena.improving.begun import run_begun
from ftarena.arena.improving.improvement import Improvement
from ftarena.arena.improving.parent import contestant_of_run
from ftarena.arena.improving.record import FRESH, HELDOUT, PAIRS, RECORD, VOTES
from ftarena.arena.sharing import resume_training, start_training
from ftarena.errors import FtarenaError, from_os_error
from ftarena.store import ContestantRow, Store
from ftarena.store.ids import now
from ftarena.training.jobs import Run, RunState


def start(
    improvement: Improvement,
    *,
    queue: bool = False,
    force: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Run:
    """Start the run that was prepared, or go on with the one that was already begun from it.

    The record, the pairs and the ids of the votes are put into the run's folder, and the prompts that it is
    trained on are noted in the arena, its ancestors' included, so that scores can leave votes on them out.

    Args:
        improvement: What `prepare` returned.
        queue: Wait for the device where other runs have it.
        force: Start it even where the plan says that it cannot fit.
        tell: Told what is done before the run can start.

    Returns:
        The run; it may have finished already.

    Raises:
        FtarenaError: The arena cannot be written, or the run cannot be started.
    """
    check_writable(improvement.database)
    # Looked for anew: another window may have begun it since.
    run = run_begun(improvement.workspace, improvement.folder)
    if run is None:
        run = start_training(
            improvement.recipe,
            improvement.workspace,
            improvement.recipe_file,
            queue=queue,
            force=force,
            tell=tell,
        )
    elif run.state.ended and run.state is not RunState.FINISHED:
        run = resume_training(run, improvement.workspace, queue=queue)
    note(improvement, run)
    return run


def note(improvement: Improvement, run: Run) -> None:
    """Put into a run's folder what it was made of, and note in the arena what it is trained on.

    Args:
        improvement: What it was made of.
        run: The run.

    Raises:
        FtarenaError: The disk refuses.
    """
    # The record last: a folder that has it has everything.
    for name in (PAIRS, FRESH, HELDOUT, VOTES, RECORD):
        _copy(improvement.folder / name, run.directory / name)
    with Store.open(improvement.database) as store, store.transaction() as connection:
        connection.executemany(
            "INSERT INTO trained_prompts (prompt_id, run_id, how, created_at) VALUES (?, ?, 'same', ?)"
            " ON CONFLICT DO NOTHING",
            [(prompt, run.id, now()) for prompt in improvement.material.prompts],
        )
        # What the parent was trained on is in the child, too.
        connection.execute(
            "INSERT INTO trained_prompts (prompt_id, run_id, how, created_at)"
            " SELECT prompt_id, ?, how, ? FROM trained_prompts WHERE run_id = ? ON CONFLICT DO NOTHING",
            (run.id, now(), improvement.parent.id),
        )


def bring_in(store: Store, improvement: Improvement, run: Run) -> tuple[ContestantRow, ContestantRow]:
    """Let a finished child take part in the arena; return it and its parent as contestants.

    Raises:
        FtarenaError: It has left nothing that could answer.
    """
    return contestant_of_run(store, run), contestant_of_run(store, improvement.parent)


def check_writable(database: Path) -> None:
    """Refuse an arena in which nothing can be noted.

    Raises:
        FtarenaError: It is not there, or cannot be written.
    """
    with Store.open_existing(database) as store:
        if store.read_only:
            raise FtarenaError(
                f"{database} cannot be written, and what the next run is trained on has to be noted in it",
                f"copy it to where you can write and name it with --db: cp {database} .",
            )


def _copy(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}")
    try:
        shutil.copyfile(source, draft)
        draft.chmod(0o600)
        draft.replace(target)
    except OSError as error:
        raise from_os_error(error, str(target)) or FtarenaError(f"cannot write {target}: {error}") from error
