"""The real vLLM on the real demo model: ready when it answers, one for all, gone without a trace."""

import asyncio
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import httpx
import psutil
import pytest

from ftarena.errors import FtarenaError
from ftarena.evaluation.examples import Example
from ftarena.evaluation.loss import heldout_loss
from ftarena.processes import ProcessIdentity, read_json
from ftarena.serving import remains
from ftarena.serving.client import EngineClient
from ftarena.serving.contestants import Message, Sampling
from ftarena.serving.engine import Engine, EngineState
from ftarena.serving.status import EngineFolder, identity
from ftarena.workspace import Workspace

pytestmark = pytest.mark.e2e

QUESTION = [Message(role="user", content="What is the capital of France?")]
SECRET = "my-secret-prompt-4711"


def client(engine: Engine) -> EngineClient:
    return EngineClient(socket=engine.status().socket)


async def test_it_answers(engine: Engine) -> None:
    """The base model knows the capital of France, streams it, and tells how many tokens it took."""
    async with client(engine) as asked:
        chunks = [chunk async for chunk in asked.stream("base", QUESTION, Sampling(temperature=0))]
        whole = await asked.complete("base", QUESTION, Sampling(temperature=0))
    text = "".join(chunk.text for chunk in chunks)
    assert "Paris" in text
    assert whole.text == text
    assert whole.finish_reason == chunks[-2].finish_reason == "stop"
    assert whole.n_tokens == chunks[-1].n_tokens == len([chunk for chunk in chunks if chunk.text]) + 1
    assert whole.ttft_s is not None
    assert whole.ttft_s < 5, "the first question was asked before the engine was called ready"


async def test_log_probabilities_of_a_text(engine: Engine) -> None:
    """A given text has the likelihood of its tokens, and a likely ending is likelier than an odd one."""
    async with client(engine) as asked:
        likely = await asked.prompt_logprobs("base", "The capital of France is Paris")
        odd = await asked.prompt_logprobs("base", "The capital of France is seven")
        ids = await asked.render(QUESTION)
        assert "capital of France" in await asked.detokenize(ids)
    assert likely[0].logprob is None
    assert all(token.logprob is not None and token.logprob <= 0 for token in likely[1:])
    assert likely[-1].logprob > odd[-1].logprob + 2


async def test_adapters_answer_beside_the_base(
    engine: Engine, untrained_adapter: Callable[..., Path]
) -> None:
    """An adapter is loaded while the engine runs; an empty one is the base, another one is not."""
    engine.ensure_adapter("empty", untrained_adapter("empty", 0.0))
    began = time.monotonic()
    engine.ensure_adapter("noisy", untrained_adapter("noisy", 5.0))
    assert time.monotonic() - began < 10
    assert set(engine.status().adapters) >= {"empty", "noisy"}
    examples = [
        Example(prompt="What is the capital of France?", reference="The capital of France is Paris."),
        Example(prompt="What is two and two?", reference="Two and two is four."),
    ]
    async with client(engine) as asked:
        base, empty, noisy = [
            await heldout_loss(asked, name, examples) for name in ("base", "empty", "noisy")
        ]
    assert base.n_examples == 2
    assert math.isclose(base.mean_loss, empty.mean_loss, abs_tol=1e-4)
    assert noisy.mean_loss > base.mean_loss + 0.1


async def test_questions_and_scores_at_the_same_time(engine: Engine) -> None:
    """Measuring loss while others chat ends nothing: vLLM 0.32 on a CPU died of two such requests at once."""
    async with client(engine) as asked:
        ids = await asked.render(QUESTION)
        scored = await asyncio.gather(
            *(asked.prompt_logprobs("base", ids[: 20 + length]) for length in range(4)),
            asked.complete("base", QUESTION, Sampling(max_tokens=8)),
        )
        alone = await asked.prompt_logprobs("base", ids[:20])
    together = scored[0]
    assert isinstance(together, list)
    assert all(
        one.logprob is None or math.isclose(one.logprob, two.logprob or 0.0, abs_tol=1e-3)
        for one, two in zip(alone, together, strict=True)
    )
    assert engine.status().state is EngineState.READY


