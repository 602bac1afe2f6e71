"""The engine's life: started once, ready when it answers, ended without a trace, honest about failures."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ftarena.errors import FtarenaError
from ftarena.processes import ProcessIdentity, read_json
from ftarena.serving import remains
from ftarena.serving.client import EngineClient
from ftarena.serving.contestants import Message, Sampling
from ftarena.serving.engine import Engine, EngineState, list_engines
from ftarena.serving.status import EngineFolder, identity
from ftarena.workspace import Workspace

TIMEOUT_S = 30


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.02)


def record(engine: Engine) -> dict:
    return read_json(EngineFolder(engine.log.parent).record)


def server(engine: Engine) -> ProcessIdentity:
    found = identity(record(engine).get("server"))
    assert found is not None
    return found


async def test_an_engine_answers_once_it_is_ready(engine: Engine) -> None:
    """I start it, see how far it is, and the moment it says ready it answers."""
    assert engine.status().state is EngineState.STOPPED
    assert engine.start().state is EngineState.STARTING
    seen = []
    status = engine.wait_ready(TIMEOUT_S, seen.append)
    assert status.state is EngineState.READY
    assert all(s.progress is not None and 0 <= s.progress < 1 and s.eta_s for s in seen[:-1])
    assert status.socket is not None
    async with EngineClient(socket=status.socket) as client:
        answer = await client.complete("base", [Message(role="user", content="hello you")], Sampling())
    assert answer.text == " base heard: hello you"
    assert (answer.n_tokens, answer.prompt_tokens, answer.finish_reason) == (4, 7, "stop")


def test_it_stops_without_a_trace(engine: Engine) -> None:
    """After `engine stop` there is no process, no socket, no temporary file, no shared memory."""
    engine.start()
    status = engine.wait_ready(TIMEOUT_S)
    vllm = server(engine)
    family = remains.family(vllm)
    segments = remains.shared_segments(family)
    assert len(family) == 2
    assert status.socket is not None
    assert (status.socket.parent / "zmq-left-behind").exists()
    assert status.socket.parent.stat().st_mode & 0o077 == 0
    if sys.platform == "linux":
        assert segments == {f"/dev/shm/psm_fake_{vllm.pid}"}
    engine.stop()
    assert engine.status().state is EngineState.STOPPED
    assert not remains.family(vllm)
    assert not status.socket.parent.exists()
    assert not any(Path(name).exists() for name in segments)
    engine.stop()  # twice does no harm


def test_my_own_files_are_not_taken_for_pythons(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `random.py` in the folder I start the engine from does not end it."""
    (tmp_path / "random.py").write_text("raise SystemExit('taken for the standard library')")
    monkeypatch.chdir(tmp_path)
    engine.start()
    engine.wait_ready(TIMEOUT_S)


def test_two_front_ends_start_one_engine(engine: Engine) -> None:
    """Two terminals that both press start get the same engine."""
    code = (
        "import sys; from pathlib import Path; from ftarena.serving.engine import Engine;"
        "from ftarena.workspace import Workspace;"
        "print(Engine(Workspace(Path(sys.argv[1])), Path(sys.argv[2])).start().state)"
    )
    root = engine.log.parent.parent.parent
    argv = [sys.executable, "-c", code, str(root), str(engine.model_path)]
    others = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    engine.start()
    assert {other.communicate()[0].strip() for other in others} <= {"starting", "ready"}
    engine.wait_ready(TIMEOUT_S)
    named = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(engine.log.parent) in (process.info["cmdline"] or [])
    ]
    assert len(named) == 1
    assert len(remains.family(server(engine))) == 2


def test_a_killed_vllm_is_a_failure_with_a_reason(engine: Engine) -> None:
    """When the kernel kills vLLM, the status says so, the rest of it is cleared away, and it starts again."""
    engine.start()
    engine.wait_ready(TIMEOUT_S)
    vllm = server(engine)
    vllm.signal(signal.SIGKILL)
    until(lambda: engine.status().state is EngineState.FAILED, "failed")
    assert "killed" in engine.status().message
    assert engine.status().socket is None
    until(lambda: not remains.family(vllm), "the child ended")
    engine.start()
    assert engine.wait_ready(TIMEOUT_S).pid != vllm.pid


