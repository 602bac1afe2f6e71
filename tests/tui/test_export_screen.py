"""The dialog that writes votes into files of mine, with how sure one must be of each example."""

import json

from ftarena.arena import Arena
from ftarena.store import Store
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk

from .support import LARGE, shows


async def test_export_with_what_is_asked(desk: Desk) -> None:
    """a asks for more agreement, o holds out prompts, and k, h and d obey both."""
    with Store.open(desk.workspace.database) as store:
        arena = Arena(store, labeler="ana", names_shown="end")
        while (battle := arena.next()) is not None:
            arena.vote(battle.id, "both_bad", elapsed_ms=1)
    app = FtarenaApp(desk, "scores")
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        await shows(pilot, "6 votes")
        await pilot.press("e")
        await shows(pilot, "a majority of the votes")
        await pilot.press("a", "a", "o")
        await shows(pilot, "70 % of the votes")
        await shows(pilot, "10 % of the prompts are held out")
        await pilot.press("k")
        await shows(pilot, "answers, ")
        await pilot.press("e")
        await shows(pilot, "a majority of the votes")
        await pilot.press("h")
        await shows(pilot, "0 pairs and ")
    files = {path.name.partition("-")[0]: path for path in (desk.workspace.root / "exports").iterdir()}
    assert sorted(files) == ["answers", "votes"]
    assert (files["votes"] / "data" / "kto-train.jsonl").is_file()
    [manifest] = (desk.workspace.root / "exports").glob("answers-*.manifest.json")
    assert json.loads(manifest.read_text())["filters"]["agreement"] == 0.7
