"""What goes out: votes that come back the same, and pairs that TRL can train on."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftarena.errors import FtarenaError
from ftarena.plain.export_votes import account
from ftarena.scoring import Vote, score
from ftarena.store import Outcome, Selection, Store
from ftarena.store.exports import export_dpo, export_votes
from ftarena.store.imports import import_votes_csv
from ftarena.store.preferences import preference_pairs

NAMES = ("base", "sft", "dpo")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "arena.db") as opened:
        yield opened


def vote(
    store: Store,
    outcome: Outcome,
    *,
    left: str = "base",
    right: str = "sft",
    texts: tuple[str, str] = ("plain", "better"),
    labeler: str = "ana",
    prompt: str = "why?",
    finish_reason: str = "stop",
) -> str:
    """Cast one vote on a battle of its own and return the battle's id."""
    ids = []
    [prompt_id] = store.add_prompts([([("user", prompt)], None)], "heldout")
    for name, text in zip((left, right), texts, strict=True):
        row = store.add_contestant(
            name, contestant_id=f"{name:_>16}", spec_json="{}", kind="base", model="demo"
        )
        ids.append((row.id, store.add_answer(row.id, prompt_id, text, finish_reason=finish_reason)))
    battle_id = store.ballots.add_battle(labeler, prompt_id=prompt_id, left=ids[0], right=ids[1])
    store.ballots.add_event(battle_id, labeler, "vote", outcome=outcome, elapsed_ms=1200, names_shown="after")
    return battle_id


def as_csv(store: Store) -> str:
    out = io.StringIO()
    export_votes(store, out, "csv")
    return out.getvalue()


def pairs(store: Store) -> list[dict[str, object]]:
    out = io.StringIO()
    export_dpo(store, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_votes_as_a_table(store: Store) -> None:
    """The table has a on the left and says a, b, tie or both_bad."""
    for outcome in ("left", "right", "tie", "both_bad"):
        vote(store, outcome)  # type: ignore[arg-type]  # one of the four
    rows = list(csv.DictReader(io.StringIO(as_csv(store))))
    assert [row["outcome"] for row in rows] == ["a", "b", "tie", "both_bad"]
    assert {(row["a"], row["b"], row["labeler"], row["prompt"]) for row in rows} == {
        ("base", "sft", "ana", store.prompts()[0].id)
    }


def test_what_was_taken_back_is_not_exported(store: Store) -> None:
    """Undone votes and hidden contestants are in no file."""
    battle_id = vote(store, "left")
    standing = store.ballots.standing(battle_id, "ana")
    assert standing is not None
    store.ballots.add_event(battle_id, "ana", "undo", target_id=standing.event_id)
    vote(store, "right", right="dpo")
    store.hide_contestant("dpo")
    assert as_csv(store) == "a,b,outcome,labeler,prompt\n"
    assert pairs(store) == []


# A NUL in a name is refused by line (SQLite's texts end there): `test_foreign`.
letters = st.characters(codec="utf-8", exclude_characters="\0")
names = st.text(letters, min_size=1, max_size=6).filter(str.strip)
prompts = st.one_of(st.just(""), st.sampled_from(["why?", "how?", 'say "hi", twice\r\n']), names)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(names, min_size=2, max_size=2, unique=True),
            st.sampled_from(["a", "b", "tie", "both_bad"]),
            st.sampled_from(["ana", "bo", " c "]),
            prompts,
        ),
        max_size=12,
    )
)
def test_votes_come_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[list[str], str, str, str]]
) -> None:
    """Exported and imported into an empty arena, votes give identical scores and the identical file."""
    folder = tmp_path_factory.mktemp("roundtrip")
    source = folder / "source.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "outcome", "labeler", "prompt"])
        writer.writerows((*pair, outcome, labeler, prompt) for pair, outcome, labeler, prompt in rows)
    with Store.open(folder / "a.db") as one, Store.open(folder / "b.db") as other:
        import_votes_csv(one, source)
        exported = folder / "exported.csv"
        exported.write_bytes(as_csv(one).encode())
        import_votes_csv(other, exported)
        assert as_csv(other) == as_csv(one)
        reports = [score([Vote(*row) for row in store.standing_votes()]).to_json() for store in (one, other)]
        assert reports[0] == reports[1]
        assert reports[0]["votes"] == len(rows)
        assert import_votes_csv(one, exported).added == 0  # one's own export is no news


