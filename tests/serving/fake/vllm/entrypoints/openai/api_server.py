"""A stand-in for vLLM's server: the same command line, log landmarks, socket and family, ready in no time.

`$FAKE_VLLM` makes it misbehave: `crash` (dies while starting), `mute` (up, but answers are errors), `slow`
(never gets ready). Its child holds a shared segment, as vLLM's worker does.

It answers with what it was asked, unless the JSON file in `$FAKE_ANSWERS` says otherwise: by model and
question the text and the reason why it ended. `*` is any question; `unlikely` are tokens that a model would
not go on with.
"""

import argparse
import json
import os
import signal
import socketserver
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

MODE = os.environ.get("FAKE_VLLM", "")
ANSWERS = os.environ.get("FAKE_ANSWERS")
CHILD = """
import mmap, os, signal, sys, time
path = f"/dev/shm/psm_fake_{os.getppid()}"
file = open(path, "w+b")
file.truncate(4096)
segment = mmap.mmap(file.fileno(), 4096)
print("child ready", flush=True)
time.sleep(600)
"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    adapters: dict[str, str] = {}

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def send(self, value: object, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send({"data": [{"id": name} for name in ("base", *self.adapters)]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
        if self.path == "/v1/load_lora_adapter":
            self.adapters[body["lora_name"]] = body["lora_path"]
            print(f"loaded {body['lora_name']}", flush=True)
            self.send({})
        elif self.path.startswith(("/sleep", "/wake_up")):
            print(self.path, flush=True)
            self.send({})
        elif self.path == "/v1/unload_lora_adapter":
            self.adapters.pop(body["lora_name"])
            print(f"unloaded {body['lora_name']}", flush=True)
            self.send({})
        elif self.path == "/tokenize":
            text = body.get("prompt") or " ".join(message["content"] for message in body["messages"])
            self.send({"tokens": [len(word) for word in text.split(" ")]})
        elif self.path == "/v1/completions":
            logprobs = [None, *(-float(token) for token in body["prompt"][1:])]
            odd = said_of(body["model"]).get("unlikely", [])
            top = [None, *({"x": 0.0 if token in odd else -99.0} for token in body["prompt"][1:])]
            self.send({"choices": [{"logprobs": {"token_logprobs": logprobs, "top_logprobs": top}}]})
        elif self.path == "/v1/chat/completions":
            self.chat(body)
        else:
            self.send({"error": {"message": f"no {self.path} here"}}, 404)

    def chat(self, body: dict) -> None:
        if MODE == "mute":
            self.send({"error": {"message": "kernel image is not available"}}, 500)
            return
        if body["model"] not in ("base", *self.adapters):
            self.send({"error": {"message": f"The model `{body['model']}` does not exist."}}, 404)
            return
        question = body["messages"][-1]["content"]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        told = said_of(body["model"])
        said, reason = told.get(question) or told.get("*") or [f"{body['model']} heard: {question}", "stop"]
        words = f" {said}".split(" ")[1:]
        for count, word in enumerate(words, 1):
            delta = {"choices": [{"delta": {"content": f" {word}"}}], "usage": {"completion_tokens": count}}
            self.event(delta)
        usage = {"completion_tokens": len(words), "prompt_tokens": 7}
        self.event({"choices": [{"delta": {}, "finish_reason": reason}], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def event(self, value: object) -> None:
        self.wfile.write(b"data: " + json.dumps(value).encode() + b"\n\n")


def said_of(model: str) -> dict:
    """Return what a model is to answer; an adapter may be named by the beginning of its name."""
    told = json.loads(Path(ANSWERS).read_text()) if ANSWERS else {}
    return next((value for name, value in told.items() if model.startswith(name)), {})


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--uds")
    options, _ = parser.parse_known_args()
    print("non-default args: {}", flush=True)
    if MODE == "crash":
        print("(EngineCore pid=7) ERROR x.py:1] ValueError: Model architectures ['Foo'] are not supported")
        print("RuntimeError: Engine core initialization failed. See root cause above.")
        sys.exit(1)
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE)
    child.stdout.readline()
    print("Starting to load model /m...", flush=True)
    Path(os.environ["TMPDIR"], "zmq-left-behind").touch()
    if MODE == "slow":
        time.sleep(600)
    server = Server(options.uds, Handler)

    def end(*_: object) -> None:
        child.terminate()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
