"""What the votes say, from a real store."""

import json
import random
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.arena.standings.scoreboard import Asked, by, standing
from ftarena.arena.standings.voting_record import voting_record
from ftarena.errors import FtarenaError
from ftarena.scoring import Vote, score
from ftarena.scoring.coding import decode
from ftarena.store import Selection, Store, ledger
from ftarena.store.ledger import kept_beside, read_ledger

OUTCOMES = ("left", "right", "tie", "both_bad")
Cast = tuple[int, int, int, int, int, int]
"""Labeler, prompt, left, right, outcome, boost of one vote."""


def add(store: Store, votes: list[Cast], order: list[int] | None = None) -> None:
    """Write votes as files of votes and merges do: rows with ids and times of their own, in some order."""
    names = [f"c{number}" for number in range(4)]
    with store.transaction() as connection:
        places = list(range(len(votes))) if order is None else order
        for place in places:
            who, prompt, left, right, outcome, boost = votes[place]
            for name in (names[left], names[right]):
                store.add_contestant(name)
            labeler = store.ballots.labeler(f"l{who}")
            prompt_id = None  # as in files of votes that name no prompt
            if prompt != 5:
                [prompt_id] = store.add_prompts([([("user", f"question {prompt}")], None)], "heldout")
            found = {row.name: row.id for row in store.contestants()}
            when = f"2026-03-{1 + place // 10:02}T10:00:{place % 60:02}.000Z"
            connection.execute(
                "INSERT INTO battles"
                " (id, origin, labeler_id, prompt_id, left_id, right_id, created_at, boost)"
                " VALUES (?, 'import', ?, ?, ?, ?, ?, ?)",
                (
                    f"b{place:04}",
                    labeler,
                    prompt_id,
                    found[names[left]],
                    found[names[right]],
                    when,
                    boost / 2,
                ),
            )
            connection.execute(
                "INSERT INTO ballot_events (id, battle_id, labeler_id, kind, outcome, created_at)"
                " VALUES (?, ?, ?, 'vote', ?, ?)",
                (f"e{place:04}", f"b{place:04}", labeler, OUTCOMES[outcome], when),
            )


def casts(most: int = 25) -> st.SearchStrategy[list[Cast]]:
    """Any votes at all."""
    pair = st.lists(st.integers(0, 3), min_size=2, max_size=2, unique=True)
    one = st.tuples(st.integers(0, 2), st.integers(0, 5), pair, st.integers(0, 3), st.integers(1, 4))
    return st.lists(one.map(lambda row: (row[0], row[1], *row[2], row[3], row[4])), max_size=most)


def some(count: int, seed: int = 1) -> list[Cast]:
    """Random votes."""
    chance = random.Random(seed)
    return [
        (
            chance.randrange(3),
            chance.randrange(30),
            *chance.sample(range(4), 2),
            chance.choices(range(4), (5, 3, 2, 1))[0],
            chance.choice((1, 2, 4)),
        )
        for _ in range(count)
    ]


@settings(deadline=None, max_examples=25)
@given(casts(), st.randoms(use_true_random=False))
def test_the_order_of_rows_is_nothing(
    tmp_path_factory: pytest.TempPathFactory, votes: list[Cast], chance: random.Random
) -> None:
    """Two databases with the same votes, however they were written or merged, give the same bytes."""
    folder = tmp_path_factory.mktemp("arena")
    said = []
    for name in ("one", "other"):
        order = list(range(len(votes)))
        if name == "other":
            chance.shuffle(order)
        with Store.open(folder / f"{name}.db") as store:
            add(store, votes, order)
            told = standing(store, Asked(cluster="prompt"))
            said.append(json.dumps(told.to_json(), sort_keys=True, allow_nan=False))
    assert said[0] == said[1]


@settings(deadline=None, max_examples=25)
@given(casts())
def test_the_columns_are_the_votes(tmp_path_factory: pytest.TempPathFactory, votes: list[Cast]) -> None:
    """Scores come from the same votes that an export shows, in the same order."""
    with Store.open(tmp_path_factory.mktemp("arena") / "arena.db") as store:
        add(store, votes)
        rows = [Vote(*row) for row in store.standing_votes()]
        assert decode(voting_record(store, Selection()).coded) == rows
        assert standing(store).report.to_json() == score(rows).to_json()


