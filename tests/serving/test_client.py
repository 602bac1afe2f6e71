"""Asking a server: streams, and every way a server can fail, over a real Unix socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from ftarena.errors import FtarenaError
from ftarena.serving.client import EngineClient
from ftarena.serving.contestants import Message, Sampling
from ftarena.serving.protocol import ContextExceeded, EngineGone, RequestRefused

HELLO = [Message(role="user", content="hello")]
Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Scripted:
    """A server that replies with scripted bytes and keeps what it was asked."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.asked: list[tuple[str, dict, str]] = []
        self.replies: list[Reply] = []
        self.hung_up = asyncio.Event()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                headers = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    (
                        int(h.split(":")[1])
                        for h in headers.lower().split("\r\n")
                        if h.startswith("content-len")
                    ),
                    0,
                )
                body = json.loads(await reader.readexactly(length) or b"null")
                self.asked.append((line.split()[1].decode(), body, headers))
                await self.replies.pop(0)(reader, writer)
                if writer.is_closing():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def says(self, value: object, status: int = 200) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()

        async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()

        self.replies.append(reply)

    def streams(self, *events: object, close: bool = True, raw: bytes = b"") -> None:
        async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 x\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            for event in events:
                data = event if isinstance(event, str) else json.dumps(event)
                writer.write(f"data: {data}\n\n".encode())
            writer.write(raw)
            await writer.drain()
            if close:
                writer.close()
            else:
                try:
                    await reader.read()  # until the client hangs up
                finally:
                    self.hung_up.set()

        self.replies.append(reply)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Scripted]:
    scripted = Scripted(tmp_path / "s.sock")
    listening = await asyncio.start_unix_server(scripted.handle, scripted.socket)
    yield scripted
    listening.close()


@pytest.fixture
async def client(server: Scripted) -> AsyncIterator[EngineClient]:
    async with EngineClient(socket=server.socket) as client:
        yield client


def piece(text: str, count: int, reason: str | None = None) -> dict:
    choice = {"delta": {"content": text}, "finish_reason": reason}
    return {"choices": [choice], "usage": {"completion_tokens": count, "prompt_tokens": 5}}


async def test_an_answer_streams_in(server: Scripted, client: EngineClient) -> None:
    """Text arrives piece by piece and exactly as it was written, odd line separators and all."""
    separators = json.dumps(piece("\u2028 b\x85", 2), ensure_ascii=False)
    server.streams(piece(" a", 1), separators, piece("", 3, "stop"), "[DONE]")
    whole = await client.complete("base", HELLO, Sampling(seed=3, stop=("x",)))
    assert whole.text == " a\u2028 b\x85"
    assert (whole.n_tokens, whole.prompt_tokens, whole.finish_reason) == (3, 5, "stop")
    assert whole.ttft_s is not None
    assert whole.ttft_s <= whole.elapsed_s
    path, body, _ = server.asked[0]
    assert path == "/v1/chat/completions"
    assert (body["model"], body["seed"], body["stop"]) == ("base", 3, ["x"])
    assert body["messages"] == [{"role": "user", "content": "hello"}]
    assert body["stream_options"]["include_usage"] is True


async def test_a_server_that_counts_nothing(server: Scripted, client: EngineClient) -> None:
    """A server without usage figures works; the counts are unknown rather than wrong."""
    server.streams(
        {"choices": [{"delta": {"content": "a"}}]}, {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    )
    whole = await client.complete("base", HELLO, Sampling())
    assert (whole.text, whole.n_tokens, whole.finish_reason) == ("a", None, "stop")


async def test_no_engine_says_how_to_start_one(tmp_path: Path) -> None:
    """Without an engine I am told the command that starts it."""
    async with EngineClient(socket=tmp_path / "none.sock") as client:
        with pytest.raises(EngineGone, match="not running") as caught:
            await client.complete("base", HELLO, Sampling())
    assert caught.value.hint == "start it: ftarena engine start"


@pytest.mark.parametrize("raw", [b"", b'data: {"choices": [{"delta"', b": keep-alive\n\n"])
async def test_an_engine_that_dies_while_answering(
    server: Scripted, client: EngineClient, raw: bytes
) -> None:
    """When the engine dies in the middle of an answer I am told so, and where to look."""
    server.streams(piece("half an", 1), raw=raw)
    got = []
    with pytest.raises(EngineGone, match="went away while answering") as caught:
        async for chunk in client.stream("base", HELLO, Sampling()):
            got += [chunk.text]
    assert got == ["half an"]
    assert "ftarena engine logs" in caught.value.hint


async def test_an_engine_that_fails_inside_the_stream(server: Scripted, client: EngineClient) -> None:
    """An error that comes instead of the next piece is an error, not text."""
    server.streams(piece("a", 1), {"error": {"message": "out of memory", "code": 500}}, "[DONE]")
    with pytest.raises(RequestRefused, match="out of memory"):
        await client.complete("base", HELLO, Sampling())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"message": "no such model", "code": 404}}, "no such model"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"error": "plain words"}, "plain words"),
        (b"<h1>Bad\x1b]0;title\x07 Gateway</h1>", "Bad]0;title Gateway"),
        (b"", "HTTP 404"),
    ],
)
async def test_what_the_server_says_is_passed_on(
    server: Scripted, client: EngineClient, body: object, expected: str
) -> None:
    """Whatever shape a server's error has, I read its words on one clean line."""
    server.says(body, 404)
    with pytest.raises(RequestRefused) as caught:
        await client.complete("base", HELLO, Sampling())
    assert expected in caught.value.message
    assert "\x1b" not in caught.value.message
    assert caught.value.status == 404


