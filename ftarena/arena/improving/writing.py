"""Writing the files of an improvement: rows, ids, and the record of what it was made of."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ftarena
from ftarena.arena.improving.improvement import Improvement
from ftarena.arena.improving.record import FORMAT, FRESH, HELDOUT, PAIRS, VOTES, votes_sha256
from ftarena.curation.sets.manifest import sha256_of
from ftarena.errors import FtarenaError, from_os_error
from ftarena.store import Selection
from ftarena.store.preferences import PairFilter


@dataclass(frozen=True)
class Wishes:
    """What the user asks of the next run, besides which votes and whose child."""

    overrides: Mapping[str, str]
    """Keys of the recipe; they win."""

    hold_out: float | None = None
    """Share of the prompts that are kept out; None: a tenth, of 40 pairs and more."""

    again: bool = False
    """Whether pairs count once more that an ancestor was trained on."""

    few: bool = False
    """Whether fewer than `FEWEST` pairs will do."""


def record_of(improvement: Improvement, which: PairFilter, wishes: Wishes) -> dict[str, Any]:
    """Return what `improve.json` says. Nothing in it depends on the time or on this machine's paths."""
    told = improvement.to_json()
    for key in ("folder", "plan", "run", "prompts"):
        told.pop(key)
    files = {
        name: sha256_of(improvement.folder / name)
        for name in (PAIRS, FRESH, HELDOUT, VOTES)
        if (improvement.folder / name).stat().st_size
    }
    return {
        "format": FORMAT,
        "ftarena": ftarena.__version__,
        **told,
        "pairs": len(improvement.material.rows),
        "votes_sha256": votes_sha256(improvement.material.vote_ids),
        "filter": filter_json(which),
        "hold_out": wishes.hold_out,
        "again": wishes.again,
        "overrides": dict(sorted(wishes.overrides.items())),
        "sha256": files,
    }


def filter_json(which: PairFilter) -> dict[str, Any]:
    """Return a filter as plain JSON values, the same for the same filter."""
    selection: dict[str, Any] = {}
    for name in Selection.__slots__:
        value = getattr(which.selection, name)
        selection[name] = sorted(value) if isinstance(value, list | tuple | set | frozenset) else value
    return {"agreement": which.agreement, "margin": which.margin, **selection}


def jsonl(rows: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write_whole(path: Path, text: str) -> None:
    """Write a file as one step, for its owner only: whoever reads it sees the old one or the new one.

    Raises:
        FtarenaError: The disk refuses.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.chmod(0o600)
        draft.replace(path)
    except OSError as error:
        raise from_os_error(error, str(path)) or FtarenaError(f"cannot write {path}: {error}") from error
