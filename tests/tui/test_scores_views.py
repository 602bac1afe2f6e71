"""Scores from every side: slices, labelers, head to heads, judges, length held equal, battles."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.arena import Arena
from ftarena.scoring import Vote, score
from ftarena.scoring.facing import facing, sentence
from ftarena.store import Store
from ftarena.tui.app import FtarenaApp
from ftarena.tui.drawing.matrix import matrix_rows
from ftarena.workspace import Workspace

from .support import LARGE, NAMES, SMALL, fill, make_desk, screen_text, shows, until


@pytest.fixture
def voted(workspace: Workspace) -> Workspace:
    """Two people and a judge have decided everything; one prompt has a category, one vote a comment."""
    fill(
        workspace,
        prompts=[f"How do I do thing number {n}?" for n in range(6)],
        answer=lambda n, i: "word " * (4 + 3 * n + i),
    )
    rng = random.Random(2)
    with Store.open(workspace.database) as store:
        for labeler, kind in (("ana", "human"), ("ben", "human"), ("judge:opal", "judge")):
            arena = Arena(store, labeler=labeler, rng=rng, kind=kind)
            while (battle := arena.next()) is not None:
                arena.vote(battle.id, rng.choice(["left", "right", "right", "tie"]), elapsed_ms=3200)
        prompt = store.prompts()[0].id
        with store.transaction() as connection:
            connection.execute("INSERT INTO prompt_categories VALUES (?, 'shell', '2026-01-01')", (prompt,))
        last = store.ballots.last_standing("ben")
        assert last is not None
        store.ballots.add_event(last.battle_id, "ben", "comment", text="a close call")
        store.ballots.add_detail(last.event_id, "helpful", outcome="left")
    return workspace


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_pair_by_category_labeler_and_week(voted: Workspace, size: tuple[int, int]) -> None:
    """c takes the pair apart, and enter opens exactly the battles of the slice."""
    app = FtarenaApp(make_desk(voted, labeler="cleo"), "scores")
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "36 votes by 2 labelers")
        await pilot.press("c")
        await shows(pilot, "by category")
        await shows(pilot, "shell")
        await pilot.press("j", "enter")
        await shows(pilot, "2 decided battles")
        await pilot.press("escape", "a")
        await shows(pilot, "by labeler")
        await shows(pilot, "ben")
        await pilot.press("w")
        await shows(pilot, "by week")
        await shows(pilot, "-W")
        await pilot.press("escape")
        await shows(pilot, "36 votes by 2 labelers")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_who_voted(voted: Workspace, size: tuple[int, int]) -> None:
    """a lists people, and judges who are not counted; enter opens the battles somebody decided."""
    app = FtarenaApp(make_desk(voted, labeler="cleo"), "scores")
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "36 votes by 2 labelers")
        await pilot.press("a")
        await shows(pilot, "2 labelers and 1 judge, who are not counted")
        await shows(pilot, "judge:opal")
        await pilot.press("enter")
        await shows(pilot, "18 decided battles")


async def test_battles_narrowed(voted: Workspace) -> None:
    """o and l leave only one outcome or labeler; comment, criterion and time stand below."""
    app = FtarenaApp(make_desk(voted, labeler="cleo"), "scores")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "36 votes by 2 labelers")
        await pilot.press("a")
        await shows(pilot, "who are not counted")
        await pilot.press("j", "enter")
        await shows(pilot, "by ben   18 decided battles")
        await shows(pilot, "“a close call”")
        assert "helpful: " in screen_text(app) and "decided in 3.2 s" in screen_text(app)
        await pilot.press("o")
        await shows(pilot, "of 18 decided battles: ")
        await pilot.press("a")
        await shows(pilot, "by ben   18 decided battles")


async def test_head_to_head(voted: Workspace) -> None:
    """h shows everybody against everybody in the place of the ratings, and again the ratings."""
    app = FtarenaApp(make_desk(voted), "scores")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "36 votes by 2 labelers")
        await pilot.press("h")
        await shows(pilot, "won by the row against the column")
        await pilot.press("h")
        await until(pilot, lambda: "won by the row" not in screen_text(app))


async def test_two_contestants_have_no_table(voted: Workspace) -> None:
    """With two there is nothing that the list does not say: h is not offered."""
    app = FtarenaApp(make_desk(voted, contestants=list(NAMES[:2])), "scores")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "12 votes by 2 labelers")
        assert "head to head" not in screen_text(app)


async def test_length_and_looks_held_equal(voted: Workspace) -> None:
    """l tells what is left at equal length, then at equal looks, beside the plain figure; then it is gone."""
    app = FtarenaApp(make_desk(voted), "scores")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "36 votes by 2 labelers")
        await pilot.press("l")
        await shows(pilot, "with length held equal")
        await shows(pilot, "longer by")
        assert "length equal" in screen_text(app)
        await pilot.press("l")
        await shows(pilot, "with style held equal")
        await pilot.press("l")
        await until(pilot, lambda: "held equal" not in screen_text(app))


async def test_judges_stand_beside(voted: Workspace) -> None:
    """J shows what the judge says; people's numbers stay as they are."""
    app = FtarenaApp(make_desk(voted), "scores")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "36 votes by 2 labelers")
        assert "judge:opal" not in screen_text(app)
        await pilot.press("J")
        await shows(pilot, "judge:opal: 18 votes apart")
        await shows(pilot, "judges: ")
        assert "36 votes by 2 labelers" in screen_text(app)
        await pilot.press("J")
        await until(pilot, lambda: "judge:opal" not in screen_text(app))


