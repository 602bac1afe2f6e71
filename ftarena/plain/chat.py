"""`ftarena chat -p …`: the same question to two contestants, and both answers in line mode.

Both are asked at the same time; the first one's answer is printed as it comes, the second one's after it.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from ftarena.arena import contestant_of
from ftarena.arena.lineup import default_sampling, find_contestant, sync_lineup
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.engine import bring_up
from ftarena.serving.contestants import Contestant, Message, served_name
from ftarena.serving.engine import list_engines
from ftarena.serving.pool import EnginePool
from ftarena.store import Store
from ftarena.text import clean_text
from ftarena.workspace import Workspace


@dataclass
class _Side:
    name: str
    contestant: Contestant
    pieces: "asyncio.Queue[str | None]" = field(default_factory=asyncio.Queue)
    text: str = ""
    finish_reason: str | None = None
    n_tokens: int | None = None
    seconds: float = 0.0
    error: FtarenaError | None = None


def chat(
    workspace: Workspace,
    database: Path,
    *,
    left: str,
    right: str | None,
    prompt: str,
    as_json: bool = False,
    out: TextIO | None = None,
) -> int:
    """Ask two contestants the same and print both answers. An engine that is not up is started.

    Args:
        workspace: The project.
        database: Where its contestants are.
        left: Name of the first, or `run:ID`.
        right: Name of the second, or `run:ID`; `None` is the newest other one, if there is any.
        prompt: What to ask; `-` reads standard input.
        as_json: Print one JSON object, with the texts as the models wrote them.
        out: Where to; standard output by default.

    Returns:
        The exit code: 1 if one of them could not answer, else 0.

    Raises:
        FtarenaError: A contestant is unknown, or its engine cannot be brought up.
    """
    turns = [Message(role="user", content=_question(prompt))]
    sides = _sides(workspace, database, left, right)
    for model in dict.fromkeys(side.contestant.model for side in sides if not side.contestant.endpoint):
        bring_up(workspace, model)
    asyncio.run(_ask(workspace, sides, turns, None if as_json else Console(file=out, highlight=False)))
    if as_json:
        value = {"prompt": [turn.model_dump() for turn in turns], "answers": [_plain(side) for side in sides]}
        print(json.dumps(value, indent=2), file=out or sys.stdout)
    return int(any(side.error for side in sides))


def _question(prompt: str) -> str:
    text = sys.stdin.read() if prompt == "-" else prompt
    if not text.strip():
        raise UsageError("there is no question", "ftarena chat -p 'What uses port 8080?'")
    return text.strip()


def _sides(workspace: Workspace, database: Path, left: str, right: str | None) -> list[_Side]:
    with Store.open(database) as store:
        known = sync_lineup(store, workspace)
        if not known and left == "base" and right is None:
            return [_Side("base", _lone_base(workspace))]
        first = find_contestant(store, workspace, left)
        others = [row for row in known if row.id != first.id]
        second = find_contestant(store, workspace, right) if right else next(reversed(others), None)
        rows = [first, second] if second is not None else [first]
        return [_Side(row.name, contestant_of(row)) for row in rows]


def _lone_base(workspace: Workspace) -> Contestant:
    """Return the base model of a project in which nothing was trained yet: its engine's, or the demo's."""
    engines = list_engines(workspace)
    model = str(engines[0].model_path) if engines else "demo:smollm2"
    return Contestant(model=model, sampling=default_sampling(model))


async def _ask(
    workspace: Workspace, sides: Sequence[_Side], turns: Sequence[Message], console: Console | None
) -> None:
    pool = EnginePool(workspace)
    answering = [asyncio.create_task(_answer(pool, side, turns)) for side in sides]
    try:
        for side in sides:
            await _print_answer(side, console)
    finally:
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)
        await pool.aclose()


async def _answer(pool: EnginePool, side: _Side, turns: Sequence[Message]) -> None:
    contestant = side.contestant
    began = asyncio.get_running_loop().time()
    try:
        client = await pool.client_for(contestant)
        stream = client.stream(served_name(contestant), contestant.messages(turns), contestant.sampling)
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                side.text += chunk.text
                side.finish_reason = chunk.finish_reason or side.finish_reason
                side.n_tokens = chunk.n_tokens if chunk.n_tokens is not None else side.n_tokens
                side.seconds = asyncio.get_running_loop().time() - began
                side.pieces.put_nowait(chunk.text)
    except FtarenaError as error:
        side.error = error
    finally:
        side.pieces.put_nowait(None)


async def _print_answer(side: _Side, console: Console | None) -> None:
    """Print one side as it comes; without a console only wait for its end."""
    if console is not None:
        console.print(Text(f"{clean_text(side.name)}:", style="bold"))
    begun = False
    while (piece := await side.pieces.get()) is not None:
        # Many models open with a stray space or line break: left out here, kept in what is stored.
        text = piece if begun else piece.lstrip()
        if text and console is not None:
            begun = True
            console.print(Text(clean_text(text)), end="", soft_wrap=True)
    if console is None:
        return
    if begun:
        console.print()
    if side.error is not None:
        console.print(Text(clean_text(f"could not answer: {side.error}"), style="bold red"), soft_wrap=True)
    else:
        console.print(Text(_figures(side), style="dim"))
    console.print()


def _figures(side: _Side) -> str:
    words = [] if side.n_tokens is None else [f"{side.n_tokens} tokens"]
    words.append(f"{side.seconds:.1f} s")
    if side.finish_reason == "length":
        words.append("cut at the length limit")
    return f"[{', '.join(words)}]"


def _plain(side: _Side) -> dict[str, Any]:
    return {
        "contestant": side.name,
        "id": side.contestant.id,
        "text": side.text,
        "finish_reason": side.finish_reason,
        "n_tokens": side.n_tokens,
        "elapsed_s": round(side.seconds, 3),
        "error": side.error.message if side.error else None,
    }
