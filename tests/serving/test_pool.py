"""From a contestant to who answers as it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant, Message, Sampling, served_name
from ftarena.serving.engine import Engine
from ftarena.serving.pool import EnginePool
from ftarena.workspace import Workspace

HELLO = [Message(role="user", content="hello")]


async def test_base_and_adapter_answer_from_one_engine(
    engine: Engine, model: Path, tmp_path: Path, make_adapter: Callable[..., Path]
) -> None:
    """Both sides of a battle come from one engine; the adapter is loaded when it is first asked."""
    workspace = Workspace(tmp_path / ".ftarena")
    pool = EnginePool(workspace)
    base, tuned = Contestant(model=str(model)), Contestant(model=str(model), adapter="sft-1")
    with pytest.raises(FtarenaError, match="is stopped") as caught:
        await pool.client_for(base)
    assert "ftarena engine start" in caught.value.hint
    make_adapter(workspace.runs / "sft-1")
    engine.start()
    engine.wait_ready(30)
    client = await pool.client_for(base)
    assert await pool.client_for(tuned) is client
    answer = await client.complete(served_name(tuned), tuned.messages(HELLO), Sampling())
    assert answer.text == " sft-1 heard: hello"
    await pool.aclose()


def test_a_model_that_is_not_here(tmp_path: Path) -> None:
    """A base model that is not on this machine is named, with what fetches it."""
    pool = EnginePool(Workspace(tmp_path))
    with pytest.raises(FtarenaError, match="org/never-downloaded is not ready"):
        pool.engine_for(Contestant(model="org/never-downloaded"))


async def test_an_engine_that_sleeps(engine: Engine, model: Path, tmp_path: Path) -> None:
    """While a run has the GPU I am told so instead of waiting for nothing."""
    engine.start()
    engine.wait_ready(30)
    record = json.loads((engine.log.parent / "status.json").read_text())
    (engine.log.parent / "server.json").write_text(
        json.dumps({"server": record["server"], "adapters": {}, "asleep": True})
    )
    pool = EnginePool(Workspace(tmp_path / ".ftarena"))
    with pytest.raises(FtarenaError, match="asleep while a run trains"):
        await pool.client_for(Contestant(model=str(model)))


async def test_a_remote_contestant_needs_no_engine(tmp_path: Path) -> None:
    """A model behind a URL answers without an engine here."""
    pool = EnginePool(Workspace(tmp_path))
    remote = Contestant(model="gpt", endpoint="http://127.0.0.1:9/v1")
    assert pool.engine_for(remote) is None
    assert await pool.client_for(remote) is await pool.client_for(remote)
    await pool.aclose()
