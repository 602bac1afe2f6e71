"""From votes to the next run, in a real arena and with a real training of a model that takes milliseconds."""

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ftarena.arena.improving import find_parent, generations, prepare, start
from ftarena.arena.improving.record import PAIRS, RECORD, VOTES, read_record
from ftarena.arena.improving.starting import bring_in
from ftarena.errors import FtarenaError, UsageError
from ftarena.processes import write_json
from ftarena.store import Selection, Store
from ftarena.store.preferences import PairFilter
from ftarena.training.jobs import Run, RunState, list_runs
from ftarena.training.runs import read_run
from ftarena.workspace import Workspace

from .improving_support import (
    QUESTIONS,
    answer_all,
    enlisted,
    shorter,
    train_parent,
    trains_in_this_process,
    vote_all,
)

QUICK = {"max_steps": "1", "examine": "false", "general_dataset": "[]", "probe_answers": "false"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "project" / ".ftarena").ensure()


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    with Store.open(workspace.database) as opened:
        yield opened


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, train_here: Callable[..., Run], tiny_model: Path
) -> Run:
    """A run that is trained once and copied into each project."""
    run = train_parent(train_here, Workspace(tmp_path_factory.mktemp("once")).ensure(), tiny_model)
    assert run.state is RunState.FINISHED, run.message
    return run


@pytest.fixture
def first(store: Store, workspace: Workspace, trained: Run) -> Run:
    """A trained run, in the arena beside its base, with every question answered by both."""
    shutil.copytree(trained.directory, workspace.runs / trained.id)
    run = enlisted(store, read_run(workspace.runs / trained.id))
    answer_all(store)
    return run


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings happen here and now."""
    from ftarena.training.worker.__main__ import main

    def train(arguments: list[str]) -> None:
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        handlers = {number: signal.getsignal(number) for number in numbers}
        try:
            main(arguments)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    monkeypatch.setattr("ftarena.arena.improving.starting.start_training", trains_in_this_process(train))


def test_votes_become_a_child_that_meets_its_parent(
    store: Store, workspace: Workspace, first: Run, in_process: None
) -> None:
    """I vote, say improve, and the child takes part beside its parent, with the record of what made it."""
    assert vote_all(store, "ana", shorter) == len(QUESTIONS)
    parent = find_parent(store, workspace, None, Selection())
    assert parent.id == first.id
    improvement = prepare(store, workspace, parent, overrides=QUICK)
    assert len(improvement.material.rows) == len(QUESTIONS)
    assert improvement.fresh == 0 and improvement.prompts == len(QUESTIONS)
    run = start(improvement)
    assert run.state is RunState.FINISHED, run.message
    child, older = bring_in(store, improvement, run)
    assert (child.name, older.name) == ("first-2", "first")
    record = read_record(run.directory)
    assert record is not None and record.parent == first.id and record.votes == len(QUESTIONS)
    assert record.labelers == 1 and record.smoothing_from == "none"
    assert (run.directory / PAIRS).read_text() == (improvement.folder / PAIRS).read_text()
    assert len((run.directory / VOTES).read_text().split()) == len(QUESTIONS)
    tree = generations(store, workspace)
    assert [(one.name, one.depth, one.parent) for one in tree] == [
        ("first", 0, None),
        ("first-2", 1, first.id),
    ]


def test_the_prompts_it_was_trained_on_are_marked(
    store: Store, workspace: Workspace, first: Run, in_process: None
) -> None:
    """A vote on what the child has learned by heart can be left out of the next score, its child's too."""
    vote_all(store, "ana", shorter, most=10)
    run = start(prepare(store, workspace, first, overrides=QUICK))
    marked = store.rows("SELECT prompt_id FROM trained_prompts WHERE run_id = ?", (run.id,))
    assert len(marked) == 10
    bring_in_names = [row.name for row in store.contestants() if row.run_id == run.id]
    assert bring_in_names == []  # not before somebody looks: front ends enlist what has finished
    enlisted(store, run)
    answer_all(store)
    vote_all(store, "ana", shorter, contestants=["first", "first-2"])
    both = Selection(contestants=["first", "first-2"])
    assert len(store.standing_votes(both)) == len(QUESTIONS)
    fair = store.standing_votes(Selection(contestants=["first", "first-2"], trained=False))
    assert len(fair) == len(QUESTIONS) - 10
    [gain] = [one.gain for one in generations(store, workspace) if one.gain is not None]
    assert gain.wins + gain.losses == len(QUESTIONS) - 10 and gain.trained == 10 and not gain.on_trained
    # The child's child learns from the new votes only, and remembers what its parent was trained on.
    grandchild = start(prepare(store, workspace, run, PairFilter(both), overrides=QUICK))
    assert read_record(grandchild.directory) is not None and grandchild.name == "first-3"
    assert len(store.rows("SELECT 1 FROM trained_prompts WHERE run_id = ?", (grandchild.id,))) == len(
        QUESTIONS
    )


