"""What was voted cannot be changed afterwards, and what stands is beyond doubt."""

import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ulid import ULID

from ftarena.errors import FtarenaError
from ftarena.store import Selection, Store
from ftarena.store.ids import next_ulid, ulid_time


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "arena.db") as opened:
        yield opened


def battle(store: Store, labeler: str = "ana", prompt: str = "why?") -> str:
    """Commit one battle of base (left) against sft (right)."""
    base = store.add_contestant("base", contestant_id="b" * 16, spec_json="{}", kind="base", model="demo")
    sft = store.add_contestant("sft", contestant_id="c" * 16, spec_json="{}", kind="adapter", model="demo")
    [prompt_id] = store.add_prompts([([("user", prompt)], None)], "heldout")
    left = store.add_answer(base.id, prompt_id, "one")
    right = store.add_answer(sft.id, prompt_id, "two")
    return store.ballots.add_battle(labeler, prompt_id=prompt_id, left=(base.id, left), right=(sft.id, right))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ballot_events SET outcome = 'right'",
        "DELETE FROM ballot_events",
        "INSERT OR REPLACE INTO ballot_events SELECT * FROM ballot_events",
        "UPDATE battles SET left_id = right_id",
        "DELETE FROM battles",
        "UPDATE answers SET text = 'better'",
        "DELETE FROM answers",
        'UPDATE contestants SET spec_json = \'{"model": "other"}\'',
        "UPDATE contestants SET id = 'x'",
        "UPDATE contestants SET name = 'winner'",
        "DELETE FROM contestants",
        "UPDATE prompts SET turns_json = '[]'",
        "DELETE FROM prompts",
    ],
)
def test_history_cannot_be_rewritten(store: Store, statement: str) -> None:
    """No statement changes or removes what was shown and decided."""
    store.ballots.add_event(battle(store), "ana", "vote", outcome="left")
    before = list(store.connection.iterdump())
    with pytest.raises(sqlite3.IntegrityError):
        store.connection.execute(statement)
    assert list(store.connection.iterdump()) == before


def test_a_battle_cannot_lie_about_its_answers(store: Store) -> None:
    """A battle whose sides do not match its answers is refused by the database itself."""
    battle(store)
    base, sft = store.contestants()
    prompt = store.prompts()[0]
    other = store.add_prompts([([("user", "when?")], None)], "heldout")[0]
    left = store.add_answer(base.id, prompt.id, "one")
    right = store.add_answer(sft.id, prompt.id, "two")
    for prompt_id, sides in (
        (prompt.id, ((base.id, right), (sft.id, left))),
        (other, ((base.id, left), (sft.id, right))),
    ):
        with pytest.raises(sqlite3.IntegrityError, match="another"):
            store.ballots.add_battle("ana", prompt_id=prompt_id, left=sides[0], right=sides[1])


def test_taking_back_is_another_event(store: Store) -> None:
    """After vote, undo, vote all three are there, and the last vote is what stands."""
    ballots = store.ballots
    shown = battle(store)
    first = ballots.add_event(shown, "ana", "vote", outcome="left")
    assert [vote.outcome for vote in store.standing_votes()] == ["left"]
    ballots.add_event(shown, "ana", "undo", target_id=first)
    assert store.standing_votes() == []
    assert ballots.standing(shown, "ana") is None
    ballots.add_event(shown, "ana", "vote", outcome="both_bad")
    assert [vote.outcome for vote in store.standing_votes()] == ["both_bad"]
    assert store.rows("SELECT count(*) FROM ballot_events") == [(3,)]


def test_nobody_takes_back_anothers_vote(store: Store) -> None:
    """An undo by somebody else, should one ever get into a database, takes nothing back."""
    shown = battle(store)
    vote = store.ballots.add_event(shown, "ana", "vote", outcome="tie")
    store.ballots.add_event(shown, "bo", "undo", target_id=vote)
    assert len(store.standing_votes()) == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["left", "right", "tie", "both_bad", "undo"]), max_size=12), st.randoms())
def test_what_stands_does_not_depend_on_the_order_of_writing(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str], shuffle: random.Random
) -> None:
    """Copied row by row in any order into another database, the same votes stand (so files can be merged)."""
    folder = tmp_path_factory.mktemp("order")
    with Store.open(folder / "a.db") as store, Store.open(folder / "b.db") as other:
        ballots = store.ballots
        battles = [battle(store, labeler, prompt) for labeler in ("ana", "bo") for prompt in ("why?", "how?")]
        for act in acts:
            labeler = shuffle.choice(["ana", "bo"])
            shown = shuffle.choice(battles)
            if act == "undo":
                last = ballots.last_standing(labeler)
                if last is not None:
                    ballots.add_event(last.battle_id, labeler, "undo", target_id=last.event_id)
            else:
                ballots.add_event(shown, labeler, "vote", outcome=act)  # type: ignore[arg-type]  # one of four
        for table in ("models", "labelers", "contestants", "prompts", "answers", "battles", "ballot_events"):
            rows = store.rows(f"SELECT * FROM {table}")
            shuffle.shuffle(rows)
            with other.transaction() as connection:
                connection.execute("PRAGMA defer_foreign_keys = ON")
                for row in rows:
                    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        assert other.standing_votes() == store.standing_votes()


