"""`improve.json`: which votes made which run, kept in the run's folder beside the pairs themselves."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ftarena.processes import read_json

RECORD: Final = "improve.json"
PAIRS: Final = "pairs.jsonl"
"""What is trained on: preference pairs, or answers labelled good and bad (kto)."""

HELDOUT: Final = "heldout.jsonl"
"""What is measured on while it trains."""

VOTES: Final = "votes.txt"
"""The ids of the votes that were trained on, a line each."""

FRESH: Final = "kept-out.jsonl"
"""Pairs whose prompts were held out, so that the next comparison has something new."""

RECIPE_FILE: Final = "recipe.yaml"

FORMAT: Final = 1
"""Of the file; a larger one is of a newer version, and read as far as it is understood."""

ImproveMethod = Literal["dpo", "kto"]


@dataclass(frozen=True)
class Record:
    """What `improve.json` says of a run, as far as others show it."""

    parent: str
    """Id of the run that it went on from."""

    method: str
    votes: int
    """Votes behind the pairs that were trained on."""

    votes_sha256: str
    """Of the ids of these votes, sorted, a line each."""

    labelers: int
    pairs: int
    label_smoothing: float
    agreement: float | None
    """Share of compared decisions that agreed; None where nothing was compared."""

    smoothing_from: str
    """Where the smoothing is from: `labelers`, `repeats`, `given` or `none`."""


def votes_sha256(ids: Iterable[str]) -> str:
    """Return one hash of which votes were used, whatever order they came in."""
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(ids)).encode("utf-8")).hexdigest()


def read_record(folder: Path) -> Record | None:
    """Return what a run was made of, or None where votes made it not, or the file is broken."""
    said = read_json(folder / RECORD)
    smoothing = said.get("smoothing")
    smoothing = smoothing if isinstance(smoothing, Mapping) else {}
    if not isinstance(said.get("parent"), str):
        return None
    return Record(
        parent=said["parent"],
        method=str(said.get("method") or ""),
        votes=_whole(said.get("votes")),
        votes_sha256=str(said.get("votes_sha256") or ""),
        labelers=_whole(said.get("labelers")),
        pairs=_whole(said.get("pairs")),
        label_smoothing=_share(smoothing.get("value")) or 0.0,
        agreement=_share(smoothing.get("agreement")),
        smoothing_from=str(smoothing.get("origin") or "none"),
    )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


def _share(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= 1 else None
