"""How a run was asked to start, besides its recipe: for whom it waits, what comes before and after it."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ftarena.processes import read_json, write_json

TERMS = "start.json"

RUN_FOLDER = "{run}"
"""Stands for the run's folder in a command, which is given before there is one."""


@dataclass(frozen=True)
class Terms:
    """What `start_run` and `resume_run` were asked for; read by the worker."""

    after: str | None = None
    """Id of the run that has to finish first."""

    queue: bool = False
    """Whether to wait for the device where another run has it, instead of failing."""

    afterwards: tuple[tuple[str, ...], ...] = ()
    """Command lines to start, once, when the run has ended with something to look at."""

    beforehand: tuple[tuple[str, ...], ...] = ()
    """Command lines to run, and to wait for, when its turn on the device has come."""

    folder: str = field(default_factory=lambda: str(Path.cwd()))
    """Where the command was given; relative paths of the recipe begin there, on resuming too."""

    asked_at: float = field(default_factory=time.time)
    """Seconds since the epoch; who asked first is first in the queue."""

    @property
    def waits(self) -> bool:
        """Whether it may have to wait for its turn."""
        return self.queue or self.after is not None


def write_terms(directory: Path, terms: Terms) -> None:
    """Write the terms into a run's folder."""
    write_json(directory / TERMS, asdict(terms))


def read_terms(directory: Path) -> Terms:
    """Return the terms of a run; what is missing or broken reads as not asked for."""
    value = read_json(directory / TERMS)
    after, asked_at, commands = value.get("after"), value.get("asked_at"), value.get("afterwards")
    before, folder = value.get("beforehand"), value.get("folder")
    return Terms(
        after=after if isinstance(after, str) else None,
        queue=value.get("queue") is True,
        afterwards=_commands(commands if isinstance(commands, list) else ()),
        beforehand=_commands(before if isinstance(before, list) else ()),
        folder=folder if isinstance(folder, str) else str(Path.cwd()),
        asked_at=float(asked_at) if isinstance(asked_at, int | float) else 0.0,
    )


def _commands(value: Sequence[object]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(line)
        for line in value
        if isinstance(line, list) and all(isinstance(word, str) for word in line)
    )