async def test_by_a_criterion(voted: Workspace) -> None:
    """r scores what was decided by a criterion instead of the vote, and after the last the vote again."""
    app = FtarenaApp(make_desk(voted, labeler="cleo"), "scores")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "36 votes by 2 labelers")
        await pilot.press("r")
        await shows(pilot, "by helpful:   1 vote by 1 labeler")
        await pilot.press("enter")
        await shows(pilot, "1 decided battle,")
        await pilot.press("escape", "r")
        await shows(pilot, "36 votes by 2 labelers")


@pytest.mark.parametrize(
    ("key", "screen"), [("w", "WhyScreen"), ("i", "ImproveScreen"), ("v", "GenerationsScreen")]
)
async def test_ways_on(voted: Workspace, key: str, screen: str) -> None:
    """From the board it is one key to why they differ, to the next model, and to where models came from."""
    app = FtarenaApp(make_desk(voted), "scores")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "36 votes by 2 labelers")
        await pilot.press(key)
        await until(pilot, lambda: type(app.screen).__name__ == screen, screen)


async def test_what_was_measured_stands_below(voted: Workspace) -> None:
    """The length of answers and the like are told from who is behind to who is ahead."""
    app = FtarenaApp(make_desk(voted), "scores")
    async with app.run_test(size=LARGE) as pilot:
        await shows(pilot, "5 tokens")


def test_light(tmp_path: Path) -> None:
    """The place is painted without numpy, pydantic or HTTP."""
    import subprocess
    import sys

    code = (
        "import sys, ftarena.tui.screens.scores;"
        "print(sorted({'numpy', 'httpx', 'pydantic', 'psutil'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


OUTCOMES = st.sampled_from(["left", "right", "tie", "both_bad"])
VOTES = st.lists(st.tuples(st.booleans(), OUTCOMES, st.integers(0, 8)), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(VOTES)
def test_a_swap_of_names_mirrors_what_is_shown(votes: list[tuple[bool, str, int]]) -> None:
    """Whoever is called a and b: who is ahead, and by what figures, is the same."""

    def seen(first: str, second: str) -> tuple[object, ...]:
        cast = [
            Vote(*((first, second) if way else (second, first)), outcome, "ana", f"p{prompt}")
            for way, outcome, prompt in votes
        ]
        [pair] = score(cast).pairs
        return facing(pair), sentence(pair)

    (one, said), (other, mirrored) = seen("a", "b"), seen("b", "a")
    swap = {"a": "b", "b": "a"}
    if one.won != one.lost:
        assert (other.first, other.second) == (swap[one.first], swap[one.second])
        assert (one.won, one.lost) == (other.won, other.lost)
        assert [one.rate, one.low, one.high, one.sequence_low, one.sequence_high] == pytest.approx(
            [other.rate, other.low, other.high, other.sequence_low, other.sequence_high]
        )
        assert one.difference == pytest.approx(other.difference, abs=1e-6)
        assert len(said) == len(mirrored)


def test_a_table_that_does_not_fit() -> None:
    """Of forty contestants the best are shown, and how many are not; every row fits."""
    votes = [
        Vote(f"c{n:02}", f"c{m:02}", "left" if n < m else "tie", "ana", f"p{n}{m}")
        for n in range(40)
        for m in range(40)
        if n != m
    ]
    rows = matrix_rows(score(votes), 80)
    texts = ["".join(piece.text for piece in row) for row in rows]
    assert max(map(len, texts)) <= 80
    assert any("more: ftarena score --csv" in text for text in texts)
