"""Several labelers, overlap, leases, repeats, criteria: how votes are collected."""

import random
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta, tzinfo

import pytest

from ftarena.arena import Arena, BlindBattle, adopt_names, read_settings, write_settings
from ftarena.errors import FtarenaError
from ftarena.store import Selection, Store

from .conftest import fill


def vote_all(arena: Arena, outcome: str = "left") -> list[BlindBattle]:
    """Decide everything that is given, and return it."""
    battles = []
    while (battle := arena.next()) is not None:
        arena.vote(battle.id, outcome, elapsed_ms=900)  # type: ignore[arg-type]  # a word of OUTCOMES
        battles.append(battle)
    return battles


def combinations(store: Store) -> Counter[tuple[str, ...]]:
    found = store.rows("SELECT prompt_id, min(left_id, right_id), max(left_id, right_id) FROM battles")
    return Counter(map(tuple, found))


def combinations_voted(store: Store) -> Counter[tuple[str, ...]]:
    found = store.rows(
        "SELECT b.prompt_id, min(b.left_id, b.right_id), max(b.left_id, b.right_id)"
        " FROM votes v JOIN battles b ON b.id = v.battle_id"
    )
    return Counter(map(tuple, found))


def test_settings_are_kept_with_the_arena(filled: Store) -> None:
    """What one front end sets, the next one follows; several at once, or none where one is wrong."""
    write_settings(
        filled, {"overlap": "2", "criteria": "helpful, correct", "strength": "on", "names": "never"}
    )
    with Store.open(filled.path) as other:
        found = read_settings(other)
    assert (found.overlap, found.criteria, found.strength) == (2, ("helpful", "correct"), True)
    with pytest.raises(FtarenaError, match="overlap cannot be 'many'"):
        write_settings(filled, {"sampler": "uniform", "overlap": "many"})
    assert read_settings(filled).sampler == "balanced"
    with pytest.raises(FtarenaError, match="no setting 'overlp'") as caught:
        write_settings(filled, {"overlp": 2})
    assert "overlap" in caught.value.hint
    assert Arena(filled, labeler="ana").names_shown == "never"


def test_two_labelers_share_the_work(filled: Store) -> None:
    """With an overlap of one, nobody decides what somebody else has decided or has before them."""
    write_settings(filled, {"overlap": 1})
    ana, bo = (Arena(filled, labeler=name, rng=random.Random(3)) for name in ("ana", "bo"))
    while (one := ana.next()) is not None:
        other = bo.next()
        ana.vote(one.id, "left", elapsed_ms=1)
        if other is not None:
            bo.vote(other.id, "left", elapsed_ms=1)
    assert set(combinations(filled).values()) == {1}
    assert len(combinations(filled)) == 18
    assert bo.progress().planned == bo.progress().voted


def test_an_overlap_of_two_is_two_and_not_three(filled: Store) -> None:
    """Every battle is decided by exactly as many people as were asked for."""
    write_settings(filled, {"overlap": 2})
    for name in ("ana", "bo", "cy"):
        vote_all(Arena(filled, labeler=name))
    assert set(combinations(filled).values()) == {2}


class _Later:
    """A clock that is 31 minutes ahead: leases of half an hour have run out."""

    @staticmethod
    def now(tz: tzinfo) -> datetime:
        return datetime.now(tz) + timedelta(minutes=31)


