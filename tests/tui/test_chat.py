"""Chat: both answer side by side, each with its own history; blind, nothing tells which is which."""

from types import SimpleNamespace
from typing import Any

import pytest

from ftarena.arena import write_settings
from ftarena.errors import FtarenaError
from ftarena.serving.status import EngineState
from ftarena.store import Store
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.tui.screens.chat import ChatScreen
from ftarena.tui.situation import Situation
from ftarena.tui.widgets.panes import Pace, Panes
from ftarena.tui.widgets.prompt_box import PromptBox
from ftarena.tui.widgets.transcript import Transcript
from ftarena.workspace import Workspace

from .support import (
    LARGE,
    NAMES,
    SMALL,
    FakeClient,
    FakePool,
    engine_status,
    fill,
    make_desk,
    screen_text,
    shows,
    until,
)
from .test_vote import HOSTILE, leaks

BASE, DPO = None, "run-2"
"""Adapters of who answers at first: the base and the newest adapter."""


async def ready(pilot: Any) -> ChatScreen:
    """Wait until somebody can be asked."""
    await until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen) and pilot.app.screen.conversation)
    screen: ChatScreen = pilot.app.screen
    return screen


async def ask(pilot: Any, text: str) -> None:
    """Type a question and send it."""
    box = pilot.app.screen.query_one(PromptBox)
    box.focus()
    box.put(text)
    await pilot.press("enter")


async def answered(pilot: Any, screen: ChatScreen, turns: int) -> None:
    """Wait until both sides have this many turns and are done."""
    await until(
        pilot,
        lambda: (
            screen.conversation
            and not screen.conversation.answering
            and all(len(side.history) == turns for side in screen.conversation.sides)
        ),
        f"{turns} turns",
    )
    await pilot.pause()


def panes(screen: ChatScreen) -> list[str]:
    """Return what both panes hold."""
    return [pane.plain for pane in screen.query("#panes Transcript").results(Transcript)]


@pytest.fixture
def pool() -> FakePool:
    """Two models with answers of their own."""
    return FakePool(
        {BASE: FakeClient(" Well, it **depends** on `ls`."), DPO: FakeClient("```\nls\n```\nLists.")}
    )


@pytest.fixture
def chat(workspace: Workspace, pool: FakePool) -> FtarenaApp:
    """The chat of a small project."""
    fill(workspace)
    return FtarenaApp(make_desk(workspace, pool), "chat")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_both_answer_side_by_side(chat: FtarenaApp, size: tuple[int, int]) -> None:
    """I ask once: base and newest adapter answer, under their names, with tokens and time."""
    async with chat.run_test(size=size) as pilot:
        screen = await ready(pilot)
        await ask(pilot, "how do I list files?")
        await answered(pilot, screen, 2)
        assert panes(screen) == [
            "You: how do I list files?\n\nWell, it **depends** on `ls`.",
            "You: how do I list files?\n\n```\nls\n```\nLists.",
        ]
        text = screen_text(chat)
        assert NAMES[0] in text and NAMES[2] in text and "tok" in text


async def test_each_side_has_its_own_history(chat: FtarenaApp, pool: FakePool) -> None:
    """My second question reaches each model with its own first answer before it, raw as it was."""
    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await ask(pilot, "one")
        await answered(pilot, screen, 2)
        await ask(pilot, "two")
        await answered(pilot, screen, 4)
    sent = {adapter: [m.content for m in client.asked[1]] for adapter, client in pool.clients.items()}
    assert sent == {
        BASE: ["one", " Well, it **depends** on `ls`.", "two"],
        DPO: ["one", "```\nls\n```\nLists.", "two"],
    }


async def test_many_lines_are_one_prompt(chat: FtarenaApp, pool: FakePool) -> None:
    """I paste three lines, or write them with alt+enter: they are sent together, and only by enter."""
    from textual.events import Paste

    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        box = screen.query_one(PromptBox)
        box.post_message(Paste("first\r\n\x1b[31msecond\n"))
        await until(pilot, lambda: "second" in box.text)
        assert not pool.clients[BASE].asked
        await pilot.press(*"third", "alt+enter", "ctrl+j", *"end", "enter")
        await answered(pilot, screen, 2)
    assert pool.clients[BASE].asked[0][-1].content == "first\n[31msecond\nthird\n\nend"