def test_own_votes_are_not_imported_again(store: Store, tmp_path: Path) -> None:
    """An export that is imported where it came from adds nothing; one more vote in it is added."""
    vote(store, "left")
    vote(store, "left", labeler="bo")
    vote(store, "right", prompt="how?")
    file = tmp_path / "votes.csv"
    file.write_text(as_csv(store))
    assert import_votes_csv(store, file).added == 0
    file.write_text(as_csv(store) + as_csv(store).splitlines()[1] + "\n")
    assert import_votes_csv(store, file).added == 1


def test_weights_come_back(store: Store, tmp_path: Path) -> None:
    """Where prompts were not drawn uniformly, the table says how much a vote counts, and so it counts."""
    vote(store, "left")
    [prompt] = store.prompts()
    sides = [(row.id, store.add_answer(row.id, prompt.id, row.name)) for row in store.contestants()]
    battle = store.ballots.add_battle("bo", prompt_id=prompt.id, left=sides[0], right=sides[1], boost=3.0)
    store.ballots.add_event(battle, "bo", "vote", outcome="right")
    assert as_csv(store).splitlines()[0] == "a,b,outcome,labeler,prompt,weight"
    file = tmp_path / "votes.csv"
    file.write_text(as_csv(store))
    assert import_votes_csv(store, file).added == 0
    with Store.open(tmp_path / "other.db") as other:
        import_votes_csv(other, file)
        assert other.standing_votes() == store.standing_votes()
        assert as_csv(other) == as_csv(store)
    for cell in ("0", "-1", "inf", "x"):
        file.write_text(f"a,b,outcome,weight\nx,y,a,{cell}\n")
        with pytest.raises(FtarenaError, match=r"votes\.csv:2: weight"):
            import_votes_csv(store, file)


def test_a_judge_in_a_table_stays_one(store: Store, tmp_path: Path) -> None:
    """A labeler called judge:… is none of the people, also when their votes come as a table."""
    file = tmp_path / "votes.csv"
    file.write_text("a,b,outcome,labeler\nx,y,a,judge:big\nx,y,b,ana\n")
    import_votes_csv(store, file)
    assert [row.labeler for row in store.standing_votes()] == ["ana"]


def test_what_no_score_rests_on_is_marked_in_jsonl(store: Store) -> None:
    """JSONL has leaks and repeats too, marked; asked for something, it has what is scored of it."""
    first = vote(store, "left")
    [prompt] = store.prompts()
    sides = [(row.id, store.add_answer(row.id, prompt.id, row.name)) for row in store.contestants()]
    again = store.ballots.add_battle(
        "ana", prompt_id=prompt.id, left=sides[1], right=sides[0], repeat_of=first, leaked="sft"
    )
    event = store.ballots.add_event(again, "ana", "vote", outcome="right")
    store.ballots.add_detail(event, "strength", strength=4)
    store.ballots.add_detail(event, "helpful", outcome="left")
    out = io.StringIO()
    assert export_votes(store, out, "jsonl") == 2
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["scored"] for row in rows] == [True, False]
    assert (rows[1]["repeat_of"], rows[1]["leaked"], rows[1]["strength"]) == (first, "sft", 4)
    assert rows[1]["criteria"] == {"helpful": "left"}
    assert export_votes(store, io.StringIO(), "jsonl", Selection(labelers=["ana"])) == 1
    assert export_votes(store, io.StringIO(), "csv") == export_votes(store, io.StringIO(), "lmarena") == 1


def test_votes_with_everything(store: Store) -> None:
    """JSONL has the texts, ids, times and comments."""
    battle_id = vote(store, "left")
    store.ballots.add_event(battle_id, "ana", "comment", text="close\u2028call")
    out = io.StringIO()
    assert export_votes(store, out, "jsonl") == 1
    [line] = out.getvalue().split("\n")[:-1]
    row = json.loads(line)
    assert row["battle_id"] == battle_id
    assert row["comments"] == ["close\u2028call"]
    assert row["prompt"]["turns"] == [{"role": "user", "content": "why?"}]
    assert (row["left"]["contestant"], row["left"]["text"]) == ("base", "plain")
    assert (row["elapsed_ms"], row["before_end"], row["names_shown"]) == (1200, None, "after")


