"""Blindness as a law: what is shown before the vote does not depend on who answered."""

import dataclasses
import io
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.arena import Arena, BlindBattle, write_settings
from ftarena.arena.sampling import SAMPLERS, Combination, Outlook, balanced, sides
from ftarena.plain.vote import sitting
from ftarena.store import OUTCOMES, Outcome, Store

from .conftest import fill


def test_a_battle_holds_two_texts_and_a_question() -> None:
    """There is no place in what is shown where a name, a length or a speed could be."""
    names = {field.name for field in dataclasses.fields(BlindBattle)}
    assert names == {"id", "messages", "left", "right", "number"}


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=12, max_size=20),
        min_size=2,
        max_size=4,
        unique_by=str.casefold,
    ),
    st.integers(0, 2**32),
)
def test_no_name_is_in_anything_shown(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], seed: int
) -> None:
    """Whatever contestants are called, no battle shows it, however it is printed."""
    with Store.open(tmp_path_factory.mktemp("blind") / "arena.db") as store:
        fill(store, names, ["one", "two"])
        arena = Arena(store, labeler="ana", rng=random.Random(seed))
        ids = [row.id for row in store.contestants()]
        while (battle := arena.next()) is not None:
            for shown in (repr(battle), str(battle), repr(arena.progress()), battle.left, battle.right):
                assert not any(name in shown for name in (*names, *ids))
            arena.vote(battle.id, "left", elapsed_ms=1)


@settings(max_examples=15, deadline=None)
@given(st.permutations(["base", "sft-1", "dpo-1"]), st.integers(0, 2**32))
def test_swapping_names_changes_nothing_that_is_shown(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], seed: int
) -> None:
    """With the same answers under other names, the same session shows the same texts on the same sides."""
    sessions = []
    for called in (["base", "sft-1", "dpo-1"], names):
        with Store.open(tmp_path_factory.mktemp("swap") / "arena.db") as store:
            fill(store, called, ["one", "two", "three"])
            arena = Arena(store, labeler="ana", rng=random.Random(seed))
            shown = []
            while (battle := arena.next()) is not None:
                shown.append((battle.messages, battle.left, battle.right, battle.number))
                arena.vote(battle.id, "tie", elapsed_ms=1)
            sessions.append(shown)
    assert sessions[0] == sessions[1]


def test_sides_are_drawn_like_a_coin() -> None:
    """Over 4,000 battles of two contestants, each is on the left half of the time (within 4 σ)."""
    rng = random.Random(7)
    combination = Combination.of("p", "one", "two")
    lefts = 0
    for _ in range(4000):
        lefts += sides(combination, rng)[0] == "one"
    assert abs(lefts - 2000) < 4 * (4000 * 0.25) ** 0.5


def test_sides_do_not_depend_on_what_was_made_first(tmp_path: Path) -> None:
    """Which answer was there first, or who was added first, tells nothing about its side."""
    lefts: Counter[str] = Counter()
    with Store.open(tmp_path / "arena.db") as store:
        fill(store, ["first", "second"], [f"question {number}" for number in range(40)])
        for labeler in range(10):
            arena = Arena(store, labeler=f"labeler {labeler}", rng=random.Random(labeler))
            for _ in range(40):
                battle = arena.next()
                assert battle is not None
                lefts[battle.left.split()[1]] += 1
                arena.vote(battle.id, "left", elapsed_ms=1)
    assert abs(lefts["0"] - 200) < 4 * (400 * 0.25) ** 0.5


def test_each_labeler_has_an_order_of_their_own(tmp_path: Path) -> None:
    """Two labelers see prompts in different orders and sides: nothing can be agreed upon beforehand."""
    orders = []
    with Store.open(tmp_path / "arena.db") as store:
        fill(store, ["base", "sft"], [f"question {number}" for number in range(20)])
        for labeler in ("ana", "bo"):
            arena = Arena(store, labeler=labeler)
            order = []
            while (battle := arena.next()) is not None:
                order.append((battle.messages[0].content, battle.left))
                arena.vote(battle.id, "tie", elapsed_ms=1)
            orders.append(order)
    assert orders[0] != orders[1]
    assert {question for question, _ in orders[0]} == {question for question, _ in orders[1]}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("pqrs"), st.sampled_from([("x", "y"), ("x", "z"), ("y", "z")])), unique=True
    ),
    st.lists(st.integers(0, 11), max_size=12),
    st.randoms(use_true_random=False),
)
def test_a_draw_is_new_and_among_the_rarest(
    ready: list[tuple[str, tuple[str, str]]], past: list[int], rng: random.Random
) -> None:
    """A draw is ready, never met before, and of a pair that was met least of those still possible."""
    combinations = [Combination.of(prompt, *pair) for prompt, pair in ready]
    had = [combinations[number] for number in past if number < len(combinations)]
    possible = [combination for combination in combinations if combination not in had]
    choice = balanced(Outlook(open=possible, had=list(dict.fromkeys(had))), rng)
    if not possible:
        assert choice is None
        return
    assert choice is not None
    combination = choice.combination
    assert combination in possible
    met = Counter(one.pair for one in set(had))
    assert met[combination.pair] == min(met[one.pair] for one in possible)


@settings(max_examples=6, deadline=None)
@given(
    st.permutations(["base", "sft-1", "dpo-1"]),
    st.integers(0, 2**32),
    st.sampled_from(sorted(SAMPLERS)),
    st.sampled_from(["a\nb\n", "b\n\n", "t\nx\n", "S\n1\n", "c why\nx\na\n"]),
)
def test_swapping_names_changes_no_line(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], seed: int, sampler: str, keys: str
) -> None:
    """Line mode with repeats, criteria and any sampler writes the same letters whoever is called what."""
    sessions = []
    for called in (["base", "sft-1", "dpo-1"], names):
        with Store.open(tmp_path_factory.mktemp("swap") / "arena.db") as store:
            fill(store, called, [f"question {number}" for number in range(4)])
            write_settings(
                store, {"names": "never", "criteria": "safe", "attention": 0.5, "sampler": sampler}
            )
            out = io.StringIO()
            arena = Arena(store, labeler="ana", rng=random.Random(seed))
            sitting(arena, lambda: False, io.StringIO(keys * 12), out)
            sessions.append(out.getvalue())
    assert sessions[0] == sessions[1]
    assert not any(name in sessions[0] for name in names)


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(OUTCOMES), st.sampled_from(OUTCOMES), st.integers(0, 2**32))
def test_a_repeat_is_told_from_no_other_before_the_vote(
    tmp_path_factory: pytest.TempPathFactory, first: Outcome, then: Outcome, seed: int
) -> None:
    """A repeated battle has the fields of any other; only after the vote is it said how I did."""
    mirrored = {"left": "right", "right": "left"}
    with Store.open(tmp_path_factory.mktemp("repeat") / "arena.db") as store:
        fill(store, ["base", "sft-1"], [f"question {number}" for number in range(12)])
        write_settings(store, {"attention": 0.5, "names": "end"})
        arena = Arena(store, labeler="ana", rng=random.Random(seed))
        numbers = []
        while (battle := arena.next()) is not None:
            numbers.append(battle.number)
            row = store.ballots.battle(battle.id)
            assert row is not None
            arena.vote(battle.id, first if row.repeat_of is None else then, elapsed_ms=1)
            told = arena.told(battle.id)
            expected = None if row.repeat_of is None else mirrored.get(first, first) == then
            assert told.agreed is expected
        assert numbers == list(range(1, len(numbers) + 1))
