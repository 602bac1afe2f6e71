"""A way for another program to the engine's Unix socket: a loopback port, open only while it is needed.

On a shared machine anybody reaches a loopback port. So only who has the key gets through (a bearer token,
random, new each time; the other program has it from its environment, which other users cannot read, while
they can read its command line), and only to questions: the engine's sleep and adapter routes stay behind.
"""

import hmac
import http.client
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROUTES = ("/v1/completions", "/v1/chat/completions", "/v1/models")
"""What may be asked through it."""

_LONGEST_BODY = 64 * 1024**2
_TIMEOUT_S = 1800.0  # a batch of long texts, on two cores


@dataclass(frozen=True)
class Bridge:
    """Where it is, and what opens it."""

    url: str
    """`http://127.0.0.1:PORT/v1`."""

    key: str
    """The bearer token."""


@contextmanager
def bridge(path: Path) -> Iterator[Bridge]:
    """Let programs that have the key ask an engine over a loopback port, from entering to leaving.

    Args:
        path: The engine's Unix socket.
    """
    key = secrets.token_urlsafe(32)

    class Handler(_Handler):
        engine = path
        expected = f"Bearer {key}"

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="bridge", daemon=True)
    thread.start()
    try:
        yield Bridge(f"http://127.0.0.1:{server.server_address[1]}/v1", key)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: Path
    expected: str

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LONGEST_BODY:
            self._say(411, b'{"error": "how long is it?"}')
            return
        self._pass_on(self.rfile.read(int(length)))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: questions are nobody's business."""

    def _pass_on(self, body: bytes) -> None:
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.expected.encode()):
            self._say(401, b'{"error": "this needs the key"}')
            return
        if self.path not in ROUTES:
            self._say(404, b'{"error": "only questions pass here"}')
            return
        try:
            connection = _UnixConnection(self.engine)
            try:
                connection.request(self.command, self.path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            self._say(502, f'{{"error": "the engine is gone ({type(error).__name__})"}}'.encode())
            return
        self._say(answer.status, content)

    def _say(self, status: int, content: bytes) -> None:
        if status in (401, 411):
            self.close_connection = True  # what was sent along was not read
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("engine", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
