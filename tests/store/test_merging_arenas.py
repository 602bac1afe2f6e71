"""Ten labelers, ten files, no server: merging is a union, whatever the order and however often."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from itertools import count, permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftarena.arena.standings.scoreboard import standing
from ftarena.errors import FtarenaError
from ftarena.store import Outcome, Store
from ftarena.store.ids import content_hash
from ftarena.store.imports import import_votes_csv
from ftarena.store.merging import TABLES, merge, names_of
from ftarena.store.migrations import MIGRATIONS

IDS = [content_hash("contestant", number) for number in range(4)]


def cast(
    store: Store,
    outcome: Outcome = "left",
    *,
    names: tuple[str, str] = ("base", "sft"),
    ids: tuple[str, str] = (IDS[0], IDS[1]),
    labeler: str = "ana",
    prompt: str = "why?",
) -> str:
    """Cast one vote on a new battle and return the event."""
    [prompt_id] = store.add_prompts([([("user", prompt)], None)], "heldout")
    sides = []
    for name, one in zip(names, ids, strict=True):
        row = store.add_contestant(name, contestant_id=one, spec_json="{}", kind="base", model="demo")
        sides.append((row.id, store.add_answer(row.id, prompt_id, f"{name} says: {prompt}")))
    battle = store.ballots.add_battle(labeler, prompt_id=prompt_id, left=sides[0], right=sides[1])
    return store.ballots.add_event(battle, labeler, "vote", outcome=outcome, elapsed_ms=900)


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of an arena that a merge is about, in an order of their own."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in TABLES
        }


def score_json(path: Path) -> bytes:
    """What `ftarena score --json` prints, without starting it."""
    with Store.open(path) as store:
        return json.dumps(standing(store).to_json()).encode()


def merged(folder: Path, name: str, *files: Path) -> Path:
    """Merge files into an arena that has nothing yet."""
    path = folder / name
    with Store.open(path) as store:
        merge(store, files)
    return path


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    with Store.open(tmp_path / "one.db") as one, Store.open(tmp_path / "other.db") as other:
        yield one, other


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is a millisecond later whenever it is asked."""
    numbers = count()
    monkeypatch.setattr("ftarena.store.store.now", lambda: f"2026-01-01T00:00:00.{next(numbers):03d}Z")


def test_every_table_is_merged_or_belongs_to_its_file_alone(tmp_path: Path) -> None:
    """A table that is added to the schema is not forgotten here; settings stay each file's own."""
    with Store.open(tmp_path / "a.db") as store:
        tables = {name for (name,) in store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables - set(TABLES) - {"sqlite_sequence"} == {"_sqlite_migrations", "arena_settings"}


voting = st.tuples(
    st.sampled_from(["left", "right", "tie", "both_bad"]),
    st.sampled_from([("base", "sft"), ("sft", "base"), ("base", "dpo"), ("sft", "dpo")]),
    st.sampled_from(["ana", "bo"]),
    st.sampled_from(["why?", "how?", "when?"]),
    st.sampled_from(["stands", "undone", "strength", "hidden", "category"]),
)
arena = st.tuples(
    st.lists(voting, max_size=6),
    st.permutations(IDS).map(lambda ids: dict(zip(("base", "sft", "dpo"), ids, strict=False))),
    st.booleans(),
)


def fill(
    path: Path, made: tuple[list[tuple[str, tuple[str, str], str, str, str]], dict[str, str], bool]
) -> None:
    """Make the arena of one labeler; the same name means another contestant in each."""
    votes, ids, imports = made
    with Store.open(path) as store:
        for outcome, names, labeler, prompt, then in votes:
            event = cast(
                store,
                outcome,  # type: ignore[arg-type]  # one of the four
                names=names,
                ids=(ids[names[0]], ids[names[1]]),
                labeler=labeler,
                prompt=prompt,
            )
            [(battle, prompt_id)] = store.rows(
                "SELECT b.id, b.prompt_id FROM ballot_events e JOIN battles b ON b.id = e.battle_id"
                " WHERE e.id = ?",
                (event,),
            )
            if then == "undone":
                store.ballots.add_event(battle, labeler, "undo", target_id=event)
            elif then == "strength":
                store.ballots.add_detail(event, "strength", strength=4)
            elif then == "hidden":
                store.hide_contestant(names[0])
            elif then == "category":
                with store.transaction() as connection:
                    connection.execute(
                        "INSERT OR IGNORE INTO prompt_categories VALUES (?, 'code', '2026-01-01')",
                        (prompt_id,),
                    )
        if imports:
            file = path.with_suffix(".csv")
            file.write_text("a,b,outcome,labeler,prompt\nbase,old,a,cy,why?\nold,base,tie,cy,where?\n")
            import_votes_csv(store, file)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(arena, min_size=3, max_size=3))
