"""What has been voted: the battles behind a number, with names and texts.

A number and its battles are asked for with the same `Selection`, so that what is listed is what was counted.
"""

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ftarena.store import Outcome, Selection, Store
from ftarena.store.ballots import EVERYTHING
from ftarena.store.file_votes import LEAST_WEIGHT, MOST_WEIGHT
from ftarena.store.selection import FROM, conditions, contestant_condition, outcome_of

_NOT_OPEN = """NOT EXISTS (
    SELECT 1 FROM battles o JOIN labelers ow ON ow.id = o.labeler_id
    WHERE ow.name = ? AND o.prompt_id = b.prompt_id AND o.origin <> 'import'
      AND min(o.left_id, o.right_id) = min(b.left_id, b.right_id)
      AND max(o.left_id, o.right_id) = max(b.left_id, b.right_id)
      AND NOT EXISTS (
          SELECT 1 FROM standing_events e WHERE e.battle_id = o.id AND e.labeler_id = o.labeler_id))"""
"""Condition that a labeler, whose name is the parameter, has no open battle of the same prompt and pair."""

_TOLD = """
SELECT m.vote, m.battle, m.outcome, w.name, v.created_at, l.name, r.name, p.turns_json, la.text, ra.text,
       v.elapsed_ms, b.leaked, 1 / b.boost,
       (SELECT json_group_array(c.text) FROM (
            SELECT text FROM ballot_events WHERE battle_id = b.id AND labeler_id = v.labeler_id
            AND kind = 'comment' AND text <> '' ORDER BY created_at, position, id) c),
       (SELECT json_group_array(json_array(d.aspect, coalesce(d.outcome, d.strength))) FROM (
            SELECT aspect, outcome, strength FROM ballot_details WHERE event_id = v.id ORDER BY id) d),
       (SELECT json_group_array(k.category) FROM (
            SELECT category FROM prompt_categories WHERE prompt_id = b.prompt_id ORDER BY category) k),
       EXISTS (SELECT 1 FROM trained_prompts t JOIN contestants tc ON tc.run_id = t.run_id
               WHERE t.prompt_id = b.prompt_id AND tc.id IN (b.left_id, b.right_id)),
       p.source, p.reference
FROM meant m
JOIN ballot_events v ON v.id = m.vote
JOIN battles b ON b.id = m.battle
JOIN labelers w ON w.id = v.labeler_id
JOIN contestants l ON l.id = b.left_id
JOIN contestants r ON r.id = b.right_id
LEFT JOIN prompts p ON p.id = b.prompt_id
LEFT JOIN answers la ON la.id = b.left_answer_id
LEFT JOIN answers ra ON ra.id = b.right_answer_id
ORDER BY m.created_at DESC, m.position DESC, m.vote DESC
"""


class CastVote(NamedTuple):
    """One vote that counts, with when it was cast: all that statistics need, and no text."""

    left: str
    """Name of the contestant on the left."""

    right: str
    outcome: Outcome
    labeler: str
    prompt: str
    """Id of the prompt, or of the battle where a vote names no prompt."""

    weight: float
    created_at: str
    elapsed_ms: int | None
    left_answer: str | None
    """Id of the answer; None for an imported vote without texts."""

    right_answer: str | None


@dataclass(frozen=True, slots=True)
class VotedBattle:
    """One vote that stands, and what it was about. Texts are raw."""

    vote_id: str
    battle_id: str
    outcome: Outcome
    """By the criterion of the selection, where it names one."""

    labeler: str
    created_at: str
    left: str
    """Name of the contestant on the left."""

    right: str
    turns_json: str | None
    """The prompt's turns as JSON; None for an imported vote that names no prompt."""

    left_text: str | None
    """None for an imported vote: a file of votes has no answers."""

    right_text: str | None
    elapsed_ms: int | None = None
    """From the first token shown to the key press; None where it was not measured."""

    leaked: str | None = None
    """What an answer gave itself away by."""

    weight: float = 1.0
    """How much it counts."""

    comments: tuple[str, ...] = ()
    """What the labeler remarked on this battle, oldest first."""

    details: dict[str, Outcome | int] = field(default_factory=dict)
    """What else stands with the vote: an outcome by criterion, and `strength` as a number."""

    categories: tuple[str, ...] = ()
    trained: bool = False
    """Whether the run of either contestant was trained on this prompt."""

    source: str | None = None
    """Where the prompt comes from."""

    reference: str | None = None
    """The data set's own answer, where there is one."""

    @property
    def winner(self) -> str | None:
        """Name of the contestant that was found better, or None."""
        return {"left": self.left, "right": self.right}.get(self.outcome)

    @property
    def question(self) -> str | None:
        """The last turn of the user; None where the vote names no prompt."""
        turns = json.loads(self.turns_json) if self.turns_json else []
        return next((turn["content"] for turn in reversed(turns) if turn["role"] == "user"), None)


