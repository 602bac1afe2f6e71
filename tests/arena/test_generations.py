"""Who descends from whom, and what each gained against its parent: read from folders and votes."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import OVERFITS, REMEMBERS, make_run

from ftarena.arena.improving import generations
from ftarena.arena.improving.begun import run_begun
from ftarena.arena.improving.tree import Gain, gain_words, loss_words, made_words
from ftarena.arena.lineup import enlist
from ftarena.processes import write_json
from ftarena.store import Outcome, Store
from ftarena.training.runs import RESOLVED_RECIPE, read_run
from ftarena.workspace import Workspace

TURNED: dict[Outcome, Outcome] = {"left": "right", "right": "left", "tie": "tie", "both_bad": "both_bad"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / ".ftarena").ensure()


def family(workspace: Workspace, parent: str, child: str) -> None:
    """Make two finished runs, the child made of votes on the parent's answers."""
    older = make_run(workspace, parent, "finished", started_at=time.time() - 900)
    younger = make_run(workspace, child, "finished", method="dpo")
    write_json(younger / "improve.json", {"parent": older.name, "method": "dpo", "votes": 9, "pairs": 9})


def vote_between(
    store: Store, parent: str, child: str, outcomes: Sequence[Outcome], trained: Sequence[int] = ()
) -> None:
    """Vote on the child (left) against its parent (right); some prompts the child was trained on."""
    rows = {row.name: row for row in store.contestants()}
    for number, outcome in enumerate(outcomes):
        [prompt] = store.add_prompts([([("user", f"{number}?")], None)], "heldout")
        sides = [
            (rows[name].id, store.add_answer(rows[name].id, prompt, f"{text} {number}"))
            for name, text in ((child, "It is"), (parent, "That would be"))
        ]
        battle = store.ballots.add_battle("ana", prompt_id=prompt, left=sides[0], right=sides[1])
        store.ballots.add_event(battle, "ana", "vote", outcome=outcome, elapsed_ms=9, names_shown="never")
        if number in trained:
            with store.transaction() as connection:
                connection.execute(
                    "INSERT INTO trained_prompts VALUES (?, ?, 'same', '')", (prompt, rows[child].run_id)
                )


def gain_of(parent: str, child: str, outcomes: Sequence[Outcome], trained: Sequence[int] = ()) -> Gain | None:
    """Return the gain of a child in a project of its own."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / ".ftarena").ensure()
        family(workspace, parent, child)
        with Store.open(workspace.database) as store:
            for run in sorted(workspace.runs.iterdir()):
                enlist(store, read_run(run))
            vote_between(store, parent, child, outcomes, trained)
            [_, generation] = generations(store, workspace)
            return generation.gain


@settings(deadline=None, max_examples=8)
@given(st.lists(st.sampled_from(["left", "right", "tie", "both_bad"]), min_size=1, max_size=8))
def test_names_do_not_matter(outcomes: list[Outcome]) -> None:
    """A child that comes first in the alphabet gains exactly what one does that comes last."""
    first, last = gain_of("m-parent", "a-child", outcomes), gain_of("m-parent", "z-child", outcomes)
    assert first is not None and last is not None
    assert replace(first, child="z-child", words="") == replace(last, words="")
    assert first.words.replace("a-child", "z-child") == last.words


@settings(deadline=None, max_examples=8)
@given(st.lists(st.sampled_from(["left", "right", "tie", "both_bad"]), min_size=1, max_size=8))
def test_the_opposite_votes_mirror_the_gain(outcomes: list[Outcome]) -> None:
    """Every vote the other way round: what was won is lost, to the last bit."""
    one = gain_of("m-parent", "a-child", outcomes)
    other = gain_of("m-parent", "a-child", [TURNED[outcome] for outcome in outcomes])
    assert one is not None and other is not None
    assert (one.wins, one.losses, one.ties, one.both_bad) == (
        other.losses,
        other.wins,
        other.ties,
        other.both_bad,
    )
    mirrored = {"better": "worse", "worse": "better"}
    assert one.verdict == mirrored.get(other.verdict, other.verdict)
    if one.rate is not None and other.rate is not None and one.low is not None and other.high is not None:
        assert one.rate == pytest.approx(1 - other.rate) and one.low == pytest.approx(1 - other.high)


def test_votes_on_what_it_was_trained_on_are_left_out() -> None:
    """Four of ten prompts were trained on: six votes are the comparison, and the others are counted."""
    gain = gain_of("parent", "child", ["left"] * 4 + ["right"] * 6, trained=range(4))
    assert gain is not None
    assert (gain.wins, gain.losses, gain.trained, gain.on_trained) == (0, 6, 4, False)


def test_a_comparison_on_trained_prompts_alone_says_so() -> None:
    """Where every vote is on a prompt that it was trained on, the figure is shown with that reserve."""
    gain = gain_of("parent", "child", ["left"] * 3, trained=range(3))
    assert gain is not None and gain.on_trained and gain.wins == 3
    assert "on prompts it was trained on" in gain_words(gain)


def test_runs_without_votes_are_children_by_their_recipe(workspace: Workspace) -> None:
    """A DPO run of my own stands below the SFT run that it went on from; siblings by age."""
    now = time.time()
    sft = make_run(workspace, "sft", "finished", started_at=now - 900)
    for number, name in enumerate(("dpo-b", "dpo-a")):
        folder = make_run(workspace, name, "finished", method="dpo", started_at=now - 500 + number)
        (folder / RESOLVED_RECIPE).write_text(f"method: dpo\ninit_from: {sft}\n")
    make_run(workspace, "other", "finished", started_at=now - 100)
    tree = generations(None, workspace)
    assert [(one.name, one.depth) for one in tree] == [("sft", 0), ("dpo-b", 1), ("dpo-a", 1), ("other", 0)]
    assert made_words(tree[1].made_of) == "trained on files" and tree[1].gain is None


def test_what_it_forgot_is_told(workspace: Workspace) -> None:
    """Losses before and after, and each alarm of its guards; what went well is no alarm."""
    make_run(workspace, "sft", "finished", guards=[OVERFITS, REMEMBERS])
    [one] = generations(None, workspace)
    assert one.held_out is not None and one.held_out.change < 0
    assert one.alarms == (OVERFITS.words,)
    assert loss_words(one).startswith("held out 2.900 → ") and "general" in loss_words(one)


@pytest.mark.parametrize(
    ("state", "checkpoints", "counts"),
    [
        ("finished", (), True),
        ("training", (), True),
        ("stopped", (5,), True),
        ("stopped", (), False),
        ("failed", (5,), False),
    ],
)
def test_which_run_counts_as_begun(
    workspace: Workspace, state: str, checkpoints: tuple[int, ...], counts: bool
) -> None:
    """One that can go on is gone on with; one that failed, or left nothing, is begun anew."""
    folder = workspace.root / "improvements" / "abc"
    run = make_run(workspace, "child", state, checkpoints=checkpoints)
    (run / RESOLVED_RECIPE).write_text(f"dataset:\n- {folder}/pairs.jsonl\n")
    found = run_begun(workspace, folder)
    assert (found is not None) == counts
    assert run_begun(workspace, folder.with_name("abcd")) is None
