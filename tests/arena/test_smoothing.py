"""How noisy votes are, from how far labelers agree, and what training is told of it."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.arena import Arena, add_contestant
from ftarena.arena.improving.smoothing import (
    MOST,
    Smoothing,
    flip_rate,
    measure_smoothing,
    wrong_way_round,
)
from ftarena.serving.contestants import Contestant, Sampling
from ftarena.store import Outcome, Selection, Store

PROMPTS = 40
GOOD = "That is"
"""How an answer of the better contestant begins."""


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Store]:
    """Two contestants whose answers to forty questions are there."""
    with Store.open(tmp_path / "arena.db") as store:
        rows = [
            add_contestant(store, name, Contestant(model="demo:smollm2", sampling=Sampling(seed=n)))
            for n, name in enumerate(("base", "sft-1"))
        ]
        for number, prompt in enumerate(
            store.add_prompts([([("user", f"Question {n}?")], None) for n in range(PROMPTS)], "heldout")
        ):
            for row in rows:
                store.add_answer(
                    row.id, prompt, f"{GOOD if row.name == 'sft-1' else 'It is'} {number}", n_tokens=4
                )
        yield store


def vote(store: Store, labeler: str, flips: float, seed: int) -> None:
    """Prefer sft-1 everywhere, but turn a vote round with a probability."""
    arena, chance = Arena(store, labeler=labeler, rng=random.Random(seed)), random.Random(seed + 1)
    while (battle := arena.next()) is not None:
        left = battle.left.startswith(GOOD) != (chance.random() < flips)
        arena.vote(battle.id, "left" if left else "right", elapsed_ms=900)


def repeat(store: Store, labeler: str, same: int, other: int) -> None:
    """Show decided battles again with the sides swapped; decide them as before, or the other way round."""
    found = store.rows(
        "SELECT b.id, b.prompt_id, b.left_id, b.left_answer_id, b.right_id, b.right_answer_id, v.outcome"
        " FROM votes v JOIN battles b ON b.id = v.battle_id ORDER BY b.id LIMIT ?",
        [same + other],
    )
    turned: dict[str, Outcome] = {"left": "right", "right": "left"}
    for number, (battle_id, prompt, left, left_answer, right, right_answer, outcome) in enumerate(found):
        again = store.ballots.add_battle(
            labeler,
            prompt_id=prompt,
            left=(right, right_answer),
            right=(left, left_answer),
            repeat_of=battle_id,
        )
        said = turned[outcome] if number < same else outcome
        store.ballots.add_event(again, labeler, "vote", outcome=said, elapsed_ms=900, names_shown="never")


def test_two_labelers_measure_the_noise(asked: Store) -> None:
    """Two people with a tenth of wrong keys agree on about 82 %, and about a tenth is what comes out."""
    vote(asked, "ana", 0.1, 1)
    vote(asked, "ben", 0.1, 2)
    found = measure_smoothing(asked, Selection(), [1] * PROMPTS)
    assert found.origin == "labelers" and found.compared == PROMPTS
    assert found.agreement is not None and found.low is not None and found.high is not None
    assert found.low < found.agreement < found.high
    assert found.flip == pytest.approx(flip_rate(found.agreement)) and 0.03 < found.flip < 0.2
    assert found.value == round(found.flip, 3)
    assert "labelers agree with each other on" in found.words() and "40 decisions" in found.words()


def test_one_labeler_is_measured_on_what_came_again(asked: Store) -> None:
    """I voted alone, but eight battles came twice: six of eight agree."""
    vote(asked, "ana", 0.0, 1)
    repeat(asked, "ana", same=6, other=2)
    found = measure_smoothing(asked, Selection(), [1])
    assert (found.origin, found.agreement, found.compared) == ("repeats", 0.75, 8)
    assert "agree with themselves" in found.words()


def test_with_nothing_to_compare_it_says_so(asked: Store) -> None:
    """One labeler and no repeats: no smoothing, and the way to measure it."""
    vote(asked, "ana", 0.0, 1)
    found = measure_smoothing(asked, Selection(), [1] * 3)
    assert (found.value, found.origin) == (0.0, "none")
    assert "overlap=2" in found.words() and "attention=0.1" in found.words()


def test_too_few_comparisons_are_none(asked: Store) -> None:
    """Four repeats that agree could be chance: they are not taken for certainty."""
    vote(asked, "ana", 0.0, 1)
    repeat(asked, "ana", same=4, other=0)
    found = measure_smoothing(asked, Selection(), [1])
    assert (found.origin, found.compared) == ("none", 4) and "(4 only)" in found.words()


def test_only_votes_that_are_meant_are_compared(asked: Store) -> None:
    """Asked about one labeler alone, the other one's votes are not looked at."""
    vote(asked, "ana", 0.0, 1)
    vote(asked, "ben", 0.5, 2)
    assert measure_smoothing(asked, Selection(), [1]).origin == "labelers"
    assert measure_smoothing(asked, Selection(labelers=["ana"]), [1]).origin == "none"


