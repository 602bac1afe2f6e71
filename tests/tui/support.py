"""What tests of the interface share: a project with real votes in a real file, engines that are fakes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from ftarena.arena import add_contestant
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant, Message, Sampling
from ftarena.serving.protocol import Chunk, Completion
from ftarena.serving.status import EngineState, EngineStatus
from ftarena.store import Store
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.workspace import Workspace

NAMES = ("base-zebra", "sft-walrus", "dpo-quokka")
"""Words that occur nowhere else, so that a test can look for them on a whole screen."""

SMALL, LARGE = (80, 24), (200, 60)


def fill(
    workspace: Workspace,
    *,
    names: Sequence[str] = NAMES,
    prompts: Sequence[str] = ("How do I list files?", "Which process uses port 8080?"),
    answer: Callable[[int, int], str] | None = lambda n, i: f"Text {n} for question {i}.",
) -> None:
    """Give a project contestants, prompts and (with `answer`) all their answers.

    Args:
        workspace: Where.
        names: Contestants.
        prompts: Questions.
        answer: From number of the contestant and of the question to its answer.
    """
    workspace.ensure()
    with Store.open(workspace.database) as store:
        rows = [
            add_contestant(store, name, Contestant(model="demo:smollm2", adapter=f"run-{n}" if n else None))
            for n, name in enumerate(names)
        ]
        ids = store.add_prompts([([("user", text)], None) for text in prompts], "heldout")
        for n, row in enumerate(rows):
            for i, prompt_id in enumerate(ids):
                if answer is not None:
                    store.add_answer(row.id, prompt_id, answer(n, i), n_tokens=5)


def make_desk(workspace: Workspace, pool: "FakePool | None" = None, **more: Any) -> Desk:
    """Return a desk whose engines are fakes."""
    desk = Desk(workspace, workspace.database, more.pop("labeler", "ana"), **more)
    desk.pool = pool or FakePool()  # type: ignore[assignment]  # has what the desk asks of a pool
    return desk


def engine_status(state: EngineState = EngineState.READY, **more: Any) -> EngineStatus:
    """Return the state of an engine."""
    fields: dict[str, Any] = {
        "message": "", "hint": "", "progress": None, "eta_s": None, "pid": None, "started_at": None,
        "adapters": (), "socket": None, "base_model": Path("model"),
    }  # fmt: skip
    return EngineStatus(state=state, **{**fields, **more})


class FakeClient:
    """Answers as it is told to, a word at a time; at the word `hold_at` it waits for `gate`."""

    def __init__(self, text: str, error: FtarenaError | None = None) -> None:
        self.text, self.error = text, error
        self.gate = asyncio.Event()
        self.hold_at: int | None = None
        self.asked: list[list[Message]] = []
        self.closed = False

    async def stream(
        self, model: str, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncIterator[Chunk]:
        """Yield the text in words."""
        self.asked.append(list(messages))
        try:
            for n, word in enumerate(self.text.split(" ")):
                if n == self.hold_at:
                    await self.gate.wait()
                yield Chunk((" " if n else "") + word, None, n + 1)
            if self.error is not None:
                raise self.error
            yield Chunk("", "stop", n + 1)
        finally:
            self.closed = True

    async def complete(self, model: str, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """Return the text at once."""
        return Completion(f"{self.text} ({model})", "stop", 3, 5, 0.1, 0.2)


class FakeEngine:
    """An engine whose state a test sets."""

    def __init__(self, status: EngineStatus) -> None:
        self.now = status
        self.starts = 0

    def status(self) -> EngineStatus:
        """Return the state."""
        return self.now

    def start(self) -> None:
        """Begin to start."""
        self.starts += 1
        self.now = engine_status(EngineState.STARTING, message="loading weights", progress=0.4, eta_s=35.0)


class FakePool:
    """One engine for all, and a client for each adapter."""

    def __init__(self, clients: dict[str | None, FakeClient] | None = None) -> None:
        self.clients = clients or {}
        self.engine = FakeEngine(engine_status())

    def engine_for(self, contestant: Contestant) -> FakeEngine:
        """Return the engine."""
        return self.engine

    async def client_for(self, contestant: Contestant) -> FakeClient:
        """Return the client of a contestant's adapter."""
        return self.clients.setdefault(contestant.adapter, FakeClient(f"I am {contestant.adapter}."))

    async def aclose(self) -> None:
        """Nothing is open."""


def screen_text(app: FtarenaApp) -> str:
    """Return what the terminal shows, as plain text."""
    strips = app.screen._compositor.render_strips(app.screen.size)
    return "\n".join(strip.text for strip in strips)


async def until(pilot: Any, true: Callable[[], object], what: str = "") -> None:
    """Let the app work until something holds; fails after some seconds of nothing."""
    for _ in range(400):
        if true():
            return
        await pilot.pause(0.01)
    raise AssertionError(f"never came true: {what}\n{screen_text(pilot.app)}")


async def shows(pilot: Any, text: str) -> None:
    """Wait until a text is on the screen."""
    await until(pilot, lambda: text in screen_text(pilot.app), repr(text))


Press = Callable[..., Awaitable[None]]