def voted_battles(
    store: Store,
    one: str | None = None,
    other: str | None = None,
    *,
    reader: str | None,
    selection: Selection = EVERYTHING,
    battles: tuple[str, ...] | None = None,
    most: int = 500,
) -> list[VotedBattle]:
    """Return the votes that stand and are meant, newest first.

    A battle that the reader still has before them is left out, whoever else has voted on the same prompt and
    pair: reading its names here would unblind it.

    Args:
        store: Where to look.
        one: Name of a contestant; None is everybody.
        other: Name of the other; None is everybody.
        reader: Name of the labeler who will read this; None is somebody who does not vote here.
        selection: Which votes; give the one that the number was made of.
        battles: Ids of battles; only votes on these. None is all.
        most: At most this many.
    """
    outcome, values = outcome_of(selection)
    where, given = _meant(one, other, selection, battles)
    values += given
    if reader is not None:
        where.append(_NOT_OPEN)
        values.append(reader)
    # Votes are chosen first and told about afterwards: of a million, only as many as are shown.
    sql = (
        f"WITH meant AS MATERIALIZED (SELECT v.id vote, b.id battle, {outcome} outcome, v.created_at,"
        f" v.position {FROM} WHERE {' AND '.join(where)}"
        f" ORDER BY v.created_at DESC, v.position DESC, v.id DESC LIMIT ?) {_TOLD}"
    )
    return [_told(row) for row in store.rows(sql, (*values, most))]


def left_out(
    store: Store,
    one: str | None = None,
    other: str | None = None,
    *,
    reader: str,
    selection: Selection = EVERYTHING,
    battles: tuple[str, ...] | None = None,
) -> int:
    """Return how many votes `voted_battles` leaves out because the reader still has their battle before them.

    Args:
        store: Where to look.
        one: Name of a contestant; None is everybody.
        other: Name of the other; None is everybody.
        reader: Name of the labeler who will read this.
        selection: Which votes.
        battles: Ids of battles; only votes on these. None is all.
    """
    where, values = _meant(one, other, selection, battles)
    sql = f"SELECT count(*) {FROM} WHERE {' AND '.join(where)} AND NOT {_NOT_OPEN}"
    [(number,)] = store.rows(sql, (*values, reader))
    return int(number)


def _meant(
    one: str | None, other: str | None, selection: Selection, battles: tuple[str, ...] | None
) -> tuple[list[str], list[Any]]:
    """Return the conditions on a vote to be meant, and their values."""
    where: list[str] = []
    values: list[Any] = []
    for condition, given in (conditions(selection), contestant_condition(selection)):
        where.append(condition)
        values += given
    for name in (one, other):
        if name is not None:
            where.append("? IN (SELECT name FROM contestants WHERE id IN (b.left_id, b.right_id))")
            values.append(name)
    if battles is not None:
        where.append(f"b.id IN ({', '.join('?' * len(battles))})")
        values += battles
    return where, values


def cast_votes(store: Store, selection: Selection = EVERYTHING) -> list[CastVote]:
    """Return the votes that are meant in the order they were cast, which is that of `Store.standing_votes`.

    Args:
        store: Where to look.
        selection: Which votes; give the one that the numbers were made of.
    """
    outcome, values = outcome_of(selection)
    where, then = conditions(selection)
    both, names = contestant_condition(selection)
    sql = (
        f"SELECT l.name, r.name, {outcome}, w.name, coalesce(b.prompt_id, b.id),"
        f" 1 / min(max(b.boost, {LEAST_WEIGHT}), {MOST_WEIGHT}), v.created_at,"
        f" v.elapsed_ms, b.left_answer_id, b.right_answer_id {FROM} JOIN labelers w ON w.id = v.labeler_id"
        " JOIN contestants l ON l.id = b.left_id JOIN contestants r ON r.id = b.right_id"
        f" WHERE {where} AND {both} ORDER BY v.created_at, v.position, v.id"
    )
    return [CastVote(*row) for row in store.rows(sql, (*values, *then, *names))]


def _told(row: tuple[Any, ...]) -> VotedBattle:
    comments, details, categories, trained, *prompt = row[-6:]
    values: list[Any] = [*row[:-6], tuple(json.loads(comments)), dict(json.loads(details))]
    values += [tuple(json.loads(categories)), bool(trained), *prompt]
    return VotedBattle(*values)
