"""Vote: one key decides, exactly that is written, and nothing tells names before it."""

import random
from typing import Any

import pytest

from ftarena.arena import Arena
from ftarena.serving.status import EngineState
from ftarena.store import Store
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.tui.screens.vote import VoteScreen
from ftarena.tui.situation import Situation
from ftarena.workspace import Workspace

from .support import (
    LARGE,
    NAMES,
    SMALL,
    FakePool,
    engine_status,
    fill,
    make_desk,
    screen_text,
    shows,
    until,
)


def events(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Return the ballot events as they lie in the file."""
    with Store.open(workspace.database) as store:
        return store.rows("SELECT kind, outcome, battle_id, text FROM ballot_events ORDER BY id")


async def ready(pilot: Any) -> VoteScreen:
    """Wait for the first battle."""
    await until(pilot, lambda: isinstance(pilot.app.screen, VoteScreen) and pilot.app.screen.battle)
    return pilot.app.screen


@pytest.mark.parametrize(
    ("key", "outcome"),
    [
        ("left", "left"), ("a", "left"), ("right", "right"), ("b", "right"),
        ("down", "tie"), ("t", "tie"), ("up", "both_bad"), ("x", "both_bad"),
    ],
)  # fmt: skip
async def test_one_key_decides(desk: Desk, key: str, outcome: str) -> None:
    """I press one key: exactly that vote is kept, and the next battle is there."""
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        first = screen.battle
        assert first is not None
        await pilot.press(key)
        await until(pilot, lambda: screen.battle is not None and screen.battle.id != first.id)
        await shows(pilot, "Last battle: ")
    assert events(desk.workspace) == [("vote", outcome, first.id, None)]


async def test_undo_skip_comment(desk: Desk) -> None:
    """u takes back my last vote or skip and shows that battle again; nothing is ever erased."""
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        first = screen.battle
        assert first is not None
        await pilot.press("a")
        await until(pilot, lambda: screen.battle is not None and screen.battle.id != first.id)
        await pilot.press("u")
        await until(pilot, lambda: screen.battle is not None and screen.battle.id == first.id)
        assert not any(name in screen_text(app) for name in NAMES)
        await pilot.press("s")
        await until(pilot, lambda: screen.battle is not None and screen.battle.id != first.id)
        second = screen.battle
        assert second is not None
        await pilot.press("c")
        await pilot.press(*"both [/] fine", "enter")
        await shows(pilot, "Comment kept")
    assert [(kind, outcome, battle) for kind, outcome, battle, _ in events(desk.workspace)] == [
        ("vote", "left", first.id),
        ("undo", None, first.id),
        ("skip", None, first.id),
        ("comment", None, second.id),
    ]
    assert events(desk.workspace)[-1][3] == "both [/] fine"


async def test_nothing_to_take_back(desk: Desk) -> None:
    """u before any vote says that there is nothing, and writes nothing."""
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        await ready(pilot)
        await pilot.press("u")
        await shows(pilot, "nothing to take back")
    assert events(desk.workspace) == []


async def test_a_held_key_votes_once(desk: Desk) -> None:
    """I hold a key a little too long: only one battle is decided; another key counts at once."""
    now = [100.0]
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        screen.clock = lambda: now[0]
        first = screen.battle
        assert first is not None
        await pilot.press("a")
        await until(pilot, lambda: screen.battle is not None and screen.battle.id != first.id)
        for _ in range(5):  # repeats every 100 ms: each is within 150 ms of the last one
            now[0] += 0.1
            await pilot.press("a")
        assert len(events(desk.workspace)) == 1
        await pilot.press("b")
        await until(pilot, lambda: len(events(desk.workspace)) == 2)
        now[0] += 1.0
        await pilot.press("b")
        await until(pilot, lambda: len(events(desk.workspace)) == 3)


def leaks(app: FtarenaApp) -> list[str]:
    """Return everything about the screen that could tell a name, as text."""
    found = [screen_text(app), str(app.title), str(app.sub_title)]
    for widget in app.screen.walk_children(with_self=True):
        found += [
            str(widget.id), str(widget.name), " ".join(widget.classes), str(widget.tooltip),
            str(getattr(widget, "border_title", "")), str(getattr(widget, "border_subtitle", "")),
            str(getattr(widget, "render", lambda: "")()), repr(widget),
        ]  # fmt: skip
        found += [f"{b.key} {b.action} {b.description} {b.tooltip}" for _, b in widget._bindings]
    found += [repr(worker) for worker in app.workers]
    found += [f"{notice.title} {notice.message}" for notice in app._notifications]
    return found


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_nothing_tells_names_before_the_vote(desk: Desk, size: tuple[int, int]) -> None:
    """Until I have voted, no widget, title, class, key, notice or letter on screen says who wrote what."""
    app = FtarenaApp(desk, "vote")
    app.set_reveal("never")
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = await ready(pilot)
        for key in ("a", "z", "z", "z", "z", "j", "s", "u", "b"):
            battle = screen.battle
            for text in leaks(app):
                assert not any(name in text for name in NAMES), text
                assert not any(f"run-{n}" in text for n in range(3)), text
            await pilot.press(key)
            if key in "asb":
                await until(pilot, lambda before=battle: screen.battle != before)
            await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        for text in leaks(app):
            assert not any(name in text for name in NAMES), text


@pytest.mark.parametrize(("reveal", "told"), [("never", False), ("after", True), ("end", False)])
async def test_names_are_shown_when_i_want_them(desk: Desk, reveal: Any, told: bool) -> None:
    """Names come after each vote, at the end, or never, as I set it, and the vote remembers which."""
    app = FtarenaApp(desk, "vote")
    app.set_reveal(reveal)
    async with app.run_test(size=LARGE) as pilot:
        await ready(pilot)
        await pilot.press("a")
        await shows(pilot, "Last battle: A is better.")
        assert ("A was " in screen_text(app)) is told
    with Store.open(desk.workspace.database) as store:
        assert store.rows("SELECT names_shown FROM ballot_events") == [(reveal,)]


async def test_the_end_tells_all_names(desk: Desk) -> None:
    """With names at the end, the last vote is followed by who was who in all of them."""
    app = FtarenaApp(desk, "vote")
    app.set_reveal("end")
    async with app.run_test(size=LARGE) as pilot:
        screen = await ready(pilot)
        for n in range(6):
            before = screen.battle
            await pilot.press("ab"[n % 2])
            await until(pilot, lambda before=before: screen.battle != before)
        await shows(pilot, "All 6 battles are decided")
        await shows(pilot, "6. ")
        assert all(name in screen_text(app) for name in NAMES)


async def test_answers_are_made_while_i_wait(workspace: Workspace, situation: list[Situation]) -> None:
    """The engine is ready and answers are missing: they are made, and the first battle comes by itself."""
    fill(workspace, answer=None)
    pool = FakePool()
    app = FtarenaApp(make_desk(workspace, pool), "vote")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "starts the engine")
        situation[0] = Situation(engines=(engine_status(),))
        screen = pilot.app.screen
        assert isinstance(screen, VoteScreen)
        await until(pilot, lambda: screen.battle is not None, "a battle")
    with Store.open(workspace.database) as store:
        assert store.rows("SELECT count(*) FROM battles") == [(1,)]


async def test_f9_starts_the_engine(workspace: Workspace) -> None:
    """No answers and no engine: the screen says which key starts it, and it does."""
    fill(workspace, answer=None)
    pool = FakePool()
    pool.engine.now = engine_status(EngineState.STOPPED)
    app = FtarenaApp(make_desk(workspace, pool), "vote")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "F9")
        await pilot.press("f9")
        await until(pilot, lambda: pool.engine.starts == 1, "started")


HOSTILE = (
    "\x1b]52;c;aGk=\x07 [@click=app.quit]x[/] [/ [/some/path] \u202eevil\u2066 "
    "e\u0301\U0001f9d1\u200d\U0001f4bb 日本語 \x1b[2J" + "long" * 2500
)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_hostile_text_is_only_text(workspace: Workspace, size: tuple[int, int]) -> None:
    """A prompt, an answer or a name may hold anything: it is shown, never obeyed, and nothing breaks."""
    fill(
        workspace,
        names=("[b]bold[/b] \x1b]0;title\x07", "[/", "n" * 300),
        prompts=(HOSTILE, "[@click=app.quit]quit[/]"),
        answer=lambda n, i: f"{n}{i} {HOSTILE}",
    )
    app = FtarenaApp(make_desk(workspace), "vote")
    async with app.run_test(size=size) as pilot:
        screen = await ready(pilot)
        for _ in range(3):
            before = screen.battle
            for strip in app.screen._compositor.render_strips(app.screen.size):
                assert not [c for c in strip.text if ord(c) < 32 or 0x7F <= ord(c) < 0xA0]
                assert not {"\u202e", "\u2066"} & set(strip.text)
                assert not any(s.style and s.style.meta.get("@click") for s in strip)
            await pilot.press("z", "j", "z", "z", "z")
            await pilot.press(random.choice("ab"))
            await until(pilot, lambda before=before: screen.battle != before)
        assert app.is_running


async def test_a_second_front_end_finds_the_same_battle(desk: Desk) -> None:
    """I leave in the middle of a battle: coming back, the same one is there with the same sides."""
    async with FtarenaApp(desk, "vote").run_test(size=SMALL) as pilot:
        first = (await ready(pilot)).battle
    again = make_desk(desk.workspace)
    async with FtarenaApp(again, "vote").run_test(size=SMALL) as pilot:
        assert (await ready(pilot)).battle == first


async def test_long_answers_are_read_from_their_start(workspace: Workspace) -> None:
    """Both answers are long: a first battle and one that is resumed both open at their first line."""
    fill(workspace, answer=lambda n, i: "\n".join(f"line {row}." for row in range(60)) + f"\n{n}{i}")
    for _ in range(2):  # the second time the battle that was left open is resumed
        app = FtarenaApp(make_desk(workspace), "vote")
        async with app.run_test(size=SMALL) as pilot:
            await ready(pilot)
            await shows(pilot, "line 0.")
            await pilot.pause()
            assert screen_text(app).count("line 0.") == 2
            assert screen_text(app).count("↓ more") == 2
            await pilot.resize_terminal(*LARGE)
            await pilot.pause()
            assert screen_text(app).count("line 0.") == 2


@pytest.mark.parametrize("key", ["b", "s"])
async def test_a_second_window_goes_on(desk: Desk, key: str) -> None:
    """I decided this battle in another window: my key is not counted, I am told, the next one comes."""
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        first = screen.battle
        assert first is not None
        with Store.open(desk.workspace.database) as store:
            Arena(store, labeler="ana").vote(first.id, "left", elapsed_ms=1)
        await pilot.press(key)
        await shows(pilot, "decided in another window")
        assert screen.battle is not None and screen.battle.id != first.id
        await pilot.press("x")
        await shows(pilot, "Last battle: both bad.")
    assert [event[:2] for event in events(desk.workspace)] == [("vote", "left"), ("vote", "both_bad")]


async def test_names_that_were_read_are_not_forgotten(desk: Desk) -> None:
    """I take a vote back whose names I was told: a new one is kept, but not scored, and Scores says so."""
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await pilot.press("a")
        await shows(pilot, "A was ")
        await pilot.press("u")
        await shows(pilot, "You have seen the names, so a new vote here is kept but not")
        await shows(pilot, " scored.")
        await pilot.press("b")
        await shows(pilot, "Last battle: B is better.")
        await until(pilot, lambda: not screen._busy)
        await pilot.press("x")
        await shows(pilot, "Last battle: both bad.")
        await pilot.press("3")
        await shows(pilot, "1 vote by 1 labeler")
        await shows(pilot, "1 not blind, not scored")


@pytest.mark.parametrize("size", [(40, 10), (20, 5), (49, 24), (80, 13)])
async def test_a_terminal_that_is_too_small_says_so(desk: Desk, size: tuple[int, int]) -> None:
    """Where no answer can be read I am told what to do, and no key votes; enlarged, all is there."""
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=size) as pilot:
        screen = await ready(pilot)
        text = " ".join(screen_text(app).split())
        assert "Too small: enlarge to 50×14, or use ftarena vote --plain" in text
        await pilot.press("a", "s", "x", "u")
        await pilot.pause()
        await pilot.resize_terminal(*SMALL)
        await shows(pilot, "Text ")
        assert "Too small" not in screen_text(app)
        assert events(desk.workspace) == []
        await pilot.press("a")
        await shows(pilot, "Last battle: A is better.")
        assert screen.battle is not None
