"""From a contestant to a client that answers as it: the right engine, its adapter loaded.

One engine a base model. A contestant names its base model and (for an adapter) the run that made it; the
adapter lies in `runs/<id>/`. Remote contestants get a client of their endpoint instead.
"""

import asyncio
import os
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.recipes.models import is_ready, resolve_model
from ftarena.serving.client import EngineClient
from ftarena.serving.contestants import WHOLE, Contestant, served_name
from ftarena.serving.engine import Engine, EngineState
from ftarena.workspace import Workspace


def name_on_disk(workspace: Workspace, model: str) -> str:
    """Return what `resolve_model` understands of a contestant's model: for `run:ID` the folder of that run.

    Raises:
        FtarenaError: The run's folder is gone, or holds no whole model.
    """
    if not model.startswith(WHOLE):
        return model
    folder = workspace.runs / model.removeprefix(WHOLE)
    if not (folder / "config.json").is_file():
        raise FtarenaError(f"the run {folder.name} has no model of its own here (any more)", "ftarena runs")
    return str(folder)


class EnginePool:
    """The engines and clients of one front end. Close it with `aclose`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._clients: dict[str, EngineClient] = {}
        self._loading = asyncio.Lock()

    def engine_for(self, contestant: Contestant) -> Engine | None:
        """Return the engine that serves a contestant (started or not); None for a remote one.

        Raises:
            FtarenaError: Its base model is unknown or not converted yet.
        """
        if contestant.endpoint:
            return None
        ref = resolve_model(name_on_disk(self._workspace, contestant.model))
        if ref.path is None or not is_ready(ref):
            raise FtarenaError(
                f"the base model {contestant.model} is not ready on this machine",
                "ftarena engine start fetches and converts it, or run: ftarena demo",
            )
        return Engine(self._workspace, ref.path)

    def adapter_path(self, contestant: Contestant) -> Path | None:
        """Return the folder of a contestant's adapter, or None for a bare base."""
        return self._workspace.runs / contestant.adapter if contestant.adapter else None

    async def client_for(self, contestant: Contestant) -> EngineClient:
        """Return a client of the engine that answers as `contestant`, its adapter loaded.

        Raises:
            FtarenaError: The engine is not ready, or the adapter cannot be loaded.
        """
        engine = self.engine_for(contestant)
        if engine is None:
            key = str(contestant.endpoint)
            if key not in self._clients:
                # One key of our own: another program's must not go to whatever URL a contestant names.
                api_key = os.environ.get("FTARENA_API_KEY")
                self._clients[key] = EngineClient(base_url=contestant.endpoint, api_key=api_key)
            return self._clients[key]
        status = engine.status()
        if status.asleep:
            raise FtarenaError(
                f"the engine for {contestant.model} is asleep while a run trains on its GPU",
                "it answers again when the run has ended: ftarena runs",
            )
        if status.state is not EngineState.READY or status.socket is None:
            raise FtarenaError(
                f"the engine for {contestant.model} is {status.state}: {status.message}".rstrip(": "),
                "ftarena engine start",
            )
        path = self.adapter_path(contestant)
        if path is not None:
            async with self._loading:  # two panes asking at once load an adapter once
                await asyncio.to_thread(engine.ensure_adapter, served_name(contestant), path)
        key = f"{status.socket}@{status.pid}"  # a restarted engine gets a fresh connection
        if key not in self._clients:
            self._clients[key] = EngineClient(socket=status.socket)
        return self._clients[key]

    async def aclose(self) -> None:
        """Close every connection."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()