async def test_esc_stops_and_keeps_what_was_said(chat: FtarenaApp, pool: FakePool) -> None:
    """I stop a running answer: what has been written stays, the server is told to stop, I can go on."""
    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        pool.clients[BASE].hold_at = 2
        await ask(pilot, "one")
        await until(pilot, lambda: "Lists." in panes(screen)[1] and "Well," in panes(screen)[0])
        await pilot.press("escape")
        await until(pilot, lambda: screen.conversation and not screen.conversation.answering)
        assert pool.clients[BASE].closed
        assert screen.desk.quiet.is_set()
        assert "Well," in panes(screen)[0]
        pool.clients[BASE].gate.set()
        await ask(pilot, "two")
        await until(pilot, lambda: "depends" in panes(screen)[0])


async def test_again_asks_the_same_anew(chat: FtarenaApp, pool: FakePool) -> None:
    """ctrl+r asks my last question again, in the place of its first answer."""
    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await ask(pilot, "one")
        await answered(pilot, screen, 2)
        pool.clients[BASE].text = "Otherwise."
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "Otherwise" in panes(screen)[0])
        await answered(pilot, screen, 2)
        assert panes(screen)[0] == "You: one\n\nOtherwise."
    assert [m.content for m in pool.clients[BASE].asked[1]] == ["one"]


async def test_commands(chat: FtarenaApp, pool: FakePool, workspace: Workspace) -> None:
    """/left, /system, /temp, /clear, /export do what they say; a wrong one says what there is."""
    async with chat.run_test(size=LARGE, notifications=True) as pilot:
        screen = await ready(pilot)
        await pilot.press(*"/l", "tab")
        assert screen.query_one(PromptBox).text == "/left "
        await pilot.press(*"wal", "tab", "enter")
        await shows(pilot, NAMES[1])
        assert NAMES[0] not in screen_text(chat)
        await ask(pilot, "/system Be brief.")
        await shows(pilot, "System prompt set")
        await ask(pilot, "/temp 0.1")
        await shows(pilot, "temperature 0.1")
        await ask(pilot, "hello")
        await answered(pilot, screen, 2)
        assert [m.role for m in pool.clients[DPO].asked[0]] == ["system", "user"]
        await ask(pilot, "/export")
        await shows(pilot, "Written to")
        await ask(pilot, "/clear")
        await until(pilot, lambda: panes(screen) == ["", ""])
        for line, said in (
            ("/temp hot", "no temperature"),
            ("/left nobody", "no contestant"),
            ("/xyz", "/xyz"),
        ):
            await ask(pilot, line)
            await shows(pilot, said)
    (written,) = (workspace.root / "exports").iterdir()
    assert "**You:** hello" in written.read_text()
    assert written.stat().st_mode & 0o077 == 0


async def test_the_engine_is_off(chat: FtarenaApp, pool: FakePool, situation: list[Situation]) -> None:
    """The engine is off: I am told; my question starts it, and is answered the moment it is ready."""
    pool.engine.now = engine_status(EngineState.STOPPED)
    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await shows(pilot, "engine is off")
        await ask(pilot, "hello")
        await until(pilot, lambda: pool.engine.starts == 1)
        situation[0] = Situation(engines=(pool.engine.now,))
        chat.look_around()
        await shows(pilot, "starting 40 %, about 35 s left")
        pool.engine.now = engine_status()
        situation[0] = Situation(engines=(pool.engine.now,))
        chat.look_around()
        await answered(pilot, screen, 2)
        assert "hello" in panes(screen)[0]


async def test_not_sending_after_all(chat: FtarenaApp, pool: FakePool) -> None:
    """While the engine starts I change my mind: esc gives my question back."""
    pool.engine.now = engine_status(EngineState.STOPPED)
    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await ask(pilot, "hello")
        await until(pilot, lambda: pool.engine.starts == 1)
        await pilot.press("escape")
        assert screen.query_one(PromptBox).text == "hello"


