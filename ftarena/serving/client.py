"""Asking for answers and log-probabilities: one asynchronous client for the engine and for any other server.

It speaks the OpenAI protocol over a Unix socket (our engine) or a URL (any compatible server); `/tokenize`
and echoed log-probabilities need vLLM. It knows nothing of starting engines or of contestants.

Text is passed on exactly as the model wrote it. Many templates make models open with a stray space or line
break, and that is what is stored; who shows an answer strips it (`text.lstrip()`) on every side alike.
"""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Message, Sampling
from ftarena.serving.protocol import (
    Chunk,
    Completion,
    ContextExceeded,
    EngineGone,
    RequestRefused,
    TokenLogprob,
    error_text,
    parse_chunk,
    parse_object,
)
from ftarena.serving.sse import EventReader

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 600.0  # on two cores with a full queue, the first token of the last answer takes minutes


class EngineClient:
    """One connection pool to one server.

    Args:
        socket: Unix socket of our engine.
        base_url: URL of another server up to and including `/v1`. Exactly one of the two is given.
        api_key: Sent as a bearer token; only to `base_url`.
        read_timeout_s: How long the server may stay silent, in seconds.
    """

    def __init__(
        self,
        socket: Path | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        if (socket is None) == (base_url is None):
            raise ValueError("give either a socket or a base URL")
        import httpx  # 0.3 s: not for front ends that only show or count votes

        self._ours = socket is not None
        self._where = "the engine" if base_url is None else base_url
        self._base = "http://engine/v1" if base_url is None else base_url.rstrip("/")
        # uvicorn hangs up after 5 s of silence; a connection nearly that old is not used again. A transport
        # takes no limits from its client: it would keep connections for 5 s, and lose that race under load.
        limits = httpx.Limits(max_connections=256, keepalive_expiry=2.0)
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket), limits=limits)
            if socket is not None
            else None,
            timeout=httpx.Timeout(read_timeout_s, connect=CONNECT_TIMEOUT_S, pool=None),
            limits=limits,
            headers={"Authorization": f"Bearer {api_key}"} if api_key and base_url else None,
            # A proxy from the environment must not see the conversation with a server that was named.
            trust_env=False,
        )

    async def __aenter__(self) -> "EngineClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; answers that are still streaming are aborted."""
        await self._http.aclose()

    async def stream(
        self, model: str, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        """Yield an answer as it is made.

        Leaving the loop early aborts the answer in the server too, once the iterator is closed: at once
        under `contextlib.aclosing` or when the task is cancelled, else when it is collected.

        Args:
            model: Name at the server (`contestants.served_name`).
            messages: The whole conversation (`Contestant.messages`).
            sampling: How to draw tokens.

        Yields:
            Chunks with text, then one that tells the reason it ended and counts of tokens.

        Raises:
            EngineGone: The server cannot be reached, or broke off.
            RequestRefused: The server refuses: unknown model, conversation too long.
        """
        options = {"include_usage": True, **({"continuous_usage_stats": True} if self._ours else {})}
        body = {
            "model": model,
            "messages": [message.model_dump() for message in messages],
            "stream": True,
            "stream_options": options,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
        }
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        finished = False
        async with (
            self._opened(self._base + "/chat/completions", body) as response,
            aclosing(_events(response)) as events,
        ):
            async for data in events:
                if data == "[DONE]":
                    return
                chunk = self._chunk(data)
                finished = finished or chunk.finish_reason is not None
                if chunk.text or chunk.finish_reason or chunk.n_tokens is not None:
                    yield chunk
        if not finished:  # the connection was closed in order, yet in the middle of an answer
            raise self._gone()

    async def complete(self, model: str, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """Return a whole answer.

        Args, Raises: As for `stream`.
        """
        began = time.monotonic()
        pieces: list[str] = []
        first: float | None = None
        reason: str | None = None
        n_tokens: int | None = None
        prompt_tokens: int | None = None
        async with aclosing(self.stream(model, messages, sampling)) as chunks:
            async for chunk in chunks:
                if chunk.text and first is None:
                    first = time.monotonic() - began
                pieces.append(chunk.text)
                reason = chunk.finish_reason or reason
                n_tokens = chunk.n_tokens if chunk.n_tokens is not None else n_tokens
                prompt_tokens = chunk.prompt_tokens if chunk.prompt_tokens is not None else prompt_tokens
        return Completion("".join(pieces), reason, n_tokens, prompt_tokens, first, time.monotonic() - began)

    async def prompt_logprobs(
        self, model: str, text_or_ids: str | Sequence[int], *, ranked: bool = False
    ) -> list[TokenLogprob]:
        """Return how likely the model finds each token of a text (vLLM only).

        Args:
            model: Name at the server.
            text_or_ids: A text, or its token ids as `render` gives them; at least one token.
            ranked: Whether to tell of each token if it was the likeliest one.

        Returns:
            One entry a token, natural logarithms; the first has no log-probability.

        Raises:
            EngineGone, RequestRefused: As for `stream`.
        """
        ids = list(text_or_ids) if not isinstance(text_or_ids, str) else await self.tokenize(text_or_ids)
        body = {
            "model": model,
            "prompt": ids,
            "max_tokens": 0,
            "echo": True,
            "logprobs": int(ranked),  # of the token itself only, or of the likeliest one, too
            "temperature": 0.0,
        }
        answer = await self._post("/completions", body)
        try:
            told = answer["choices"][0]["logprobs"]
            values = told["token_logprobs"]
            best = [max(top.values()) if top else None for top in told["top_logprobs"]] if ranked else []
            # Without echoed log-probabilities some servers return those of made tokens: a wrong length.
            return [
                TokenLogprob(token, value, value >= best[index] if ranked and value is not None else None)
                for index, (token, value) in enumerate(zip(ids, values, strict=True))
            ]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise FtarenaError(
                f"{self._where} does not return the log-probabilities of a given text",
                "held-out loss needs vLLM: use the built-in engine",
            ) from error

    async def render(
        self, messages: Sequence[Message], add_generation_prompt: bool = True, model: str | None = None
    ) -> list[int]:
        """Return the token ids of a conversation under the server's own chat template (vLLM only).

        Args:
            messages: The conversation.
            add_generation_prompt: Whether to end with what opens the assistant's turn.
            model: Name at the server, default its base model.
        """
        body: dict[str, Any] = {
            "messages": [message.model_dump() for message in messages],
            "add_generation_prompt": add_generation_prompt,
        }
        return await self._tokens(body | ({"model": model} if model else {}))

    async def tokenize(self, text: str) -> list[int]:
        """Return the token ids of a plain text, special tokens in front as the model expects (vLLM only)."""
        return await self._tokens({"prompt": text})

    async def detokenize(self, ids: Sequence[int]) -> str:
        """Return the text of token ids, special tokens included (vLLM only)."""
        answer = await self._post("/detokenize", {"tokens": list(ids)}, versioned=False)
        return str(answer.get("prompt", ""))

    async def models(self) -> list[str]:
        """Return the names that the server answers to."""
        response = await self._send("GET", self._base + "/models", None)
        data = self._json(response.content).get("data", [])
        return [str(entry.get("id")) for entry in data if isinstance(entry, dict)]

    async def _tokens(self, body: dict[str, Any]) -> list[int]:
        answer = await self._post("/tokenize", body, versioned=False)
        return [int(token) for token in answer.get("tokens", [])]

    async def _post(self, path: str, body: dict[str, Any], versioned: bool = True) -> dict[str, Any]:
        root = self._base if versioned else self._base.removesuffix("/v1")
        return self._json((await self._send("POST", root + path, body)).content)

    async def _send(self, method: str, url: str, body: dict[str, Any] | None) -> "httpx.Response":
        import httpx

        try:
            response = await self._http.request(method, url, json=body)
        except httpx.HTTPError as error:
            raise self._trouble(error) from error
        if response.status_code >= 400:
            raise self._refusal(response.status_code, response.content)
        return response

    @asynccontextmanager
    async def _opened(self, url: str, body: dict[str, Any]) -> AsyncGenerator["httpx.Response", None]:
        import httpx

        try:
            async with self._http.stream("POST", url, json=body) as response:
                if response.status_code >= 400:
                    raise self._refusal(response.status_code, await response.aread())
                yield response
        except httpx.HTTPError as error:
            raise self._trouble(error) from error

    def _chunk(self, data: str) -> Chunk:
        value = self._json(data.encode())
        if value.get("error"):  # an engine that fails half-way says so inside the stream
            raise self._refusal(500, data.encode())
        return parse_chunk(value)

    def _json(self, content: bytes) -> dict[str, Any]:
        value = parse_object(content)
        if value is None:
            raise FtarenaError(
                f"{self._where} answered with something that is not a JSON object",
                ""
                if self._ours
                else "check that the URL is the one of an OpenAI-compatible server, with /v1",
            )
        return value

    def _gone(self) -> EngineGone:
        if self._ours:
            return EngineGone("the engine went away while answering", "see why: ftarena engine logs")
        return EngineGone(f"{self._where} broke off while answering", "ask again")

    def _trouble(self, error: "httpx.HTTPError") -> FtarenaError:
        import httpx

        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            if self._ours:
                return EngineGone("the engine is not running", "start it: ftarena engine start")
            return EngineGone(f"{self._where} cannot be reached: {error}", "check the URL, and that it is up")
        if isinstance(error, httpx.TimeoutException):
            return EngineGone(
                f"{self._where} was silent for too long", "see what it does: ftarena engine logs"
            )
        if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol):
            return self._gone()
        return FtarenaError(
            f"{self._where} cannot be asked: {error}", "give a URL such as http://host:8000/v1"
        )

    def _refusal(self, status: int, content: bytes) -> RequestRefused:
        message = error_text(content) or f"HTTP {status}"
        hint = ""
        if "maximum context length" in message or "max_model_len" in message:
            return ContextExceeded(
                f"{self._where} refused: {message}",
                "shorten the conversation or the answer (max_tokens)",
                status,
            )
        if status == 401 or status == 403:
            hint = "check the API key"
        elif status == 404 and self._ours:
            hint = "the adapter is not loaded: ftarena engine status"
        elif status >= 500 and self._ours:
            hint = "see why: ftarena engine logs"
        return RequestRefused(f"{self._where} refused: {message}", hint, status)


async def _events(response: "httpx.Response") -> AsyncGenerator[str, None]:
    reader = EventReader()
    async for piece in response.aiter_bytes():
        for data in reader.feed(piece):
            yield data
