"""Scores: numbers, verdict and the battles behind them, kept up to date."""

import csv
import json
from pathlib import Path

import pytest

from ftarena.arena import Arena
from ftarena.store import Store
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.workspace import Workspace

from .support import LARGE, NAMES, SMALL, fill, make_desk, screen_text, shows


def import_votes(workspace: Workspace, rows: list[tuple[str, str, str]]) -> None:
    """Import a file of votes."""
    from ftarena.store.imports import import_votes_csv

    workspace.ensure()
    path = workspace.root / "votes.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("a", "b", "outcome"), *rows])
    with Store.open(workspace.database) as store:
        import_votes_csv(store, path)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_numbers_and_verdict(workspace: Workspace, size: tuple[int, int]) -> None:
    """I see who is ahead, by how much, how sure that is, and ties and both bad apart."""
    votes = [("new", "old", "a")] * 24 + [("old", "new", "a")] * 4 + [("new", "old", "tie")] * 3
    import_votes(workspace, [*votes, ("new", "old", "both_bad")])
    app = FtarenaApp(make_desk(workspace), "scores")
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "new is better: decided after")
        text = screen_text(app)
        assert "new against old" in text
        assert "86 %" in text and "24 won · 4 lost · 3 ties · 1 both bad" in text
        assert "32 votes by 1 labeler" in text and "├" in text and "●" in text
        await pilot.press("g")
        await shows(pilot, "at all looks together")
        await pilot.press("g", "enter")
        await shows(pilot, "32 decided battles")
        await shows(pilot, "its file holds no answers")


async def test_it_keeps_up(desk: Desk) -> None:
    """Somebody votes elsewhere: the numbers follow by themselves; without votes nothing is computed again."""
    app = FtarenaApp(desk, "scores")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "No votes yet")
        with Store.open(desk.workspace.database) as store:
            arena = Arena(store, labeler="ben")
            battle = arena.next()
            assert battle is not None
            arena.vote(battle.id, "left", elapsed_ms=1)
        app.screen.look()  # type: ignore[attr-defined]  # ScoresScreen; else it looks every two seconds
        await shows(pilot, "1 vote by 1 labeler")
        before = app.screen.report  # type: ignore[attr-defined]
        app.screen.look()  # type: ignore[attr-defined]
        await pilot.pause(0.1)
        assert app.screen.report is before  # type: ignore[attr-defined]


async def test_battles_behind_a_number(desk: Desk) -> None:
    """enter shows the decided battles with names and answers, but not the one I still have to decide."""
    with Store.open(desk.workspace.database) as store:
        arenas = {name: Arena(store, labeler=name, names_shown="end") for name in ("ana", "ben")}
        open_battle = arenas["ana"].next()
        assert open_battle is not None
        while (battle := arenas["ben"].next()) is not None:
            arenas["ben"].vote(battle.id, "left", elapsed_ms=1)
    app = FtarenaApp(desk, "scores")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "6 votes by 1 labeler")
        seen = 0
        for _ in range(3):
            await pilot.press("enter")
            await shows(pilot, "newest first")
            text = screen_text(app)
            seen += sum(line.count(" ben ") for line in text.splitlines())
            assert "● better" in text
            await pilot.press("escape")
            await shows(pilot, "win rate")
            await pilot.press("j")
        assert seen == 5


async def test_battles_that_i_still_have_before_me(desk: Desk) -> None:
    """Where all battles of a number are still before me I am told so, and see no empty list."""
    with Store.open(desk.workspace.database) as store:
        arenas = {name: Arena(store, labeler=name, names_shown="end") for name in ("ana", "ben")}
        assert arenas["ana"].next() is not None
        [(one, two, prompt)] = store.rows("SELECT left_id, right_id, prompt_id FROM battles")
        while (battle := arenas["ben"].next()) is not None:
            [(left, right, asked)] = store.rows(
                "SELECT left_id, right_id, prompt_id FROM battles WHERE id = ?", (battle.id,)
            )
            if ({left, right}, asked) == ({one, two}, prompt):
                arenas["ben"].vote(battle.id, "left", elapsed_ms=1)
            else:
                arenas["ben"].skip(battle.id)
    app = FtarenaApp(desk, "scores")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "1 vote by 1 labeler")
        await pilot.press("enter")
        await shows(pilot, "1 left out: you still have them before you")
        assert "newest first" not in screen_text(app)


async def test_export(desk: Desk) -> None:
    """e writes preference pairs or votes into a file of mine, and says where."""
    with Store.open(desk.workspace.database) as store:
        arena = Arena(store, labeler="ana", names_shown="end")
        while (battle := arena.next()) is not None:
            arena.vote(battle.id, "right", elapsed_ms=1)
    app = FtarenaApp(desk, "scores")
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        await shows(pilot, "6 votes")
        for key, said in (("d", "6 pairs: "), ("c", "6 votes: "), ("j", "6 votes: ")):
            await pilot.press("e")
            await shows(pilot, "preference pairs for DPO")
            await pilot.press(key)
            await shows(pilot, said)
    files = sorted(path for path in (desk.workspace.root / "exports").iterdir() if path.suffix != ".json")
    assert [path.suffix for path in files] == [".jsonl", ".csv", ".jsonl"]
    pair = json.loads(files[0].read_text().splitlines()[0])
    assert set(pair) >= {"prompt", "chosen", "rejected"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)


async def test_hostile_names(workspace: Workspace) -> None:
    """A file of votes may name anything: it is shown as text."""
    evil, worse = "[@click=app.quit]x[/]\x1b]0;t\x07", "[/ 日本語" + "w" * 200
    import_votes(workspace, [(evil, worse, "a"), (worse, evil, "b"), (evil, "third", "tie")])
    app = FtarenaApp(make_desk(workspace), "scores")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "[@click=app.quit]x[/]")
        await pilot.press("g", "g", "j", "enter")
        await shows(pilot, "newest first")
        for strip in app.screen._compositor.render_strips(app.screen.size):
            assert not [c for c in strip.text if ord(c) < 32 or 0x7F <= ord(c) < 0xA0]
            assert not any(s.style and s.style.meta.get("@click") for s in strip)


async def test_hidden_names_stay_out(desk: Desk) -> None:
    """I asked to compare two of three: the scores are about these two."""
    with Store.open(desk.workspace.database) as store:
        arena = Arena(store, labeler="ana", names_shown="end")
        while (battle := arena.next()) is not None:
            arena.vote(battle.id, "right", elapsed_ms=1)
    app = FtarenaApp(make_desk(desk.workspace, contestants=list(NAMES[:2])), "scores")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "2 votes by 1 labeler")
        assert NAMES[2] not in screen_text(app)


async def test_a_broken_database(workspace: Workspace) -> None:
    """The file is no database: I am told so and what to do, in a notice, and the program goes on."""
    workspace.ensure()
    Path(workspace.database).write_bytes(b"not a database" * 100)
    app = FtarenaApp(make_desk(workspace), "scores")
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        await shows(pilot, "not a database")
        await pilot.pause(0.1)
        app.screen.look()  # type: ignore[attr-defined]
        await pilot.pause(0.1)
        assert screen_text(app).count("not a database") == 1
        await pilot.press("4")
        await shows(pilot, "No runs yet")


def test_fill_is_there(workspace: Workspace) -> None:
    """The project that these tests vote on has what they count on."""
    fill(workspace)
    with Store.open(workspace.database) as store:
        assert len(store.contestants()) == 3 and len(store.prompts()) == 2
