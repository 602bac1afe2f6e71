"""The loop once round on a project of the demo: votes through the real screen, verdict, improve, vote again.

    cp -a PROJECT /tmp/loop && rm -r /tmp/loop/.ftarena/engines    # where `ftarena demo` has been run
    .venv/bin/python benchmarks/loop.py /tmp/loop

A scripted labeler sits at the place Vote and always prefers the answer of fewer letters. It is a taste that
length control must find out: with tokens held equal little of it should be left. Then `improve` makes the
next run of these votes, and the same labeler compares it blind with its parent, on questions that it was not
trained on. Figures as JSON lines on standard output. On two cores about ten minutes, most of them for
answers.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from ftarena.arena.contestants import contestant_of
from ftarena.arena.improving import bring_in, find_parent, generations, prepare, start
from ftarena.arena.lineup import sync_lineup
from ftarena.arena.questions.queue import AnswerQueue
from ftarena.arena.standings.scoreboard import Asked, standing
from ftarena.scoring.words import summary
from ftarena.serving.pool import EnginePool
from ftarena.store import ContestantRow, PromptRow, Selection, Store
from ftarena.training.jobs import Run
from ftarena.training.runs import read_metrics, read_run
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.tui.screens.vote import VoteScreen
from ftarena.workspace import Workspace

LABELER = "prefers-short"
PAUSE_S = 0.02
PATIENCE_S = 120.0


def say(what: str, **figures: object) -> None:
    """Print one JSON line."""
    print(json.dumps({"what": what, **figures}, ensure_ascii=False), flush=True)


async def answer(
    store: Store, workspace: Workspace, contestants: Sequence[ContestantRow], prompts: Sequence[PromptRow]
) -> None:
    """Let contestants answer prompts by the engine, which is stopped afterwards: training wants the cores."""
    pool = EnginePool(workspace)
    engines = [pool.engine_for(contestant_of(row)) for row in contestants]
    started = time.monotonic()
    for engine in {engine.status().base_model: engine for engine in engines if engine is not None}.values():
        engine.start()
        await asyncio.to_thread(engine.wait_ready, timeout_s=900)
    ready = time.monotonic()
    try:
        made = await AnswerQueue(store, contestants, prompts).fill(pool.client_for, concurrency=8)
    finally:
        await pool.aclose()
    say("answers", made=made, start_s=round(ready - started, 1), s=round(time.monotonic() - ready, 1))
    for engine in engines:
        if engine is not None:
            await asyncio.to_thread(engine.stop)


async def vote(workspace: Workspace, most: int, contestants: Sequence[str] | None = None) -> None:
    """Vote at the place Vote, a key a battle: for the shorter answer, ↓ for two of one length."""
    desk = Desk(workspace, workspace.database, LABELER, contestants)
    app = FtarenaApp(desk, "vote")
    keys: dict[str, int] = {}
    started = time.monotonic()
    async with app.run_test(size=(120, 34)) as pilot:

        async def battle(after: str) -> bool:
            """Wait for another battle than the one decided last."""
            end = time.monotonic() + PATIENCE_S
            while time.monotonic() < end:
                screen = app.screen
                shown = screen.battle if isinstance(screen, VoteScreen) else None
                if shown is not None and shown.id != after:
                    return True
                await pilot.pause(PAUSE_S)
            return False

        last = ""
        while sum(keys.values()) < most and await battle(last):
            shown = app.screen.battle  # type: ignore[attr-defined]  # `battle` has seen that it is VoteScreen
            last = shown.id
            left, right = len(shown.left), len(shown.right)
            key = "down" if left == right else "left" if left < right else "right"
            await pilot.pause(0.2)  # a key is deaf for 0.15 s after it has decided
            await pilot.press(key)
            keys[key] = keys.get(key, 0) + 1
    cast = sum(keys.values())
    say("votes", cast=cast, keys=keys, s_each=round((time.monotonic() - started) / max(cast, 1), 2))


def verdicts(store: Store, what: str, contestants: Sequence[str] | None = None) -> None:
    """Say what the votes say of each pair, as they are and with lengths held equal."""
    selection = Selection(contestants=contestants)
    found = standing(store, Asked(selection, control=("length",)))
    for pair in found.report.pairs:
        say(what, pair=[pair.a, pair.b], wins=pair.wins, losses=pair.losses, ties=pair.ties,
            verdict=pair.verdict, words=summary(pair), on_trained=found.trained)  # fmt: skip
    say(f"{what}, length held equal", style=None if found.style is None else found.style.to_json())


def lengths(store: Store, contestants: Sequence[ContestantRow], prompts: Sequence[PromptRow]) -> None:
    """Say how long the answers are."""
    ids = [prompt.id for prompt in prompts]
    marks = ", ".join("?" * len(ids))
    for row in contestants:
        found = store.rows(
            f"SELECT length(text), n_tokens FROM answers WHERE contestant_id = ? AND prompt_id IN ({marks})",
            [row.id, *ids],
        )
        if found:
            say("length", contestant=row.name, answers=len(found),
                mean_characters=round(statistics.mean(letters for letters, _ in found), 1),
                mean_tokens=round(statistics.mean(tokens or 0 for _, tokens in found), 1))  # fmt: skip


def improve(store: Store, workspace: Workspace) -> tuple[Run, ContestantRow, ContestantRow]:
    """Make the next run of the votes and wait for it; return it, its contestant and its parent's."""
    # The exam would take the cores from the answers that follow.
    wishes = {"examine": "false"}
    improvement = prepare(
        store, workspace, find_parent(store, workspace, None, Selection()), overrides=wishes
    )
    say("improve", **improvement.to_json())
    started = time.monotonic()
    run = start(improvement)
    while not (run := read_run(run.directory)).state.ended:
        time.sleep(1.0)
    rows = [row for row in read_metrics(run) if "eval_loss" in row]
    course = {
        key: [round(row[key], 4) for row in rows if key in row] for key in ("eval_loss", "general_loss")
    }
    say("trained", run=run.id, state=str(run.state), s=round(time.monotonic() - started, 1), **course)
    return run, *bring_in(store, improvement, run)


async def main() -> None:
    """Go round once."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("project", type=Path, help="A copy of a folder in which the demo has been run.")
    parser.add_argument("--votes", type=int, default=40)
    parser.add_argument("--after", type=int, default=24, help="Votes on the child against its parent.")
    asked = parser.parse_args()
    workspace = Workspace.find(asked.project)
    with Store.open(workspace.database) as store:
        everybody = sync_lineup(store, workspace)
        pairs = len(everybody) * (len(everybody) - 1) // 2
        prompts = store.prompts()
        first = prompts[: -(-asked.votes // pairs)]
        await answer(store, workspace, everybody, first)
        lengths(store, everybody, first)
        await vote(workspace, asked.votes)
        verdicts(store, "verdict")
        run, child, parent = improve(store, workspace)
        fresh = prompts[len(first) : len(first) + asked.after]
        await answer(store, workspace, [child, parent], fresh)
        lengths(store, [child, parent], fresh)
        await vote(workspace, asked.after, [child.name, parent.name])
        verdicts(store, "child against parent", [child.name, parent.name])
        tree = [one.to_json() for one in generations(store, workspace)]
        say("generations", tree=tree, youngest=run.id)


if __name__ == "__main__":
    asyncio.run(main())
