"""Why they differ, on a screen: bars, words, and the battles one key away."""

import random

import pytest

from ftarena.arena import add_contestant
from ftarena.serving.contestants import Contestant
from ftarena.store import Store
from ftarena.tui.app import FtarenaApp
from ftarena.tui.screens.why import WhyScreen
from ftarena.workspace import Workspace

from .support import LARGE, SMALL, make_desk, screen_text, shows

EVIL = "[@click=app.quit]x[/]\x1b]0;t\x07"


def shorter_wins(workspace: Workspace, names: tuple[str, str] = ("new", "old")) -> None:
    """Forty battles in which the shorter answer, usually the first one's, is nearly always liked."""
    workspace.ensure()
    rng = random.Random(2)
    with Store.open(workspace.database) as store, store.transaction():
        rows = [
            add_contestant(store, name, Contestant(model="demo:smollm2", system_prompt=name))
            for name in names
        ]
        for place in range(40):
            [prompt_id] = store.add_prompts([([("user", f"Question {place}?")], None)], "general")
            lengths = sorted(rng.sample(range(3, 30), 2), reverse=place % 4 == 0)
            opening = ("surely", f"basically {EVIL}")
            sides = [
                (
                    row.id,
                    store.add_answer(
                        row.id, prompt_id, f"{opening[n]} {'word ' * lengths[n]}{place}", n_tokens=lengths[n]
                    ),
                )
                for n, row in enumerate(rows)
            ]
            short_left = (lengths[0] < lengths[1]) == (place % 7 > 0)
            battle = store.ballots.add_battle("ben", prompt_id=prompt_id, left=sides[0], right=sides[1])
            store.ballots.add_event(
                battle, "ben", "vote", outcome="left" if short_left else "right", elapsed_ms=900
            )


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_bars_words_and_battles(workspace: Workspace, size: tuple[int, int]) -> None:
    """I see that the new one is shorter and that this is what was liked; enter shows me the battles."""
    shorter_wins(workspace)
    app = FtarenaApp(make_desk(workspace), "runs")
    async with app.run_test(size=size) as pilot:
        await app.push_screen(WhyScreen(app.desk, "new", "old"))
        await shows(pilot, "new against old")
        await shows(pilot, "basically (0, 40)")
        text = screen_text(app)
        assert "liked less of: length in" in text and "≠" in text and "×0." in text
        assert "surely (40, 0)" in text
        assert ("━" in text) == (size == LARGE)
        await pilot.press("enter")
        await shows(pilot, "5 decided battles")
        await shows(pilot, "● better")
        await pilot.press("escape", "x")
        await shows(pilot, "old against new")


async def test_nothing_to_say_is_said(workspace: Workspace) -> None:
    """A name that is not there gets one line, no crash."""
    shorter_wins(workspace)
    app = FtarenaApp(make_desk(workspace), "runs")
    async with app.run_test(size=SMALL) as pilot:
        await app.push_screen(WhyScreen(app.desk, "new", "nobody"))
        await shows(pilot, "there is no contestant 'nobody'")


async def test_hostile_names_and_words(workspace: Workspace) -> None:
    """Names and words of answers are shown as text."""
    shorter_wins(workspace, (EVIL, "[/ 日本語" + "w" * 200))
    app = FtarenaApp(make_desk(workspace), "runs")
    async with app.run_test(size=SMALL) as pilot:
        await app.push_screen(WhyScreen(app.desk, EVIL, "[/ 日本語" + "w" * 200))
        await shows(pilot, "[@click=app.quit]x[/]")
        await shows(pilot, "length in")
        for strip in app.screen._compositor.render_strips(app.screen.size):
            assert not [c for c in strip.text if ord(c) < 32 or 0x7F <= ord(c) < 0xA0]
            assert not any(s.style and s.style.meta.get("@click") for s in strip)
