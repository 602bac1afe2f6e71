"""`ftarena arena`: how votes are collected here, and who has voted how much."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TextIO

from ftarena.arena.settings import MEANINGS, ArenaSettings, in_words, read_settings, write_settings
from ftarena.errors import UsageError
from ftarena.store import Store
from ftarena.text import clean_line

# Of each labeler: votes, skips, repeats voted on, and when they last decided. Imported votes are not theirs.
_LABELERS = """
SELECT w.name, w.kind,
       sum(e.kind = 'vote' AND b.repeat_of IS NULL), sum(e.kind = 'skip'),
       sum(e.kind = 'vote' AND b.repeat_of IS NOT NULL), max(e.created_at)
FROM standing_events e JOIN battles b ON b.id = e.battle_id AND b.origin <> 'import'
JOIN labelers w ON w.id = e.labeler_id
GROUP BY w.id ORDER BY 3 DESC, w.name
"""


def show(database: Path, *, as_json: bool = False, out: TextIO | None = None) -> int:
    """Print the settings of an arena and what each labeler has done.

    Args:
        database: The arena; one that is not there has the defaults, and is not created.
        as_json: Print one JSON object instead.
        out: Where to; standard output by default.

    Returns:
        The exit code.
    """
    out = out or sys.stdout
    settings, labelers = ArenaSettings(), list[dict[str, Any]]()
    if database.exists():
        with Store.open_existing(database) as store:
            settings = read_settings(store)
            keys = ("name", "kind", "votes", "skipped", "repeats", "last")
            labelers = [dict(zip(keys, row, strict=True)) for row in store.rows(_LABELERS)]
    if as_json:
        print(json.dumps({"settings": asdict(settings), "labelers": labelers}, indent=2), file=out)
        return 0
    values = {field.name: in_words(settings, field.name) for field in fields(ArenaSettings)}
    wide = max(12, *map(len, values.values()))
    for key, value in values.items():
        print(f"{key:<14} {value:<{wide}}  {MEANINGS[key]}", file=out)
    print("\nChange one: ftarena arena set names=never", file=out)
    print("" if labelers else "\nNobody has voted yet: ftarena vote", file=out)
    for one in labelers:
        judge = " (a judge)" if one["kind"] == "judge" else ""
        repeats = f", {one['repeats']} repeats" if one["repeats"] else ""
        skipped = f", {one['skipped']} skipped" if one["skipped"] else ""
        votes = f"{one['votes']} vote{'' if one['votes'] == 1 else 's'}"
        print(f"{clean_line(one['name'])}{judge}: {votes}{skipped}{repeats}", file=out)
    return 0


def change(database: Path, changes: Sequence[str], *, out: TextIO | None = None) -> int:
    """Change settings, all or none.

    Args:
        database: The arena.
        changes: `KEY=VALUE` each.
        out: Where to; standard output by default.

    Returns:
        The exit code.

    Raises:
        FtarenaError: One of them is no setting, or cannot have this value.
    """
    asked = {}
    for one in changes:
        key, sign, value = one.partition("=")
        if not sign:
            raise UsageError(f"{clean_line(one)!r} sets nothing", "write KEY=VALUE, such as names=never")
        asked[key.strip()] = value.strip()
    with Store.open(database) as store:
        settings = write_settings(store, asked)
    for key in asked:
        print(f"{key} is {in_words(settings, key)} from the next battle on.", file=out or sys.stdout)
    return 0
