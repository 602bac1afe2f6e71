"""`ftarena prompts`: what is asked in battles, where it comes from, and who was trained on it."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ftarena.arena.lineup import sync_lineup
from ftarena.arena.questions.categories import categories_of
from ftarena.arena.questions.prompts import (
    PromptsReport,
    add_asked,
    add_chatted,
    asked_in,
    asked_of,
    categorise,
    general_prompts,
    heldout_prompts,
    is_builtin,
)
from ftarena.arena.questions.trained import note_trained
from ftarena.errors import FtarenaError
from ftarena.scoring.words import counted
from ftarena.store import Store
from ftarena.store.database import need_database
from ftarena.text import clean_line
from ftarena.training.jobs import find_run
from ftarena.workspace import Workspace

if TYPE_CHECKING:
    from ftarena.serving.pool import EnginePool

AddWhat = Callable[[Store, str | None, bool], PromptsReport]
"""Adds prompts to a store, under a source or the usual one, with or without those that are nearly there."""

_EMPTY = "No questions yet. Add some: ftarena prompts add FILE, or: ftarena prompts add builtin:general"


def add_what(
    workspace: Workspace,
    file: str | None,
    *,
    run: str | None = None,
    chat: bool = False,
    category: str | None = None,
    category_key: str | None = None,
) -> AddWhat:
    """Read what a command line wants added, before a database is opened for it.

    Args:
        workspace: Whose runs are meant.
        file: A file, or `builtin:general`.
        run: Id, beginning or name of the run whose held-out questions are meant.
        chat: Whether what was asked in chats is meant.
        category: One that all of them are in.
        category_key: The key of a line that names its category.

    Raises:
        FtarenaError: Not one of the three was asked for, a line is wrong, or the run held nothing out.
    """
    if (file is not None) + (run is not None) + chat != 1:
        raise FtarenaError(
            "say what to add: one file, or the questions of one run, or those of chats",
            "ftarena prompts add FILE, or --run RUN, or --chat",
        )
    builtin = file is not None and is_builtin(file)
    if category_key is not None and (file is None or builtin):
        raise FtarenaError("--category-key names a key of a file's lines", "use --category WORD")
    if chat:
        if category is not None:
            raise FtarenaError("what comes from chats is in the category chat", "leave --category out")
        return lambda store, source, near: add_chatted(store, near=near)
    if run is not None:
        asked, usual = heldout_prompts(find_run(workspace, run), category), "heldout"
    elif builtin:
        asked, usual = general_prompts(category), "general"
    else:
        asked, usual = asked_in(Path(str(file)), category, category_key), "file"
    return lambda store, source, near: add_asked(store, asked, usual if source is None else source, near=near)


def add_prompts(database: Path, what: AddWhat, *, source: str | None = None, near: bool = False) -> int:
    """Add questions to what is asked in battles, and look which of them a contestant was trained on.

    Args:
        database: The arena.
        what: From `add_what`.
        source: A word for where they come from; `None` is the usual one.
        near: Whether those are added too of which nearly the same one is there.

    Raises:
        FtarenaError: The source is no word; then none is added.
    """
    with Store.open(database) as store:
        report = what(store, source, near)
        found = note_trained(store) if report.added else []
    were = "was" if report.already == 1 else "were"
    already = f", {report.already:,} {were} there already" if report.already else ""
    left_out = (
        f", {report.near:,} left out because nearly the same one is there (--near adds them)"
        if report.near
        else ""
    )
    print(f"{counted(report.added, 'prompt')} added{already}{left_out}.")
    for one in found:
        if one.same + one.near:
            known = counted(one.same + one.near, "prompt")
            print(
                f"{clean_line(one.run)} was trained on {known} of this arena: votes there say little,"
                " and scores count them apart."
            )
    return 0


def categorise_prompts(
    database: Path, file: Path, *, category: str | None = None, category_key: str | None = None
) -> int:
    """Put prompts that are there into categories.

    Raises:
        FtarenaError: There is no arena, no category was named, or a line is wrong.
    """
    need_database(database)
    if category is None and category_key is None:
        raise FtarenaError("say which category", "with --category WORD, or --category-key KEY")
    asked = asked_in(file, category, category_key)
    with Store.open(database) as store:
        there, unknown = categorise(store, asked)
    passed = f"; {unknown:,} {'is' if unknown == 1 else 'are'} not in this arena" if unknown else ""
    print(f"{counted(there, 'prompt')} categorised{passed}.")
    return 0


def list_prompts(database: Path, *, as_json: bool = False, out: TextIO | None = None) -> int:
    """Print how many prompts there are, by source and by category.

    Args:
        database: The arena.
        as_json: Print JSON instead of a table.
        out: Where to; standard output by default.
    """
    out = out or sys.stdout
    with Store.open_existing(database) if database.exists() else Store.open(database) as store:
        found = _counts(store)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=True), file=out)
        return 0
    console = Console(file=out, highlight=False)
    if not found["prompts"]:
        console.print(Text(_EMPTY))
        return 0
    console.print(_table(found))
    return 0


def check_prompts(workspace: Workspace, database: Path, *, as_json: bool = False) -> int:
    """Look for the arena's prompts in the training data of its contestants, and print what is found.

    Returns:
        0, or 1 where the data of a run could not be looked at.
    """
    need_database(database)
    with Store.open(database) as store:
        sync_lineup(store, workspace)
        prompts = len(store.prompt_ids())
        found = note_trained(store)
    if as_json:
        rows = [
            {"run": one.run, "same": one.same, "near": one.near, "problem": one.problem or None}
            for one in found
        ]
        print(json.dumps({"prompts": prompts, "runs": rows}, indent=2, ensure_ascii=True))
        return int(any(one.problem for one in found))
    if not found:
        print("No run takes part yet, so nobody was trained on anything.")
    for one in found:
        if one.problem:
            print(f"{clean_line(one.run)}: {clean_line(one.problem)}")
        else:
            print(
                f"{clean_line(one.run)}: trained on {one.same:,} of {counted(prompts, 'prompt')},"
                f" and on most of the words of {one.near:,} more."
            )
    return int(any(one.problem for one in found))


def measure_prompts(workspace: Workspace, database: Path, *, limit: int | None = None) -> int:
    """Ask the engine how likely each contestant finds the others' answers, and keep it.

    Args:
        workspace: Whose engine.
        database: The arena.
        limit: Measure at most so many answers.

    Raises:
        FtarenaError: No engine can be asked.
    """
    from ftarena.arena.questions.measuring import Measuring
    from ftarena.serving.pool import EnginePool

    need_database(database)
    with Store.open(database) as store:
        sync_lineup(store, workspace)
        measuring = Measuring(store)
        left = len(measuring.missing())
        if not left:
            print("Nothing is left to measure.")
            return 0

        async def measure() -> int:
            pool = EnginePool(workspace)
            try:
                wait_for_engines(pool, store)
                return await measuring.fill(pool.client_for, limit=limit)
            finally:
                await pool.aclose()

        made = asyncio.run(measure())
    print(f"{counted(made, 'answer')} measured, {left - made:,} left.")
    return 0


def wait_for_engines(pool: "EnginePool", store: Store) -> None:
    """Wait for the engines of an arena's contestants that are starting, and say so.

    Raises:
        FtarenaError: One of them failed to start.
    """
    from ftarena.arena.contestants import contestant_of
    from ftarena.serving.engine import EngineState

    for row in store.contestants(include_hidden=False):
        engine = pool.engine_for(contestant_of(row)) if row.spec_json is not None else None
        if engine is not None and engine.status().state is EngineState.STARTING:
            print("The engine is starting; waiting for it.", flush=True)
            engine.wait_ready()


def _counts(store: Store) -> dict[str, object]:
    from ftarena.arena.questions.alike import twins_of

    prompts = store.prompts()
    ids = {row.id for row in prompts}
    by_answers = Counter(prompt_id for prompt_id, _ in store.first_answers())
    categories = categories_of(store)
    trained = {prompt_id for (prompt_id,) in store.rows("SELECT DISTINCT prompt_id FROM trained_prompts")}
    twins = twins_of([asked_of(row).turns for row in prompts])
    near = {prompts[row].id for row in twins}

    def count(chosen: set[str]) -> dict[str, int]:
        return {
            "prompts": len(chosen),
            "answered": sum(by_answers[prompt_id] >= 2 for prompt_id in chosen),
            "trained_on": len(chosen & trained),
            "near_duplicates": len(chosen & near),
        }

    sources = sorted({row.source for row in prompts})
    named = sorted({word for prompt_id in ids for word in categories.get(prompt_id, ())})
    return {
        **count(ids),
        "sources": {source: count({row.id for row in prompts if row.source == source}) for source in sources},
        "categories": {
            word: count({prompt_id for prompt_id in ids if word in categories.get(prompt_id, ())})
            for word in named
        },
        "without_category": len(ids - categories.keys()),
    }


def _table(found: dict[str, object]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("", overflow="fold")
    for name in ("prompts", "answered", "trained on", "near duplicates"):
        table.add_column(name, justify="right")

    def add(name: str, counts: object) -> None:
        assert isinstance(counts, dict)
        keys = ("prompts", "answered", "trained_on", "near_duplicates")
        table.add_row(Text(clean_line(name)), *(f"{counts[key]:,}" for key in keys))

    for title, key in (("source", "sources"), ("category", "categories")):
        parts = found[key]
        assert isinstance(parts, dict)
        for name, counts in parts.items():
            add(f"{title} {name}", counts)
    add("all", found)
    return table
