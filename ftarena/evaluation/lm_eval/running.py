"""Running `lm_eval`: finding it, its command line, its log, and what it says where it fails."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.evaluation.lm_eval.bridge import Bridge
from ftarena.text import shorten

PROGRAM = "lm_eval"
BESIDE = Path(sys.executable).with_name(PROGRAM)
_CONCURRENT = 8
_TAIL_BYTES = 8192


def find_program() -> Path:
    """Return the program: beside this Python, else on the path (it may have an environment of its own).

    Raises:
        FtarenaError: It is not installed.
    """
    found = str(BESIDE) if os.access(BESIDE, os.X_OK) else shutil.which(PROGRAM)
    if found is None:
        raise FtarenaError(
            "lm_eval is not installed",
            "pip install 'ftarena[lm-eval]', or put the lm_eval of another environment on the PATH",
        )
    return Path(found)


def command(
    program: Path,
    task: str,
    model: str,
    tokenizer: Path,
    bridge: Bridge,
    output: Path,
    *,
    context: int | None = None,
    limit: int | None = None,
    chat: bool = False,
    system: str | None = None,
) -> list[str]:
    """Return its command line. The key is not in it: `lm_eval` takes it from the environment.

    Args:
        program: What `find_program` returned.
        task: A name of its own, or several with commas between.
        model: Name at the engine.
        tokenizer: Folder of the base model: requests are sent as tokens.
        bridge: Where the engine is.
        output: Folder for what it writes.
        context: Longest text, in tokens, if that is known.
        limit: Its first so many items.
        chat: Ask under the chat template instead of as bare text.
        system: The contestant's system prompt; only under the template.
    """
    arguments = {
        "model": model,
        "base_url": f"{bridge.url}/completions",
        "tokenizer": str(tokenizer),
        "tokenizer_backend": "huggingface",
        "num_concurrent": str(_CONCURRENT),
        "timeout": "1800",
        **({"max_length": str(context)} if context else {}),
    }
    said = ",".join(f"{key}={value}" for key, value in arguments.items())
    words = [str(program), "--model", "local-completions", "--model_args", said, "--tasks", task]
    words += ["--output_path", str(output), "--log_samples", "--batch_size", "1"]
    if limit is not None:
        words += ["--limit", str(limit)]
    if chat:
        words += ["--apply_chat_template"]
        if system:
            words += ["--system_instruction", system]
    return words


async def run_program(words: list[str], key: str, log: Path) -> None:
    """Run it to its end; it ends with us where we are interrupted.

    Args:
        words: What `command` returned.
        key: The bridge's key.
        log: Where its output goes.

    Raises:
        FtarenaError: It failed; the message has its last line.
    """
    environment = {**os.environ, "OPENAI_API_KEY": key, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
    if code != 0:
        raise FtarenaError(f"lm_eval failed: {_last_line(log) or f'exit code {code}'}", f"see why: {log}")


def _last_line(log: Path) -> str:
    lines = log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").splitlines()
    return shorten(next((line for line in reversed(lines) if line.strip()), ""), 200)
