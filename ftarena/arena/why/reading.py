"""The votes on two contestants with the texts they are about."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ftarena.arena.why.features import Answered, Question
from ftarena.errors import FtarenaError
from ftarena.scoring.votes import Outcome, Vote
from ftarena.store import Selection, Store
from ftarena.store.rows import NOT_DRAWN
from ftarena.store.selection import FROM, conditions, outcome_of

_BATCH = 500
_TURNED: dict[Outcome, Outcome] = {"left": "right", "right": "left", "tie": "tie", "both_bad": "both_bad"}


@dataclass(frozen=True, slots=True)
class Voted:
    """One vote, turned so that the first contestant stands on the left."""

    vote: Vote
    battle_id: str
    answers: tuple[str, str] | None
    """Ids of the first one's answer and the other's; None for an imported vote."""


@dataclass(frozen=True)
class Material:
    """Everything that is looked at."""

    first: str
    """Name of the contestant that sorts first."""

    second: str
    votes: tuple[Voted, ...]
    """In the order they were cast."""

    pairs: dict[str, list[tuple[str, str]]]
    """By prompt id the pairs of answers: of the first contestant, of the second."""

    questions: dict[str, Question]
    categories: dict[str, list[str]]
    """By prompt id."""

    answers: dict[str, Answered]


def read_material(store: Store, one: str, other: str, selection: Selection) -> Material:
    """Read the votes that are meant on two contestants, and all their answers to the same prompts.

    Args:
        store: The arena.
        one: Name of a contestant.
        other: Name of another one.
        selection: Which votes; its contestants do not matter.

    Raises:
        FtarenaError: A contestant is unknown, or both are the same.
    """
    first, second = sorted((one, other))
    if first == second:
        raise FtarenaError(f"{one!r} does not differ from itself", "name two contestants")
    ids = []
    for name in (first, second):
        row = store.contestant(name)
        if row is None:
            known = ", ".join(each.name for each in store.contestants())
            raise FtarenaError(
                f"there is no contestant {name!r}",
                f"there are: {known}" if known else "add one: ftarena contestants add",
            )
        ids.append(row.id)
    votes = tuple(_votes(store, (first, second), (ids[0], ids[1]), selection))
    pairs: dict[str, list[tuple[str, str]]] = {}
    for voted in votes:
        if voted.answers is not None:
            _add(pairs, voted.vote.prompt, voted.answers)
    for prompt_id, answers in _unvoted(store, (ids[0], ids[1]), selection):
        _add(pairs, prompt_id, answers)
    return Material(
        first,
        second,
        votes,
        pairs,
        dict(_questions(store, pairs)),
        _categories(store, pairs),
        dict(_answers(store, {each for found in pairs.values() for pair in found for each in pair})),
    )


def _add(pairs: dict[str, list[tuple[str, str]]], prompt_id: str, answers: tuple[str, str]) -> None:
    known = pairs.setdefault(prompt_id, [])
    if answers not in known:
        known.append(answers)


def _votes(
    store: Store, names: tuple[str, str], ids: tuple[str, str], selection: Selection
) -> Iterator[Voted]:
    outcome, values = outcome_of(selection)
    where, more = conditions(selection)
    sql = (
        f"SELECT b.left_id, {outcome}, v.labeler_id, coalesce(b.prompt_id, b.id), 1 / b.boost, b.id,"
        f" b.left_answer_id, b.right_answer_id {FROM}"
        f" WHERE {where} AND b.left_id IN (?, ?) AND b.right_id IN (?, ?)"
        " ORDER BY v.created_at, v.position, v.id"
    )
    for left, said, labeler, prompt, weight, battle, *answers in store.rows(
        sql, (*values, *more, *ids, *ids)
    ):
        turned = left == ids[1]
        vote = Vote(*names, _TURNED[said] if turned else said, labeler, prompt, weight)
        if turned:
            answers.reverse()
        known = answers[0] is not None and answers[1] is not None
        yield Voted(vote, battle, (answers[0], answers[1]) if known else None)


def _unvoted(
    store: Store, ids: tuple[str, str], selection: Selection
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the answers that battles are made of, on prompts that both have answered."""
    marks = ", ".join("?" * len(NOT_DRAWN))
    sql = (
        "SELECT p.id, a.id, o.id FROM answers a JOIN answers o ON o.prompt_id = a.prompt_id"
        " AND o.contestant_id = ? AND o.sample = 0 JOIN prompts p ON p.id = a.prompt_id"
        f" WHERE a.contestant_id = ? AND a.sample = 0 AND p.source NOT IN ({marks})"
    )
    values: list[object] = [ids[1], ids[0], *sorted(NOT_DRAWN)]
    if selection.categories is not None:
        chosen = sorted(selection.categories)
        sql += f" AND p.id IN (SELECT prompt_id FROM prompt_categories WHERE category IN ({_marks(chosen)}))"
        values += chosen
    seen = set()
    # Two front ends may both have made an answer: the earliest counts.
    for prompt_id, one, other in store.rows(f"{sql} ORDER BY a.created_at, a.id, o.created_at, o.id", values):
        if prompt_id not in seen:
            seen.add(prompt_id)
            yield prompt_id, (one, other)


def _questions(store: Store, prompt_ids: Collection[str]) -> Iterator[tuple[str, Question]]:
    for part in _parts(prompt_ids):
        sql = f"SELECT id, turns_json, reference FROM prompts WHERE id IN ({_marks(part)})"
        for prompt_id, stored, reference in store.rows(sql, part):
            users = [turn["content"] for turn in json.loads(stored or "[]") if turn["role"] == "user"]
            yield prompt_id, Question(users[-1] if users else "", reference)


def _categories(store: Store, prompt_ids: Collection[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for prompt_id, category in store.rows(
        "SELECT prompt_id, category FROM prompt_categories ORDER BY prompt_id, category"
    ):
        if prompt_id in prompt_ids:
            found.setdefault(prompt_id, []).append(category)
    return found


def _answers(store: Store, answer_ids: Collection[str]) -> Iterator[tuple[str, Answered]]:
    for part in _parts(answer_ids):
        sql = f"SELECT id, text, n_tokens, finish_reason FROM answers WHERE id IN ({_marks(part)})"
        for answer_id, text, n_tokens, finish_reason in store.rows(sql, part):
            yield answer_id, Answered(text, n_tokens, finish_reason)


def _parts(ids: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _BATCH):
        yield ordered[start : start + _BATCH]


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))
