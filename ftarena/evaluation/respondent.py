"""A model that is asked questions over minutes, by an engine that may have to sleep in between.

Measuring takes its turn behind training: as long as a run trains or waits for the device, no question is put.
An engine that a run sent to sleep half-way through is woken when the run is over, and the rest is asked then.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ftarena.serving.adapters import check_adapter
from ftarena.serving.client import EngineClient
from ftarena.serving.contestants import BASE_NAME, Message, Sampling
from ftarena.serving.engine import Engine, EngineState
from ftarena.serving.protocol import Completion, EngineGone, TokenLogprob
from ftarena.training.runs import Run, list_runs, worker_of
from ftarena.workspace import Workspace

POLL_S = 5.0
"""How often a run is looked at that has the device."""

START_TIMEOUT_S = 1800.0
"""A large model from a slow disk takes this long; the engine goes on starting when nobody waits any more."""

_ANY_RANK = 1 << 20


class Respondent:
    """One model at the engine of its base.

    Args:
        workspace: Whose engine and runs.
        model: Folder of the model that the engine loads.
        name: What the model is called at the engine.
        adapter: Folder of the adapter that answers to `name`; None for the bare model.
        tell: Told what is waited for.

    Raises:
        FtarenaError: No engine can serve the adapter.
    """

    def __init__(
        self,
        workspace: Workspace,
        model: Path,
        name: str = BASE_NAME,
        adapter: Path | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        if adapter is not None:
            check_adapter(adapter, model, _ANY_RANK)  # before an engine is waited for
        self.engine = Engine(workspace, model)
        self.name = name
        self._workspace = workspace
        self._adapter = adapter
        self._tell = tell
        self._lock = asyncio.Lock()
        self._clients: dict[str, EngineClient] = {}

    async def __aenter__(self) -> "Respondent":
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def client(self) -> EngineClient:
        """Return a client of the engine, awake and with the adapter loaded; waits for all of that.

        Raises:
            FtarenaError: The engine cannot start, or the adapter cannot be loaded.
        """
        async with self._lock:  # many questions at once start one engine
            status = self.engine.status()
            if status.state is not EngineState.READY or status.asleep:
                await asyncio.to_thread(self._bring_up)
                status = self.engine.status()
            if self._adapter is not None and self.name not in status.adapters:
                await asyncio.to_thread(self.engine.ensure_adapter, self.name, self._adapter)
            if status.socket is None:
                raise EngineGone("the engine went away", "see why: ftarena engine logs")
            key = f"{status.socket}@{status.pid}"  # a restarted engine gets a fresh connection
            if key not in self._clients:
                self._clients[key] = EngineClient(socket=status.socket)
            return self._clients[key]

    async def complete(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """Return a whole answer; asks a second time where the engine was restarted or sent to sleep.

        Raises:
            ContextExceeded: Question and answer do not fit into the engine's context.
            FtarenaError: The engine refuses, or is gone for good.
        """
        for last in (False, True):
            try:
                return await (await self.client()).complete(self.name, messages, sampling)
            except EngineGone:
                if last:
                    raise
        raise AssertionError

    async def ranked(self, ids: Sequence[int]) -> list[TokenLogprob]:
        """Return of each token of a text whether the model would have gone on with it.

        Raises:
            ContextExceeded: The text does not fit into the engine's context.
            FtarenaError: The engine refuses, or is gone for good.
        """
        for last in (False, True):
            try:
                return await (await self.client()).prompt_logprobs(self.name, ids, ranked=True)
            except EngineGone:
                if last:
                    raise
        raise AssertionError

    def _bring_up(self) -> None:
        wait_for_device(self._workspace, self._tell)
        self.engine.start()
        self.engine.wait_ready(START_TIMEOUT_S, lambda now: self._tell(now.message))
        self.engine.wake()


def wait_for_device(workspace: Workspace, tell: Callable[[str], None] = lambda line: None) -> None:
    """Wait until no run of a workspace trains or waits to train.

    Args:
        workspace: Whose runs.
        tell: Told which run is waited for.
    """
    while busy := [run for run in list_runs(workspace) if _has_device(run)]:
        tell(f"waiting for the run {busy[0].id}")
        time.sleep(POLL_S)


def _has_device(run: Run) -> bool:
    """A run that says it has finished keeps its memory until its process is gone, a second or two later."""
    if not run.state.ended:
        return True
    worker = worker_of(run.directory)
    return worker is not None and worker.alive()
