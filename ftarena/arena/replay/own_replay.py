"""`replay_dataset: self` in a recipe: the base's own answers, drawn before the run begins and named in it.

The run's recipe then names a file like any other, with its hash in the run's `data.lock.json`. The same
model, prompts and number of rows are drawn once in a workspace.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from ftarena.arena.replay.replaying import SAMPLING, Order, draw, prompts_file
from ftarena.curation.reading import SHAPES_FOR
from ftarena.curation.sets.mixing import replay_rows
from ftarena.errors import FtarenaError, UsageError
from ftarena.recipes.data_entries import DataEntry, path_of, self_prompts
from ftarena.recipes.models import resolve_model
from ftarena.recipes.schema import Recipe
from ftarena.serving.client import EngineClient
from ftarena.serving.engine import Engine
from ftarena.training.data import drawn_later, load_data
from ftarena.training.models import prepare_model
from ftarena.workspace import Workspace, make_private

MOST_ROWS = 2000
"""Answers drawn unless the recipe names a number (`self#5000`): more cost hours and are seldom needed."""

_UNLIMITED = 1 << 40


def draws_own_replay(recipe: Recipe) -> bool:
    """Return whether a recipe wants the base model's own answers."""
    return any(drawn_later(entry) for entry in recipe.replay_dataset)


def with_own_replay(
    recipe: Recipe, workspace: Workspace, wake: Callable[[], object], tell: Callable[[str], None]
) -> Recipe:
    """Return a recipe whose `self` is a file of the base's answers, drawing them where they are not there.

    Args:
        recipe: Resolved.
        workspace: Where the answers are kept and whose engine is asked.
        wake: Wakes sleeping engines, where nothing trains.
        tell: Told what is done.

    Raises:
        UsageError: The method cannot train on answers.
        FtarenaError: The engine cannot start, or sleeps because a run trains.
    """
    if not draws_own_replay(recipe):
        return recipe
    if "messages" not in SHAPES_FOR[recipe.method]:
        raise UsageError(
            f"replay_dataset: self gives answers, and {recipe.method} does not train on answers",
            "leave it out; a small learning_rate and few steps are what keeps such a run near its base",
        )
    entries: list[str | DataEntry] = []
    for entry in recipe.replay_dataset:
        prompts = _prompts(entry)
        entries.append(
            entry
            if prompts is None
            else str(_drawn(recipe, prompts, _count(entry, recipe), workspace, wake, tell))
        )
    return recipe.model_copy(update={"replay_dataset": entries})


def _prompts(entry: str | DataEntry) -> str | None:
    return self_prompts(path_of(entry)[0])


def _count(entry: str | DataEntry, recipe: Recipe) -> int:
    """Return how many rows to draw: what the entry says, else what the ratio asks for."""
    most = path_of(entry)[1]
    if most is not None:
        return most
    bare = recipe.model_copy(update={"replay_dataset": [], "replay_ratio": None})
    wanted = replay_rows(len(load_data(bare).train), recipe.replay_ratio or 0.05, _UNLIMITED)
    return max(min(wanted, MOST_ROWS), 1)


def _drawn(
    recipe: Recipe,
    prompts: str,
    count: int,
    workspace: Workspace,
    wake: Callable[[], object],
    tell: Callable[[str], None],
) -> Path:
    # Question and answer have to fit into the run's examples; half of one is the answer's.
    limit = max(min(SAMPLING.max_tokens, recipe.max_length // 2), 1)
    sampling = SAMPLING.model_copy(update={"max_tokens": limit})
    order = Order(recipe.model_name_or_path, prompts_file(prompts), count, sampling, recipe.seed)
    make_private(workspace.root / "replay")
    path = workspace.root / "replay" / f"self-{order.key}.jsonl"
    if path.is_file():
        return path
    _ask_engine(recipe, order, path, workspace, wake, tell)
    return path


def _ask_engine(
    recipe: Recipe,
    order: Order,
    path: Path,
    workspace: Workspace,
    wake: Callable[[], object],
    tell: Callable[[str], None],
) -> None:
    model = prepare_model(resolve_model(recipe.model_name_or_path), tell)
    engine = Engine(workspace, model)
    engine.start()
    say = _once(tell)
    engine.wait_ready(on_progress=lambda now: say(f"engine: {now.message}"))
    wake()
    status = engine.status()
    if status.asleep or status.socket is None:
        raise FtarenaError(
            "replay_dataset: self asks the base model, and its engine is asleep while a run trains",
            "start this one when that has ended; or draw the answers then and name the file: "
            f"ftarena data replay --model {recipe.model_name_or_path} --count {order.count} -o replay.jsonl",
        )

    async def ask() -> None:
        async with EngineClient(socket=status.socket) as client:
            drawn = await draw(
                client,
                order,
                path,
                lambda done, total: say(f"replay: {done * 10 // total * 10} % of {total} answers"),
            )
        tell(f"replay: {drawn.rows} answers of the base, {drawn.cut} cut ones left out")

    asyncio.run(ask())


def _once(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Return a teller that passes on what is not the same as before: what listens may print line by line."""
    last = ""

    def say(line: str) -> None:
        nonlocal last
        if line != last:
            last = line
            tell(line)

    return say
