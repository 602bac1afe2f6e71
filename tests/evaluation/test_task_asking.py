"""Asking tasks at a stand-in for the engine: kept at once, asked once, compared on the same items."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ftarena.errors import FtarenaError
from ftarena.evaluation.measures import task_tables
from ftarena.evaluation.tasks import asking
from ftarena.evaluation.tasks.asking import Who, measure
from ftarena.evaluation.tasks.items import Task
from ftarena.evaluation.tasks.loading import load_task, loss_task
from ftarena.recipes.load import load_recipe
from ftarena.serving.contestants import Contestant, Message
from ftarena.store import Store
from ftarena.store.results import results
from ftarena.training.data import load_data
from ftarena.training.runs import RESOLVED_RECIPE, Run
from ftarena.workspace import Workspace

Said = Callable[[dict[str, Any]], None]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def store(project: Workspace) -> Store:
    return Store.open(project.database)


def enter(store: Store, name: str, contestant: Contestant) -> Who:
    row = store.add_contestant(
        name,
        contestant_id=contestant.id,
        spec_json=contestant.model_dump_json(),
        kind="adapter" if contestant.adapter else "base",
        model=contestant.model,
        run_id=contestant.run_id,
    )
    return Who(name, row.id, contestant)


def pair(store: Store, run: Run, model: Path) -> list[Who]:
    base = Contestant(model=str(model))
    return [enter(store, "base", base), enter(store, "sft", Contestant(model=str(model), adapter=run.id))]


def quiz(tmp_path: Path, count: int = 6) -> Task:
    rows = [{"prompt": f"Q{n}?", "reference": f"a{n}"} for n in range(count)]
    return load_task(str(write_rows(tmp_path / "quiz.jsonl", rows)))


def test_everybody_answers_the_same_and_is_compared_item_by_item(
    store: Store,
    project: Workspace,
    ended_run: Callable[..., Run],
    bare_model: Path,
    tmp_path: Path,
    answers: Said,
) -> None:
    """My run has four of six right, its base one: the table says by how much, and how sure that is."""
    run = ended_run()
    whom = pair(store, run, bare_model)
    answers(
        {
            "base": {"Q0?": ["a0", "stop"], "*": ["no", "length"]},
            run.id: {f"Q{n}?": [f"A{n}.", "stop"] for n in range(1, 5)} | {"*": ["no", "stop"]},
        }
    )
    task = quiz(tmp_path)
    told: list[str] = []
    outcome = measure(store, project, whom, [task], tell=lambda line, part: told.append(line))
    assert outcome.asked == 12 and not outcome.troubles
    assert told[-1] == "sft: quiz.jsonl, 12 of 12"
    (table,) = task_tables(store, ["base", "sft"], "base")
    (_, base), (_, sft) = table.rows
    assert (base.value, sft.value, sft.difference) == pytest.approx((1 / 6, 4 / 6, 3 / 6))
    assert sft.low is not None and sft.high is not None and sft.low < 0.5 < sft.high
    assert base.note == "5 answers ran into the length limit"
    kept = results(store, task.id)[whom[1].id][1]
    assert (kept.answer, kept.score, kept.n_tokens) == (" A1.", 1.0, 1)


def test_what_is_known_is_not_asked_again(
    store: Store,
    project: Workspace,
    ended_run: Callable[..., Run],
    bare_model: Path,
    tmp_path: Path,
    answers: Said,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A larger limit asks the rest, and another metric scores the answers that are there."""
    whom = pair(store, ended_run(), bare_model)[:1]
    answers({"base": {"*": ["It is a0", "stop"]}})
    task = quiz(tmp_path)
    assert measure(store, project, whom, [task], limit=2).asked == 2
    assert measure(store, project, whom, [task]).asked == 4
    assert measure(store, project, whom, [task]).asked == 0

    async def nobody(*_: object) -> None:
        raise AssertionError("asked although the answer is there")

    monkeypatch.setattr("ftarena.evaluation.respondent.Respondent.complete", nobody)
    again = load_task(str(tmp_path / "quiz.jsonl"), metric="regex", pattern="a0", max_tokens=task.max_tokens)
    assert measure(store, project, whom, [again]).asked == 6
    assert {row.score for row in results(store, again.id)[whom[0].id].values()} == {1.0}


