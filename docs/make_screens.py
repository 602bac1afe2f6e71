"""Draws the pictures of the five places: `docs/screens/*.svg`, from a small project made here.

    python docs/make_screens.py

No engine and no training run: answers, votes, figures and the data with its flaws are made up in this file
(the questions are those of `data/demo`), seeded, so that the pictures change only when the interface does.
The tokens are those of the demo's model, which is made ready first (half a minute, once).
"""

import asyncio
import json
import math
import os
import random
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from ftarena.arena import Arena, add_contestant
from ftarena.processes import ProcessIdentity
from ftarena.recipes.models import resolve_model
from ftarena.serving.contestants import Contestant, Message, Sampling
from ftarena.serving.protocol import Chunk
from ftarena.serving.status import EngineState, EngineStatus
from ftarena.store import Store
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
SIZE = (120, 34)
READY = EngineStatus(EngineState.READY, "", "", None, None, None, None, (), None, Path("model"))
STRENGTH = {"base": 0.0, "sft-1": 1.5, "dpo-1": 1.9}
LABELERS = ("ana", "ben")

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
    """Fill a project: three contestants, the demo's questions, 160 votes of two people, two runs."""
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
                store.add_answer(rows[name].id, prompt_id, text)
        for labeler in LABELERS:
            vote(Arena(store, labeler=labeler, rng=rng), store, rng)
    make_run(workspace, "sft-1", "finished", 132, 132, 2.91, 1.43, days_ago=2)
    make_run(workspace, "dpo-2", "training", 73, 100, 2.2, 1.6, days_ago=1)


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
            battle.id, "tie" if chance < 0.1 else "both_bad" if chance < 0.15 else outcome, elapsed_ms=4000
        )


def make_run(
    workspace: Workspace,
    name: str,
    state: str,
    step: int,
    total: int,
    first: float,
    last: float,
    days_ago: int,
) -> None:
    """Write the folder of a run, as its worker would."""
    folder = workspace.runs / f"{name}-2026010{9 - days_ago}-101500"
    folder.mkdir(parents=True)
    me = ProcessIdentity.current()
    rng = random.Random(name)

    def loss(at: int, end: float) -> float:
        return end + (first - end) * math.exp(-4 * at / total)

    rows = [{"step": s, "loss": loss(s, last - 0.2) + rng.gauss(0, 0.06)} for s in range(1, step + 1)]
    rows += [{"step": s, "eval_loss": loss(s, last)} for s in range(0, step + 1, max(total // 8, 1))]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "log.txt").write_text(
        "".join(
            f"step {s:>3}  loss {loss(s, last - 0.2):.3f}  126 tokens/s\n" for s in range(step - 20, step + 1)
        )
    )
    status = {
        "state": state, "name": name, "method": name.partition("-")[0], "base_model": "demo:smollm2",
        "step": step, "total_steps": total, "eta_s": 118.0, "started_at": 1.0 - days_ago, "updated_at": 2.0,
        "pid": me.pid, "started": me.started, "message": "",
        "metrics": {"loss": loss(step, last - 0.2), "eval_loss": loss(step, last), "tokens_per_s": 126.0},
    }  # fmt: skip
    (folder / "status.json").write_text(json.dumps(status))


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
    """Draw all places."""
    out = HERE / "screens"
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "demo" / ".ftarena")
        make_project(workspace)
        os.chdir(workspace.root.parent)  # so that paths in the pictures are short and the same each time
        situation = Situation((READY,), tuple(list_runs(workspace)))
        app_module.look = lambda workspace: situation
        # The arena draws battles by the system's chance; here the same ones each time.
        random.SystemRandom = lambda: random.Random(5)  # type: ignore[assignment,misc]  # a class, called
        for place in ("chat", "scores", "runs", "vote"):
            asyncio.run(draw(workspace, place, out / f"{place}.svg"))
            print(out / f"{place}.svg")
        prepare_model(resolve_model("demo:smollm2"), print)
        plain = Workspace(workspace.root.parent / "data" / ".ftarena")  # no votes: its prompts would be leaks
        data = plant(workspace.root.parent)
        for name, tokens in (("data", False), ("data-tokens", True)):
            asyncio.run(draw_data(plain, data.name, tokens, out / f"{name}.svg"))
            print(out / f"{name}.svg")


if __name__ == "__main__":
    main()