def test_no_votes(store: Store) -> None:
    """An arena without a vote has a standing without numbers."""
    told = standing(store, Asked(control=("length",)))
    assert (told.report.votes, told.prompts, told.style, told.judge) == (0, 0, None, None)
    assert by(store, Asked(), "week") == by(store, Asked(), "category") == by(store, Asked(), "labeler") == {}


def test_by_week_labeler_and_category(store: Store) -> None:
    """I can see my votes apart, and the parts add up to the whole."""
    add(store, some(120))
    whole = standing(store)
    ids = store.prompt_ids()
    with store.transaction() as connection:
        for place, prompt in enumerate(ids):
            connection.execute(
                "INSERT INTO prompt_categories VALUES (?, ?, '2026-03-01')",
                (prompt, ("code", "prose")[place % 2]),
            )
    for what, names in (
        ("week", ["2026-W09", "2026-W10", "2026-W11"]),
        ("labeler", ["l0", "l1", "l2"]),
        ("category", ["code", "prose"]),
    ):
        parts = by(store, Asked(), what)  # type: ignore[arg-type]
        assert list(parts) == names
        without = sum(vote[1] == 5 for vote in some(120)) if what == "category" else 0
        assert sum(part.report.votes for part in parts.values()) == whole.report.votes - without
    since = Asked(Selection(since="2026-03-10"))
    assert list(by(store, since, "week")) == ["2026-W11"]
    assert by(store, since, "week")["2026-W11"].report.votes == standing(store, since).report.votes
    assert list(by(store, Asked(cluster="labeler"), "labeler")) == ["l0", "l1", "l2"]


def test_what_cannot_be_asked(store: Store) -> None:
    """A control, a model or a slice that does not exist is refused with those that do."""
    with pytest.raises(FtarenaError, match="held equal") as caught:
        standing(store, Asked(control=("colour",)))
    assert "length" in (caught.value.hint or "")
    with pytest.raises(FtarenaError, match="no model"):
        standing(store, Asked(model="elo"))  # type: ignore[arg-type]
    with pytest.raises(FtarenaError, match="apart by"):
        by(store, Asked(), "mood")  # type: ignore[arg-type]


def test_davidson_where_asked(store: Store) -> None:
    """Ratings can take ties as an outcome of their own; counts and verdicts stay."""
    add(store, some(150))
    plain, other = standing(store), standing(store, Asked(model="davidson"))
    assert "Davidson" in other.report.method.ratings
    assert [c.rating for c in plain.report.contestants] != [c.rating for c in other.report.contestants]
    assert [p.verdict for p in plain.report.pairs] == [p.verdict for p in other.report.pairs]
    assert plain.report.tie_readiness == other.report.tie_readiness


def test_length_held_equal(filled: Store) -> None:
    """With length held equal a model that is only longer is not better, and imports are counted out."""
    chance = random.Random(2)
    rows = {row.name: row.id for row in filled.contestants()}
    for number in range(60):
        prompt = filled.add_prompts([([("user", f"How long is {number}?")], None)], "own")[0]
        texts = {"base": "word " * chance.randrange(20, 60), "sft-1": "word " * chance.randrange(30, 90)}
        answers = {name: filled.add_answer(rows[name], prompt, text) for name, text in texts.items()}
        longer = max(texts, key=lambda name: len(texts[name]))
        left, right = chance.sample(["base", "sft-1"], 2)
        battle = filled.ballots.add_battle(
            "ana", prompt_id=prompt, left=(rows[left], answers[left]), right=(rows[right], answers[right])
        )
        better = longer if chance.random() < 0.9 else min(texts, key=lambda name: len(texts[name]))
        filled.ballots.add_event(battle, "ana", "vote", outcome="left" if better == left else "right")
    add(filled, some(10))
    told = standing(filled, Asked(control=("length",)))
    assert told.style is not None
    assert (told.style.votes, told.style.without_texts) == (60, 10)
    assert told.style.effects["tokens"].low is not None and told.style.effects["tokens"].low > 0
    plain = told.report.pair("base", "sft-1")
    assert plain is not None and plain.win_rate is not None and plain.win_rate < 0.4
    assert told.style.pairs[0].win_rate.value > plain.win_rate + 0.1
    json.dumps(told.to_json(), allow_nan=False)