async def test_an_error_stays_with_its_side(chat: FtarenaApp, pool: FakePool) -> None:
    """One model fails: its pane says why, the other one's answer is whole."""
    pool.clients[BASE].error = FtarenaError("the engine went away [/]", "ftarena engine logs")
    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await ask(pilot, "hello")
        await until(pilot, lambda: "went away [/]" in panes(screen)[0])
        assert "Lists." in panes(screen)[1]


async def test_differences(chat: FtarenaApp) -> None:
    """d marks the words in which the answers differ, in bold and underlined, and takes the marks away."""
    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await ask(pilot, "hello")
        await answered(pilot, screen, 2)
        await pilot.press("escape", "d")
        await pilot.pause()

        def underlined() -> str:
            strips = chat.screen._compositor.render_strips(chat.screen.size)
            return "".join(s.text for strip in strips for s in strip if s.style and s.style.underline)

        assert "depends" in underlined() and "Lists" in underlined()
        await pilot.press("d")
        await pilot.pause()
        assert underlined() == ""


async def blind_round(pilot: Any) -> ChatScreen:
    """Turn it blind and ask."""
    screen = await ready(pilot)
    await ask(pilot, "/blind")
    await shows(pilot, "Blind: ")
    await ask(pilot, "how do I list files?")
    return screen


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("slow", [BASE, DPO])
async def test_blind_chat_tells_nothing(
    chat: FtarenaApp, pool: FakePool, size: tuple[int, int], slow: str | None
) -> None:
    """Blind, the faster side waits for the slower one: no name, speed or length on the screen."""
    pool.clients[slow].hold_at = 0
    async with chat.run_test(size=size, notifications=True) as pilot:
        screen = await blind_round(pilot)
        await until(pilot, lambda: any(len(s.history) == 2 for s in screen.conversation.sides))  # type: ignore[union-attr]
        for _ in range(5):
            await pilot.pause(0.05)
            shown = [text.replace("You: how do I list files?", "").strip() for text in panes(screen)]
            assert shown == ["", ""]
            for text in leaks(chat):
                assert not any(name in text for name in (*NAMES, "run-2")), text
        pool.clients[slow].gate.set()
        await answered(pilot, screen, 2)
        for text in leaks(chat):
            assert not any(name in text for name in NAMES), text
            assert " tok" not in text, text


async def test_blind_vote_becomes_a_battle(chat: FtarenaApp, workspace: Workspace) -> None:
    """I vote in the chat: the exchange is kept as a battle with its vote, and the names are told."""
    async with chat.run_test(size=SMALL) as pilot:
        screen = await blind_round(pilot)
        await answered(pilot, screen, 2)
        assert screen.conversation is not None
        names = [side.name for side in screen.conversation.sides]
        await pilot.press("escape", "v", "b")
        await shows(pilot, "Recorded: B is better.")
        await shows(pilot, f"A was {names[0]}")
        await ask(pilot, "and now?")
        await until(pilot, lambda: all("You: and now?" in text for text in panes(screen)))
        await answered(pilot, screen, 2)
        assert screen.conversation.hidden
    with Store.open(workspace.database) as store:
        [(origin, left, right, outcome, before_end)] = store.rows(
            "SELECT b.origin, l.name, r.name, v.outcome, v.before_end FROM votes v"
            " JOIN battles b ON b.id = v.battle_id JOIN contestants l ON l.id = b.left_id"
            " JOIN contestants r ON r.id = b.right_id"
        )
    assert (origin, left, right, outcome, before_end) == ("chat", *names, "right", 0)


