"""Draws the pictures of the five places: `docs/screens/*.svg`, from a small project made here.

    python docs/make_screens.py            all of them
    python docs/make_screens.py scores     those whose names begin so

No engine and no training run: answers, votes, figures and the data with its flaws are made up in this file
(the questions are those of `data/demo`), seeded, so that the pictures change only when the interface does.
The tokens are those of the demo's model, which is made ready first (half a minute, once).
"""

import asyncio
import json
import math
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from ftarena.arena import Arena, add_contestant
from ftarena.arena.questions.categories import add_categories
from ftarena.recipes.models import resolve_model
from ftarena.serving.contestants import Contestant, Message, Sampling
from ftarena.serving.protocol import Chunk
from ftarena.serving.status import EngineState, EngineStatus
from ftarena.store import Store
from ftarena.training.guards import Guard
from ftarena.training.models import prepare_model
from ftarena.training.runs import list_runs
from ftarena.tui import app as app_module
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.tui.screens.data import DataScreen
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.panes import Panes
from ftarena.tui.widgets.row_list import RowList
from ftarena.workspace import Workspace

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from made_runs import REMEMBERS, make_run  # noqa: E402  # the tests' own, found by the line above

SIZE = (120, 34)
READY = EngineStatus(EngineState.READY, "", "", None, None, None, None, (), None, Path("model"))
STRENGTH = {"base": 0.0, "sft-1": 1.5, "dpo-1": 1.9}
LABELERS = ("ana", "ben")
RUNS = {
    "runs": ((), SIZE),
    "runs-alarm": (("j", "j"), SIZE),
    "runs-overlay": (("j", "o", "enter"), SIZE),
    "runs-small": (("j", "j"), (80, 24)),
    "runs-large": (("m", "m", "m"), (200, 60)),
}
"""Pictures of Runs: the keys that are pressed, and the size of the terminal."""

SCORES = {
    "scores": ((), SIZE),
    "scores-small": (("j",), (80, 24)),
    "scores-length": (("l",), (200, 50)),
    "scores-head-to-head": (("h",), SIZE),
    "scores-categories": (("c",), (100, 24)),
    "scores-labelers": (("a",), (100, 24)),
    "scores-battles": (("enter",), (88, 34)),
}
"""Pictures of Scores: the keys that are pressed, and the size of the terminal."""

HELD_OUT = Guard(name="overfitting", verdict="ok", words="held-out loss 2.90 → 1.43, lowest at the end")
STOPS = Guard(name="stopping", verdict="ok", words="19 of 20 answers end by themselves")
OVERFITS = Guard(
    name="overfitting",
    verdict="alarm",
    words="held-out loss +1.54 (1.75 → 3.29) since step 111: it overfits",
    figures={"since_step": 111, "delta_nats": 1.54},
    remedies=("train for less long: num_train_epochs: 2", "use the best checkpoint: step 111 is kept"),
)
FORGETS = Guard(
    name="forgetting",
    verdict="alarm",
    words="general loss +0.31 (2.60 → 2.91), 4.0 σ: it forgot",
    figures={"delta_nats": 0.31, "sigmas": 4.0},
    remedies=("replay what the base answers: replay_dataset: self, replay_ratio: 0.1",),
)

CHATTY = (
    "There are several ways to do this. First, you should open a terminal. Then you can use the command "
    "line to find what you are looking for.\n\nHere are some options you could try:\n\n"
    "1. **Use the graphical tool** of your system.\n2. **Use the command line**, which is more flexible.\n"
    "3. Ask your administrator for help.\n\n"
    "I hope this helps! Let me know if you have any other questions."
)
QUESTION = "how do I see which process uses port 8080?"
ANSWERS = {
    None: "There are several ways to find out which process is listening on a port. First you should open a "
    "terminal. Then you can use the `netstat` command, which shows **all** the network connections of your "
    "computer:\n\n```\nnetstat -a\n```\n\nThis will give you a long list. Look for the number 8080 in it, "
    "and then search for the name of the program on the internet.",
    "dpo-1": "```\nss -ltnp 'sport = :8080'\n```\nLists the process listening on port 8080.",
}


class Client:
    """Answers at once."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def stream(
        self, model: str, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncIterator[Chunk]:
        """Yield the whole answer."""
        yield Chunk(self._text, "stop", len(self._text.split()) * 3 // 2)


class EngineStandIn:
    """Always ready."""

    def status(self) -> EngineStatus:
        """Return that it is ready."""
        return READY


class PoolStandIn:
    """An engine that needs no model."""

    def engine_for(self, contestant: Contestant) -> EngineStandIn:
        """Return the engine."""
        return EngineStandIn()

    async def client_for(self, contestant: Contestant) -> Client:
        """Return a client with this contestant's answer."""
        return Client(ANSWERS.get(contestant.adapter, ANSWERS["dpo-1"]))

    async def aclose(self) -> None:
        """Nothing is open."""


