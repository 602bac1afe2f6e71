"""Vote: one key decides, exactly that is written, and nothing tells names before it."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from ftarena.arena import Arena, read_settings, write_settings
from ftarena.errors import FtarenaError
from ftarena.serving.status import EngineState
from ftarena.store import Selection, Store
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


def collect(desk: Desk, **changes: Any) -> None:
    """Set how votes are collected."""
    with Store.open(desk.workspace.database) as store:
        write_settings(store, changes)


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
    collect(desk, names="never")
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


async def test_no_length_and_no_speed_before_the_vote(workspace: Workspace) -> None:
    """Answers of very different lengths and speeds: no widget, dialog or letter counts them before I vote."""
    fill(workspace, names=NAMES[:2], answer=None)
    with Store.open(workspace.database) as store:
        for n, row in enumerate(store.contestants()):
            for prompt_id in store.prompt_ids():
                store.add_answer(
                    row.id, prompt_id, f"Text {n}.", n_tokens=7771 + n, ttft_s=881.5 + n, elapsed_s=991.5 + n
                )
    telling = ("7771", "7772", "881.5", "882.5", "991.5", "992.5", "tok", "run-1", *NAMES)
    app = FtarenaApp(make_desk(workspace), "vote")
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        screen = await ready(pilot)
        for key in ("z", "o", "question_mark", "ctrl+p", "S", "c"):
            await pilot.press(key)
            await pilot.pause()
            for text in leaks(app):
                assert not any(word in text for word in telling), (key, text)
            if key != "z":
                await pilot.press("escape")
                await until(pilot, lambda: app.screen is screen)
        await pilot.press("a")
        await shows(pilot, "(7771 tokens, 991.5 s)")
        assert not workspace.log.exists()


@pytest.mark.parametrize(("reveal", "told"), [("never", False), ("after", True), ("end", False)])
async def test_names_are_shown_when_i_want_them(desk: Desk, reveal: Any, told: bool) -> None:
    """Names come after each vote, at the end, or never, as I set it, and the vote remembers which."""
    app = FtarenaApp(desk, "vote")
    collect(desk, names=reveal)
    async with app.run_test(size=LARGE) as pilot:
        await ready(pilot)
        await pilot.press("a")
        await shows(pilot, "Last battle: A is better.")
        assert ("A was " in screen_text(app)) is told
    with Store.open(desk.workspace.database) as store:
        assert store.rows("SELECT names_shown FROM ballot_events") == [(reveal,)]


async def test_an_old_setting_is_taken_over(desk: Desk) -> None:
    """An older version kept in a file that names are never shown: the arena takes it over, once."""
    path = desk.workspace.root / "settings.json"
    path.write_text('{"reveal": "never", "theme": "nord"}')
    async with FtarenaApp(desk, "vote").run_test(size=SMALL) as pilot:
        await ready(pilot)
    with Store.open(desk.workspace.database) as store:
        assert read_settings(store).names == "never"
    assert json.loads(path.read_text()) == {"theme": "nord", "data": [], "columns": {}}


async def test_lengths_and_times_come_with_the_names(desk: Desk) -> None:
    """After the vote I read who was who, how long each answer is, and how long each took."""
    async with FtarenaApp(desk, "vote").run_test(size=LARGE) as pilot:
        await ready(pilot)
        await pilot.press("a")
        await shows(pilot, "(5 tokens), B was ")


async def test_second_questions(desk: Desk) -> None:
    """The arena asks for criteria and strength: a key each, on the same battle, after the vote is kept."""
    collect(desk, criteria="helpful,safe", strength=True)
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        first = screen.battle
        assert first is not None
        await pilot.press("a")
        await shows(pilot, "helpful?")
        assert events(desk.workspace) == [("vote", "left", first.id, None)]
        assert not any(name in text for text in leaks(app) for name in NAMES)
        await pilot.press("3", "s")  # no place is gone to, nothing is skipped
        await pilot.press("b")
        await shows(pilot, "safe?")
        await pilot.press("x")
        await shows(pilot, "How clear is it?")
        await pilot.press("b")  # no number
        await until(pilot, lambda: not screen._busy)
        await pilot.press("4")
        await shows(pilot, "Last battle: A is better. A was ")
        assert screen.battle != first
    with Store.open(desk.workspace.database) as store:
        [(event,)] = store.rows("SELECT id FROM ballot_events")
        assert store.ballots.details(event) == {"helpful": "right", "safe": "both_bad", "strength": 4}


async def test_second_questions_can_be_left(desk: Desk) -> None:
    """Enter leaves the rest of the questions, r turns them off for this sitting; a tie has no strength."""
    collect(desk, criteria="helpful", strength=True, names="never")
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await pilot.press("t")
        await shows(pilot, "helpful?")
        await pilot.press("a")
        await shows(pilot, "Last battle: equally good. u takes it back.")
        await pilot.press("b")
        await shows(pilot, "helpful?")
        await pilot.press("enter")
        await shows(pilot, "Last battle: B is better. u takes it back.")
        await pilot.press("r")
        await shows(pilot, "off for this sitting")
        before = screen.battle
        await pilot.press("x")
        await until(pilot, lambda: screen.battle != before)
        await shows(pilot, "Last battle: both bad.")
    with Store.open(desk.workspace.database) as store:
        assert store.rows("SELECT aspect, outcome FROM ballot_details") == [("helpful", "left")]


async def test_undo_takes_the_second_questions_along(desk: Desk) -> None:
    """u in the middle of the second questions takes the vote back, with what was answered."""
    collect(desk, criteria="helpful,safe", names="never")
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        first = screen.battle
        await pilot.press("a")
        await shows(pilot, "helpful?")
        await pilot.press("b")
        await shows(pilot, "safe?")
        await pilot.press("u")
        await shows(pilot, "Taken back: decide again.")
        assert screen.battle == first
        assert "A is better" in screen_text(app)
    with Store.open(desk.workspace.database) as store:
        assert store.standing_votes(Selection(criterion="helpful")) == []


@pytest.mark.parametrize(
    ("keys", "reason"), [("2", "cannot tell"), ("4", "it is [/] late"), (("escape",), None)]
)
async def test_skip_with_a_reason(desk: Desk, keys: Any, reason: str | None) -> None:
    """S asks why, one key says it; I may write another reason, or not skip at all."""
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        first = screen.battle
        await pilot.press("S")
        await shows(pilot, "Why do you skip it?")
        await pilot.press(*keys)
        if keys == "4":
            await shows(pilot, "Kept with the skip")
            await pilot.press(*"it is [/] late", "enter")
        if reason is None:
            await until(pilot, lambda: app.screen is screen)
        else:
            await until(pilot, lambda: screen.battle != first)
            await shows(pilot, f"Skipped: {reason}.")
    assert [event[3] for event in events(desk.workspace)] == ([] if reason is None else [reason])


async def test_a_leaked_battle_says_so_after_the_vote(workspace: Workspace) -> None:
    """An answer named its model: after my vote I read that it is not scored, before it nothing."""
    fill(workspace, prompts=("one?",), names=NAMES[:2], answer=lambda n, i: f"I am {NAMES[n]}.")
    app = FtarenaApp(make_desk(workspace), "vote")
    async with app.run_test(size=LARGE) as pilot:
        await ready(pilot)
        assert "Not scored" not in screen_text(app)
        await pilot.press("a")
        await shows(pilot, "Not scored: an answer gave itself away.")


@pytest.mark.parametrize("names", ["never", "end"])
async def test_a_repeat_says_so_only_where_names_are_told(workspace: Workspace, names: str) -> None:
    """A battle that I saw before comes mirrored: I learn how I did, or, in a strict arena, nothing at all."""
    fill(workspace, prompts=tuple(f"question {n}?" for n in range(12)), names=NAMES[:2])
    desk = make_desk(workspace)
    collect(desk, attention=0.5, names=names)
    with Store.open(workspace.database) as store:
        arena = Arena(store, labeler="ana", rng=random.Random(1))
        while True:
            battle = arena.next()
            assert battle is not None
            row = store.ballots.battle(battle.id)
            if row is not None and row.repeat_of:
                break
            arena.vote(battle.id, "left", elapsed_ms=1)
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=LARGE) as pilot:
        screen = await ready(pilot)
        before = screen.battle
        assert "before" not in screen_text(app)
        await pilot.press("b")
        await until(pilot, lambda: screen.battle != before)
        await shows(pilot, "Last battle: B is better.")
        assert ("mirrored: you agreed with yourself" in screen_text(app)) == (names == "end")


async def test_names_never_stand_below_their_own_answer(workspace: Workspace) -> None:
    """With one question, the next battle shows an answer of the last one: its author isn't named below it."""
    fill(workspace, prompts=("one?",), names=NAMES[:3])
    app = FtarenaApp(make_desk(workspace), "vote")
    async with app.run_test(size=LARGE) as pilot:
        screen = await ready(pilot)
        before = screen.battle
        await pilot.press("a")
        await until(pilot, lambda: screen.battle != before)
        await shows(pilot, "Last battle: A is better.")
        assert not any(name in screen_text(app) for name in NAMES[:3])


