"""The battles behind a number are those that were counted, and only those."""

import random

from ftarena.arena import Arena
from ftarena.arena.standings.history import voted_battles
from ftarena.store import Selection, Store


def vote_all(store: Store, labeler: str, **more: object) -> None:
    arena = Arena(store, labeler=labeler, rng=random.Random(labeler), **more)
    while (battle := arena.next()) is not None:
        arena.vote(battle.id, random.choice(["left", "right", "tie"]), elapsed_ms=1200)


def test_every_vote_is_listed_once(filled: Store) -> None:
    """Pair by pair, or all together: as many battles as the board counts votes."""
    for labeler in ("ana", "ben"):
        vote_all(filled, labeler)
    counted = filled.standing_votes()
    listed = voted_battles(filled, reader=None)
    assert len(listed) == len(counted) == 36
    of_pair = voted_battles(filled, "sft-1", "base", reader=None)
    assert len(of_pair) == 12
    assert {frozenset((battle.left, battle.right)) for battle in of_pair} == {frozenset(("base", "sft-1"))}
    times = [battle.created_at for battle in listed]
    assert times == sorted(times, reverse=True)
    assert len(voted_battles(filled, reader=None, most=5)) == 5


def test_a_selection_means_the_same_votes(filled: Store) -> None:
    """By labeler, category, criterion: the list holds what the number was made of."""
    for labeler in ("ana", "ben"):
        vote_all(filled, labeler)
    prompt = filled.prompts()[0].id
    with filled.transaction() as connection:
        connection.execute("INSERT INTO prompt_categories VALUES (?, 'shell', '2026-01-01')", (prompt,))
    vote = voted_battles(filled, reader=None)[0]
    filled.ballots.add_detail(vote.vote_id, "correct", outcome="both_bad")
    filled.ballots.add_detail(vote.vote_id, "strength", strength=4)
    filled.ballots.add_event(vote.battle_id, vote.labeler, "comment", text="close")
    for selection in (
        Selection(labelers=["ana"]),
        Selection(categories=["shell"]),
        Selection(criterion="correct"),
        Selection(contestants=["base", "dpo-1"]),
        Selection(voters="judges"),
        Selection(since="2020", until="2021"),
    ):
        listed = voted_battles(filled, reader=None, selection=selection)
        counted = filled.standing_votes(selection)
        assert sorted((b.left, b.right, b.outcome, b.labeler) for b in listed) == sorted(
            row[:4] for row in counted
        )
    [told] = voted_battles(filled, reader=None, selection=Selection(criterion="correct"))
    assert (told.outcome, told.comments, told.details) == (
        "both_bad",
        ("close",),
        {"correct": "both_bad", "strength": 4},
    )
    assert told.elapsed_ms == 1200 and told.question is not None
    [first, *_] = voted_battles(filled, reader=None, selection=Selection(categories=["shell"]))
    assert first.categories == ("shell",)


def test_what_i_still_have_before_me_stays_blind(filled: Store) -> None:
    """A battle I have open is not listed to me, though others have decided it; to others it is."""
    open_battle = Arena(filled, labeler="ana", rng=random.Random(1)).next()
    assert open_battle is not None
    vote_all(filled, "ben")
    assert len(voted_battles(filled, reader="ana")) == 17
    assert len(voted_battles(filled, reader="ben")) == 18


def test_battles_by_id(filled: Store) -> None:
    """Whoever names battles gets the votes on just these."""
    vote_all(filled, "ana")
    listed = voted_battles(filled, reader=None)
    assert voted_battles(filled, reader=None, battles=(listed[3].battle_id,)) == [listed[3]]
    assert voted_battles(filled, reader=None, battles=()) == []