def test_who_left_keeps_nothing(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A battle that somebody opened and left is given to others once its lease has run out."""
    write_settings(filled, {"overlap": 1, "lease_minutes": 30})
    assert Arena(filled, labeler="ana").next() is not None
    assert len(vote_all(Arena(filled, labeler="bo"))) == 17
    monkeypatch.setattr("ftarena.arena.open_battles.datetime", _Later)
    assert len(vote_all(Arena(filled, labeler="bo"))) == 1


def test_who_comes_back_late_finds_the_next_one(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """My lease ran out and somebody else decided it: I am given another one, and nobody decides twice."""
    write_settings(filled, {"overlap": 1})
    monkeypatch.setattr("ftarena.arena.open_battles.datetime", _Later)
    ana = Arena(filled, labeler="ana")
    first = ana.next()
    assert first is not None
    vote_all(Arena(filled, labeler="bo"))
    assert ana.next() is None
    assert set(combinations_voted(filled).values()) == {1}


def test_several_at_once_never_get_the_same(filled: Store) -> None:
    """Four processes draw and vote at the same time: every battle is decided once, none twice."""
    write_settings(filled, {"overlap": 1})
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from ftarena.arena import Arena\nfrom ftarena.store import Store\n"
        "with Store.open(Path(sys.argv[1])) as store:\n"
        "    arena = Arena(store, labeler=sys.argv[2])\n"
        "    while (battle := arena.next()) is not None:\n"
        "        arena.vote(battle.id, 'left', elapsed_ms=1)\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(filled.path), name])
        for name in ("a", "b", "c", "d")
    ]
    assert [one.wait(timeout=60) for one in running] == [0, 0, 0, 0]
    assert len(combinations(filled)) == 18
    assert set(combinations(filled).values()) == {1}


def test_settings_are_followed_by_who_sits_already(filled: Store) -> None:
    """The owner changes a setting while I vote: my next battle follows it."""
    ana = Arena(filled, labeler="ana")
    battle = ana.next()
    assert battle is not None
    write_settings(filled, {"names": "never", "criteria": "safe"})
    ana.vote(battle.id, "left", elapsed_ms=1)
    ana.next()
    assert (ana.names_shown, ana.settings.criteria) == ("never", ("safe",))


@pytest.mark.parametrize("names", ["never", "after", "end"])
def test_what_i_am_told_after_a_vote(filled: Store, names: str) -> None:
    """Names, how long each took, and whether I agreed with myself: as the arena is set, and never more."""
    write_settings(filled, {"attention": 0.5, "names": names})
    ana = Arena(filled, labeler="ana", rng=random.Random(5))
    agreed = []
    while (battle := ana.next()) is not None:
        longer = "left" if "answer 0" in battle.left or "answer 1" in battle.right else "right"
        ana.vote(battle.id, longer, elapsed_ms=1)  # type: ignore[arg-type]  # a word of OUTCOMES
        told = ana.told(battle.id)
        assert (told.reveal is not None) == (names == "after")
        assert not told.leaked
        row = filled.ballots.battle(battle.id)
        assert row is not None
        if names == "never" or row.repeat_of is None:
            assert told.agreed is None
        else:
            agreed.append(told.agreed)
    assert (names == "never") == (agreed == [])
    assert set(agreed) <= {True, False}


def test_a_repeat_of_a_repeat_never_comes_alone(filled: Store) -> None:
    """When all is decided there is nothing more: repeats come among new battles only."""
    write_settings(filled, {"attention": 0.5})
    ana = Arena(filled, labeler="ana", rng=random.Random(5))
    vote_all(ana)
    assert all(ana.next() is None for _ in range(20))


def test_an_old_setting_moves_into_the_arena_once(filled: Store) -> None:
    """What an older version kept elsewhere counts only while the arena says nothing."""
    assert adopt_names(filled, "end").names == "end"
    assert adopt_names(filled, "never").names == "end"


def test_a_skip_frees_the_battle_for_others(filled: Store) -> None:
    """What I do not want to judge, somebody else may."""
    write_settings(filled, {"overlap": 1})
    ana = Arena(filled, labeler="ana")
    battle = ana.next()
    assert battle is not None
    ana.skip(battle.id, "not my subject")
    assert len(vote_all(Arena(filled, labeler="bo"))) == 18


def test_a_repeat_swaps_the_sides_and_is_not_scored(filled: Store) -> None:
    """An attention check shows a battle again, mirrored; its vote says whether I agree with myself, no
    more."""
    write_settings(filled, {"attention": 0.5})
    ana = Arena(filled, labeler="ana", rng=random.Random(5))
    vote_all(ana)
    rows = filled.rows("SELECT id, repeat_of FROM battles WHERE repeat_of IS NOT NULL")
    assert rows
    for repeat, first in rows:
        again, before = filled.ballots.battle(repeat), filled.ballots.battle(first)
        assert again is not None
        assert before is not None
        assert (again.left, again.right) == (before.right, before.left)
        assert (again.left_answer_id, again.right_answer_id) == (
            before.right_answer_id,
            before.left_answer_id,
        )
    assert len({first for _, first in rows}) == len(rows)
    assert len(filled.standing_votes()) == 18
    assert ana.progress().voted == 18


def test_an_answer_that_names_its_model_is_drawn_last_and_not_scored(store: Store) -> None:
    """A battle in which an answer gives itself away is marked; its vote counts only where asked for."""
    fill(
        store,
        ["base", "sft-1"],
        ["one?", "two?", "three?"],
        lambda which, prompt: (
            f"I am sft-1 {prompt}" if (which, prompt) == (1, 1) else f"answer {which}{prompt}"
        ),
    )
    battles = vote_all(Arena(store, labeler="ana"))
    assert battles[-1].messages[0].content == "two?"
    row = store.ballots.battle(battles[-1].id)
    assert row is not None
    assert row.leaked == "the name sft-1"
    assert len(store.standing_votes()) == 2
    assert len(store.standing_votes(Selection(leaked=True))) == 3


def test_a_criterion_is_asked_beside_the_vote(filled: Store) -> None:
    """Which is more correct may differ from which is better; the last word on it stands, and undo takes it
    too."""
    write_settings(filled, {"criteria": "correct", "strength": True})
    ana = Arena(filled, labeler="ana")
    battle = ana.next()
    assert battle is not None
    with pytest.raises(FtarenaError, match="no vote on this battle"):
        ana.by_criterion(battle.id, "correct", "left")
    ana.vote(battle.id, "left", elapsed_ms=1)
    ana.by_criterion(battle.id, "correct", "left")
    ana.by_criterion(battle.id, "correct", "right")
    ana.by_strength(battle.id, 4)
    ballot = filled.ballots.standing(battle.id, "ana")
    assert ballot is not None
    assert filled.ballots.details(ballot.event_id) == {"correct": "right", "strength": 4}
    assert [vote.outcome for vote in filled.standing_votes()] == ["left"]
    assert [vote.outcome for vote in filled.standing_votes(Selection(criterion="correct"))] == ["right"]
    with pytest.raises(FtarenaError, match="no criterion here"):
        ana.by_criterion(battle.id, "funny", "left")
    ana.undo()
    assert filled.standing_votes(Selection(criterion="correct")) == []


def test_a_judge_is_not_a_person(filled: Store) -> None:
    """What a model voted is never among the votes of people, and neither can take the other's name."""
    judge = Arena(filled, labeler="judge:big", kind="judge")
    vote_all(judge)
    assert filled.standing_votes() == []
    assert len(filled.standing_votes(Selection(voters="judges"))) == 18
    with pytest.raises(FtarenaError, match="never mixed"):
        Arena(filled, labeler="judge:big")
    write_settings(filled, {"overlap": 1})
    assert len(vote_all(Arena(filled, labeler="ana"))) == 18


def test_votes_can_be_chosen_by_category_labeler_and_time(filled: Store) -> None:
    """A number can be asked of part of the votes."""
    for name in ("ana", "bo"):
        vote_all(Arena(filled, labeler=name))
    prompt = filled.prompt_ids()[0]
    with filled.transaction() as connection:
        connection.execute("INSERT INTO prompt_categories VALUES (?, 'code', '2026-01-01')", (prompt,))
    assert {vote.prompt for vote in filled.standing_votes(Selection(categories=["code"]))} == {prompt}
    assert {vote.labeler for vote in filled.standing_votes(Selection(labelers=["bo"]))} == {"bo"}
    assert filled.standing_votes(Selection(until="2000-01-01")) == []
    assert len(filled.standing_votes(Selection(since="2000-01-01"))) == 36


def test_taking_back_before_the_names_are_told_costs_nothing(filled: Store) -> None:
    """I see that I pressed the wrong key while I am still asked how clear it is: my new vote is as blind."""
    write_settings(filled, {"strength": True})
    ana = Arena(filled, labeler="ana")
    battle = ana.next()
    assert battle is not None
    ana.vote(battle.id, "left", elapsed_ms=1)
    ana.undo(untold=battle.id)
    assert not ana.names_seen(battle.id)
    ana.vote(battle.id, "right", elapsed_ms=1)
    assert [vote.outcome for vote in filled.standing_votes()] == ["right"]
    ana.undo(untold="another battle")
    assert ana.names_seen(battle.id)
    ana.vote(battle.id, "left", elapsed_ms=1)
    assert filled.standing_votes() == []
