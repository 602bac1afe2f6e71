"""`ftarena data replay`: a base model's own answers to general prompts, as a file to mix in."""

import asyncio
import sys
from pathlib import Path
from typing import TextIO

from ftarena.arena.replay.replaying import PROMPTS, SAMPLING, Order, draw, load_prompts, prompts_file
from ftarena.errors import FtarenaError, UsageError
from ftarena.plain.engine import bring_up
from ftarena.plain.goes_on import told_what_goes_on
from ftarena.plain.progress import Stage, Stages
from ftarena.recipes.models import resolve_model
from ftarena.serving.client import EngineClient
from ftarena.text import clean_line
from ftarena.workspace import Workspace


def replay(
    workspace: Workspace,
    model: str,
    *,
    count: int,
    output: Path,
    prompts: str = PROMPTS,
    temperature: float = SAMPLING.temperature,
    max_tokens: int = SAMPLING.max_tokens,
    seed: int = 42,
    overwrite: bool = False,
    out: TextIO | None = None,
) -> int:
    """Draw answers of a base model, showing how far it is on standard error, and write them.

    Args:
        workspace: The project whose engine answers.
        model: The base model, as in a recipe.
        count: Rows wanted.
        output: The JSONL file to write.
        prompts: A file of prompts, or a built-in set.
        temperature: How it is sampled; 1 is the model's own distribution.
        max_tokens: Length limit of an answer; those that reach it are left out.
        seed: The same seed draws the same answers on the same engine.
        overwrite: Replace `output` where it is there.
        out: Where to say what came of it; standard output by default.

    Raises:
        UsageError: `output` is there, or is no JSONL.
        FtarenaError: The prompts cannot be read, or the engine cannot answer.
    """
    if output.suffix != ".jsonl":
        raise UsageError(f"{output}: the rows are written as JSONL", "give a name that ends in .jsonl")
    if output.exists() and not overwrite:
        raise UsageError(f"{output} is there already", "choose another name, or give --overwrite")
    if not output.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {output.absolute().parent}", "make it first")
    file = prompts_file(prompts)
    load_prompts(file)  # before an engine is waited for
    sampling = SAMPLING.model_copy(update={"temperature": temperature, "max_tokens": max_tokens})
    order = Order(resolve_model(model).name, file, count, sampling, seed)
    engine = bring_up(workspace, model)
    status = engine.status()
    if status.asleep or status.socket is None:
        raise FtarenaError(
            "the engine is asleep while a run trains", "wait for its end: ftarena runs, then repeat this"
        )
    socket = status.socket
    with (
        told_what_goes_on(workspace),
        Stages([Stage("replay", f"{count} answers of {clean_line(order.model)}", None)]) as stages,
        stages.run("replay") as stage,
    ):

        async def ask() -> str:
            async with EngineClient(socket=socket) as client:
                drawn = await draw(
                    client,
                    order,
                    output,
                    lambda done, wanted: stage.update(f"{done} of {wanted}", fraction=done / wanted),
                )
            left = f"; left out: {drawn.cut} cut by the length limit, {drawn.empty} empty or too long"
            rows = f"{drawn.rows} of {count}" if drawn.rows < count else f"{drawn.rows}"
            return f"{output}: {rows} rows{left if drawn.cut or drawn.empty else ''}"

        said = asyncio.run(ask())
    print(clean_line(said), file=out or sys.stdout)
    print(f"Mix it in: replay_dataset: {output}", file=sys.stderr)
    return 0
