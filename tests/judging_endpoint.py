"""A small server that speaks as much of OpenAI's protocol as a judge needs, and misbehaves as it is told."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ftarena.serving.contestants import Message

Reply = Callable[[dict[str, Any]], "str | int"]
"""From a request to what the model says, or to an HTTP status of a refusal. Raising hangs up."""


class Endpoint:
    """What was asked of it, and where it listens."""

    def __init__(self, url: str, asked: list[dict[str, Any]], keys: list[str]) -> None:
        self.url, self.asked, self.keys = url, asked, keys


@contextmanager
def endpoint(reply: Reply) -> Iterator[Endpoint]:
    """Serve until the block ends."""
    asked: list[dict[str, Any]] = []
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            keys.append(self.headers.get("Authorization", ""))
            said = reply(body)
            if isinstance(said, int):
                if said == 0:  # hang up
                    self.close_connection = True
                    return
                self.send_response(said)
                self.end_headers()
                self.wfile.write(json.dumps({"error": {"message": f"refused with {said}"}}).encode())
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for choice in ({"delta": {"content": said}}, {"delta": {}, "finish_reason": "stop"}):
                self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Endpoint(f"http://127.0.0.1:{server.server_port}/v1", asked, keys)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def shown(messages: Sequence[Message] | list[dict[str, Any]]) -> tuple[str, str]:
    """Return the two answers that a judge was shown."""
    last = messages[-1]
    text = last["content"] if isinstance(last, dict) else last.content
    mark = re.search(r"----- \w+ -----", text)
    assert mark is not None
    parts = text.split(mark.group())
    return parts[-4].strip(), parts[-2].strip()


def shorter(messages: Sequence[Message] | list[dict[str, Any]]) -> str:
    """Judge for the shorter answer."""
    one, other = shown(messages)
    better = "A" if len(one) < len(other) else "B"
    return f'They say the same.\n{{"reason": "{better} is concise", "better": "{better}"}}'