async def test_how_votes_are_collected(desk: Desk) -> None:
    """o shows every setting; arrows change it, e types it, a wrong value is explained, and votes follow."""
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await pilot.press("o")
        await shows(pilot, "▸ sampler        balanced")
        for text in leaks(app):
            assert not any(name in text for name in NAMES), text
        await pilot.press("j", "right")
        await shows(pilot, "▸ overlap        1")
        await pilot.press("e")
        await shows(pilot, "enter ok")
        await pilot.press("backspace", *"many", "enter")
        await shows(pilot, "overlap cannot be 'many'")
        await pilot.press("j", "j", "left")
        await shows(pilot, "▸ names          never")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        await until(pilot, lambda: screen._arena is not None and screen._arena.names_shown == "never")
        await pilot.press("a")
        await shows(pilot, "Last battle: A is better. u takes it back.")
    with Store.open(desk.workspace.database) as store:
        assert (read_settings(store).overlap, read_settings(store).names) == (1, "never")


async def test_a_booth_is_for_voting_only(desk: Desk) -> None:
    """In a booth the other places are closed and say why; no setting, no palette entry tells a name."""
    collect(desk, names="never")
    app = FtarenaApp(desk, "vote", booth=True)
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        screen = await ready(pilot)
        assert "3 Scores" not in screen_text(app)
        for key in ("1", "3", "4", "5", "f3"):
            await pilot.press(key)
            await shows(pilot, "This is a booth: voting only")
            assert app.screen is screen
            app.clear_notifications()
        await pilot.press("o")
        await pilot.pause()
        assert app.screen is screen
        offered = [command.title for command in app.get_system_commands(screen)]
        assert "Undo" in offered and "Theme" in offered
        assert not [title for title in offered if "Names" in title or "Scores" in title or "Chat" in title]
        for _ in range(6):
            for text in leaks(app):
                assert not any(name in text for name in NAMES), text
            before = screen.battle
            await pilot.press("a")
            await until(pilot, lambda before=before: screen.battle != before)
            screen._last_key = ("", 0.0)
        await shows(pilot, "All 6 battles are decided")
        assert "what they say" not in screen_text(app)
        assert not any(name in text for text in leaks(app) for name in NAMES)