def test_a_judge_is_beside_people_and_never_among_them(filled: Store) -> None:
    """A judge's votes change no score of people; how far it agrees with them is said."""
    rows = {row.name: row.id for row in filled.contestants()}
    answers = filled.first_answers()
    for place, prompt in enumerate(filled.prompt_ids()):
        sides = [(rows[name], answers[prompt, rows[name]][0]) for name in ("base", "sft-1")]
        mine = filled.ballots.add_battle("ana", prompt_id=prompt, left=sides[0], right=sides[1])
        filled.ballots.add_event(mine, "ana", "vote", outcome="left" if place % 2 else "right")
        judged = filled.ballots.add_battle(
            "judge:j", prompt_id=prompt, left=sides[1], right=sides[0], kind="judge"
        )
        filled.ballots.add_battle(
            "judge:j", prompt_id=prompt, left=sides[0], right=sides[1], kind="judge", repeat_of=judged
        )
        if place == 5:
            filled.ballots.add_event(judged, "judge:j", "skip", text="inconsistent")
        else:
            filled.ballots.add_event(judged, "judge:j", "vote", outcome="right" if place % 2 else "left")
    told = standing(filled)
    assert told.report.votes == 6
    assert told.judge is not None
    assert (told.judge.name, told.judge.shared, told.judge.raw) == ("judge:j", 5, 1.0)
    assert told.judge.kappa == pytest.approx(1.0)
    assert told.judge.alpha == pytest.approx(1.0)
    assert told.judge.consistent_share == pytest.approx(5 / 6)
    judges = standing(filled, Asked(Selection(voters="judges")))
    assert (judges.report.votes, judges.judges) == (5, ())


def test_what_is_left_out_is_counted(filled: Store) -> None:
    """Leaks, repeats and votes on trained prompts are counted, and come in or go out as I ask."""
    rows = {row.name: row.id for row in filled.contestants()}
    answers = filled.first_answers()
    prompts = filled.prompt_ids()
    battles = []
    for place, prompt in enumerate(prompts[:4]):
        sides = [(rows[name], answers[prompt, rows[name]][0]) for name in ("base", "sft-1")]
        battles.append(
            filled.ballots.add_battle(
                "ana",
                prompt_id=prompt,
                left=sides[0],
                right=sides[1],
                leaked="I am Qwen" if place == 0 else None,
                repeat_of=battles[2] if place == 3 else None,
            )
        )
        filled.ballots.add_event(battles[-1], "ana", "vote", outcome="left")
    told = standing(filled)
    assert (told.report.votes, told.leaked, told.repeats, told.not_blind) == (2, 1, 1, 0)
    assert standing(filled, Asked(Selection(leaked=True))).report.votes == 3
    with filled.transaction() as connection:
        filled.add_contestant("run-a", contestant_id="x" * 32, spec_json="{}", kind="adapter", run_id="r1")
        connection.execute("INSERT INTO trained_prompts VALUES (?, 'r1', 'same', '2026')", (prompts[1],))
    assert standing(filled).trained == 0


def test_votes_on_trained_prompts(store: Store) -> None:
    """A vote on a prompt that a contestant was trained on is marked, and can be left out."""
    add(store, [(0, 1, 0, 1, 0, 2), (0, 2, 0, 1, 0, 2)])
    with store.transaction() as connection:
        tuned = store.add_contestant(
            "tuned", contestant_id="x" * 32, spec_json="{}", kind="adapter", run_id="r1"
        )
        first = store.add_prompts([([("user", "question 1")], None)], "heldout")[0]
        connection.execute("INSERT INTO trained_prompts VALUES (?, 'r1', 'near', '2026')", (first,))
        base = store.contestant("c0")
        assert base is not None
        labeler = store.ballots.labeler("l0")
        for number, prompt in enumerate(store.prompt_ids()):
            connection.execute(
                "INSERT INTO battles (id, origin, labeler_id, prompt_id, left_id, right_id, created_at)"
                " VALUES (?, 'import', ?, ?, ?, ?, '2026')",
                (f"t{number}", labeler, prompt, tuned.id, base.id),
            )
            connection.execute(
                "INSERT INTO ballot_events (id, battle_id, labeler_id, kind, outcome, created_at)"
                " VALUES (?, ?, ?, 'vote', 'left', '2026')",
                (f"v{number}", f"t{number}", labeler),
            )
    told = standing(store)
    assert (told.report.votes, told.trained) == (4, 1)
    told = standing(store, Asked(Selection(trained=False)))
    assert (told.report.votes, told.trained) == (3, 1)


