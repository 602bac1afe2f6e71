"""What a screen may ask for: the store, the engines, the runs of one project, and who is voting.

Nothing is opened before it is asked for: the first frame is painted without SQLite, HTTP or numpy. Everything
that waits for a disk runs in one thread of its own, in the order it was asked, so typing never waits for it.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ftarena.workspace import Workspace

if TYPE_CHECKING:
    from ftarena.serving.client import EngineClient
    from ftarena.serving.contestants import Contestant
    from ftarena.serving.engine import Engine
    from ftarena.serving.pool import EnginePool
    from ftarena.store import ContestantRow, Store

T = TypeVar("T")


class Desk:
    """One project as the screens see it. Close it with `aclose`."""

    def __init__(
        self, workspace: Workspace, db: Path, labeler: str, contestants: Sequence[str] | None = None
    ) -> None:
        """Open nothing yet.

        Args:
            workspace: The project.
            db: Its votes.
            labeler: Who votes.
            contestants: Names to compare; None means all that are visible and can answer.
        """
        self.workspace = workspace
        self.db = db
        self.labeler = labeler
        self.chosen = None if contestants is None else list(contestants)
        self.quiet = asyncio.Event()
        """Set while nobody waits for an answer in the chat: then answers may be made ahead."""
        self.quiet.set()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk-reader")
        self._store: Store | None = None
        self._pool: EnginePool | None = None
        self._watcher: sqlite3.Connection | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a database; asking for the store creates one."""
        return self.db.exists()

    async def ask(self, question: Callable[["Store"], T]) -> T:
        """Return what a question to the store answers. It runs in the desk's thread, after those before it.

        Args:
            question: Takes the store; must not touch a widget.

        Raises:
            FtarenaError: The store cannot be opened, or the question raised it.
        """
        return await self.run(lambda: question(self._opened()))

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Return what `work` does in the desk's thread: for what waits for a disk or imports much."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(work, *arguments))

    async def read(self, question: Callable[["Store"], T]) -> T:
        """Return what a question that only reads answers, in another thread: scoring a million votes takes
        seconds, and must not hold up a vote.

        Raises:
            FtarenaError: The store cannot be opened, or the question raised it.
        """
        store = await self.run(self._opened)
        return await asyncio.get_running_loop().run_in_executor(self._reader, question, store)

    def _opened(self) -> "Store":
        if self._store is None:
            from ftarena.store import Store

            self.workspace.ensure()
            self._store = Store.open(self.db)
        return self._store

    async def contestants(self) -> list["ContestantRow"]:
        """Return who can answer here: visible, with a description, and chosen if a choice was made."""
        if not self.exists:
            return []
        rows = await self.ask(lambda store: store.contestants())
        able = [row for row in rows if row.spec_json is not None and not row.hidden]
        return able if self.chosen is None else [row for row in able if row.name in self.chosen]

    async def version(self) -> int:
        """Return a number that differs from the one before if anybody has written to the database since.

        Raises:
            FtarenaError: The file cannot be read.
        """
        return await self.run(self._version)

    def _version(self) -> int:
        # `data_version` tells what *other* connections have committed, so this one never writes.
        from ftarena.store.database import mended

        if not self.exists:
            return 0
        with mended(self.db):
            if self._watcher is None:
                uri = f"{self.db.absolute().as_uri()}?mode=ro"
                # One thread uses it and another one closes it, when the first is done.
                self._watcher = sqlite3.connect(uri, uri=True, timeout=1.0, check_same_thread=False)
            (version,) = self._watcher.execute("PRAGMA data_version").fetchone()
        return int(version)

    @property
    def pool(self) -> "EnginePool":
        """The engines and their clients."""
        if self._pool is None:
            from ftarena.serving.pool import EnginePool

            self._pool = EnginePool(self.workspace)
        return self._pool

    @pool.setter
    def pool(self, pool: "EnginePool") -> None:
        self._pool = pool

    async def engine_for(self, contestant: "Contestant") -> "Engine | None":
        """Return the engine that serves a contestant; None for a remote one.

        Raises:
            FtarenaError: Its base model is not ready on this machine.
        """
        return await self.run(lambda: self.pool.engine_for(contestant))

    async def client_for(self, contestant: "Contestant") -> "EngineClient":
        """Return a client that answers as a contestant.

        Raises:
            FtarenaError: Its engine is not ready.
        """
        await self.run(import_module, "httpx")  # takes 0.1 to 0.3 s, off the event loop
        return await self.pool.client_for(contestant)

    async def client_when_quiet(self, contestant: "Contestant") -> "EngineClient":
        """Return a client that answers as a contestant, once nobody waits for an answer in the chat.

        Raises:
            FtarenaError: Its engine is not ready.
        """
        await self.quiet.wait()
        return await self.client_for(contestant)

    async def aclose(self) -> None:
        """Let go of connections and files; nothing that runs elsewhere is stopped.

        Connections to the store are closed by the end of the thread that each belongs to, never from here:
        SQLite crashes where one is closed while its thread is still in it, and an answer that was being kept
        when somebody quit is in it.
        """
        if self._pool is not None:
            await self._pool.aclose()
        self._store = None
        await asyncio.to_thread(self._reader.shutdown, cancel_futures=True)
        await asyncio.to_thread(self._thread.shutdown)
        if self._watcher is not None:
            self._watcher.close()