async def test_an_empty_booth(workspace: Workspace) -> None:
    """Nothing to vote on yet: a booth sends me to no other place, and names no model of this machine."""
    app = FtarenaApp(make_desk(workspace), "vote", booth=True)
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "Whoever set this up adds what is compared.")
        assert "trains a model" not in screen_text(app)
        assert not app.screen.check_action("demo", ())


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_swapping_names_changes_no_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """The same answers under swapped names: every frame of the sitting is the same to the byte."""
    seeded = random.Random
    monkeypatch.setattr("ftarena.arena.battles.random.SystemRandom", lambda: seeded(4))
    sittings = []
    for names in (NAMES, NAMES[::-1]):
        workspace = Workspace(tmp_path / names[0] / "project" / ".ftarena")
        fill(workspace, names=names)
        desk = make_desk(workspace)
        collect(desk, criteria="helpful", names="never")
        app = FtarenaApp(desk, "vote")
        frames = []
        async with app.run_test(size=size) as pilot:
            screen = await ready(pilot)
            for key in ("z", "z", "z", "z", "a", "b", "s", "x", "enter"):
                before = (screen.battle, list(screen._aspects))
                await pilot.press(key)
                if key != "z":
                    await until(
                        pilot,
                        lambda screen=screen, before=before: (
                            (screen.battle, screen._aspects) != before and not screen._busy
                        ),
                    )
                await pilot.pause()
                frames += [screen_text(app), ids_and_classes(app)]
        assert all(name not in frame for frame in frames for name in NAMES)
        sittings.append(frames)
    assert sittings[0] == sittings[1]


def ids_and_classes(app: FtarenaApp) -> str:
    """Return what styles and names every widget, without what numbers them."""
    return "\n".join(
        f"{type(widget).__name__} {widget.id} {sorted(widget.classes)} {getattr(widget, 'border_title', '')}"
        f" {getattr(widget, 'border_subtitle', '')} {widget.tooltip}"
        for widget in app.screen.walk_children(with_self=True)
    )


async def test_the_log_tells_nothing(desk: Desk) -> None:
    """What a sitting writes to the project's log, if anything, names nobody."""
    collect(desk, names="never")
    async with FtarenaApp(desk, "vote", booth=True).run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        screen.failed("make_answers", FtarenaError("adapter run-1 is gone", "load it"))
        await shows(pilot, "Some answers could not be made")
        assert not any("run-1" in text for text in leaks(pilot.app))


async def test_the_end_tells_all_names(desk: Desk) -> None:
    """With names at the end, the last vote is followed by who was who in all of them."""
    app = FtarenaApp(desk, "vote")
    collect(desk, names="end")
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