def test_the_order_does_not_matter(tmp_path_factory: pytest.TempPathFactory, made: list) -> None:  # type: ignore[type-arg]  # see `arena`
    """Three files in all six orders give the same rows and the same bytes of `score --json`."""
    folder = tmp_path_factory.mktemp("orders")
    files = [folder / f"{number}.db" for number in range(3)]
    for file, one in zip(files, made, strict=True):
        fill(file, one)
    results = []
    for number, order in enumerate(permutations(files)):
        one, *others = order
        if number % 2:  # both one by one, and all at once
            path = merged(folder, f"m{number}.db", one)
            with Store.open(path) as store:
                for other in others:
                    merge(store, [other])
        else:
            path = merged(folder, f"m{number}.db", *order)
        results.append(path)
    first = content(results[0])
    for path in results[1:]:
        assert content(path) == first
    assert len({score_json(path) for path in results}) == 1
    with Store.open(results[0]) as store:  # and merged twice is merged once
        report = merge(store, [*files, results[1]])
    assert content(results[0]) == first
    assert (report.votes, report.contestants, report.renamed, report.hidden) == (0, (), (), ())


def test_votes_of_two_labelers_are_in_one_arena(two: tuple[Store, Store]) -> None:
    """Each one's votes are there, and what both have is there once."""
    one, other = two
    cast(one, labeler="ana")
    cast(other, "right", labeler="bo")
    cast(other, "tie", labeler="bo", prompt="how?")
    report = merge(one, [other.path])
    assert (report.votes, report.prompts, report.answers, report.labelers) == (2, 1, 2, ("bo",))
    assert (report.contestants, report.renamed) == ((), ())
    assert [vote.labeler for vote in one.standing_votes()] == ["ana", "bo", "bo"]
    assert len(other.standing_votes()) == 2


def test_two_contestants_of_one_name_are_told_apart(two: tuple[Store, Store]) -> None:
    """Ana's `base` and Bo's are not the same: both are kept, each with the beginning of its id."""
    one, other = two
    cast(one)
    cast(other, ids=(IDS[2], IDS[1]))
    report = merge(one, [other.path])
    mine, theirs = f"base@{IDS[0][:6]}", f"base@{IDS[2][:6]}"
    assert report.renamed == (("base", mine),)
    assert report.contestants == (theirs,)
    assert {row.name for row in one.contestants()} == {mine, theirs, "sft"}
    assert one.contestant("base") is None  # which of the two?


def test_one_contestant_of_two_names_keeps_the_older(two: tuple[Store, Store], ticking: None) -> None:
    """What Ana calls `base` and Bo `plain` is one contestant, found under both names."""
    one, other = two
    cast(other, names=("plain", "sft"))
    cast(one)
    assert merge(one, [other.path]).renamed == (("base", "plain"),)
    found = one.contestant("base")
    assert found is not None
    assert found == one.contestant("plain")
    assert one.add_contestant("base", contestant_id=IDS[0], spec_json="{}") == found


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*IDS, IDS[0][:6] + "f" * 26]),
            st.sampled_from(["base", "sft", f"base@{IDS[0][:6]}"]),
            st.sampled_from(["2026-01-01", "2026-01-02"]),
        ),
        max_size=8,
    )
)
def test_names_are_unique_and_depend_on_nothing_but_the_names(claims: list[tuple[str, str, str]]) -> None:
    """Nobody shares a name, and no order of the names makes a difference."""
    names = names_of(claims)
    assert len(set(names.values())) == len(names) == len({one for one, _, _ in claims})
    assert names_of(claims[::-1]) == names


def test_hidden_anywhere_is_hidden(two: tuple[Store, Store]) -> None:
    """What Bo took out of battles is out of the merged ones, and it is said."""
    one, other = two
    cast(one)
    cast(other)
    other.hide_contestant("sft")
    assert merge(one, [other.path]).hidden == ("sft",)
    assert one.standing_votes() == []


def test_a_judge_stays_a_judge(two: tuple[Store, Store]) -> None:
    """Who is a judge in one file is never counted as a person in another."""
    one, other = two
    for store, kind in ((one, "human"), (other, "judge")):
        with store.transaction():
            store.ballots.labeler("judge:big", kind)  # type: ignore[arg-type]  # one of the two
    merge(one, [other.path])
    assert one.ballots.labelers() == {"judge:big": "judge"}


def test_a_prompt_that_one_file_only_names_gets_its_text(two: tuple[Store, Store], tmp_path: Path) -> None:
    """A table of votes names a prompt by its id; the other file knows what was asked."""
    one, other = two
    cast(other)
    [prompt] = other.prompts()
    file = tmp_path / "votes.csv"
    file.write_text(f"a,b,outcome,labeler,prompt\nx,y,a,ana,{prompt.id}\n")
    import_votes_csv(one, file)
    merge(one, [other.path])
    found = one.prompt(prompt.id)
    assert found == prompt


def test_two_answers_to_one_prompt_are_both_kept(two: tuple[Store, Store], ticking: None) -> None:
    """Ana's engine answered otherwise than Bo's: both answers stay, and battles are of the older one."""
    one, other = two
    found = []
    for store, text in ((other, "Bo's"), (one, "Ana's")):
        [prompt] = store.add_prompts([([("user", "why?")], None)], "heldout")
        row = store.add_contestant("base", contestant_id=IDS[0], spec_json="{}", kind="base")
        found.append(store.add_answer(row.id, prompt, text))
    assert merge(one, [other.path]).answers == 1
    merge(other, [one.path])
    for store in two:
        assert [answer for answer, _ in store.first_answers().values()] == found[:1]