@pytest.mark.parametrize(("pace", "kept"), [("raw", "a b c d e f"), ("paced", "a b")])
async def test_voting_before_the_end(
    chat: FtarenaApp, pool: FakePool, workspace: Workspace, pace: str, kept: str
) -> None:
    """I need not wait for the end: my vote stops the answers, and what I have read is what is kept."""
    set_pace(workspace, pace)
    pool.clients[BASE].text, pool.clients[BASE].hold_at = "one two three", 2
    pool.clients[DPO].text = "a b c d e f"
    async with chat.run_test(size=SMALL) as pilot:
        screen = await blind_round(pilot)
        await until(pilot, lambda: all(len(text.split()) > 7 for text in panes(screen)))
        await ask(pilot, "/vote")
        await shows(pilot, "Which answer is better?")
        await pilot.press("t")
        await shows(pilot, "Recorded: equally good.")
    with Store.open(workspace.database) as store:
        assert store.rows("SELECT outcome, before_end FROM votes") == [("tie", 1)]
        texts = store.rows("SELECT text FROM answers WHERE sample > 0 ORDER BY text")
    assert texts == [(kept,), ("one two",)]


async def test_no_vote_before_both_are_there(chat: FtarenaApp, pool: FakePool) -> None:
    """While both are still being written together there is nothing to vote on, and I am told."""
    pool.clients[BASE].hold_at = 1
    async with chat.run_test(size=SMALL, notifications=True) as pilot:
        await blind_round(pilot)
        await shows(pilot, "both are writing …")
        await ask(pilot, "/vote")
        await shows(pilot, "both are still being written")


async def test_a_stop_does_not_tell_who_was_faster(chat: FtarenaApp, pool: FakePool) -> None:
    """I stop both in the middle: as much of either is kept, whichever had written more."""
    pool.clients[BASE].text, pool.clients[BASE].hold_at = "one two three", 2
    pool.clients[DPO].text = "a b c d e f"
    async with chat.run_test(size=SMALL) as pilot:
        screen = await blind_round(pilot)
        await until(pilot, lambda: screen.query_one(Panes).common == 2)
        await pilot.press("escape")
        await until(pilot, lambda: not screen.under_way)
        await pilot.pause()
        shown = {text.replace("You: how do I list files?", "").strip() for text in panes(screen)}
        assert shown == {"one two", "a b"}


@pytest.mark.parametrize("names", ["never", "end"])
async def test_a_blind_chat_keeps_names_where_the_arena_does(
    chat: FtarenaApp, workspace: Workspace, names: str
) -> None:
    """Names are not told after each vote here: neither are they in the chat, and the vote says so."""
    with Store.open(workspace.database) as store:
        write_settings(store, {"names": names})
    async with chat.run_test(size=LARGE) as pilot:
        screen = await blind_round(pilot)
        await answered(pilot, screen, 2)
        await until(pilot, lambda: not screen.under_way)
        await pilot.press("escape", "v", "b")
        await shows(pilot, "Recorded: B is better. The next question")
        assert not any(name in text for text in leaks(chat) for name in NAMES)
        assert not screen.check_action("vote", ())
        await ask(pilot, "and now?")
        await until(pilot, lambda: all(text.startswith("You: and now?") for text in panes(screen)))
        await answered(pilot, screen, 2)
    with Store.open(workspace.database) as store:
        assert store.rows("SELECT names_shown FROM ballot_events") == [(names,)]


def set_pace(workspace: Workspace, pace: str) -> None:
    with Store.open(workspace.database) as store:
        write_settings(store, {"pace": pace})


TEXTS = (["A ", "short ", "answer."], [f"word{n} " for n in range(12)])
"""Of two sides, the pieces that they write."""


