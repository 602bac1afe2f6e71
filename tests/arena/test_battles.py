"""One labeler at the ballot: draw, vote, skip, take back, and only then who was who."""

import random
import threading
from collections import Counter
from pathlib import Path

import pytest

from ftarena.arena import Arena, BlindBattle, ChatAnswer, add_contestant, find_or_add
from ftarena.errors import FtarenaError
from ftarena.serving.contestants import Contestant, Message
from ftarena.store import NamesShown, Outcome, Store
from ftarena.store.preferences import preference_pairs

from .conftest import contestant, fill

ASKED = (Message(role="user", content="hello?"),)


def given(arena: Arena) -> BlindBattle:
    battle = arena.next()
    assert battle is not None
    return battle


def finish(arena: Arena, outcome: Outcome = "left") -> list[BlindBattle]:
    battles = []
    while (battle := arena.next()) is not None:
        arena.vote(battle.id, outcome, elapsed_ms=1)
        battles.append(battle)
    return battles


def test_a_battle_is_committed_before_it_is_shown(arena: Arena, filled: Store) -> None:
    """What I see is in the database already, so the power may fail at any moment."""
    battle = given(arena)
    with Store.open(filled.path) as other:
        row = other.ballots.battle(battle.id)
        assert row is not None
        left, right = other.answer(row.left_answer_id or ""), other.answer(row.right_answer_id or "")
        assert left is not None
        assert right is not None
        assert (left.text, right.text) == (battle.left, battle.right)
        assert other.prompt(row.prompt_id or "") is not None


def test_an_interrupted_battle_comes_back_the_same(arena: Arena, filled: Store) -> None:
    """After a lost connection the same battle is there, with the same sides."""
    battle = given(arena)
    again = Arena(filled, labeler="ana", rng=random.Random(99))
    assert again.next() == battle
    assert Arena(filled, labeler="bo").next() != battle


def test_a_vote_is_one_row(arena: Arena, filled: Store) -> None:
    """A vote is written once, with how long it took, and the next battle is another one."""
    battle = given(arena)
    arena.vote(battle.id, "both_bad", elapsed_ms=1234, before_end=True)
    rows = filled.rows("SELECT kind, outcome, elapsed_ms, before_end, names_shown FROM ballot_events")
    assert rows == [("vote", "both_bad", 1234, 1, "after")]
    assert given(arena).id != battle.id


def test_a_key_pressed_twice_votes_once(arena: Arena, filled: Store) -> None:
    """The second vote on a battle is refused, with the way to change one's mind."""
    battle = given(arena)
    arena.vote(battle.id, "left", elapsed_ms=1)
    for again in (lambda: arena.vote(battle.id, "right", elapsed_ms=1), lambda: arena.skip(battle.id)):
        with pytest.raises(FtarenaError, match="decided already") as caught:
            again()
        assert "take it back" in caught.value.hint
    assert [vote.outcome for vote in filled.standing_votes()] == ["left"]