def test_events_within_a_millisecond_keep_their_order(store: Store) -> None:
    """A hundred votes and undos as fast as the machine goes: the last one stands."""
    shown = battle(store)
    for number in range(50):
        event = store.ballots.add_event(shown, "ana", "vote", outcome="left" if number % 2 else "right")
        if number < 49:
            store.ballots.add_event(shown, "ana", "undo", target_id=event)
    assert [vote.outcome for vote in store.standing_votes()] == ["left"]
    ids = [row[0] for row in store.rows("SELECT id FROM ballot_events ORDER BY rowid")]
    assert ids == sorted(set(ids))


def test_a_clock_that_was_set_back_does_not_reorder_votes() -> None:
    """An id made after another sorts behind it, even if that one is from the future."""
    future = str(ULID.from_datetime(datetime(2100, 1, 1, tzinfo=UTC)))
    later = next_ulid(future)
    assert later > future
    assert ulid_time(later) == ulid_time(future)


def test_ids_are_times() -> None:
    """The time of an event is that of its id, so order by time and by id agree."""
    first = next_ulid(None)
    second = next_ulid(first)
    assert first < second
    assert ulid_time(first) <= ulid_time(second)


def test_a_contestant_is_there_once(store: Store) -> None:
    """Adding the same contestant again is no mistake; taking its name for another one is."""
    first = store.add_contestant("base", contestant_id="b" * 16, spec_json="{}", kind="base", model="demo")
    again = store.add_contestant("base", contestant_id="b" * 16, spec_json="{}", kind="base", model="demo")
    assert again == first
    with pytest.raises(FtarenaError, match="belongs to another"):
        store.add_contestant("base", contestant_id="c" * 16, spec_json="{ }", kind="base", model="demo")
    with pytest.raises(FtarenaError, match="same as 'base'"):
        store.add_contestant("twin", contestant_id="b" * 16, spec_json="{}", kind="base", model="demo")
    with pytest.raises(FtarenaError, match="needs a name"):
        store.add_contestant("  ")


def test_a_hidden_contestant_keeps_its_votes(store: Store) -> None:
    """Hiding takes someone off the board; bringing them back brings their votes back."""
    store.ballots.add_event(battle(store), "ana", "vote", outcome="left")
    store.hide_contestant("sft")
    assert store.standing_votes() == []
    assert [row.name for row in store.contestants(include_hidden=False)] == ["base"]
    assert len(store.standing_votes(Selection(include_hidden=True))) == 1
    store.hide_contestant("sft", hidden=False)
    assert len(store.standing_votes()) == 1
    with pytest.raises(FtarenaError, match="no contestant 'dpo'"):
        store.hide_contestant("dpo")


def test_votes_of_a_few_contestants(store: Store) -> None:
    """A board of chosen contestants counts the votes between them only."""
    store.ballots.add_event(battle(store), "ana", "vote", outcome="left")
    assert len(store.standing_votes(Selection(contestants=["base", "sft"]))) == 1
    assert store.standing_votes(Selection(contestants=["base"])) == []


@pytest.mark.parametrize(
    "text", ["", "nul \0 inside", "\ud83d alone", "é\r\n\x1b]52;c;aGk=\x07", "🙂" * 10_000]
)
def test_text_comes_back_as_it_came(store: Store, text: str) -> None:
    """Whatever a model writes is kept raw; only what UTF-8 cannot say becomes a replacement sign."""
    shown = battle(store)
    prompt = store.prompts()[0]
    answer = store.answer(store.add_answer("b" * 16, prompt.id, text, sample=1))
    assert answer is not None
    assert answer.text == text.replace("\ud83d", "\ufffd")
    store.ballots.add_event(shown, "ana", "comment", text=text)
    [(kept,)] = store.rows("SELECT text FROM ballot_events WHERE kind = 'comment'")
    assert kept == answer.text


def test_a_prompt_named_by_a_file_gets_its_text_once(store: Store) -> None:
    """Votes may name a prompt before its text is known; the text is filled in, later ones change nothing."""
    [named] = store.add_prompts([([("user", "why?")], None)], "import")
    assert store.prompts() == []
    [known] = store.add_prompts([([("user", "why?")], "because")], "heldout")
    assert known == named
    store.add_prompts([([("user", "why?")], "no reason")], "other")
    [prompt] = store.prompts()
    assert (prompt.source, prompt.reference) == ("heldout", "because")


def test_the_version_tells_that_something_changed(store: Store) -> None:
    """A board need not read a million votes to know that nothing is new."""
    seen = {store.ballots.version()}
    shown = battle(store)
    seen.add(store.ballots.version())
    store.ballots.add_event(shown, "ana", "vote", outcome="left")
    seen.add(store.ballots.version())
    store.hide_contestant("sft")
    seen.add(store.ballots.version())
    assert len(seen) == 4
    assert store.ballots.version() in seen


def test_runs_are_noted_once(store: Store) -> None:
    """A run that a contestant came from can be looked up."""
    for _ in range(2):
        store.register_run(
            "sft-1-20260101-000000", name="sft-1", method="sft", base_model="demo", directory="/r"
        )
    assert [run.name for run in store.runs()] == ["sft-1"]
