"""The engine as front ends see it: start it, ask how it is, load an adapter, stop it.

One engine serves a base model and all its adapters. It is a detached supervisor with a vLLM under it
(`supervisor.py`), so it outlives every front end, and several front ends may share it. Everything here reads
and writes the engine's folder; only loading an adapter and sleeping talk to vLLM.
"""

import fcntl
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.hardware import detect_accelerator
from ftarena.processes import ProcessIdentity, python_module, read_json, reap, spawn_detached, write_json
from ftarena.serving import launch, remains
from ftarena.serving.adapters import check_adapter, largest_rank
from ftarena.serving.contestants import BASE_NAME
from ftarena.serving.modelfiles import weights_bytes, whole_models
from ftarena.serving.protocol import EngineGone, RequestRefused, error_text
from ftarena.serving.status import (
    EngineFolder,
    EngineState,
    EngineStatus,
    identity,
    read_notes,
    read_status,
    write_notes,
)
from ftarena.workspace import Workspace, make_private

__all__ = ["Engine", "EngineState", "EngineStatus", "list_engines"]

POLL_S = 0.2
STOP_TIMEOUT_S = 30.0
LOAD_TIMEOUT_S = 300.0  # a large adapter from a slow disk, or behind a full queue on two cores


class Engine:
    """The engine of one base model in one workspace. Making one starts nothing.

    Args:
        workspace: Whose engine it is.
        model_path: Folder of the base model (safetensors).
    """

    def __init__(self, workspace: Workspace, model_path: Path) -> None:
        self._model_path = model_path.resolve()
        self._workspace = workspace
        slug = re.sub(r"[^A-Za-z0-9.-]+", "-", self._model_path.name).strip("-.") or "model"
        digest = hashlib.sha256(str(self._model_path).encode()).hexdigest()[:8]
        self._folder = EngineFolder(workspace.engines / f"{slug}-{digest}")

    @property
    def model_path(self) -> Path:
        """Folder of the base model."""
        return self._model_path

    @property
    def log(self) -> Path:
        """vLLM's log of the current or last start."""
        return self._folder.log

    def status(self) -> EngineStatus:
        """Return how the engine is, from its files and from which processes live: no request is made."""
        reap()
        return read_status(self._folder, self._model_path)

    def memory_bytes(self) -> int:
        """Return the main memory that vLLM's processes hold together, in bytes; 0 where there are none."""
        server = identity(read_json(self._folder.record).get("server"))
        return remains.memory_bytes(remains.family(server)) if server else 0

    def start(
        self, *, max_lora_rank: int | None = None, max_loras: int = 4, max_model_len: int | None = None
    ) -> EngineStatus:
        """Start the engine and return at once; one that is up or on its way is left as it is.

        Any number of front ends may call this at the same moment: one supervisor comes of it.

        Args:
            max_lora_rank: Largest rank of an adapter to be served; by default what the project's adapters
                need, with room on a GPU.
            max_loras: Adapters that can answer in the same batch.
            max_model_len: Context in tokens; by default the model's, at most 2,048 on a CPU, 8,192 on a GPU.

        Raises:
            FtarenaError: There is no model or no vLLM, or the engine is up for smaller adapters only.
        """
        rank = launch.slot_rank(max_lora_rank or self._rank_needed())
        spec = launch.EngineSpec(self._model_path, rank, max_loras, max_model_len, self._beside())
        if not (self._model_path / "config.json").is_file():
            raise FtarenaError(
                f"there is no model in {self._model_path}",
                "ftarena engine start --model NAME converts or downloads it first",
            )
        if not launch.installed():
            raise FtarenaError("vLLM is not installed in this environment", "install it: make setup")
        self._workspace.ensure()
        with self._locked():
            status = self.status()
            if status.state in (EngineState.STARTING, EngineState.READY):
                if max_lora_rank is not None:
                    self._check_serves(spec)
                return status
            self._sweep()
            if self._folder.log.exists():
                self._folder.log.replace(self._folder.old_log)
            write_json(self._folder.spec, spec.dump())
            argv, env = python_module("ftarena.serving.supervisor", str(self._folder.root))
            supervisor = spawn_detached(argv, log=self._folder.log, env=env)
            write_json(self._folder.supervisor, {"pid": supervisor.pid, "started": supervisor.started})
            return self.status()

    def wait_ready(
        self, timeout_s: float = 900.0, on_progress: Callable[[EngineStatus], None] | None = None
    ) -> EngineStatus:
        """Wait until the engine answers.

        Args:
            timeout_s: How long to wait; the engine goes on starting afterwards.
            on_progress: Called with the status several times a second.

        Raises:
            FtarenaError: It failed or was stopped (with the reason), or is not ready in time.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            status = self.status()
            if on_progress is not None:
                on_progress(status)
            if status.state is EngineState.READY:
                return status
            if status.state is not EngineState.STARTING:
                raise FtarenaError(
                    f"the engine did not start: {status.message}", status.hint or "ftarena engine logs"
                )
            if time.monotonic() > deadline:
                raise FtarenaError(
                    f"the engine is not ready after {timeout_s:.0f} s: {status.message}",
                    "it goes on starting; watch it: ftarena engine logs -f",
                )
            time.sleep(POLL_S)

    def stop(self) -> None:
        """End vLLM and its supervisor and clear away what they leave; does nothing where there is none."""
        if not self._folder.root.is_dir():
            return
        with self._locked():
            self._sweep()
            self._folder.supervisor.unlink(missing_ok=True)

    def ensure_adapter(self, name: str, path: Path) -> None:
        """Load an adapter into the running engine unless it is loaded; it then answers to `name`.

        Blocks for the time of loading (0.04 s to seconds).

        Args:
            name: What it is called at the engine: the id of its run.
            path: Its folder.

        Raises:
            FtarenaError: The engine is not ready, or cannot serve the adapter (`check_adapter`).
        """
        path = path.resolve()
        if name == BASE_NAME:
            raise FtarenaError(
                f"an adapter cannot be called {BASE_NAME!r}: the bare base is", "rename its run"
            )
        status = self._ready()
        if read_notes(self._folder, self._server()).adapters.get(name) == str(path):
            return
        rank = launch.EngineSpec.load(read_json(self._folder.spec)).max_lora_rank
        check_adapter(path, self._model_path, rank)
        with self._locked():
            server = self._server()
            notes = read_notes(self._folder, server)
            if server is None or notes.adapters.get(name) == str(path):
                return
            if name in notes.adapters:  # the same name, now another folder
                self._post(status, "/v1/unload_lora_adapter", {"lora_name": name})
            self._post(status, "/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(path)})
            write_notes(self._folder, server, replace(notes, adapters={**notes.adapters, name: str(path)}))

    def forget_adapter(self, name: str) -> None:
        """Take an adapter out of the running engine; does nothing where it is not loaded."""
        status = self.status()
        if status.state is not EngineState.READY or name not in status.adapters:
            return
        with self._locked():
            server = self._server()
            notes = read_notes(self._folder, server)
            if server is None or name not in notes.adapters:
                return
            self._post(status, "/v1/unload_lora_adapter", {"lora_name": name})
            left = {other: path for other, path in notes.adapters.items() if other != name}
            write_notes(self._folder, server, replace(notes, adapters=left))

    def sleep(self) -> bool:
        """Give the GPU's memory to someone else; running answers are finished first. `wake` takes it back.

        Only level 1, which keeps the weights in main memory: level 2 loses them, and the first request after
        it killed the server.

        Returns:
            Whether it sleeps now: False for an engine that is not ready or runs on the CPU.
        """
        status = self.status()
        if status.state is not EngineState.READY or status.device != "cuda":
            return False
        self._set_asleep(status, True)
        return True

    def wake(self) -> bool:
        """Take the GPU's memory back.

        Returns:
            Whether it is awake now.

        Raises:
            FtarenaError: The memory is still taken.
        """
        status = self.status()
        if status.state is not EngineState.READY:
            return False
        if status.asleep:
            self._set_asleep(status, False)
        return True

    def _set_asleep(self, status: EngineStatus, asleep: bool) -> None:
        with self._locked():
            server = self._server()
            if server is None:
                return
            self._post(status, "/sleep?level=1&mode=wait" if asleep else "/wake_up", None)
            write_notes(self._folder, server, replace(read_notes(self._folder, server), asleep=asleep))

    def _ready(self) -> EngineStatus:
        status = self.status()
        if status.state is EngineState.READY and not status.asleep:
            return status
        what = "asleep while a run trains" if status.asleep else f"{status.state}: {status.message}"
        raise FtarenaError(f"the engine is {what}", status.hint or "ftarena engine start")

    def _server(self) -> ProcessIdentity | None:
        return identity(read_json(self._folder.record).get("server"))

    def _rank_needed(self) -> int:
        """Return the rank to start for: vLLM computes with every adapter as if it had the largest rank.

        On two cores slots of rank 64 made an adapter of rank 16 ten times as slow as slots of rank 16 did
        (32 held-out losses: 119 s against 12 s); a GPU does not notice.
        """
        least = 64 if detect_accelerator() == "cuda" else 16
        runs = self._workspace.runs
        return max(least, largest_rank(runs.iterdir() if runs.is_dir() else ()))

    def _beside(self) -> int:
        """Return the weights, in bytes, of a model that will want an engine beside this one; 0 for none.

        A run that trained a whole model is compared with the base, and each has an engine of its own.
        """
        runs = self._workspace.runs.resolve()
        if self._model_path.parent == runs:
            return weights_bytes(self._model_path)  # its base, which is as large
        return max(map(weights_bytes, whole_models(runs)), default=0)

    def _check_serves(self, spec: launch.EngineSpec) -> None:
        running = launch.EngineSpec.load(read_json(self._folder.spec))
        if running.max_lora_rank < spec.max_lora_rank:
            raise FtarenaError(
                f"the engine was started for adapters up to rank {running.max_lora_rank}",
                f"ftarena engine stop && ftarena engine start --max-lora-rank {spec.max_lora_rank}",
            )

    def _post(self, status: EngineStatus, path: str, body: dict[str, Any] | None) -> None:
        import httpx

        transport = httpx.HTTPTransport(uds=str(status.socket))
        try:
            with httpx.Client(transport=transport, timeout=LOAD_TIMEOUT_S, trust_env=False) as client:
                response = client.post(f"http://engine{path}", json=body)
        except httpx.HTTPError as error:
            raise EngineGone(f"the engine does not answer: {error}", "ftarena engine logs") from error
        if response.status_code >= 400:
            raise RequestRefused(
                f"the engine refused: {error_text(response.content)}",
                "see why: ftarena engine logs",
                response.status_code,
            )

    def _sweep(self) -> None:
        """End what is left of an earlier start, whoever died first, and remove its files."""
        record = read_json(self._folder.record)
        supervisor = identity(read_json(self._folder.supervisor))
        if supervisor is not None and not supervisor.stop(STOP_TIMEOUT_S):
            raise FtarenaError(
                f"the engine's supervisor (pid {supervisor.pid}) does not end", f"kill -9 {supervisor.pid}"
            )
        record = read_json(self._folder.record) or record
        segments = {str(name) for name in record.get("segments", [])}
        if server := identity(record.get("server")):
            segments |= remains.end_family(server)
        runtime = Path(str(record.get("runtime", "")))
        if runtime.parent.name.startswith("ftarena-"):  # what a file names is removed only where it is ours
            remains.clear(runtime, segments)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_private(self._folder.root)
        with self._folder.lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # given back by the system even if its holder is killed
            yield


def list_engines(workspace: Workspace) -> list[Engine]:
    """Return the engines that were ever started in a workspace, by the name of their model."""
    specs = sorted(workspace.engines.glob("*/engine.json"))
    paths = [EngineFolder(spec.parent).model_path() for spec in specs]
    return [Engine(workspace, path) for path in paths if path.name]
