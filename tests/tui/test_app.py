"""The frame: places, help, palette, settings, errors, the first start, and what is not imported."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ftarena.tui.app as app_module
from ftarena.arena import read_settings
from ftarena.serving.status import EngineState
from ftarena.store import Store
from ftarena.training.runs import list_runs
from ftarena.tui.app import RUN_DEMO, FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.tui.screens.place import Place
from ftarena.tui.settings import Settings, load_settings, save_settings
from ftarena.tui.situation import Situation, farewell
from ftarena.workspace import Workspace

from .support import LARGE, NAMES, SMALL, engine_status, make_desk, screen_text, shows, until
from .test_runs import make_run


def place(app: FtarenaApp) -> str:
    """Return where one is."""
    assert isinstance(app.screen, Place)
    return app.screen.NAME


async def test_going_places(desk: Desk) -> None:
    """F-keys go anywhere, also while I type; numbers do when I do not; a click on a name does too."""
    app = FtarenaApp(desk, "chat")
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: app.screen.query("PromptBox:focus"))
        await pilot.press("2")
        assert place(app) == "chat"
        for key, name in (("f2", "vote"), ("3", "scores"), ("5", "data"), ("f1", "chat"), ("f3", "scores")):
            await pilot.press(key)
            await until(pilot, lambda name=name: place(app) == name)
            assert f" ▸{key[-1]} {name.title()}" in screen_text(app).splitlines()[0]
        await pilot.click("TopBar", offset=(screen_text(app).splitlines()[0].index("Vote"), 0))
        await until(pilot, lambda: place(app) == "vote")


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("name", ["chat", "vote", "scores", "runs", "data"])
async def test_first_start(workspace: Workspace, name: str, size: tuple[int, int]) -> None:
    """Nothing is there: no empty table, but what to do and what was found; nothing is created by looking."""
    desk = make_desk(workspace)
    app = FtarenaApp(desk, name)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "runs the demo: 5 to 10 minutes, no GPU needed")
        await shows(pilot, "This machine: ")
        await shows(pilot, "d run the demo")
        await pilot.press("d")
        await until(pilot, lambda: app.return_value is not None)
    assert app.return_value == RUN_DEMO
    assert not workspace.root.exists()


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_help(desk: Desk, size: tuple[int, int]) -> None:
    """? says what this place is for and what its keys do; esc closes it."""
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "? help")
        await pilot.press("question_mark")
        await shows(pilot, "nobody says whose they are")
        await shows(pilot, "A is better (the left or upper one)")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Place))
        bottom = screen_text(app).splitlines()[-1]
        await pilot.click("KeyBar", offset=(bottom.index("? help"), 0))
        await shows(pilot, "nobody says whose they are")


async def test_the_keys_below_work(desk: Desk) -> None:
    """The line below shows keys that work now: while I type, no letters; afterwards they are there."""
    app = FtarenaApp(desk, "chat")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, NAMES[0])  # before there are panes there is nothing to leave the box for
        await shows(pilot, "enter send")
        bottom = screen_text(app).splitlines()[-1]
        assert "alt+enter new line" in bottom and "quit" not in bottom and "blind" not in bottom
        await pilot.press("escape")
        await shows(pilot, "b blind")
        assert "q quit" in screen_text(app).splitlines()[-1]


async def test_palette_has_every_action(desk: Desk) -> None:
    """ctrl+p opens the palette, also while I type; an action of this place is found by its name."""
    app = FtarenaApp(desk, "chat")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "enter send")
        await pilot.press("ctrl+p")
        await pilot.press(*"names in vote never")
        await shows(pilot, "Names in Vote: never shown")
        await pilot.press("enter")
        with Store.open(desk.workspace.database) as store:
            await until(pilot, lambda: read_settings(store).names == "never")


def test_settings_survive_nonsense(tmp_path: Path) -> None:
    """A settings file that somebody broke is the defaults; saving alone creates no project."""
    path = tmp_path / "settings.json"
    for text in ("", "[]", '{"reveal": "always", "theme": 3, "data": {}}', "\x00"):
        path.write_text(text)
        assert load_settings(path) == Settings()
    save_settings(path, Settings("nord", "end", ("a.jsonl",)))
    assert load_settings(path) == Settings("nord", "end", ("a.jsonl",))
    save_settings(tmp_path / "none" / "settings.json", Settings())
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-light", "no-such-theme"])
async def test_themes(desk: Desk, theme: str) -> None:
    """My theme is remembered; every one, dark or light, draws every place; an unknown one is the default."""
    save_settings(desk.workspace.root / "settings.json", Settings(theme=theme))
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        for key in ("f1", "f2", "f3", "f4", "f5"):
            await pilot.press(key)
            await pilot.pause()
        assert app.theme == ("textual-dark" if theme == "no-such-theme" else theme)


async def test_without_colour(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR: there is no colour, and where I am is seen by a sign and by reversing."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = FtarenaApp(desk, "vote")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "▸2 Vote")
        for strip in app.screen._compositor.render_strips(app.screen.size):
            for segment in strip.apply_filter(app._filters[-1], app.screen.background_colors[1]):
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    assert colour is None or colour.triplet is None or len(set(colour.triplet)) == 1


async def test_quitting_says_what_goes_on(desk: Desk, situation: list[Situation]) -> None:
    """q quits; I am told that the run and the engine go on, and how to end them."""
    make_run(desk.workspace, "sft-1", "training")
    situation[0] = Situation((engine_status(EngineState.READY),), tuple(list_runs(desk.workspace)))
    app = FtarenaApp(desk, "scores")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "run sft-1 75 %   ● engine ready")
        await pilot.press("q")
        await until(pilot, lambda: app.return_value is not None)
    assert app.return_value == 0
    run, engine = farewell(app.situation)
    assert "sft-1 goes on" in run and "ftarena engine stop" in engine


async def test_what_breaks_goes_to_the_log(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something breaks that should not: one line on screen, the traceback in the log, and work goes on."""

    def broken(workspace: Any) -> Situation:
        raise ZeroDivisionError("[/] secret \x1b[2J")

    monkeypatch.setattr(app_module, "look", broken)
    app = FtarenaApp(desk, "scores")
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        await shows(pilot, "look_around broke: ZeroDivisionError")
        assert "Traceback" not in screen_text(app)
        await pilot.press("2")
        await until(pilot, lambda: place(app) == "vote")
    assert "ZeroDivisionError" in desk.workspace.log.read_text()