def test_rules_of_the_record_hold_after_a_merge(two: tuple[Store, Store]) -> None:
    """Merging lifts the triggers for itself alone."""
    one, other = two
    cast(one)
    cast(other)
    merge(one, [other.path])
    for sql in (
        "UPDATE ballot_events SET outcome = 'right'",
        "UPDATE contestants SET name = 'x'",
        "UPDATE battles SET leaked = 'x'",
        "UPDATE prompts SET reference = 'x'",
        "DELETE FROM answers",
    ):
        with pytest.raises(sqlite3.IntegrityError), one.transaction() as connection:
            connection.execute(sql)
    one.add_contestant("new")
    assert one.rows("SELECT name FROM contestant_names WHERE name = 'new'") == [("new",)]


def test_a_file_that_is_being_voted_on_can_be_merged(two: tuple[Store, Store]) -> None:
    """Bo votes on while Ana merges his file: what he had cast is there, and he waits for nothing."""
    one, other = two
    cast(other)
    with other.transaction():
        cast(other, prompt="how?")
        assert merge(one, [other.path]).votes == 1
    assert merge(one, [other.path]).votes == 1


def test_an_older_file_is_merged_and_left_as_it_is(tmp_path: Path) -> None:
    """A file of an older version is brought up to date in a copy."""
    old = tmp_path / "old.db"
    with Store.open(old) as store:
        cast(store)
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(
            "DROP TRIGGER contestants_are_named; DROP TABLE contestant_names;"
            f"DELETE FROM _sqlite_migrations WHERE name = '{MIGRATIONS[-1][0]}'"
        )
    before = old.read_bytes()
    with Store.open(tmp_path / "arena.db") as store:
        assert merge(store, [old]).votes == 1
        assert [row.name for row in store.contestants()] == ["base", "sft"]
    assert old.read_bytes() == before


def test_what_cannot_be_merged(tmp_path: Path) -> None:
    """A file that is not there, empty, of another program, newer, or the arena itself: one message each."""
    mine = tmp_path / "arena.db"
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("base,sft,a\n" * 1000)
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as connection:
        connection.execute("CREATE TABLE battles (id)")
    Store.open(tmp_path / "newer.db").close()
    with closing(sqlite3.connect(tmp_path / "newer.db")) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('ftarena', 'm999_future', '2030')"
        )
        connection.commit()
    with Store.open(mine) as store:
        cast(store)
        before = content(mine)
        for name, words in (
            ("none.db", "no arena at"),
            ("empty.db", "is empty"),
            ("text.db", "not a database"),
            ("foreign.db", "another program"),
            ("newer.db", "newer version"),
            ("arena.db", "this arena itself"),
            (".", "is a folder"),
        ):
            with pytest.raises(FtarenaError, match=words) as caught:
                merge(store, [tmp_path / name])
            assert caught.value.hint
        assert content(mine) == before


def test_a_damaged_file_is_refused(two: tuple[Store, Store]) -> None:
    """A file whose rows refer to nothing is named, and nothing of it is taken."""
    one, other = two
    cast(other)
    with closing(sqlite3.connect(other.path)) as connection:
        connection.executescript("DROP TRIGGER answers_are_kept; DELETE FROM answers;")
    with pytest.raises(FtarenaError, match=r"other\.db is damaged"):
        merge(one, [other.path])
    assert one.contestants() == []


def test_killed_in_the_middle_nothing_was_merged(tmp_path: Path) -> None:
    """Killed half way, the arena is what it was; the next merge does it all."""
    mine, other = tmp_path / "mine.db", tmp_path / "other.db"
    with Store.open(mine) as one, Store.open(other) as two:
        cast(one)
        for number in range(30):
            cast(two, labeler="bo", prompt=f"question {number}")
    before = content(mine)
    script = f"""
        import os, signal
        from pathlib import Path
        from ftarena.store import Store, merging

        def die(*_):
            os.kill(os.getpid(), signal.SIGKILL)

        merging._name_all = die  # the last step
        with Store.open(Path({str(mine)!r})) as store:
            merging.merge(store, [Path({str(other)!r})])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    assert content(mine) == before
    with Store.open(mine) as one:
        assert merge(one, [other]).votes == 30


def test_votes_that_came_as_a_table_too_are_counted(two: tuple[Store, Store], tmp_path: Path) -> None:
    """Whoever imported a table of votes and then merges the file they were cast in is told."""
    one, other = two
    cast(other)
    cast(one, "right", labeler="bo", prompt="how?")
    [prompt] = other.prompts()
    file = tmp_path / "votes.csv"
    file.write_text(f"a,b,outcome,labeler,prompt\nbase,sft,a,ana,{prompt.id}\n")
    import_votes_csv(one, file)
    assert merge(one, [other.path]).twice == 1
