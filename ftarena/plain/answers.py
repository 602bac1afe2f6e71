"""Answers made in the background while someone reads and votes line by line."""

import asyncio
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from ftarena.arena import who_takes_part
from ftarena.arena.questions.queue import AnswerQueue
from ftarena.errors import FtarenaError
from ftarena.store import Store
from ftarena.workspace import Workspace


class AnswerMaker:
    """Makes the answers that battles lack, from entering to leaving, where an engine is running.

    Starts no engine: what is answered already can be voted on without one.

    Args:
        workspace: The project, with its engines.
        store: Where answers are kept; this uses it from a thread of its own.
        contestants: Names of who takes part; `None` is everybody who can answer.
    """

    def __init__(self, workspace: Workspace, store: Store, contestants: Sequence[str] | None) -> None:
        self._workspace = workspace
        self._store = store
        self._names = contestants
        self._news = threading.Condition()
        self._made = 0
        self._seen = 0
        self._ended = False
        self._error: FtarenaError | None = None
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="answers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._news:
            if not self._ended:  # else the loop may be closed
                self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join()

    def more(self) -> bool:
        """Wait until an answer has been made since the last call.

        Returns:
            False where none is being made any more.

        Raises:
            FtarenaError: Why no more can be made; once.
        """
        with self._news:
            self._news.wait_for(lambda: self._made > self._seen or self._ended)
            if self._made > self._seen:
                self._seen = self._made
                return True
            error, self._error = self._error, None
        if error is not None:
            raise error
        return False

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._task = self._loop.create_task(self._fill())
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass  # left before all was made
        except FtarenaError as error:
            self._error = error
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            with self._news:
                self._ended = True
                self._news.notify_all()
            self._loop.close()

    async def _fill(self) -> None:
        rows = who_takes_part(self._store, self._names)
        queue = AnswerQueue(self._store, rows)
        if len(rows) < 2 or not queue.has_work():
            return
        from ftarena.serving.pool import EnginePool

        pool = EnginePool(self._workspace)
        try:
            await queue.fill(pool.client_for, on_answer=self._count)
        finally:
            await pool.aclose()

    def _count(self, *_: object) -> None:
        with self._news:
            self._made += 1
            self._news.notify_all()
