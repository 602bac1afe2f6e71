"""What lies in an engine's folder, and how its state is read from there without asking anyone.

    <workspace>/engines/<model>-<hash>/
      engine.json       what is to be served             written by who starts it
      supervisor.json   the supervisor's identity        written by who starts it
      status.json       how it goes                      written by the supervisor
      timings.json      what the last start took         written by the supervisor
      server.json       adapters loaded into it, asleep  written by who loads or wakes
      log.txt           vLLM's own log                   log.old.txt is the one before

A state is believed only as long as the process that wrote it lives.
"""

import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ftarena.processes import ProcessIdentity, read_json, write_json
from ftarena.serving import progress


class EngineState(StrEnum):
    """What an engine is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class EngineStatus:
    """An engine at one moment."""

    state: EngineState
    message: str
    """One line: what it is doing, or why it failed."""

    hint: str
    """What to do about a failure; else empty."""

    progress: float | None
    """While starting: a guess from the last start, 0 to 1."""

    eta_s: float | None
    """While starting: seconds that are probably left."""

    pid: int | None
    """Of vLLM's server, while there is one."""

    started_at: float | None
    """When it was started, in seconds since the epoch."""

    adapters: tuple[str, ...]
    """Names that were loaded on top of `base`."""

    socket: Path | None
    """Where it listens, while it is ready."""

    base_model: Path
    """Folder of the model it serves."""

    device: str | None = None
    """`cuda` or `cpu`, once it is known."""

    asleep: bool = False
    """Whether it has given its GPU memory to a training run: it answers again after `Engine.wake`."""


@dataclass(frozen=True)
class EngineFolder:
    """The files of one engine."""

    root: Path

    @property
    def spec(self) -> Path:
        """What is to be served."""
        return self.root / "engine.json"

    @property
    def supervisor(self) -> Path:
        """Identity of the supervisor."""
        return self.root / "supervisor.json"

    @property
    def record(self) -> Path:
        """How it goes."""
        return self.root / "status.json"

    @property
    def timings(self) -> Path:
        """When each phase of the last start began."""
        return self.root / "timings.json"

    @property
    def server(self) -> Path:
        """What was done to which vLLM: adapters loaded, put to sleep."""
        return self.root / "server.json"

    @property
    def log(self) -> Path:
        """vLLM's own log."""
        return self.root / "log.txt"

    @property
    def old_log(self) -> Path:
        """The log of the start before."""
        return self.root / "log.old.txt"

    @property
    def lock(self) -> Path:
        """Held by who starts or stops the engine or loads an adapter, for that moment."""
        return self.root / "lock"

    def model_path(self) -> Path:
        """Return the model that the folder was made for."""
        return Path(read_json(self.spec).get("model_path", ""))


def identity(value: Any) -> ProcessIdentity | None:
    """Return the process identity in a JSON value, or `None`."""
    if not isinstance(value, dict) or not isinstance(value.get("pid"), int):
        return None
    return ProcessIdentity(value["pid"], float(value.get("started", 0.0)))


def read_status(folder: EngineFolder, model_path: Path) -> EngineStatus:
    """Return an engine's state from its files and from which processes live.

    Args:
        folder: The engine's files.
        model_path: The model it serves.
    """
    supervisor = identity(read_json(folder.supervisor))
    record = read_json(folder.record)
    if supervisor is None:
        return _status(EngineState.STOPPED, "", record={}, model_path=model_path)
    written_by_it = identity(record.get("supervisor")) == supervisor
    state = EngineState(record.get("state", EngineState.STARTING)) if written_by_it else EngineState.STARTING
    if not written_by_it:
        record = {}
    if supervisor.alive():
        if state is EngineState.STARTING:
            return _starting(folder, record, model_path)
        return _status(state, str(record.get("message", "")), record, model_path, folder)
    if state in (EngineState.STOPPED, EngineState.FAILED):
        return _status(state, str(record.get("message", "")), record, model_path)
    return _status(
        EngineState.FAILED,
        "the engine's supervisor was killed"
        if record
        else "the engine's supervisor ended before it could say why",
        record | {"hint": "ftarena engine logs; start it again: ftarena engine start"},
        model_path,
    )


@dataclass(frozen=True)
class ServerNotes:
    """What was done to one vLLM process; a restarted one has none of it."""

    adapters: dict[str, str]
    """Folder of each adapter that was loaded, by its name."""

    asleep: bool = False


def read_notes(folder: EngineFolder, server: ProcessIdentity | None) -> ServerNotes:
    """Return what was done to the vLLM process `server`."""
    value = read_json(folder.server)
    if server is None or identity(value.get("server")) != server:
        return ServerNotes({})
    loaded = value.get("adapters")
    adapters = {str(name): str(path) for name, path in loaded.items()} if isinstance(loaded, dict) else {}
    return ServerNotes(adapters, value.get("asleep") is True)


def write_notes(folder: EngineFolder, server: ProcessIdentity, notes: ServerNotes) -> None:
    """Replace what is noted about the vLLM process `server`."""
    write_json(folder.server, {"server": asdict(server), **asdict(notes)})


def _starting(folder: EngineFolder, record: dict[str, Any], model_path: Path) -> EngineStatus:
    phase = str(record.get("phase", progress.PHASES[0].key))
    since = float(record.get("phase_began", time.time()))
    began = {key: float(value) for key, value in read_json(folder.timings).items()}
    slower = progress.GPU_SLOWER if record.get("device") == "cuda" else 1.0
    done, left = progress.estimate(phase, max(time.time() - since, 0.0), began, slower)
    return _status(
        EngineState.STARTING, progress.words(phase), record, model_path, folder, progress=done, eta_s=left
    )


def _status(
    state: EngineState,
    message: str,
    record: dict[str, Any],
    model_path: Path,
    folder: EngineFolder | None = None,
    *,
    progress: float | None = None,
    eta_s: float | None = None,
) -> EngineStatus:
    """Build a status; `folder` is given while the engine lives, and only then has it a pid and adapters."""
    server = identity(record.get("server")) if folder else None
    ready = state is EngineState.READY
    notes = read_notes(folder, server) if folder and ready else ServerNotes({})
    return EngineStatus(
        state=state,
        message=message,
        hint=str(record.get("hint", "")),
        progress=progress,
        eta_s=eta_s,
        pid=server.pid if server else None,
        started_at=record.get("started_at"),
        adapters=tuple(notes.adapters),
        socket=Path(record["socket"]) if ready and "socket" in record else None,
        base_model=model_path,
        device=record.get("device"),
        asleep=notes.asleep,
    )