def test_saying_it_twice_trains_once(
    store: Store, workspace: Workspace, first: Run, in_process: None
) -> None:
    """My terminal died between start and record: I say improve again, and only what is missing is done."""
    vote_all(store, "ana", shorter)
    run = start(prepare(store, workspace, first, overrides=QUICK))
    (run.directory / RECORD).unlink()
    store.connection.execute("DELETE FROM trained_prompts")
    again = prepare(store, workspace, first, overrides=QUICK)
    assert again.run is not None and again.run.id == run.id
    assert start(again).id == run.id
    assert len(list_runs(workspace)) == 2
    assert read_record(run.directory) is not None
    assert store.rows("SELECT count(*) FROM trained_prompts") == [(len(QUESTIONS),)]


def test_an_interrupted_run_is_gone_on_with(
    store: Store, workspace: Workspace, first: Run, in_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I stopped the child on the way: improve resumes it from its checkpoint and trains no second one."""
    vote_all(store, "ana", shorter)
    run = start(prepare(store, workspace, first, overrides=QUICK))
    status = json.loads((run.directory / "status.json").read_text())
    write_json(run.directory / "status.json", {**status, "state": "stopped"})
    resumed: list[str] = []

    def resume(stopped: Run, *_: object, **__: object) -> Run:
        resumed.append(stopped.id)
        return stopped

    monkeypatch.setattr("ftarena.arena.improving.starting.resume_training", resume)
    again = prepare(store, workspace, first, overrides=QUICK)
    assert again.run is not None and again.run.resumable_from == 1
    assert start(again).id == run.id and resumed == [run.id]
    assert len(list_runs(workspace)) == 2


def test_used_votes_are_not_learned_again(
    store: Store, workspace: Workspace, first: Run, in_process: None
) -> None:
    """Nobody voted since: improving the child once more would only repeat itself, so it says so."""
    vote_all(store, "ana", shorter)
    run = start(prepare(store, workspace, first, overrides=QUICK))
    with pytest.raises(FtarenaError, match="trained on all 16 pairs") as refused:
        prepare(store, workspace, run, overrides=QUICK)
    assert "--again" in refused.value.hint
    assert len(prepare(store, workspace, run, overrides=QUICK, again=True).material.rows) == len(QUESTIONS)


def test_doubt_that_was_measured_is_trained_with(
    store: Store, workspace: Workspace, first: Run, in_process: None
) -> None:
    """Two of us agree on three of four battles: the robust loss is told so, and TRL takes it."""
    vote_all(store, "ana", shorter)
    count = iter(range(1000))
    vote_all(
        store,
        "ben",
        lambda left, right: "left" if (len(left) < len(right)) == (next(count) % 4 > 0) else "right",
    )
    improvement = prepare(store, workspace, first, overrides=QUICK, few=True)
    assert improvement.smoothing.origin == "labelers" and improvement.smoothing.agreement == 0.75
    # Where they disagreed there is no pair; where both agreed the pair is surer than a vote.
    assert len(improvement.material.rows) == 12 and improvement.labelers == 2
    assert 0 < improvement.smoothing.value < improvement.smoothing.flip
    recipe = improvement.recipe
    assert recipe.loss_type == ["robust", "sft"] and recipe.label_smoothing == improvement.smoothing.value
    run = start(improvement)
    assert run.state is RunState.FINISHED, run.message
    record = read_record(run.directory)
    assert record is not None and record.label_smoothing == recipe.label_smoothing and record.labelers == 2


def test_kto_learns_from_both_bad(store: Store, workspace: Workspace, first: Run, in_process: None) -> None:
    """Where both answers were bad, kto learns two bad ones."""
    answers = iter(range(1000))
    vote_all(store, "ana", lambda left, right: "both_bad" if next(answers) % 4 == 0 else shorter(left, right))
    improvement = prepare(store, workspace, first, method="kto", overrides=QUICK)
    assert len(improvement.material.rows) == 2 * len(QUESTIONS)
    assert improvement.recipe.method == "kto" and improvement.recipe.label_smoothing == 0
    assert start(improvement).state is RunState.FINISHED


def test_too_few_pairs_say_how_many_more(store: Store, workspace: Workspace, first: Run) -> None:
    """With five votes I am told that three more are needed; I can insist."""
    vote_all(store, "ana", shorter, most=5)
    with pytest.raises(
        FtarenaError, match="5 pairs are too few to learn from: 8 are needed, 3 more"
    ) as refused:
        prepare(store, workspace, first, overrides=QUICK)
    assert "--force" in refused.value.hint
    assert len(prepare(store, workspace, first, overrides=QUICK, few=True).material.rows) == 5


def test_no_votes_is_one_clear_line(store: Store, workspace: Workspace, first: Run) -> None:
    """Before the first vote there is nothing to learn from."""
    with pytest.raises(FtarenaError, match="nobody has voted yet"):
        prepare(store, workspace, first)


def test_ties_alone_are_no_pairs(store: Store, workspace: Workspace, first: Run) -> None:
    """Sixteen ties: the reason is said, not a crash."""
    vote_all(store, "ana", lambda left, right: "tie")
    with pytest.raises(FtarenaError, match="no pair to learn from: 16 votes: said equally good"):
        prepare(store, workspace, first)


def test_keys_of_the_recipe_win_but_for_what_the_votes_decide(
    store: Store, workspace: Workspace, first: Run
) -> None:
    """--learning-rate is mine to say; --dataset would not be an improvement by votes."""
    vote_all(store, "ana", shorter)
    improvement = prepare(store, workspace, first, overrides={**QUICK, "learning_rate": "1e-6"})
    assert improvement.recipe.learning_rate == 1e-6
    assert improvement.recipe.lora_r == 4  # as the parent
    for key in ("dataset", "model", "init_from"):
        with pytest.raises(UsageError, match="cannot be set here"):
            prepare(store, workspace, first, overrides={key: "x"})
    smoothed = prepare(store, workspace, first, overrides={**QUICK, "label_smoothing": "0.2"})
    assert smoothed.recipe.loss_type == ["robust", "sft"] and smoothed.recipe.loss_weights == [0.6, 1.0]
    assert smoothed.smoothing.origin == "given" and "as you said" in smoothed.smoothing.words()
    own = prepare(store, workspace, first, overrides={**QUICK, "loss_type": "hinge"})
    assert own.recipe.loss_type == ["hinge"] and own.recipe.label_smoothing == 0


def test_some_prompts_are_kept_for_the_comparison(store: Store, workspace: Workspace, first: Run) -> None:
    """With --hold-out no prompt is on both sides, and those kept out stay new to the child."""
    vote_all(store, "ana", shorter)
    improvement = prepare(store, workspace, first, overrides=QUICK, hold_out=0.3)
    trained = {json.dumps(row["prompt"]) for row in improvement.material.rows}
    kept = {json.dumps(row["prompt"]) for row in improvement.material.kept_out}
    assert kept and trained and not trained & kept
    assert improvement.fresh == len(kept)
    assert improvement.recipe.eval_dataset  # the parent had no held-out rows: the better answers kept out


def test_held_out_rows_that_are_voted_on_measure_nothing_any_more(
    store: Store,
    workspace: Workspace,
    train_here: Callable[..., Run],
    tiny_model: Path,
) -> None:
    """The arena asked half of the held-out questions: those are trained on now and no longer measured on."""
    heldout = workspace.root / "heldout.jsonl"
    heldout.write_text(
        "".join(
            json.dumps({"prompt": question, "completion": "ls"}) + "\n"
            for question in [*QUESTIONS, "Who am I?"]
        )
    )
    parent = enlisted(store, train_parent(train_here, workspace, tiny_model, eval_dataset=heldout))
    answer_all(store, QUESTIONS[:10])
    vote_all(store, "ana", shorter)
    improvement = prepare(store, workspace, parent, overrides=QUICK)
    assert (improvement.heldout_asked, improvement.heldout) == (10, len(QUESTIONS) - 10 + 1)
    assert "Who am I?" in Path(str(improvement.recipe.eval_dataset[0])).read_text()


def test_the_best_rated_run_is_the_parent(
    store: Store, workspace: Workspace, first: Run, train_here: Callable[..., Run], tiny_model: Path
) -> None:
    """Without a name the run that people like best is gone on from, not the newest one."""
    newer = enlisted(store, train_parent(train_here, workspace, tiny_model, name="second", seed=1))
    assert find_parent(store, workspace, None, Selection()).id == newer.id  # nobody has voted yet
    answer_all(store)
    vote_all(store, "ana", shorter)  # the third contestant has the longest answers
    assert find_parent(store, workspace, None, Selection()).id == first.id
    assert find_parent(store, workspace, "second", Selection()).id == newer.id
    assert find_parent(store, workspace, f"run:{newer.id}", Selection()).id == newer.id


def test_an_arena_that_cannot_be_written_is_refused_before_anything_starts(
    store: Store, workspace: Workspace, first: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a read-only copy I may look at the plan; a start says what is wrong, and trains nothing."""
    vote_all(store, "ana", shorter)
    improvement = prepare(store, workspace, first, overrides=QUICK)
    monkeypatch.setattr("ftarena.store.database.os.access", lambda path, mode: False)
    with pytest.raises(FtarenaError, match="cannot be written"):
        start(improvement)
    assert len(list_runs(workspace)) == 1