def make_project(workspace: Workspace) -> None:
    """Fill a project: three contestants, the demo's questions, 160 votes of two people, three runs."""
    workspace.ensure()
    lines = (HERE.parent / "data" / "demo" / "heldout.jsonl").read_text(encoding="utf-8").splitlines()
    examples = [json.loads(line) for line in lines]
    rng = random.Random(3)
    with Store.open(workspace.database) as store:
        rows = {
            name: add_contestant(
                store, name, Contestant(model="demo:smollm2", adapter=None if name == "base" else name)
            )
            for name in STRENGTH
        }
        ids = store.add_prompts(
            [([("user", e["prompt"][-1]["content"])], e["reference"]) for e in examples], "heldout"
        )
        for prompt_id, example in zip(ids, examples, strict=True):
            reference = str(example["reference"])
            command = reference.rpartition("\n")[0]
            for name, text in (("base", CHATTY), ("sft-1", f"{command}\nDoes that."), ("dpo-1", reference)):
                store.add_answer(rows[name].id, prompt_id, text, n_tokens=len(text) // 4)
        add_categories(store, {i: [category_of(e)] for i, e in zip(ids, examples, strict=True)})
        for labeler in LABELERS:
            vote(Arena(store, labeler=labeler, rng=rng), store, rng)
    make_runs(workspace)


def category_of(example: dict[str, Any]) -> str:
    """Return what a question is about, by the words of its answer."""
    words = {
        "files": ("find ", "ls ", "cp ", "rm ", "tar ", "mv "),
        "text": ("sed ", "awk ", "grep ", "sort "),
    }
    reference = str(example["reference"])
    return next((name for name, some in words.items() if any(word in reference for word in some)), "system")


def vote(arena: Arena, store: Store, rng: random.Random) -> None:
    """Cast 80 votes as somebody would who mostly, not always, prefers the stronger one."""
    for _ in range(80):
        battle = arena.next()
        if battle is None:
            return
        row = store.ballots.battle(battle.id)
        assert row is not None
        # What both labelers see in these two answers, so that they agree as people do.
        seen = random.Random(f"{row.prompt_id} {sorted((row.left, row.right))}").gauss(0, 2.5)
        ahead = STRENGTH[row.left] - STRENGTH[row.right] + (seen if row.left < row.right else -seen)
        chance = rng.random()
        outcome = "left" if rng.random() < 1 / (1 + math.exp(-ahead)) else "right"
        arena.vote(
            battle.id,
            "tie" if chance < 0.1 else "both_bad" if chance < 0.15 else outcome,
            elapsed_ms=int(seen * 400) + (5200 if arena.labeler == "ana" else 3400),
        )


def make_runs(workspace: Workspace) -> None:
    """Write the folders of three runs: one that goes on, one in which all went well, one that overfits."""
    make_run(
        workspace, "sft-1", "finished", step=132, total=132, started_at=2.0, planned_bytes=1.5e9,
        guards=[HELD_OUT, REMEMBERS, STOPS], checkpoints=[88, 110, 132], best=132,
    )  # fmt: skip
    make_run(
        workspace, "sft-5-epochs", "finished", step=300, total=300, started_at=1.0, planned_bytes=1.5e9,
        overfit_from=110, guards=[OVERFITS, FORGETS, STOPS], checkpoints=[111, 296, 300], best=111,
    )  # fmt: skip
    make_run(
        workspace, "dpo-2", step=73, total=100, method="dpo", started_at=3.0, eta_s=118.0,
        planned_bytes=1.5e9, guards=[REMEMBERS], checkpoints=[48, 60, 72], best=72,
    )  # fmt: skip


def plant(folder: Path) -> Path:
    """Write a file of examples in which some things are wrong, as they are in files that people have."""
    lines = (HERE.parent / "data" / "demo" / "sft.jsonl").read_text(encoding="utf-8").splitlines()[:200]
    rng = random.Random(5)
    rows = [json.loads(line) for line in lines]
    question = {"role": "user", "content": "How do I follow a log file while it grows?"}

    def answered(text: str) -> dict[str, object]:
        return {"messages": [question, {"role": "assistant", "content": text}]}

    rows += rng.sample(rows, 7)
    rows[17] = answered("<|im_start|>assistant\n```\ntail -f app.log\n```<|im_end|>")
    rows[60] = answered("```\ntail -F app.log\n```\nShows what is appended, also after the log was rotated.")
    rows[61] = answered("```\nless +F app.log\n```\nFollows the file; ctrl+c stops, and one can scroll back.")
    rows[88] = answered("Ask ops@example-shop.de for access, then use `ssh -i key.pem web-1`.")
    rows[120]["messages"][-1]["content"] = " "
    rows[150]["messages"][0]["role"] = "human"
    written = [json.dumps(row, ensure_ascii=False) for row in rows]
    written[40] = written[40][:90]
    path = folder / "helper.jsonl"
    path.write_text("".join(line + "\n" for line in written), encoding="utf-8")
    return path


async def draw_data(workspace: Workspace, data: str, tokens: bool, out: Path) -> None:
    """Open a file in Data, choose a finding, and write what is seen."""
    app = FtarenaApp(Desk(workspace, workspace.database, "ana"), "data", [data])
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        assert isinstance(screen, DataScreen)
        while screen.bench.report is None:
            await pilot.pause(0.1)
        await pilot.pause(0.5)
        kinds = screen.query_one("#codes", RowList)
        assert kinds.go_to("template-token" if tokens else "contradiction")
        await pilot.pause(0.5)
        await pilot.press(*("v" if tokens else "t"))
        await pilot.pause(3.0 if tokens else 1.0)
        out.write_text(app.export_screenshot(title="ftarena: data"), encoding="utf-8")


async def draw_keys(
    workspace: Workspace, place: str, keys: Sequence[str], size: tuple[int, int], out: Path
) -> None:
    """Open a place, press keys, and write what is seen."""
    app = FtarenaApp(Desk(workspace, workspace.database, "ana"), place)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(1.5)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(1.0)
        out.write_text(app.export_screenshot(title=f"ftarena: {place}"), encoding="utf-8")


async def draw(workspace: Workspace, place: str, out: Path) -> None:
    """Open a place, do what a person would do there, and write what is seen."""
    desk = Desk(workspace, workspace.database, "cleo" if place == "vote" else "ana")
    desk.pool = PoolStandIn()  # type: ignore[assignment]  # has what the desk asks of a pool
    app = FtarenaApp(desk, place)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(1.0)
        if place == "chat":
            await pilot.press(*QUESTION, "enter")
            await pilot.pause(1.0)
            panes = app.screen.query_one(Panes)
            assert panes.conversation is not None
            for side, seconds in zip(panes.conversation.sides, (2.4, 0.9), strict=True):
                side.began, side.first_at, side.ended = 0.0, 0.1, seconds
            panes.write_titles()
        elif place == "vote":
            await pilot.press("b")
            await pilot.pause(1.0)
        await pilot.pause(0.5)
        out.write_text(app.export_screenshot(title=f"ftarena: {place}"), encoding="utf-8")


def main() -> None:
    """Draw all places, or those that are asked for."""
    out = HERE / "screens"
    out.mkdir(exist_ok=True)

    def asked(name: str) -> bool:
        return len(sys.argv) < 2 or any(name.startswith(begin) for begin in sys.argv[1:])

    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "demo" / ".ftarena")
        make_project(workspace)
        os.chdir(workspace.root.parent)  # so that paths in the pictures are short and the same each time
        situation = Situation((READY,), tuple(list_runs(workspace)))
        app_module.look = lambda workspace: situation
        # The arena draws battles by the system's chance; here the same ones each time.
        random.SystemRandom = lambda: random.Random(5)  # type: ignore[assignment,misc]  # a class, called
        for place, pictures in (("runs", RUNS), ("scores", SCORES)):
            for name, (keys, size) in pictures.items():
                if asked(name):
                    asyncio.run(draw_keys(workspace, place, keys, size, out / f"{name}.svg"))
                    print(out / f"{name}.svg")
        for place in filter(asked, ("chat", "vote")):
            asyncio.run(draw(workspace, place, out / f"{place}.svg"))
            print(out / f"{place}.svg")
        if not asked("data"):
            return
        prepare_model(resolve_model("demo:smollm2"), print)
        plain = Workspace(workspace.root.parent / "data" / ".ftarena")  # no votes: its prompts would be leaks
        data = plant(workspace.root.parent)
        for name, tokens in (("data", False), ("data-tokens", True)):
            asyncio.run(draw_data(plain, data.name, tokens, out / f"{name}.svg"))
            print(out / f"{name}.svg")


if __name__ == "__main__":
    main()
