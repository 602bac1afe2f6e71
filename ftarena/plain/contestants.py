"""`ftarena contestants`: who can answer."""

import json
import sys
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ftarena.arena import add_contestant, contestant_of
from ftarena.arena.lineup import default_sampling, entry_of, sync_lineup
from ftarena.errors import FtarenaError
from ftarena.recipes.models import resolve_model
from ftarena.scoring.words import counted
from ftarena.serving.contestants import Contestant, Sampling
from ftarena.store import ContestantRow, Store
from ftarena.store.database import need_database
from ftarena.text import clean_line, shorten
from ftarena.training.jobs import find_run
from ftarena.workspace import Workspace

_EMPTY = (
    "Nobody here yet. Train one: ftarena train configs/demo-sft.yaml. Or add one: ftarena contestants add"
)


def list_contestants(
    workspace: Workspace, database: Path, *, as_json: bool = False, out: TextIO | None = None
) -> int:
    """Print who can answer, and which names only imported votes know.

    Args:
        workspace: The project; its finished runs take part by themselves.
        database: The arena.
        as_json: Print JSON instead of a table.
        out: Where to; standard output by default.
    """
    out = out or sys.stdout
    with Store.open_existing(database) if database.exists() else Store.open(database) as store:
        if not store.read_only:
            sync_lineup(store, workspace)
        rows = store.contestants()
        votes = _votes_by_name(store)
    if as_json:
        found = [_plain(row, votes.get(row.name, 0)) for row in rows]
        print(json.dumps(found, indent=2, ensure_ascii=True), file=out)
        return 0
    console = Console(file=out, highlight=False)
    console.print(_table(rows, votes) if rows else Text(_EMPTY))
    return 0


def add(
    workspace: Workspace,
    database: Path,
    name: str,
    *,
    model: str,
    run: str | None = None,
    system: str | None = None,
    endpoint: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> int:
    """Add a contestant. Made twice, it is there once.

    Args:
        workspace: The project.
        database: The arena.
        name: What it is called in scores.
        model: Its base model, or the name at `endpoint`.
        run: Id, beginning or name of the run whose adapter or whole model it uses; `model` is then not read.
        system: Its system prompt.
        endpoint: Base URL of another OpenAI-compatible server.
        temperature: How its tokens are drawn; `None` is the default.
        max_tokens: Longest answer in tokens; `None` is the default.

    Raises:
        FtarenaError: The model or run is unknown, the endpoint is no address, or the name is taken or means a
            run.
    """
    if name.startswith("run:"):
        raise FtarenaError(
            f"the name {shorten(name, 40)!r} would mean a run: names do not begin with run:",
            "choose another name; a run's adapter is given with --run ID",
        )
    if endpoint is not None:
        _check_address(endpoint)
    adapter = None
    base = default_sampling(model)
    if run is not None:
        found = find_run(workspace, run.removeprefix("run:"))
        entry = entry_of(found)
        base = entry.sampling
        model, adapter = entry.model, entry.adapter
    elif endpoint is None:
        resolve_model(model)
    changes = {"temperature": temperature, "max_tokens": max_tokens}
    given = {key: value for key, value in changes.items() if value is not None}
    try:
        contestant = Contestant(
            model=model,
            adapter=adapter,
            endpoint=endpoint,
            system_prompt=system or None,
            sampling=Sampling.model_validate({**base.model_dump(), **given}),
        )
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise FtarenaError(
            f"{where}: {problem['msg']}".lstrip(": "), "ftarena contestants add --help"
        ) from error
    with Store.open(database) as store:
        row = add_contestant(store, name, contestant)
    print(f"{clean_line(row.name)} takes part.")
    return 0


def hide(database: Path, name: str, hidden: bool = True) -> int:
    """Take a contestant out of battles and scores, or bring it back; its votes are kept.

    Raises:
        FtarenaError: There is none of this name.
    """
    need_database(database)
    with Store.open(database) as store:
        store.hide_contestant(name, hidden)
    words = "is hidden; its votes are kept" if hidden else "takes part again"
    print(f"{clean_line(name)} {words}.")
    return 0


def _check_address(endpoint: str) -> None:
    try:
        address = urlsplit(endpoint)
        good = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # a port that is no number, half an IPv6 address
        good = False
    if not good or any(letter.isspace() or not letter.isprintable() for letter in endpoint):
        raise FtarenaError(
            f"{shorten(endpoint, 60)!r} is not the address of a server", "such as http://localhost:8000/v1"
        )


def _votes_by_name(store: Store) -> dict[str, int]:
    found = store.rows(
        "SELECT c.name, count(*) FROM votes v JOIN battles b ON b.id = v.battle_id"
        " JOIN contestants c ON c.id IN (b.left_id, b.right_id) GROUP BY c.name"
    )
    return dict(found)


def _table(rows: list[ContestantRow], votes: dict[str, int]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("name", overflow="fold")
    table.add_column("what", overflow="fold")
    table.add_column("model", overflow="fold")
    table.add_column("how", overflow="fold", ratio=1)
    table.add_column("votes", justify="right")
    for row in rows:
        what = "hidden" if row.hidden else row.kind
        table.add_row(
            Text(clean_line(row.name)),
            what,
            Text(clean_line(row.model or "")),
            Text(_how(row)),
            f"{votes.get(row.name, 0):,}",
        )
    return table


def _how(row: ContestantRow) -> str:
    if row.spec_json is None:
        return "votes only"
    contestant = contestant_of(row)
    parts = [f"run {clean_line(contestant.adapter or contestant.run_id)}"] if contestant.run_id else []
    if contestant.endpoint:
        parts.append(f"at {clean_line(contestant.endpoint)}")
    if contestant.system_prompt:
        parts.append(f"system prompt “{shorten(contestant.system_prompt, 30)}”")
    if contestant.few_shot:
        parts.append(counted(len(contestant.few_shot) // 2, "example"))
    parts.append(
        f"temperature {contestant.sampling.temperature:g}, at most {contestant.sampling.max_tokens} tokens"
    )
    return "; ".join(parts)


def _plain(row: ContestantRow, votes: int) -> dict[str, object]:
    return {
        "name": row.name,
        "id": row.id,
        "kind": row.kind,
        "model": row.model,
        "run": row.run_id,
        "hidden": row.hidden,
        "votes": votes,
        "created_at": row.created_at,
        "description": None if row.spec_json is None else json.loads(row.spec_json),
    }