def test_the_kept_columns_stay_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept beside a large arena follows every vote, undo, late import and other database."""
    monkeypatch.setattr(ledger, "WORTH_KEEPING", 10)
    path = tmp_path / "arena.db"
    votes = some(60)
    with Store.open(path) as store:
        add(store, votes, list(range(40)))

        def right() -> None:
            fresh = Store.open(path)
            try:
                kept = [Vote(*row) for row in fresh.standing_votes()]
                assert decode(voting_record(fresh, Selection()).coded) == kept
            finally:
                fresh.close()

        right()
        assert kept_beside(path).stat().st_mode & 0o777 == 0o600
        before = kept_beside(path).stat().st_mtime_ns
        right()
        assert kept_beside(path).stat().st_mtime_ns == before
        add(store, votes, list(range(45, 50)))  # later: appended
        right()
        add(store, votes, list(range(40, 45)))  # earlier than the last: read anew
        right()
        store.ballots.add_event("b0003", votes_labeler(votes[3]), "undo", target_id="e0003")
        right()
        assert len(read_ledger(store)) == 49
        kept_beside(path).write_bytes(b"torn")
        right()
    other = tmp_path / "other.db"
    with Store.open(other) as store:
        add(store, some(60, seed=2), list(range(50)))
        kept_beside(path).replace(kept_beside(other))
        with sqlite3.connect(other) as plain:
            assert plain.execute("SELECT count(*) FROM ballot_events").fetchone() == (50,)
        rows = [Vote(*row) for row in store.standing_votes()]
        assert decode(voting_record(store, Selection()).coded) == rows


def votes_labeler(vote: Cast) -> str:
    """Who cast it."""
    return f"l{vote[0]}"


def test_criteria_and_times_are_heeded(filled: Store) -> None:
    """Scores by a criterion are of that criterion's outcomes, scores since a day of the votes since then."""
    rows = {row.name: row.id for row in filled.contestants()}
    prompt = filled.prompt_ids()[0]
    sides = [(rows[n], filled.first_answers()[prompt, rows[n]][0]) for n in ("base", "sft-1")]
    battle = filled.ballots.add_battle("ana", prompt_id=prompt, left=sides[0], right=sides[1])
    event = filled.ballots.add_event(battle, "ana", "vote", outcome="left")
    filled.ballots.add_detail(event, "safe", outcome="right")
    plain = standing(filled).report.pair("base", "sft-1")
    safe = standing(filled, Asked(Selection(criterion="safe"))).report.pair("base", "sft-1")
    assert plain is not None and safe is not None
    assert (plain.wins, safe.wins, safe.losses) == (1, 0, 1)
    assert standing(filled, Asked(Selection(criterion="helpful"))).report.votes == 0
    assert standing(filled, Asked(Selection(until="2020"))).report.votes == 0
    assert standing(filled, Asked(Selection(since="2020"))).report.votes == 1


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(0, 4)), max_size=30))
def test_changed_minds_are_read_like_an_export(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, int, int]]
) -> None:
    """Votes cast again, taken back, or cast with the names known count as they do everywhere else."""
    with Store.open(tmp_path_factory.mktemp("arena") / "arena.db") as store:
        add(store, [(0, place, 0, 1, 0, 2) for place in range(4)])
        last: dict[tuple[int, int], str] = {}
        for who, place, what in events:
            battle, name = f"b{place:04}", f"l{who}"
            if what < 4:
                shown = "after" if what % 2 else "never"
                last[who, place] = store.ballots.add_event(
                    battle, name, "vote", outcome=OUTCOMES[what], names_shown=shown
                )  # type: ignore[arg-type]
            elif (who, place) in last:
                store.ballots.add_event(battle, name, "undo", target_id=last.pop((who, place)))
        rows = [Vote(*row) for row in store.standing_votes()]
        record = voting_record(store, Selection())
        assert decode(record.coded) == rows
        assert record.not_blind == store.ballots.not_blind()