def test_an_interruption_keeps_what_was_answered(
    store: Store,
    project: Workspace,
    ended_run: Callable[..., Run],
    bare_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ctrl+c in the middle, and the next time only the rest is asked."""
    whom = pair(store, ended_run(), bare_model)[:1]
    monkeypatch.setattr(asking, "CONCURRENCY", {"cpu": 1, "cuda": 1})
    task = quiz(tmp_path)

    def interrupt(line: str, part: float | None) -> None:
        if part == 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(store, project, whom, [task], tell=interrupt)
    kept = len(results(store, task.id)[whom[0].id])
    assert 3 <= kept < 6
    assert measure(store, project, whom, [task]).asked == 6 - kept


def test_losses_are_measured_under_the_contestants_own_prompt(
    store: Store, project: Workspace, ended_run: Callable[..., Run], bare_model: Path
) -> None:
    """Held-out loss stands beside the tasks, by the same means, per answer token."""
    run = ended_run()
    whom = pair(store, run, bare_model)
    shots = (Message(role="user", content="Eh?"), Message(role="assistant", content="Oh."))
    whom.append(enter(store, "prompt", Contestant(model=str(bare_model), few_shot=shots)))
    task = loss_task("held-out loss", load_data(load_recipe(run.directory / RESOLVED_RECIPE)).heldout)
    assert task is not None and task.metric == "loss"
    assert measure(store, project, whom, [task], limit=5).asked == 15
    (table,) = task_tables(store, [who.name for who in whom], "base")
    assert [name for name, _ in table.rows] == ["base", "sft", "prompt"]
    base, sft, _ = (row for _, row in table.rows)
    assert (base.unit, base.better, base.n) == ("nats/token", "lower", 5)
    assert sft.difference == 0 and sft.needed is None


def test_who_cannot_be_asked_is_told_and_the_others_go_on(
    store: Store, project: Workspace, ended_run: Callable[..., Run], bare_model: Path, tmp_path: Path
) -> None:
    """An adapter that is gone and a server without log-probabilities do not stop the rest."""
    run = ended_run()
    gone = enter(store, "gone", Contestant(model=str(bare_model), adapter="no-such-run"))
    far = enter(store, "far", Contestant(model="m", endpoint="http://127.0.0.1:9/v1"))
    base = pair(store, run, bare_model)[0]
    losses = loss_task("held-out loss", load_data(load_recipe(run.directory / RESOLVED_RECIPE)).heldout)
    assert losses is not None
    outcome = measure(store, project, [gone, far, base], [losses, quiz(tmp_path)], limit=3)
    assert outcome.asked == 6
    assert set(outcome.troubles) == {"gone", "far"}
    assert "losses are not known" in outcome.troubles["far"].message


def test_items_without_a_score_are_named(
    store: Store, project: Workspace, ended_run: Callable[..., Run], bare_model: Path, tmp_path: Path
) -> None:
    """A scorer that fails on one item leaves that item out for everybody, and says so."""
    whom = pair(store, ended_run(), bare_model)
    quiz(tmp_path, 3)
    mine = tmp_path / "mine.py"
    mine.write_text("def score(prompt, answer, reference):\n    return 1 / (prompt != 'Q1?')\n")
    task = load_task(str(tmp_path / "quiz.jsonl"), scorer=mine)
    measure(store, project, whom, [task])
    (table,) = task_tables(store, ["base", "sft"], "base")
    assert table.nobody == (1,)
    assert {measure.n for _, measure in table.rows} == {2}
    assert results(store, task.id)[whom[0].id][1].note == "mine.py:2: ZeroDivisionError: division by zero"
    assert measure(store, project, whom, [task]).asked == 2  # tried once more, by the answers that are there


def test_a_scorer_with_a_mistake_stops_before_anything_is_asked(
    store: Store, project: Workspace, ended_run: Callable[..., Run], bare_model: Path, tmp_path: Path
) -> None:
    """I learn of my typing error in a second, not after an hour of answers."""
    whom = pair(store, ended_run(), bare_model)
    quiz(tmp_path)
    mine = tmp_path / "mine.py"
    mine.write_text("def score(:")
    task = load_task(str(tmp_path / "quiz.jsonl"), scorer=mine)
    with pytest.raises(FtarenaError, match="SyntaxError"):
        measure(store, project, whom, [task])
    assert results(store, task.id) == {}


def test_a_loss_without_end_is_no_figure(tmp_path: Path) -> None:
    """A token that the model rules out does not make the mean infinite: the item is left out and says why."""
    rows = [{"prompt": "What?", "reference": "x"}]
    task = load_task(str(write_rows(tmp_path / "c.jsonl", rows)))

    class RulesOut:
        async def loss(self, item: object, reference: str) -> tuple[float, int]:
            return float("inf"), 3

    losses = Task("held-out loss", "loss", task.items, 1)
    row = asyncio.run(asking._result(losses, 0, RulesOut(), None, None))  # type: ignore[arg-type]
    assert (row.score, row.note) == (None, asking.NO_CHANCE)


def test_the_likeliest_option_is_the_choice(tmp_path: Path) -> None:
    """Multiple choice by log-probability: no answer is made, the options are measured."""
    rows = [{"prompt": "What?", "choices": ["long words here", "short"], "reference": "B"}]
    task = load_task(str(write_rows(tmp_path / "c.jsonl", rows)), metric="choice-logprob")

    class Likes:
        async def loss(self, item: object, reference: str) -> tuple[float, int]:
            return float(len(reference)), 1

    row = asyncio.run(asking._likeliest(task.items[0], 0, Likes()))  # type: ignore[arg-type]
    assert (row.score, row.answer) == (1.0, "B. short")
    assert task.items[0].prompt[-1].content == "What?"
