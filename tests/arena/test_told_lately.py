"""An answer whose author was just told is no blind answer."""

import random
from collections.abc import Callable

import pytest

from ftarena.arena import Arena
from ftarena.arena.ballot_words import told_words
from ftarena.arena.records import TOLD
from ftarena.arena.settings import write_settings
from ftarena.store import Store

from .conftest import fill


def vote(arena: Arena) -> str:
    battle = arena.next()
    assert battle is not None
    arena.vote(battle.id, "left", elapsed_ms=1)
    return battle.id


def test_an_answer_just_told_waits_for_other_answers(store: Store) -> None:
    """With one question answered I'm not shown the answer whose author I was told a moment ago."""
    fill(store, ["base", "sft-1", "dpo-1"], ["One?"])
    store.add_prompts([([("user", "Not answered yet?")], None)], "heldout")
    arena = Arena(store, labeler="ana", rng=random.Random(1))
    vote(arena)
    assert arena.next() is None
    assert arena.progress().resting == 2
    assert arena.undo() is not None  # and taken back, it was told all the same
    assert Arena(store, labeler="bo").next() is not None


def test_where_nothing_else_is_left_it_is_not_scored(store: Store) -> None:
    """Where nothing else is left I may vote on it, and am told that and why it isn't scored."""
    fill(store, ["base", "sft-1", "dpo-1"], ["One?"])
    arena = Arena(store, labeler="ana", rng=random.Random(1))
    assert not arena.told(vote(arena)).leaked
    told = arena.told(vote(arena))
    assert told.leaked == TOLD
    assert f"Not scored: you were {TOLD}." in told_words(told)
    assert len(store.standing_votes()) == 1


@pytest.mark.parametrize("names", ["never", "end"])
def test_who_is_told_nothing_goes_on(store: Store, names: str) -> None:
    """Where names are not told after each vote, every battle is there at once and counts."""
    fill(store, ["base", "sft-1", "dpo-1"], ["One?"])
    arena = Arena(store, labeler="ana", names_shown=names)  # type: ignore[arg-type]  # one of three words
    for _ in range(3):
        vote(arena)
    assert len(store.standing_votes()) == 3


@pytest.fixture
def shown(store: Store) -> Callable[[], list[set[str]]]:
    def texts() -> list[set[str]]:
        rows = store.rows("SELECT left_answer_id, right_answer_id FROM battles ORDER BY id")
        return [set(row) for row in rows]

    return texts


def test_with_many_questions_nothing_is_shown_again_soon(
    store: Store, shown: Callable[[], list[set[str]]]
) -> None:
    """With 40 questions and three contestants no answer comes back within ten battles."""
    fill(store, ["base", "sft-1", "dpo-1"], [f"Question {number}?" for number in range(40)])
    arena = Arena(store, labeler="ana", rng=random.Random(3))
    for _ in range(60):
        vote(arena)
    drawn = shown()
    for number, battle in enumerate(drawn):
        assert not battle & set().union(*drawn[max(number - 10, 0) : number])
    assert len(store.standing_votes()) == 60


def test_a_repeat_moves_the_number_like_any_other(store: Store) -> None:
    """Where names are never told, "3 of 40 decided" grows with each vote, so that nothing tells a repeat."""
    fill(store, ["base", "sft-1"], [f"Question {number}?" for number in range(20)])
    write_settings(store, {"names": "never", "attention": 0.5})
    arena = Arena(store, labeler="ana", rng=random.Random(1))
    for number in range(20):
        assert arena.progress().voted == number
        vote(arena)
    assert store.ballots.repeats("ana") > 0