async def test_an_answer_nobody_waits_for_is_aborted(engine: Engine) -> None:
    """When I press escape, the engine stops computing too."""
    socket = engine.status().socket
    async with (
        client(engine) as asked,
        httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(socket))) as http,
    ):

        async def running() -> float:
            text = (await http.get("http://engine/metrics")).text
            lines = [line for line in text.splitlines() if line.startswith("vllm:num_requests_running")]
            return sum(float(line.split()[-1]) for line in lines)

        story = [Message(role="user", content="Tell a very long story.")]
        async with aclosing(asked.stream("base", story, Sampling(max_tokens=1500))) as chunks:
            async for chunk in chunks:
                if chunk.n_tokens and chunk.n_tokens >= 3:
                    break
        deadline = time.monotonic() + 10
        while await running() > 0:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


async def test_errors_are_one_clear_line(engine: Engine, base_model: Path, tmp_path: Path) -> None:
    """A missing adapter, an unloaded one and too long a conversation are told apart, and it lives on."""
    with pytest.raises(FtarenaError, match="there is no adapter in"):
        engine.ensure_adapter("missing", tmp_path / "missing")
    async with client(engine) as asked:
        with pytest.raises(FtarenaError, match="`nobody` does not exist"):
            await asked.complete("nobody", QUESTION, Sampling())
        long = [Message(role="user", content="word " * 3000)]
        with pytest.raises(FtarenaError, match="maximum context length") as caught:
            await asked.complete("base", long, Sampling())
        assert "shorten" in caught.value.hint
        assert (await asked.complete("base", QUESTION, Sampling(max_tokens=4))).n_tokens == 4


async def test_it_keeps_to_itself(engine: Engine) -> None:
    """On a shared host nobody else reaches it, my prompts are in no log, and 8 GB are enough."""
    async with client(engine) as asked:
        await asked.complete("base", [Message(role="user", content=SECRET)], Sampling(max_tokens=2))
    status = engine.status()
    assert status.socket is not None
    assert status.socket.parent.stat().st_mode & 0o077 == 0
    server = psutil.Process(status.pid)
    assert not [c for c in server.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert SECRET not in engine.log.read_text()
    assert 0 < engine.memory_bytes() < 8e9


def test_two_starts_then_killed(tmp_path: Path, base_model: Path) -> None:
    """Two terminals start one engine; when vLLM is killed the status says so, and nothing is left of it."""
    code = (
        "import sys; from pathlib import Path; from ftarena.serving.engine import Engine;"
        "from ftarena.workspace import Workspace;"
        "Engine(Workspace(Path(sys.argv[1])), Path(sys.argv[2])).start()"
    )
    root = tmp_path / ".ftarena"
    engine = Engine(Workspace(root), base_model)
    other = subprocess.Popen([sys.executable, "-c", code, str(root), str(base_model)])
    engine.start()
    assert other.wait(timeout=60) == 0
    try:
        engine.wait_ready(300)
        folder = str(engine.log.parent)
        supervisors = [p for p in psutil.process_iter(["cmdline"]) if folder in (p.info["cmdline"] or [])]
        assert len(supervisors) == 1
        supervisor = ProcessIdentity.of(supervisors[0].pid)
        server = identity(read_json(EngineFolder(engine.log.parent).record).get("server"))
        assert server is not None
        socket = engine.status().socket
        segments = remains.shared_segments(remains.family(server))
        server.signal(signal.SIGKILL)
        _until(lambda: engine.status().state is EngineState.FAILED, 10)
        assert "killed" in engine.status().message
        _until(lambda: not supervisor.alive(), 30)
        assert not remains.family(server)
        assert socket is not None
        assert not socket.parent.exists()
        assert not [name for name in segments if Path(name).exists()]
    finally:
        engine.stop()


def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