def run_python(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


EVERY_PLACE = """
import asyncio, sys
from pathlib import Path
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.workspace import Workspace
async def main():
    workspace = Workspace(Path({root!r}))
    app = FtarenaApp(Desk(workspace, workspace.database, "ana"), "chat")
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("f1", "f2", "f3", "f4", "f5"):
            await pilot.press(key)
            await pilot.pause(0.1)
asyncio.run(main())
print(*sys.modules)
"""


def test_no_machine_learning_is_imported(desk: Desk) -> None:
    """Opening the program and going to every place of it loads no torch, no vLLM, no pandas."""
    modules = set(run_python(EVERY_PLACE.format(root=str(desk.workspace.root))).split())
    assert {"numpy", "sqlite3", "ftarena.arena.battles"} <= modules, "every place was really there"
    assert not modules & {
        "torch",
        "transformers",
        "trl",
        "peft",
        "datasets",
        "vllm",
        "pandas",
        "ray",
        "openai",
    }


@pytest.mark.parametrize("name", ["chat", "vote", "scores", "runs"])
def test_the_first_frame_needs_little(name: str) -> None:
    """What is imported before the first frame of a place: no numpy, SQLite, HTTP or pydantic."""
    code = f"import sys, ftarena.tui.app, ftarena.tui.screens.{name}; print(*sys.modules)"
    modules = set(run_python(code).split())
    assert not modules & {"numpy", "sqlite_utils", "httpx", "pydantic", "psutil", "ftarena.store"}


def test_an_unexpected_end_prints_no_traceback(tmp_path: Path) -> None:
    """Even when the interface itself breaks, the terminal gets one line; the traceback goes to the log."""
    code = f"""
import asyncio
from pathlib import Path
from ftarena.tui.app import FtarenaApp
from ftarena.tui.desk import Desk
from ftarena.workspace import Workspace
def broken(self):
    raise ZeroDivisionError("secret")
FtarenaApp.action_help = broken
async def main():
    workspace = Workspace(Path({str(tmp_path / "p")!r}))
    app = FtarenaApp(Desk(workspace, workspace.database, "ana"), "runs")
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("question_mark")
            await pilot.pause(0.2)
    except ZeroDivisionError:
        pass
    print([str(r) for r in app._exit_renderables], app.return_code)
asyncio.run(main())
"""
    said = run_python(code)
    assert "ftarena broke" in said and "secret" not in said
    assert "ZeroDivisionError: secret" in (tmp_path / "p" / "ftarena.log").read_text()