@pytest.mark.parametrize("pace", ["together", "paced"])
async def test_no_frame_tells_who_is_faster(
    chat: FtarenaApp, monkeypatch: pytest.MonkeyPatch, pace: Pace
) -> None:
    """Two models swap their speeds: at any time the screen and every widget are the same to the byte."""
    runs = []
    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await ask(pilot, "/blind")
        await shows(pilot, "Blind: ")
        box = screen.query_one(PromptBox)
        box.can_focus = False  # a cursor that blinks would be in the frames
        screen.query_one("#left").focus()
        conversation, both = screen.conversation, screen.query_one(Panes)
        assert conversation is not None
        both.pace = pace
        now = [0.0]
        clock = SimpleNamespace(monotonic=lambda: now[0])
        monkeypatch.setattr("ftarena.tui.conversation.time", clock)
        monkeypatch.setattr("ftarena.tui.widgets.panes.time", clock)
        for every in ((1, 3), (3, 1)):  # ticks from one piece to the next
            conversation.clear()
            both.show(conversation)
            now[0] = 1000.0
            for side in conversation.sides:
                side.ask("how do I list files?")
            both.ask("how do I list files?")
            frames = []
            for tick in range(1, 45):
                now[0] += 0.25
                for side, text, step in zip(conversation.sides, TEXTS, every, strict=True):
                    if tick % step == 0 and side.answering:
                        side.add(text[tick // step - 1], tick // step, None)
                        if tick // step == len(text):
                            side.end()
                both.paint()
                await pilot.pause()
                frames += [screen_text(chat), *leaks_of_panes(screen)]
            assert all(piece.strip() in frames[-3] for piece in TEXTS[0])
            assert both.all_shown
            runs.append(frames)
    assert runs[0] == runs[1]


def leaks_of_panes(screen: ChatScreen) -> list[str]:
    """Return what the panes hold and how they are dressed."""
    return [
        "\n".join(
            f"{pane.id} {sorted(pane.classes)} {pane.border_title} {pane.border_subtitle} {pane._streaming}"
            for pane in screen.query(Transcript)
        ),
        "\n".join(panes(screen)),
    ]


async def test_a_longer_blind_chat(chat: FtarenaApp, pool: FakePool, workspace: Workspace) -> None:
    """I vote after the second question: each side had its own history, and the record says so."""
    async with chat.run_test(size=SMALL) as pilot:
        screen = await blind_round(pilot)
        await answered(pilot, screen, 2)
        await ask(pilot, "more?")
        await answered(pilot, screen, 4)
        await pilot.press("escape", "v", "a")
        await shows(pilot, "Recorded: A is better.")
    with Store.open(workspace.database) as store:
        [(source, turns)] = store.rows("SELECT source, turns_json FROM prompts WHERE source LIKE 'chat%'")
    assert source == "chat-apart" and "more?" in turns


async def test_a_blind_failure_tells_nothing(chat: FtarenaApp, pool: FakePool, workspace: Workspace) -> None:
    """Blind and one model fails: neither pane shows anything of that round; the log has the reason."""
    pool.clients[BASE].error = FtarenaError(f"adapter {NAMES[0]} is gone", "load it")
    async with chat.run_test(size=LARGE, notifications=True) as pilot:
        screen = await blind_round(pilot)
        await shows(pilot, "does not count")
        assert panes(screen) == ["", ""]
        for text in leaks(chat):
            assert not any(name in text for name in NAMES), text
    assert NAMES[0] in workspace.log.read_text()


async def test_voting_needs_blindness(chat: FtarenaApp) -> None:
    """/vote with names on the screen is refused, with the way to do it."""
    async with chat.run_test(size=SMALL, notifications=True) as pilot:
        await ready(pilot)
        await ask(pilot, "/vote")
        await shows(pilot, "votes are cast blind")


async def test_scrolling_up_is_left_alone(chat: FtarenaApp, pool: FakePool) -> None:
    """I scroll up while it writes: the text grows below and what I read does not move."""
    client = pool.clients[BASE]
    client.text, client.hold_at = " ".join(f"line{i}\n" for i in range(300)), 60
    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await ask(pilot, "long")
        left = screen.query_one("#left", Transcript)
        await until(pilot, lambda: left.max_scroll_y > 50)
        assert left.scroll_offset.y == left.max_scroll_y
        left.scroll_to(y=2, animate=False)
        client.gate.set()
        await answered(pilot, screen, 2)
        await until(pilot, lambda: left.max_scroll_y > 280)
        assert left.scroll_offset.y == 2
        await shows(pilot, "↓ more")


async def test_resizing_while_it_writes(chat: FtarenaApp, pool: FakePool) -> None:
    """I make the window smaller in the middle of an answer: nothing is lost, and it stacks."""
    pool.clients[BASE].text = "start " + " ".join(["日本語🎉word"] * 200) + " end."
    async with chat.run_test(size=LARGE) as pilot:
        screen = await ready(pilot)
        await ask(pilot, "long")
        await until(pilot, lambda: "start" in panes(screen)[0])
        await pilot.resize_terminal(80, 24)
        await answered(pilot, screen, 2)
        assert panes(screen)[0].endswith("word end.")
        assert panes(screen)[0].count("日本語") == 200
        left, right = screen.query_one("#left"), screen.query_one("#right")
        assert right.region.y >= left.region.bottom


async def test_hostile_answers(workspace: Workspace) -> None:
    """Whatever a model writes is shown, never obeyed, also in pieces that cut a sequence in two."""
    fill(workspace, names=("[b]x[/b]\x1b]0;t\x07", "[/"))
    pool = FakePool(
        {None: FakeClient(HOSTILE), "run-1": FakeClient("\x1b]52;c; aGk= \x07 [@click=app.quit]x[/]")}
    )
    app = FtarenaApp(make_desk(workspace, pool), "chat")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await ask(pilot, HOSTILE)
        await answered(pilot, screen, 2)
        await pilot.press("escape", "d", "y")
        for strip in app.screen._compositor.render_strips(app.screen.size):
            assert not [c for c in strip.text if ord(c) < 32 or 0x7F <= ord(c) < 0xA0]
            assert not any(s.style and s.style.meta.get("@click") for s in strip)
        assert "[@click=app.quit]x[/]" in panes(screen)[1]


async def test_one_contestant_alone(workspace: Workspace, pool: FakePool) -> None:
    """There is only the base: it answers in one pane, and nothing offers a comparison."""
    fill(workspace, names=("base-zebra",))
    app = FtarenaApp(make_desk(workspace, pool), "chat")
    async with app.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        await ask(pilot, "hello")
        await answered(pilot, screen, 2)
        assert not screen.query_one("#right").display


async def test_a_choice_of_contestants(desk: Desk) -> None:
    """I named two contestants on the command line: they sit left and right in that order."""
    chosen = make_desk(desk.workspace, contestants=[NAMES[2], NAMES[1]])
    async with FtarenaApp(chosen, "chat").run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        assert screen.conversation is not None
        assert [side.name for side in screen.conversation.sides] == [NAMES[2], NAMES[1]]


async def test_typing_faster_than_it_is_shown(chat: FtarenaApp, pool: FakePool) -> None:
    """I type a question and enter in one go: all of it is sent, none is left behind."""
    from textual.events import Key

    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        for letter in "hello":
            chat.post_message(Key(letter, letter))
        chat.post_message(Key("enter", "\r"))
        await answered(pilot, screen, 2)
        assert screen.query_one(PromptBox).text == ""
    assert pool.clients[BASE].asked[0][-1].content == "hello"


async def test_earlier_prompts(chat: FtarenaApp) -> None:
    """Up brings back what I sent before, down what I was writing."""
    async with chat.run_test(size=SMALL) as pilot:
        screen = await ready(pilot)
        box = screen.query_one(PromptBox)
        for text in ("one", "two"):
            await ask(pilot, text)
            await until(pilot, lambda text=text: all(f"You: {text}" in pane for pane in panes(screen)))
            await until(pilot, lambda: screen.conversation and not screen.conversation.answering)
        await pilot.press(*"thr", "up")
        assert box.text == "two"
        await pilot.press("up", "up")
        assert box.text == "one"
        await pilot.press("down", "down")
        assert box.text == "thr"


async def test_no_blind_vote_on_what_is_not_seen(chat: FtarenaApp, workspace: Workspace) -> None:
    """The terminal became too small for two answers: I am told, and neither v nor /vote votes."""
    async with chat.run_test(size=SMALL) as pilot:
        screen = await blind_round(pilot)
        await pilot.resize_terminal(40, 10)
        await shows(pilot, "Too small")
        assert not screen.check_action("vote", ())
        await ask(pilot, "/vote")
        await until(pilot, lambda: len(chat._notifications) > 0)
        assert chat.screen is screen
        await pilot.resize_terminal(*SMALL)
        await until(pilot, lambda: "Too small" not in screen_text(chat))