def test_an_unknown_form_is_refused(store: Store) -> None:
    """A form that is not there is one message with those that are."""
    with pytest.raises(FtarenaError, match="xlsx"):
        export_votes(store, io.StringIO(), "xlsx")  # type: ignore[arg-type]  # what a user may type


def test_pairs_are_what_trl_reads(store: Store) -> None:
    """A vote for the right answer makes it the chosen one, in the conversational form."""
    vote(store, "right")
    assert pairs(store) == [
        {
            "prompt": [{"role": "user", "content": "why?"}],
            "chosen": [{"role": "assistant", "content": "better"}],
            "rejected": [{"role": "assistant", "content": "plain"}],
            "votes": 1,
        }
    ]


def test_ties_and_both_bad_make_no_pair(store: Store) -> None:
    """Equally good says nothing to DPO, and both bad is never a preference."""
    vote(store, "tie")
    vote(store, "both_bad", prompt="how?")
    found, report = preference_pairs(store)
    assert found == []
    assert (report.votes, report.ties, report.both_bad) == (2, 1, 1)


def test_the_majority_decides_a_contradiction(store: Store) -> None:
    """Two against one is a pair; one against one is none, and is counted as undecided."""
    vote(store, "right", labeler="ana")
    vote(store, "left", left="sft", right="base", texts=("better", "plain"), labeler="bo")  # sides swapped
    vote(store, "left", labeler="cleo")
    vote(store, "left", prompt="how?", labeler="ana")
    vote(store, "right", prompt="how?", labeler="bo")
    found, report = preference_pairs(store)
    assert [(pair.chosen, pair.rejected, pair.votes) for pair in found] == [("better", "plain", 2)]
    assert (report.pairs, report.undecided) == (1, 1)


def test_the_same_texts_are_one_pair_whoever_wrote_them(store: Store) -> None:
    """Two contestants that wrote the same answer do not double a pair; equal texts make none."""
    vote(store, "right", right="sft")
    vote(store, "right", right="dpo")
    vote(store, "right", texts=("same", "same"), prompt="how?")
    found, report = preference_pairs(store)
    assert [pair.votes for pair in found] == [2]
    assert report.identical == 1


def test_imported_votes_have_no_texts(store: Store, tmp_path: Path) -> None:
    """Votes from a file are counted as left out, not left out in silence."""
    file = tmp_path / "votes.csv"
    file.write_text("a,b,outcome\nbase,sft,a\nbase,sft,b\n")
    import_votes_csv(store, file)
    found, report = preference_pairs(store)
    assert found == []
    assert (report.votes, report.without_text) == (2, 2)


def test_cut_off_answers_are_counted(store: Store) -> None:
    """A chosen answer that was cut off at its length limit is mentioned: it teaches not to end."""
    vote(store, "right", finish_reason="length")
    _, report = preference_pairs(store)
    assert report.cut_off == 1
    assert "1 chosen answer was cut off" in account(report)


def test_pairs_are_the_same_every_time(store: Store) -> None:
    """The same votes give the same file, in the order of their first votes."""
    for number in range(20):
        vote(store, "right" if number % 2 else "left", prompt=f"question {number % 7}")
    assert pairs(store) == pairs(store)
    order = [pair["prompt"][0]["content"] for pair in pairs(store)]  # type: ignore[index]  # as above
    assert order == sorted(order)


def test_votes_with_the_names_known_are_left_out(store: Store) -> None:
    """Whoever votes again, having read the names, makes no row and no pair; JSONL says: not blind."""
    battle_id = vote(store, "left")
    standing = store.ballots.standing(battle_id, "ana")
    assert standing is not None
    store.ballots.add_event(battle_id, "ana", "undo", target_id=standing.event_id)
    store.ballots.add_event(battle_id, "ana", "vote", outcome="right", names_shown="never")
    vote(store, "right", labeler="bo")
    assert [row["labeler"] for row in csv.DictReader(io.StringIO(as_csv(store)))] == ["bo"]
    found, report = preference_pairs(store)
    assert [pair.votes for pair in found] == [1]
    assert (report.votes, report.not_blind) == (2, 1)
    out = io.StringIO()
    assert export_votes(store, out, "jsonl") == 2
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(row["labeler"], row["blind"]) for row in rows] == [("ana", False), ("bo", True)]
