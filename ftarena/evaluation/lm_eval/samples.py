"""What `lm_eval --log_samples` wrote: of each task its items, and the score that each of them got."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError

PREFERRED = ("acc", "exact_match", "acc_norm")
"""Which of several metrics counts; else the first that is between 0 and 1 on every item."""

_FILE = re.compile(r"samples_(?P<task>.+)_\d{4}-\d\d-\d\dT[^_]*\.jsonl")


@dataclass(frozen=True)
class Sampled:
    """One task of lm_eval, done."""

    task: str
    metric: str
    """Name of the metric that counts, with the filter of answers where there is one."""

    scores: Mapping[int, float]
    """0 to 1, by the item's number."""

    answers: Mapping[int, str]
    """What was generated, where something was."""


def read_samples(folder: Path) -> list[Sampled]:
    """Read all that lies below an output folder, by the name of the task.

    Raises:
        FtarenaError: There is nothing, or nothing that can be compared item by item.
    """
    found = []
    for path in sorted(folder.rglob("samples_*.jsonl")):
        named = _FILE.fullmatch(path.name)
        if named is None:
            continue
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if sampled := _sampled(named["task"], rows):
            found.append(sampled)
    if not found:
        raise FtarenaError(
            "lm_eval wrote no scores of single items that are between 0 and 1",
            "ask for a task with accuracy or exact match",
        )
    return found


def _sampled(task: str, rows: list[dict[str, Any]]) -> Sampled | None:
    filters = list(dict.fromkeys(str(row.get("filter", "none")) for row in rows))
    rows = [row for row in rows if str(row.get("filter", "none")) == filters[0]] if filters else []
    names = [name for row in rows[:1] for name in row.get("metrics", ())]
    for name in [*(one for one in PREFERRED if one in names), *names]:
        values = {int(row["doc_id"]): row.get(name) for row in rows}
        scores = {
            item: float(value)
            for item, value in values.items()
            if isinstance(value, int | float) and 0 <= value <= 1
        }
        if values and len(scores) == len(values):
            answers = {int(row["doc_id"]): text for row in rows if (text := _generated(row)) is not None}
            return Sampled(task, name if filters[0] == "none" else f"{name} ({filters[0]})", scores, answers)
    return None


def _generated(row: Mapping[str, Any]) -> str | None:
    """Return the text that was generated; None where log-probabilities were asked."""
    answers = row.get("resps")
    while isinstance(answers, list) and answers:
        answers = answers[0]
    return answers if isinstance(answers, str) else None