async def test_too_long_a_conversation_has_its_own_error(server: Scripted, client: EngineClient) -> None:
    """A conversation longer than the model reads is told apart, with what to do."""
    server.says({"error": {"message": "This model's maximum context length is 2048 tokens."}}, 400)
    with pytest.raises(ContextExceeded) as caught:
        await client.complete("base", HELLO, Sampling())
    assert "shorten" in caught.value.hint


async def test_leaving_an_answer_hangs_up(server: Scripted, client: EngineClient) -> None:
    """When I press escape the connection is closed, which is how the engine knows to stop."""
    server.streams(piece("a", 1), close=False)
    async with aclosing(client.stream("base", HELLO, Sampling())) as chunks:
        async for _ in chunks:
            break
    await asyncio.wait_for(server.hung_up.wait(), 5)


async def test_cancelling_a_task_hangs_up(server: Scripted, client: EngineClient) -> None:
    """Cancelling the task that waits for an answer closes the connection too."""
    server.streams(piece("a", 1), close=False)
    task = asyncio.create_task(client.complete("base", HELLO, Sampling()))
    while not server.asked:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.hung_up.wait(), 5)


async def test_log_probabilities(server: Scripted, client: EngineClient) -> None:
    """Each token of a text comes with its log-probability, the first with none."""
    server.says({"choices": [{"logprobs": {"token_logprobs": [None, -0.5]}}]})
    first, second = await client.prompt_logprobs("base", [3, 4])
    assert (first.token_id, first.logprob, second.token_id, second.logprob) == (3, None, 4, -0.5)
    assert server.asked[0][1]["prompt"] == [3, 4]


@pytest.mark.parametrize(
    "choice", [{"logprobs": None}, {"text": "x"}, {"logprobs": {"token_logprobs": [-1.0]}}]
)
async def test_a_server_without_log_probabilities(
    server: Scripted, client: EngineClient, choice: dict
) -> None:
    """A server that cannot score a given text says so instead of giving a wrong loss."""
    server.says({"choices": [choice]})
    with pytest.raises(FtarenaError, match="does not return the log-probabilities"):
        await client.prompt_logprobs("base", [3, 4])


async def test_tokens_of_a_conversation(server: Scripted, client: EngineClient) -> None:
    """Token ids come from the server's own chat template, asked beside `/v1`."""
    server.says({"tokens": [1, 2]})
    server.says({"prompt": "<eos>"})
    assert await client.render(HELLO, add_generation_prompt=False) == [1, 2]
    assert await client.detokenize([2]) == "<eos>"
    assert [path for path, _, _ in server.asked] == ["/tokenize", "/detokenize"]
    assert server.asked[0][1]["add_generation_prompt"] is False


async def test_another_server_by_its_url(unused_tcp_port: int) -> None:
    """Any compatible server stands in for the engine; the key goes to it, and its errors name it."""
    scripted = Scripted(Path())
    listening = await asyncio.start_server(scripted.handle, "127.0.0.1", unused_tcp_port)
    url = f"http://127.0.0.1:{unused_tcp_port}/v1/"
    scripted.streams(piece("hi", 1, "stop"), "[DONE]")
    scripted.says(b"<html>")
    async with EngineClient(base_url=url, api_key="sk-1") as client:
        assert (await client.complete("gpt", HELLO, Sampling())).text == "hi"
        with pytest.raises(FtarenaError, match="not a JSON object"):
            await client.models()
    listening.close()
    async with EngineClient(base_url=url) as client:
        with pytest.raises(EngineGone, match="cannot be reached"):
            await client.complete("gpt", HELLO, Sampling())
    path, body, headers = scripted.asked[0]
    assert path == "/v1/chat/completions"
    assert "authorization: bearer sk-1" in headers.lower()
    assert body["stream_options"] == {"include_usage": True}  # others refuse options they do not know


async def test_a_url_that_is_none() -> None:
    """A typo in the URL is one clear line."""
    async with EngineClient(base_url="localhost:8000/v1") as client:
        with pytest.raises(FtarenaError, match="cannot be asked") as caught:
            await client.complete("gpt", HELLO, Sampling())
    assert "http://" in caught.value.hint


@pytest.mark.parametrize("where", [{"socket": Path("x.sock")}, {"base_url": "http://127.0.0.1:1/v1"}])
async def test_a_connection_is_not_used_at_the_moment_the_server_drops_it(where: dict) -> None:
    """Under load the engine never "goes away": uvicorn drops a connection after 5 s, we before that."""
    async with EngineClient(**where) as client:
        pool = client._http._transport._pool
        assert pool._keepalive_expiry == 2.0
        assert pool._max_connections == 256
