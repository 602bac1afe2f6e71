"""What was measured without people: tasks, and each contestant's score on each of their items.

Kept one by one as they are made, so an interruption loses only what is in flight. Nothing here knows how an
answer is scored: that is `ftarena.evaluation.tasks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ftarena.store.database import Database
from ftarena.store.ids import content_hash, now, storable

LOSS = "loss"
"""The metric whose score is the loss of the reference answer, in nats per token; lower is better."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A set of items with a way to score answers."""

    id: str
    """Hash of the items and the metric, whatever the name."""

    name: str
    metric: str
    items: int
    asked: str
    """Hash of what is asked and how long an answer may be: equal for tasks that score the same answers."""

    created_at: str


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What one contestant made of one item."""

    item: int
    """Its place in the task, from 0."""

    score: float | None
    """0 to 1 for answers, nats per token for a loss; `None` where there is none, and `note` says why."""

    note: str | None
    answer: str | None
    """As it came; `None` where none was made."""

    finish_reason: str | None
    """`length` where the answer ran into the limit."""

    n_tokens: int | None
    """Tokens of the answer; for a loss those of the reference."""

    elapsed_s: float | None


def add_task(store: Database, task_id: str, *, name: str, metric: str, items: int, asked: str) -> None:
    """Keep what a task is; once is enough.

    Args:
        store: The arena.
        task_id: Hash of items and metric.
        name: What people call it.
        metric: How answers are scored, or `loss`.
        items: How many it has.
        asked: Hash of what is asked.
    """
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO tasks (id, name, metric, items, asked, created_at) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO NOTHING",
            (task_id, storable(name), metric, items, asked, now()),
        )


def tasks(store: Database) -> list[TaskRow]:
    """Return every task, in the order they were first measured."""
    found = store.rows(
        "SELECT id, name, metric, items, asked, created_at FROM tasks ORDER BY created_at, name, id"
    )
    return [TaskRow(*row) for row in found]


def add_results(store: Database, task_id: str, contestant_id: str, rows: Sequence[ResultRow]) -> None:
    """Keep results as one step; the same ones twice are there once.

    Args:
        store: The arena.
        task_id: Of a task that was added.
        contestant_id: Whose they are.
        rows: The results.
    """
    with store.transaction() as connection:
        for row in rows:
            answer = None if row.answer is None else storable(row.answer)
            note = None if row.note is None else storable(row.note)
            said = (row.score, note, answer, row.finish_reason)
            result_id = content_hash("result", task_id, contestant_id, row.item, *map(repr, said))
            connection.execute(
                "INSERT INTO task_results (id, task_id, contestant_id, item, score, note, answer,"
                " finish_reason, n_tokens, elapsed_s, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO NOTHING",
                (
                    result_id,
                    task_id,
                    contestant_id,
                    row.item,
                    row.score,
                    note,
                    answer,
                    row.finish_reason,
                    row.n_tokens,
                    row.elapsed_s,
                    now(),
                ),
            )


def results(store: Database, task_id: str) -> dict[str, dict[int, ResultRow]]:
    """Return what stands of a task: of each contestant (id) the earliest result of each item that has a
    score.

    Where none has one, the earliest that says why.
    """
    found = store.rows(
        "SELECT contestant_id, item, score, note, answer, finish_reason, n_tokens, elapsed_s"
        " FROM task_results WHERE task_id = ? ORDER BY score IS NOT NULL, created_at DESC, id DESC",
        (task_id,),
    )
    kept: dict[str, dict[int, ResultRow]] = {}
    for contestant_id, *row in found:  # what stands comes last and wins
        kept.setdefault(contestant_id, {})[row[0]] = ResultRow(*row)
    return kept


def answers_to(store: Database, asked: str, contestant_id: str) -> dict[int, ResultRow]:
    """Return the answers that a contestant has given to what is asked, under whatever metric, by item."""
    found = store.rows(
        "SELECT r.item, r.score, r.note, r.answer, r.finish_reason, r.n_tokens, r.elapsed_s"
        " FROM task_results r JOIN tasks t ON t.id = r.task_id"
        " WHERE t.asked = ? AND r.contestant_id = ? AND r.answer IS NOT NULL"
        " ORDER BY r.created_at DESC, r.id DESC",
        (asked, contestant_id),
    )
    return {row[0]: ResultRow(*row) for row in found}
