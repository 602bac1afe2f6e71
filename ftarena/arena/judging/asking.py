"""Which model judges: one behind an OpenAI-compatible endpoint, or a contestant of this arena.

What a judge is, is kept with its name, without the URL and the key: votes of two models under one name
would be nobody's.
"""

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from ftarena.arena.judging.judging import PREFIX, Ask
from ftarena.arena.judging.rubric import rubric_id
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant, Message, Sampling, served_name
from ftarena.serving.pool import EnginePool
from ftarena.store import Store
from ftarena.workspace import Workspace

API_KEY = "FTARENA_JUDGE_API_KEY"
"""Environment variable with the endpoint's key; kept nowhere."""

SAMPLING = Sampling(temperature=0.0, top_p=1.0, max_tokens=1024)
"""A judge that is asked twice should say the same; 1,024 tokens are room for a model that thinks aloud."""

_SILENT_S = 180.0


@dataclass(frozen=True)
class Endpoint:
    """A model behind a server that speaks OpenAI's protocol."""

    url: str
    """Base URL with `/v1`."""

    model: str
    """Its name there."""

    @property
    def judge_model(self) -> str:
        """What judges, for the record."""
        return self.model


@dataclass(frozen=True)
class LocalJudge:
    """A contestant that judges."""

    contestant: Contestant

    @property
    def judge_model(self) -> str:
        """What judges, for the record."""
        return f"contestant {self.contestant.id}"


@asynccontextmanager
async def asking(
    workspace: Workspace, who: Endpoint | LocalJudge, *, silent_s: float = _SILENT_S
) -> AsyncIterator[Ask]:
    """Open a connection to the model that judges.

    Args:
        workspace: The project, with its engines.
        who: Which model.
        silent_s: How long an endpoint may stay silent, in seconds.

    Yields:
        What asks it.

    Raises:
        FtarenaError: The URL is none, or the contestant's engine is not ready.
    """
    if isinstance(who, Endpoint):
        from ftarena.serving.client import EngineClient

        _check(who.url)
        async with EngineClient(
            base_url=who.url, api_key=os.environ.get(API_KEY), read_timeout_s=silent_s
        ) as client:

            async def ask_endpoint(messages: Sequence[Message]) -> str:
                return (await client.complete(who.model, messages, SAMPLING)).text

            yield ask_endpoint
        return
    pool = EnginePool(workspace)
    try:
        local = await pool.client_for(who.contestant)

        async def ask_contestant(messages: Sequence[Message]) -> str:
            asked = who.contestant.messages(messages)
            return (await local.complete(served_name(who.contestant), asked, SAMPLING)).text

        yield ask_contestant
    finally:
        await pool.aclose()


def remember(store: Store, name: str, who: Endpoint | LocalJudge, criteria: Sequence[str]) -> None:
    """Note what a judge is when it judges first, and see that it is the same later.

    Args:
        store: The arena.
        name: The judge's name, without `judge:`.
        who: Which model judges now.
        criteria: What else it is asked.

    Raises:
        FtarenaError: Another model, or another rubric, has voted under this name.
    """
    key = PREFIX + name.strip().removeprefix(PREFIX)
    now = {"model": who.judge_model, "rubric": rubric_id(criteria)}
    with store.transaction() as connection:
        found = store.rows("SELECT value_json FROM arena_settings WHERE key = ?", (key,))
        if found:
            before = json.loads(found[0][0])
            if before != now:
                what = "model" if before.get("model") != now["model"] else "rubric"
                raise FtarenaError(
                    f"{key} has judged here with another {what} ({before.get(what)})",
                    "one name is one judge: take another with --as",
                )
            return
        connection.execute(
            "INSERT INTO arena_settings (key, value_json) VALUES (?, ?)",
            (key, json.dumps(now, sort_keys=True)),
        )


def _check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise FtarenaError(f"{url!r} is no endpoint", "give a URL such as https://host/v1")
    if parts.username or parts.password:
        raise FtarenaError("the endpoint's URL holds a password", f"put the key into ${API_KEY} instead")
