"""`ftarena engine`: the servers of a project in line mode, and bringing one up for other commands."""

import json
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from ftarena.arena.sharing import wake_engines
from ftarena.errors import FtarenaError
from ftarena.plain.goes_on import told_what_goes_on
from ftarena.plain.progress import Stage, Stages
from ftarena.processes import tail
from ftarena.recipes.models import is_ready, resolve_model
from ftarena.serving.contestants import BASE_NAME
from ftarena.serving.engine import Engine, EngineState, EngineStatus, list_engines
from ftarena.serving.pool import name_on_disk
from ftarena.text import clean_line, duration, size
from ftarena.training.models import prepare_model
from ftarena.workspace import Workspace

FOLLOW_POLL_S = 0.3


def status(workspace: Workspace, *, as_json: bool = False, out: TextIO | None = None) -> int:
    """Print which engines a project has and how each is.

    Args:
        workspace: The project.
        as_json: Print one JSON object instead of lines.
        out: Where to; standard output by default.

    Returns:
        The exit code: 1 if an engine has failed, else 0.
    """
    out = out or sys.stdout
    found = [(engine, engine.status()) for engine in list_engines(workspace)]
    if as_json:
        print(json.dumps({"engines": [_plain(*pair) for pair in found]}, indent=2), file=out)
    else:
        console = Console(file=out, highlight=False)
        for engine, now in found:
            console.print(Text(_line(engine, now)), soft_wrap=True)
            if now.hint:
                console.print(Text(f"  → {clean_line(now.hint)}"), soft_wrap=True)
        if not found:
            console.print("No engine yet. Start one: ftarena engine start")
    return int(any(now.state is EngineState.FAILED for _, now in found))


def start(
    workspace: Workspace,
    model: str,
    *,
    wait: bool = True,
    max_lora_rank: int | None = None,
    max_model_len: int | None = None,
    out: TextIO | None = None,
) -> int:
    """Start the engine of a base model, fetching or converting the model first if need be.

    Args:
        workspace: The project.
        model: Name of the base model, as in a recipe.
        wait: Whether to wait until it answers, showing how far it is on standard error.
        max_lora_rank: Largest rank of an adapter to be served; by default what the project's adapters need.
        max_model_len: Context in tokens; by default the model's, within what the machine can hold.
        out: Where to; standard output by default.

    Raises:
        FtarenaError: The model or the engine cannot be brought up, with the reason.
    """
    engine = bring_up(workspace, model, wait=wait, max_lora_rank=max_lora_rank, max_model_len=max_model_len)
    print(_line(engine, engine.status()), file=out or sys.stdout)
    return 0


def stop(workspace: Workspace, out: TextIO | None = None) -> int:
    """Stop every engine of a project and say which were running."""
    out = out or sys.stdout
    stopped = 0
    for engine in list_engines(workspace):
        was = engine.status().state
        engine.stop()
        if was in (EngineState.READY, EngineState.STARTING):
            print(f"{engine.model_path.name}: stopped", file=out)
            stopped += 1
    if not stopped:
        print("No engine was running.", file=out)
    return 0


def logs(workspace: Workspace, *, lines: int = 40, follow: bool = False, out: TextIO | None = None) -> int:
    """Print the end of the log of the engine that wrote last.

    Args:
        workspace: The project.
        lines: How many lines.
        follow: Whether to go on printing what is added, until interrupted.
        out: Where to; standard output by default.

    Raises:
        FtarenaError: No engine was ever started.
    """
    out = out or sys.stdout
    written = [engine.log for engine in list_engines(workspace) if engine.log.exists()]
    if not written:
        raise FtarenaError("no engine was started in this project yet", "ftarena engine start")
    log = max(written, key=lambda path: path.stat().st_mtime)
    for line in tail(log, lines):
        print(clean_line(line), file=out)
    if follow:
        _follow(log, out)
    return 0


def bring_up(
    workspace: Workspace,
    model: str,
    *,
    wait: bool = True,
    max_lora_rank: int | None = None,
    max_model_len: int | None = None,
) -> Engine:
    """Make a base model ready and its engine start, and wait for it; nothing is shown if it is up already.

    Args:
        workspace, model, wait, max_lora_rank, max_model_len: As for `start`.

    Returns:
        The engine; ready, if it was waited for.

    Raises:
        FtarenaError: As for `start`.
    """
    ref = resolve_model(name_on_disk(workspace, model))
    if ref.path is not None and is_ready(ref):
        engine = Engine(workspace, ref.path)
        engine.start(max_lora_rank=max_lora_rank, max_model_len=max_model_len)
        wake_engines(workspace)
        if not wait or engine.status().state is EngineState.READY:
            return engine
    title = Path(ref.name).name if ref.kind in ("local", "gguf") else ref.name
    stages = [Stage("model", f"Base model {title}", 35), Stage("engine", "Engine", 60)]
    with told_what_goes_on(workspace), Stages(stages) as shown:
        with shown.run("model") as stage:
            stage.skipped = is_ready(ref)
            path = prepare_model(ref, stage.update)
        with shown.run("engine") as stage:
            engine = Engine(workspace, path)
            engine.start(max_lora_rank=max_lora_rank, max_model_len=max_model_len)
            if wait:
                engine.wait_ready(on_progress=lambda now: _show(stage, now))
    return engine


def _show(stage: Stage, now: EngineStatus) -> None:
    stage.update(now.message, fraction=now.progress, eta_s=now.eta_s)


def _line(engine: Engine, now: EngineStatus) -> str:
    words = [f"{now.base_model.name}: {now.state}"]
    if now.state is EngineState.READY:
        words.append(f"answers as {', '.join((BASE_NAME, *now.adapters))}")
        words.append("asleep while a run trains" if now.asleep else f"on {now.device}")
        words.append(f"{size(engine.memory_bytes())} of memory")
        if now.started_at is not None:
            words.append(f"up {duration(time.time() - now.started_at)}")
    elif now.state is EngineState.STARTING:
        words.append(now.message)
        if now.eta_s is not None:
            words.append(f"about {duration(now.eta_s)} left")
    elif now.message and now.message != now.state:
        words.append(now.message)
    return clean_line(", ".join(words))


def _plain(engine: Engine, now: EngineStatus) -> dict[str, Any]:
    return {
        "model": str(now.base_model),
        "state": str(now.state),
        "message": now.message,
        "hint": now.hint,
        "progress": now.progress,
        "eta_s": now.eta_s,
        "pid": now.pid,
        "started_at": now.started_at,
        "answers_as": [BASE_NAME, *now.adapters] if now.state is EngineState.READY else [],
        "asleep": now.asleep,
        "device": now.device,
        "memory_bytes": engine.memory_bytes(),
        "socket": str(now.socket) if now.socket else None,
        "log": str(engine.log),
    }


def _follow(log: Path, out: TextIO) -> None:
    with log.open("rb") as file:
        file.seek(0, 2)
        rest = b""
        while True:
            *lines, rest = (rest + file.read()).split(b"\n")
            for line in lines:
                print(clean_line(line.decode("utf-8", errors="replace")), file=out, flush=True)
            time.sleep(FOLLOW_POLL_S)