def test_two_windows_of_one_labeler_share_a_battle(filled: Store) -> None:
    """Whoever works in two windows is given one battle, not two, and only the first vote counts."""
    arenas = [Arena(filled, labeler="ana") for _ in range(4)]
    found: list[BlindBattle] = []
    threads = [threading.Thread(target=lambda one=one: found.append(given(one))) for one in arenas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({battle.id for battle in found}) == 1
    arenas[0].vote(found[0].id, "left", elapsed_ms=1)
    with pytest.raises(FtarenaError):
        arenas[1].vote(found[0].id, "right", elapsed_ms=1)


def test_nobody_votes_on_anothers_battle(arena: Arena, filled: Store) -> None:
    """A battle belongs to the labeler it was drawn for."""
    battle = given(arena)
    other = Arena(filled, labeler="bo")
    for act in (
        lambda: other.vote(battle.id, "left", elapsed_ms=1),
        lambda: other.skip(battle.id),
        lambda: other.comment(battle.id, "mine"),
        lambda: other.reveal(battle.id),
    ):
        with pytest.raises(FtarenaError, match="bo has no battle"):
            act()
    with pytest.raises(FtarenaError, match="no battle"):
        arena.vote("01ARZ3NDEKTSV4RRFFQ69G5FAV", "left", elapsed_ms=1)
    with pytest.raises(FtarenaError, match="no vote"):
        arena.vote(battle.id, "a", elapsed_ms=1)  # type: ignore[arg-type]  # a key is no outcome


def test_a_skipped_battle_does_not_come_back(arena: Arena, filled: Store) -> None:
    """A skip is recorded with its reason, is no vote, and another battle follows."""
    battle = given(arena)
    arena.skip(battle.id, "not my subject")
    assert filled.rows("SELECT kind, outcome, text FROM ballot_events") == [("skip", None, "not my subject")]
    assert filled.standing_votes() == []
    assert battle.id not in {later.id for later in finish(arena)}
    assert (arena.progress().voted, arena.progress().skipped) == (17, 1)


def test_undo_goes_back_step_by_step(arena: Arena, filled: Store) -> None:
    """Undo takes back the last vote or skip, then the one before, and says when there is none."""
    arena.names_shown = "never"
    assert arena.undo() is None
    first = given(arena)
    arena.vote(first.id, "left", elapsed_ms=1)
    second = given(arena)
    arena.skip(second.id)
    third = given(arena)
    assert arena.undo() == second
    assert arena.undo() == first
    assert arena.undo() is None
    assert filled.standing_votes() == []
    assert arena.next() == first  # oldest first, and the one that was open is still there
    arena.vote(first.id, "right", elapsed_ms=1)
    arena.vote(second.id, "tie", elapsed_ms=1)
    assert arena.next() == third
    assert [vote.outcome for vote in filled.standing_votes()] == ["right", "tie"]


def test_undo_is_mine_alone(arena: Arena, filled: Store) -> None:
    """Undo takes back my last vote, whatever others voted since."""
    mine = given(arena)
    arena.vote(mine.id, "left", elapsed_ms=1)
    other = Arena(filled, labeler="bo")
    other.vote(given(other).id, "right", elapsed_ms=1)
    assert arena.undo() == mine
    assert [vote.labeler for vote in filled.standing_votes()] == ["bo"]


def test_names_come_after_the_vote_only(arena: Arena, filled: Store) -> None:
    """Names are refused before the vote, after a skip and after an undo; a vote opens them."""
    battle = given(arena)
    with pytest.raises(FtarenaError, match="after the vote"):
        arena.reveal(battle.id)
    arena.comment(battle.id, "hm")
    with pytest.raises(FtarenaError, match="after the vote"):
        arena.reveal(battle.id)
    arena.vote(battle.id, "right", elapsed_ms=1)
    reveal = arena.reveal(battle.id)
    row = filled.ballots.battle(battle.id)
    assert row is not None
    assert (reveal.left, reveal.right, reveal.outcome) == (row.left, row.right, "right")
    assert reveal.winner == row.right
    assert reveal.left_tokens in {10, 11, 12}
    arena.undo()
    with pytest.raises(FtarenaError, match="after the vote"):
        arena.reveal(battle.id)
    arena.skip(battle.id)
    with pytest.raises(FtarenaError, match="after the vote"):
        arena.reveal(battle.id)


def test_comments_are_kept(arena: Arena, filled: Store) -> None:
    """A comment leaves the battle open; an empty one is none."""
    battle = given(arena)
    arena.comment(battle.id, "  ")
    arena.comment(battle.id, "A does not run")
    assert filled.rows("SELECT kind, text FROM ballot_events") == [("comment", "A does not run")]
    assert arena.next() == battle


def test_progress_counts_what_there_is(arena: Arena, filled: Store) -> None:
    """Three contestants on six prompts are eighteen battles, each met once."""
    progress = arena.progress()
    assert (progress.voted, progress.planned, progress.ready) == (0, 18, 18)
    open_one = given(arena)
    assert arena.progress().ready == 18  # the open one can be shown
    arena.vote(open_one.id, "tie", elapsed_ms=1)
    assert (arena.progress().voted, arena.progress().ready) == (1, 17)
    numbers = [battle.number for battle in finish(arena)]
    assert numbers == list(range(2, 19))
    assert arena.next() is None
    assert arena.progress().ready == 0


def test_everybody_is_met_equally_often(filled: Store) -> None:
    """At every moment the pairs differ by one battle at most, and so do the prompts."""
    arena = Arena(filled, labeler="ana", rng=random.Random(3))
    pairs: Counter[frozenset[str]] = Counter()
    prompts: Counter[str] = Counter()
    for _ in range(18):
        battle = given(arena)
        row = filled.ballots.battle(battle.id)
        assert row is not None
        pairs[frozenset((row.left, row.right))] += 1
        prompts[row.prompt_id or ""] += 1
        assert max(pairs.values()) - min(pairs[key] for key in pairs) <= 1
        assert max(prompts.values()) - min(prompts.values()) <= 1
        arena.vote(battle.id, "left", elapsed_ms=1)
    assert set(pairs.values()) == {6}
    assert set(prompts.values()) == {3}


def test_equal_answers_are_no_battle(store: Store) -> None:
    """Answers that look the same on a screen cannot be judged; they are counted instead."""
    fill(
        store,
        ["base", "sft"],
        ["one", "two"],
        lambda which, prompt: [" same\x07\n", "same"][which] * (1 + prompt),
    )
    fill(store, ["base", "sft"], ["three"], lambda which, prompt: f"answer {which}")
    arena = Arena(store, labeler="ana")
    progress = arena.progress()
    assert (progress.identical, progress.planned, progress.ready) == (1, 2, 2)
    assert len(finish(arena)) == 2


def test_only_answered_prompts_are_shown(store: Store) -> None:
    """A prompt that one contestant has not answered yet waits; when the answer is there, it is shown."""
    fill(store, ["base", "sft"], ["one"])
    [late] = store.add_prompts([([("user", "late")], None)], "heldout")
    base, sft = store.contestants()
    store.add_answer(base.id, late, "early bird")
    arena = Arena(store, labeler="ana")
    assert len(finish(arena)) == 1
    assert (arena.progress().planned, arena.progress().ready) == (2, 0)
    store.add_answer(sft.id, late, "here I am")
    assert {given(arena).left, given(arena).right} == {"early bird", "here I am"}


def test_chosen_contestants_and_prompts(filled: Store) -> None:
    """With two names and one source, only those meet on those."""
    filled.add_prompts([([("user", "mine")], None)], "mine")
    arena = Arena(filled, labeler="ana", contestants=["base", "dpo-1"])
    finish(arena)
    assert {frozenset(vote[:2]) for vote in filled.standing_votes()} == {frozenset(("base", "dpo-1"))}
    assert Arena(filled, labeler="ana", prompts={"mine"}).progress().planned == 3


def test_contestants_that_cannot_battle(filled: Store) -> None:
    """A wrong name, a name without a model, and one alone are told apart."""
    filled.add_contestant("gpt-9")
    for names, words in (
        (["base", "nobody"], "no contestant 'nobody'"),
        (["base", "gpt-9"], "imported votes only"),
        (["base", "base"], "needs two"),
    ):
        with pytest.raises(FtarenaError, match=words) as caught:
            Arena(filled, labeler="ana", contestants=names)
        assert caught.value.hint
    assert "gpt-9" not in {row.name for row in Arena(filled, labeler="ana").contestants()}
    with pytest.raises(FtarenaError, match="labeler needs a name"):
        Arena(filled, labeler=" ")


def test_an_empty_arena_has_nothing_to_show(store: Store) -> None:
    """Before there is anything, there is no battle, and no error."""
    arena = Arena(store, labeler="ana")
    assert arena.next() is None
    assert arena.progress().planned == 0
    assert arena.undo() is None


def test_a_hidden_contestant_is_not_drawn(arena: Arena, filled: Store) -> None:
    """Hidden while a battle with it is open: another battle comes; brought back, it is there again."""
    battle = given(arena)
    row = filled.ballots.battle(battle.id)
    assert row is not None
    filled.hide_contestant(row.left)
    assert given(arena).id != battle.id
    filled.hide_contestant(row.left, hidden=False)
    assert given(arena) == battle


def test_a_blind_chat_exchange_is_a_battle(arena: Arena, filled: Store) -> None:
    """What I asked in a blind chat and how I decided becomes a vote and a preference pair."""
    battle = arena.record_chat_battle(
        ASKED, ChatAnswer("sft-1", "short", n_tokens=2), ChatAnswer("base", "long winded", n_tokens=9)
    )
    assert (battle.left, battle.right, battle.messages) == ("short", "long winded", ASKED)
    assert given(arena).id != battle.id  # it is decided in the chat, not offered again
    arena.vote(battle.id, "left", elapsed_ms=1)
    assert arena.reveal(battle.id).winner == "sft-1"
    [pair] = preference_pairs(filled)[0]
    assert (pair.chosen, pair.rejected) == ("short", "long winded")
    assert arena.progress().planned == 18


def test_a_chat_that_has_grown_apart_is_no_preference_pair(arena: Arena, filled: Store) -> None:
    """After different first answers the second ones cannot be compared for DPO; the vote still counts."""
    turns = [Message(role="user", content="hi"), Message(role="assistant", content="?"), *ASKED]
    histories = [
        (turns[0], Message(role="assistant", content=f"hello from {side}"), *ASKED)
        for side in ("one", "other")
    ]
    battle = arena.record_chat_battle(
        turns,
        ChatAnswer("sft-1", "short", history=histories[0]),
        ChatAnswer("base", "long", history=histories[1]),
    )
    assert [message.content for message in battle.messages] == ["hi", "hello?"]
    arena.vote(battle.id, "left", elapsed_ms=1)
    pairs, report = preference_pairs(filled)
    assert (pairs, report.apart, report.votes) == ([], 1, 1)


def test_an_answer_read_in_a_chat_is_not_drawn_again(store: Store) -> None:
    """Asking a held-out question in a chat does not spoil it for the arena."""
    rows = [add_contestant(store, name, contestant(number)) for number, name in enumerate(("base", "sft"))]
    store.add_prompts([([("user", "hello?")], None)], "heldout")
    arena = Arena(store, labeler="ana")
    battle = arena.record_chat_battle(ASKED, ChatAnswer("base", "one"), ChatAnswer("sft", "two"))
    arena.vote(battle.id, "tie", elapsed_ms=1)
    assert arena.next() is None
    assert arena.undo() == battle
    prompt = store.prompts()[0]
    assert not store.answered(rows[0].id, prompt.id)
    for words in ("no contestant 'x'", "meet itself"):
        other = "x" if "x" in words else "base"
        with pytest.raises(FtarenaError, match=words):
            arena.record_chat_battle(ASKED, ChatAnswer("base", "one"), ChatAnswer(other, "two"))


def test_what_comes_about_by_the_way_gets_a_name(store: Store) -> None:
    """A chat with another temperature is a contestant of its own, found again by what it is."""
    warm = find_or_add(store, contestant(1), "base")
    other = find_or_add(store, contestant(2), "base")
    assert (warm.name, other.name) == ("base", "base-2")
    assert find_or_add(store, contestant(2), "anything") == other
    remote = find_or_add(store, Contestant(model="m", endpoint="http://localhost:1/v1"), "remote")
    assert (warm.kind, remote.kind) == ("base", "remote")


def test_votes_of_two_databases_do_not_meet(tmp_path: Path) -> None:
    """Two labelers on two machines with the same contestants and prompts get the same ids for them."""
    ids = []
    for name in ("one.db", "two.db"):
        with Store.open(tmp_path / name) as store:
            fill(store, ["base", "sft"], ["why?"])
            arena = Arena(store, labeler="ana")
            arena.vote(given(arena).id, "left", elapsed_ms=1)
            ids.append(
                {
                    table: {row[0] for row in store.rows(f"SELECT id FROM {table}")}
                    for table in (
                        "models",
                        "contestants",
                        "prompts",
                        "answers",
                        "labelers",
                        "battles",
                        "ballot_events",
                    )
                }
            )
    for table in ("models", "contestants", "prompts", "answers", "labelers"):
        assert ids[0][table] == ids[1][table]
    for table in ("battles", "ballot_events"):
        assert not ids[0][table] & ids[1][table]


@pytest.mark.parametrize(("shown", "scored"), [("after", False), ("never", True), ("end", True)])
def test_a_vote_with_the_names_known_is_kept_but_not_blind(
    filled: Store, shown: NamesShown, scored: bool
) -> None:
    """I read the names, take my vote back and vote the other way: it stands, but it is not scored."""
    arena = Arena(filled, labeler="ana", names_shown=shown)
    battle = given(arena)
    assert not arena.names_seen(battle.id)
    arena.vote(battle.id, "left", elapsed_ms=1)
    assert len(filled.standing_votes()) == 1
    arena.undo()
    assert arena.names_seen(battle.id) is not scored
    arena.names_shown = "never"  # hiding the names from now on does not make me forget
    arena.vote(battle.id, "right", elapsed_ms=1)
    assert arena.reveal(battle.id).outcome == "right"
    assert [vote.outcome for vote in filled.standing_votes()] == (["right"] if scored else [])
    assert filled.ballots.not_blind() == (0 if scored else 1)
    assert filled.ballots.not_blind(contestants=["nobody"]) == 0
    other = Arena(filled, labeler="bo")
    other.vote(given(other).id, "left", elapsed_ms=1)  # others have seen nothing
    assert [vote.labeler for vote in filled.standing_votes()] == (["ana", "bo"] if scored else ["bo"])


def test_a_skip_shows_no_names(arena: Arena, filled: Store) -> None:
    """A skip that I take back told me nothing: my vote then is blind."""
    battle = given(arena)
    arena.skip(battle.id)
    arena.undo()
    assert not arena.names_seen(battle.id)
    arena.vote(battle.id, "left", elapsed_ms=1)
    assert len(filled.standing_votes()) == 1
