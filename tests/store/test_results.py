"""Results of tasks are kept one by one, and what was asked once need not be asked again."""

import shutil
import sqlite3
from itertools import permutations
from pathlib import Path

import pytest

from ftarena.store import Store
from ftarena.store.merging import merge
from ftarena.store.results import ResultRow, add_results, add_task, answers_to, results, tasks


def row(item: int, score: float | None, answer: str = "text", note: str | None = None) -> ResultRow:
    return ResultRow(item, score, note, answer, "stop", 3, 0.1)


def opened(path: Path) -> tuple[Store, str]:
    store = Store.open(path)
    who = store.add_contestant("base", contestant_id="c1", spec_json="{}", kind="base")
    for task, metric in (("t1", "exact"), ("t2", "accept")):
        add_task(store, task, name="quiz", metric=metric, items=3, asked="questions")
    return store, who.id


def test_the_first_score_of_an_item_stands(tmp_path: Path) -> None:
    """Two front ends that measured at once do not change each other's figures."""
    store, who = opened(tmp_path / "arena.db")
    add_results(store, "t1", who, [row(0, 1.0), row(0, 1.0)])
    add_results(store, "t1", who, [row(0, 0.0, "another answer")])
    assert results(store, "t1")[who][0].score == 1.0
    assert store.rows("SELECT count(*) FROM task_results") == [(2,)]
    assert [task.metric for task in tasks(store)] == ["accept", "exact"] or len(tasks(store)) == 2


def test_a_score_stands_before_a_reason_for_none(tmp_path: Path) -> None:
    """An item that did not fit yesterday counts once it does."""
    store, who = opened(tmp_path / "arena.db")
    add_results(store, "t1", who, [ResultRow(1, None, "too long", None, None, None, None)])
    assert results(store, "t1")[who][1].note == "too long"
    add_results(store, "t1", who, [row(1, 0.0)])
    assert results(store, "t1")[who][1].score == 0.0


def test_answers_serve_another_metric(tmp_path: Path) -> None:
    """Scoring by another metric asks nobody again."""
    store, who = opened(tmp_path / "arena.db")
    add_results(store, "t1", who, [row(2, 0.0, "it is Rome")])
    assert answers_to(store, "questions", who)[2].answer == "it is Rome"
    assert answers_to(store, "other questions", who) == {}


def test_merging_in_any_order_gives_the_same_figures(tmp_path: Path) -> None:
    """Three machines that measured the same task agree on it afterwards, whoever merges whom."""
    for name, score in (("a", 1.0), ("b", 0.0), ("c", 0.5)):
        store, who = opened(tmp_path / f"{name}.db")
        add_results(store, "t1", who, [row(0, 1.0), row(1, score, f"answer {score}")])
        store.close()
    found = set()
    for order in permutations("abc"):
        into = tmp_path / f"{''.join(order)}.db"
        shutil.copy(tmp_path / f"{order[0]}.db", into)
        with Store.open(into) as store:
            merge(store, [tmp_path / f"{name}.db" for name in order[1:]])
            standing = results(store, "t1")["c1"]
            found.add(repr((tasks(store), sorted(standing.items()))))
            assert store.rows("SELECT count(*) FROM task_results") == [(4,)]
    assert len(found) == 1


def test_results_cannot_be_edited(tmp_path: Path) -> None:
    """A figure that was told stays as it was measured."""
    store, who = opened(tmp_path / "arena.db")
    add_results(store, "t1", who, [row(0, 1.0)])
    for sql in ("UPDATE task_results SET score = 0", "DELETE FROM task_results"):
        with pytest.raises(sqlite3.IntegrityError), store.transaction() as connection:
            connection.execute(sql)