@given(st.floats(0, 0.5))
def test_the_rate_is_found_back(flip: float) -> None:
    """From the agreement that a flip rate makes, the rate comes out, up to the largest that is used."""
    agreement = (1 - flip) ** 2 + flip**2
    assert flip_rate(agreement) == pytest.approx(min(flip, MOST), abs=1e-6)


@given(st.floats(0, 1))
def test_any_agreement_gives_a_usable_smoothing(agreement: float) -> None:
    """Whatever was measured, what training gets is a number that the loss can take."""
    assert 0 <= flip_rate(agreement) <= MOST < 0.5


@given(st.floats(0, MOST), st.integers(1, 60))
def test_more_votes_make_a_pair_surer(flip: float, margin: int) -> None:
    """A pair that is ahead by one vote is as doubtful as a vote; each further vote makes it surer."""
    assert wrong_way_round(flip, 1) == pytest.approx(flip)
    assert 0 <= wrong_way_round(flip, margin + 1) <= wrong_way_round(flip, margin) < 0.5


@settings(deadline=None, max_examples=8)
@given(
    outcomes=st.lists(
        st.tuples(st.sampled_from(["left", "right", "tie"]), st.booleans()), min_size=1, max_size=40
    )
)
def test_sides_and_names_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, outcomes: list[tuple[Outcome, bool]]
) -> None:
    """The sides of every battle swapped: the same agreement, the same smoothing, to the last bit."""
    assert _measured(tmp_path_factory, outcomes, swapped=False) == _measured(
        tmp_path_factory, outcomes, swapped=True
    )


def _measured(
    folders: pytest.TempPathFactory, outcomes: list[tuple[Outcome, bool]], *, swapped: bool
) -> Smoothing:
    """Let two people vote on the same battles: the first as given, the second the same or the opposite."""
    turned: dict[Outcome, Outcome] = {"left": "right", "right": "left", "tie": "tie", "both_bad": "both_bad"}
    with Store.open(folders.mktemp("mirror") / "arena.db") as store:
        one, other = (
            add_contestant(store, name, Contestant(model="demo:smollm2", sampling=Sampling(seed=n)))
            for n, name in enumerate(("one", "other"))
        )
        for number, (outcome, same) in enumerate(outcomes):
            [prompt] = store.add_prompts([([("user", f"{number}?")], None)], "heldout")
            sides = [
                (row.id, store.add_answer(row.id, prompt, f"{row.name} {number}")) for row in (one, other)
            ]
            for labeler, said in (("ana", outcome), ("ben", outcome if same else turned[outcome])):
                left, right = reversed(sides) if swapped else sides
                battle = store.ballots.add_battle(labeler, prompt_id=prompt, left=left, right=right)
                said = turned[said] if swapped else said
                store.ballots.add_event(battle, labeler, "vote", outcome=said, names_shown="never")
        return measure_smoothing(store, Selection(), [1, 2])
