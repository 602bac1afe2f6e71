"""What a run's guards found, as it lies beside the run: written by its worker and by the exam, read by all.

A guard watches one way in which a run gets worse while its loss gets better. Its verdict is about the run as
it is; its figures are what the verdict was drawn from.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ftarena.processes import read_json, write_json
from ftarena.training.runs import Run

GUARDS = "guards.json"
"""What the worker found while it trained."""

EXAM = "exam.json"
"""What the engine found afterwards."""

GuardName = Literal[
    "overfitting", "forgetting", "drift", "degeneration", "stopping", "memorisation", "knowledge"
]


class Guard(BaseModel):
    """One guard's finding."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: GuardName
    verdict: Literal["ok", "alarm", "unknown"]
    """`unknown` where it could not be measured; `words` say why."""

    words: str
    """One line for a person: `general loss +0.31 (2.60 → 2.91), 4.0 σ: it forgot`."""

    figures: dict[str, float | int | str | None] = {}
    """What was measured, by name; units in the names (`delta_nats`, `sigmas`, `since_step`)."""

    remedies: tuple[str, ...] = ()
    """What to do about an alarm, the least harm first; each a line with the key or command to use."""


def read_guards(run: Run) -> list[Guard]:
    """Return what is known about a run, the worker's findings first; empty where nothing was measured."""
    return [guard for file in (GUARDS, EXAM) for guard in _read(run.directory / file)]


def write_guards(path: Path, guards: Sequence[Guard], **more: Any) -> None:
    """Replace a file of findings.

    Args:
        path: `guards.json` or `exam.json` in a run's folder.
        guards: The findings.
        more: What else the file should say, such as `answers`.
    """
    write_json(path, {"guards": [guard.model_dump(mode="json") for guard in guards], **more})


def _read(path: Path) -> list[Guard]:
    rows = read_json(path).get("guards")
    found = []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, Mapping):
            try:
                found.append(Guard.model_validate(row))
            except ValidationError:  # written by another version; what is understood is still shown
                continue
    return found