def test_a_killed_supervisor_leaves_no_orphan(engine: Engine) -> None:
    """When the supervisor is killed, vLLM ends too, and the next start clears away the rest."""
    engine.start()
    engine.wait_ready(TIMEOUT_S)
    vllm = server(engine)
    supervisor = identity(read_json(EngineFolder(engine.log.parent).supervisor))
    assert supervisor is not None
    supervisor.signal(signal.SIGKILL)
    until(lambda: engine.status().state is EngineState.FAILED, "failed")
    assert "supervisor was killed" in engine.status().message
    engine.start()
    assert not remains.family(vllm)
    engine.wait_ready(TIMEOUT_S)


def test_a_crash_at_the_start_says_why(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that vLLM does not know is named as the cause, not "exit code 1"."""
    monkeypatch.setenv("FAKE_VLLM", "crash")
    engine.start()
    with pytest.raises(FtarenaError, match=r"does not know this kind of model \(Foo\)"):
        engine.wait_ready(TIMEOUT_S)
    assert engine.status().state is EngineState.FAILED


def test_up_is_not_ready(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is up but cannot answer is never called ready."""
    monkeypatch.setenv("FAKE_VLLM", "mute")
    engine.start()
    with pytest.raises(FtarenaError, match="kernel image"):
        engine.wait_ready(TIMEOUT_S)


def test_stopping_while_it_starts(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """I change my mind while it starts: it ends at once, and who waits for it is told."""
    monkeypatch.setenv("FAKE_VLLM", "slow")
    engine.start()
    until(lambda: "weights" in engine.status().message, "loading")
    with pytest.raises(FtarenaError, match="not ready after 0 s"):
        engine.wait_ready(timeout_s=0)
    vllm = server(engine)
    engine.stop()
    assert not remains.family(vllm)
    with pytest.raises(FtarenaError, match="did not start"):
        engine.wait_ready(TIMEOUT_S)


async def test_an_adapter_is_loaded_once(
    engine: Engine, tmp_path: Path, make_adapter: Callable[..., Path]
) -> None:
    """A finished run answers beside the base without a restart, and is loaded once however often I ask."""
    engine.start()
    socket = engine.wait_ready(TIMEOUT_S).socket
    adapter = make_adapter(tmp_path / "sft-1")
    engine.ensure_adapter("sft-1", adapter)
    engine.ensure_adapter("sft-1", adapter)
    assert engine.status().adapters == ("sft-1",)
    assert engine.log.read_text().count("loaded sft-1") == 1
    async with EngineClient(socket=socket) as client:
        assert await client.models() == ["base", "sft-1"]
    engine.stop()
    engine.start()
    engine.wait_ready(TIMEOUT_S)
    assert engine.status().adapters == ()  # a fresh vLLM has none
    with pytest.raises(FtarenaError, match="cannot be called 'base'"):
        engine.ensure_adapter("base", adapter)


def test_an_adapter_needs_a_running_engine(
    engine: Engine, tmp_path: Path, make_adapter: Callable[..., Path]
) -> None:
    """Without an engine I am told to start it."""
    with pytest.raises(FtarenaError, match="the engine is stopped") as caught:
        engine.ensure_adapter("a", make_adapter(tmp_path / "a"))
    assert caught.value.hint == "ftarena engine start"


def test_a_larger_rank_needs_a_restart(engine: Engine) -> None:
    """Asking a running engine for larger adapters says what to do instead of being ignored."""
    engine.start(max_lora_rank=16)
    engine.start(max_lora_rank=8)
    with pytest.raises(FtarenaError, match="up to rank 16") as caught:
        engine.start(max_lora_rank=100)
    assert "--max-lora-rank 128" in caught.value.hint


def test_engines_are_listed_and_leave_nothing_when_only_looked_at(
    engine: Engine, tmp_path: Path, fake_vllm: None
) -> None:
    """Looking at an engine creates no file; started ones are listed."""
    workspace = Workspace(tmp_path / ".ftarena")
    engine.status()
    engine.stop()
    assert not workspace.root.exists()
    assert list_engines(workspace) == []
    engine.start()
    assert [e.model_path for e in list_engines(workspace)] == [engine.model_path]


def test_a_folder_without_a_model_is_refused(tmp_path: Path, fake_vllm: None) -> None:
    """A typo in a path is one clear line."""
    with pytest.raises(FtarenaError, match="no model in"):
        Engine(Workspace(tmp_path / "w"), tmp_path / "nothing").start()
