"""Battles and what was decided on them: an append-only record, and what stands of it.

Ids of events grow within one labeler, so that "the last one" is beyond doubt even within a millisecond.
"""

from collections.abc import Collection
from typing import Literal, NamedTuple

from ftarena.store.database import Database, mended
from ftarena.store.ids import content_hash, next_ulid, now, storable, ulid_time
from ftarena.store.rows import (
    Aspect,
    BallotRow,
    BattleRow,
    LabelerKind,
    NamesShown,
    Origin,
    Outcome,
    VoteRow,
)
from ftarena.store.selection import FROM, Selection, conditions, outcome_of

_BATTLE = """
SELECT b.id, b.origin, w.name, b.prompt_id, l.name, r.name, b.left_answer_id, b.right_answer_id, b.created_at,
       b.repeat_of, b.leaked
FROM battles b JOIN labelers w ON w.id = b.labeler_id
JOIN contestants l ON l.id = b.left_id JOIN contestants r ON r.id = b.right_id
"""

_BALLOT = """
SELECT e.id, e.battle_id, w.name, e.kind, e.outcome, e.created_at
FROM standing_events e JOIN labelers w ON w.id = e.labeler_id
"""

# "<> 'import'" lets SQLite use the partial index of the labelers' own battles.
_DRAWN = """
SELECT b.id, b.prompt_id, b.left_id, b.right_id,
       (SELECT e.kind FROM standing_events e WHERE e.battle_id = b.id AND e.labeler_id = b.labeler_id
        ORDER BY e.created_at DESC, e.id DESC LIMIT 1), b.repeat_of
FROM battles b WHERE b.labeler_id = ? AND b.origin <> 'import' AND b.origin = 'arena' ORDER BY b.id
"""

# A combination is held by whoever voted on it, and by whoever has it before them since a moment ago. Judges
# and repeats hold nothing. CROSS JOIN: few labelers, many imported battles.
_HELD = """
SELECT b.prompt_id, b.left_id, b.right_id, count(DISTINCT b.labeler_id)
FROM labelers w CROSS JOIN battles b ON b.labeler_id = w.id AND b.origin <> 'import' AND b.origin = 'arena'
LEFT JOIN standing_events e ON e.battle_id = b.id AND e.labeler_id = b.labeler_id
WHERE w.kind = 'human' AND b.repeat_of IS NULL AND w.id <> ?
  AND (e.kind = 'vote' OR (e.id IS NULL AND b.created_at >= ?))
GROUP BY b.prompt_id, b.left_id, b.right_id
"""

# From the events that were taken back, which are few, not from the votes, which may be a million: CROSS JOIN
# has SQLite keep that order (0.15 s less with 100,000 imported votes).
_NOT_BLIND = """
SELECT l.name, r.name
FROM (SELECT DISTINCT t.battle_id FROM ballot_events u CROSS JOIN ballot_events t ON t.id = u.target_id
      WHERE u.target_id IS NOT NULL) again
CROSS JOIN votes v ON v.battle_id = again.battle_id AND NOT v.blind
JOIN battles b ON b.id = v.battle_id
JOIN contestants l ON l.id = b.left_id
JOIN contestants r ON r.id = b.right_id
WHERE ? OR NOT (l.hidden OR r.hidden)
"""

_TOLD = """
SELECT row_number() OVER (ORDER BY b.id DESC), b.prompt_id, b.left_id, b.right_id,
       EXISTS (SELECT 1 FROM ballot_events v WHERE v.battle_id = b.id AND v.labeler_id = b.labeler_id
               AND v.kind = 'vote' AND v.names_shown = 'after'
               AND NOT EXISTS (SELECT 1 FROM ballot_events u WHERE u.target_id IS NOT NULL
                               AND u.target_id = v.id AND u.names_shown IS 'never'))
FROM (SELECT id, labeler_id, prompt_id, left_id, right_id FROM battles
      WHERE labeler_id = ? AND origin <> 'import' AND origin = 'arena' ORDER BY id DESC LIMIT ?) b
ORDER BY b.id DESC
"""

EVERYTHING = Selection()
"""What a verdict rests on: all blind votes of people that stand."""


class Drawn(NamedTuple):
    """Which answers a labeler has been given, and what became of it."""

    battle_id: str
    prompt_id: str
    left_id: str
    """Id of the contestant on the left."""

    right_id: str
    standing: Literal["vote", "skip"] | None
    """What stands on it; `None` is an open battle."""

    repeat_of: str | None
    """The battle that is shown again here with the sides swapped."""


class Held(NamedTuple):
    """How many other people have an answer pair, or have voted on it."""

    prompt_id: str
    left_id: str
    right_id: str
    labelers: int


class Ballots:
    """The battles and ballots of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def labeler(self, name: str, kind: LabelerKind = "human") -> str:
        """Return the id of the labeler called `name`, adding them where new. Call it inside a transaction."""
        labeler_id = labeler_id_of(name)
        self._database.connection.execute(
            "INSERT INTO labelers (id, name, kind, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (labeler_id, storable(name), kind, now()),
        )
        return labeler_id

    def labelers(self) -> dict[str, LabelerKind]:
        """Return everybody who ever had a battle or a vote, by name, and whether it is a person or a
        judge."""
        return dict(self._database.rows("SELECT name, kind FROM labelers ORDER BY created_at, name"))

    def add_battle(
        self,
        labeler: str,
        *,
        prompt_id: str,
        left: tuple[str, str],
        right: tuple[str, str],
        origin: Origin = "arena",
        kind: LabelerKind = "human",
        repeat_of: str | None = None,
        leaked: str | None = None,
        boost: float = 1.0,
    ) -> str:
        """Commit a battle, before any of it is shown.

        Args:
            labeler: Name of whom it is for.
            prompt_id: What both answered.
            left: Ids of contestant and answer on the left.
            right: The same for the right.
            origin: Where it comes from.
            kind: What the labeler is, where they are new.
            repeat_of: The battle that is shown again with the sides swapped; this one is never scored.
            leaked: What an answer gives itself away by.
            boost: How much likelier the prompt was drawn than in a uniform draw.

        Returns:
            Its id, which grows with every battle of this labeler.
        """
        with self._database.transaction() as connection:
            labeler_id = self.labeler(labeler, kind)
            (last,) = connection.execute(
                "SELECT max(id) FROM battles WHERE labeler_id = ? AND origin <> 'import'", (labeler_id,)
            ).fetchone()
            battle_id = next_ulid(last)
            connection.execute(
                "INSERT INTO battles (id, origin, labeler_id, prompt_id, left_id, right_id,"
                " left_answer_id, right_answer_id, created_at, repeat_of, leaked, boost)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    battle_id,
                    origin,
                    labeler_id,
                    prompt_id,
                    left[0],
                    right[0],
                    left[1],
                    right[1],
                    ulid_time(battle_id),
                    repeat_of,
                    None if leaked is None else storable(leaked),
                    boost,
                ),
            )
        return battle_id

    def battle(self, battle_id: str) -> BattleRow | None:
        """Return a battle, if there is one of this id."""
        found = self._database.rows(f"{_BATTLE} WHERE b.id = ?", (battle_id,))
        return BattleRow(*found[0]) if found else None

    def open_battles(self, labeler: str) -> list[BattleRow]:
        """Return the arena battles a labeler was given and neither decided nor skipped, oldest first."""
        found = self._database.rows(
            f"{_BATTLE} WHERE b.labeler_id = ? AND b.origin <> 'import' AND b.origin = 'arena' AND NOT EXISTS"
            " (SELECT 1 FROM standing_events e WHERE e.battle_id = b.id AND e.labeler_id = b.labeler_id)"
            " ORDER BY b.id",
            (labeler_id_of(labeler),),
        )
        return [BattleRow(*row) for row in found]

    def drawn(self, labeler: str) -> list[Drawn]:
        """Return every prompt and pair a labeler has been given in the arena, oldest first."""
        found = self._database.rows(_DRAWN, (labeler_id_of(labeler),))
        return [Drawn(*row) for row in found]

    def held_by_others(self, labeler: str, since: str) -> list[Held]:
        """Return what other people have voted on, or have had before them since a time.

        Args:
            labeler: Whose own battles do not count.
            since: ISO 8601 in UTC; a battle given before it and not decided holds nothing any more.
        """
        return [Held(*row) for row in self._database.rows(_HELD, (labeler_id_of(labeler), since))]

    def number(self, battle_id: str, labeler: str) -> int:
        """Return the how manyth battle of this labeler it is, counted from 1 in the order they were given."""
        [(count,)] = self._database.rows(
            "SELECT count(*) FROM battles WHERE labeler_id = ? AND origin <> 'import' AND id <= ?",
            (labeler_id_of(labeler), battle_id),
        )
        return int(count)

    def repeats(self, labeler: str) -> int:
        """Return how many votes of a labeler stand on battles that were shown to them again."""
        [(count,)] = self._database.rows(
            "SELECT count(*) FROM battles b JOIN standing_events e ON e.battle_id = b.id"
            " AND e.labeler_id = b.labeler_id AND e.kind = 'vote'"
            " WHERE b.labeler_id = ? AND b.origin <> 'import' AND b.repeat_of IS NOT NULL",
            (labeler_id_of(labeler),),
        )
        return int(count)

    def told(self, labeler: str, last: int) -> list[tuple[int, str, str, str]]:
        """Return whose answers a labeler was told within their last battles, the latest first.

        A vote that was taken back counts too, unless that was before its names were told.

        Args:
            labeler: Who.
            last: How many of their battles are looked at.

        Returns:
            How many battles ago (1 is the last one), the prompt, and the ids of the two contestants.
        """
        found = self._database.rows(_TOLD, (labeler_id_of(labeler), last))
        return [(ago, prompt, left, right) for ago, prompt, left, right, told in found if told]

    def standing(self, battle_id: str, labeler: str) -> BallotRow | None:
        """Return the vote or skip of a labeler that stands on a battle, if one does."""
        found = self._database.rows(
            f"{_BALLOT} WHERE e.battle_id = ? AND e.labeler_id = ?"
            " ORDER BY e.created_at DESC, e.position DESC, e.id DESC LIMIT 1",
            (battle_id, labeler_id_of(labeler)),
        )
        return BallotRow(*found[0]) if found else None

    def last_standing(self, labeler: str) -> BallotRow | None:
        """Return the vote or skip a labeler cast last and has not taken back; imports are left out."""
        found = self._database.rows(
            f"{_BALLOT} WHERE e.labeler_id = ? AND e.position = 0"
            " ORDER BY e.created_at DESC, e.id DESC LIMIT 1",
            (labeler_id_of(labeler),),
        )
        return BallotRow(*found[0]) if found else None

    def add_event(
        self,
        battle_id: str,
        labeler: str,
        kind: Literal["vote", "skip", "undo", "comment"],
        *,
        outcome: Outcome | None = None,
        target_id: str | None = None,
        elapsed_ms: int | None = None,
        before_end: bool | None = None,
        names_shown: NamesShown | None = None,
        text: str | None = None,
    ) -> str:
        """Append one event and return its id.

        Args:
            battle_id: What it is about.
            labeler: Name of who did it.
            kind: What was done.
            outcome: For a vote, what it says.
            target_id: For an undo, the event that is taken back.
            elapsed_ms: From the first token shown to the key press.
            before_end: Whether it was decided while an answer was still being written.
            names_shown: When this labeler is told the names.
            text: A comment, or why it was skipped.
        """
        with self._database.transaction() as connection:
            labeler_id = self.labeler(labeler)
            last = connection.execute(
                "SELECT id FROM ballot_events WHERE labeler_id = ? AND position = 0"
                " ORDER BY created_at DESC, id DESC LIMIT 1",
                (labeler_id,),
            ).fetchone()
            event_id = next_ulid(last[0] if last else None)
            connection.execute(
                "INSERT INTO ballot_events (id, battle_id, labeler_id, kind, outcome, target_id, elapsed_ms,"
                " before_end, names_shown, text, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    event_id,
                    battle_id,
                    labeler_id,
                    kind,
                    outcome,
                    target_id,
                    elapsed_ms,
                    before_end,
                    names_shown,
                    None if text is None else storable(text),
                    ulid_time(event_id),
                ),
            )
        return event_id

    def add_detail(
        self, event_id: str, aspect: Aspect, *, outcome: Outcome | None = None, strength: int | None = None
    ) -> str:
        """Append what else was decided with a vote, and return its id; the last one of an aspect stands.

        Args:
            event_id: The vote.
            aspect: A criterion, with an outcome; or `strength`, with a strength.
            outcome: Which answer is better by the criterion.
            strength: How clear the preference is, 1 (barely) to 5 (by far).
        """
        with self._database.transaction() as connection:
            (last,) = connection.execute(
                "SELECT max(id) FROM ballot_details WHERE event_id = ?", (event_id,)
            ).fetchone()
            detail_id = next_ulid(last)
            connection.execute(
                "INSERT INTO ballot_details (id, event_id, aspect, outcome, strength, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (detail_id, event_id, storable(aspect), outcome, strength, ulid_time(detail_id)),
            )
        return detail_id

    def details(self, event_id: str) -> dict[Aspect, Outcome | int]:
        """Return what else stands with a vote: an outcome by criterion, and `strength` as a number."""
        found = self._database.rows(
            "SELECT aspect, coalesce(outcome, strength) FROM ballot_details WHERE event_id = ? ORDER BY id",
            (event_id,),
        )
        return dict(found)

    def standing_votes(self, selection: Selection = EVERYTHING) -> list[VoteRow]:
        """Return the blind votes that stand and are meant, in the order they were cast.

        A vote on a battle whose names this labeler had been told before (an earlier vote was followed by the
        names, and taken back) stands, but is not among them: `not_blind` counts those. Nor is a vote on a
        repeated battle.

        Args:
            selection: Which.
        """
        rows = self._database.rows("SELECT id, name, hidden FROM contestants")
        names = {
            contestant_id: name
            for contestant_id, name, hidden in rows
            if (selection.include_hidden or not hidden)
            and (selection.contestants is None or name in selection.contestants)
        }
        labelers = dict(self._database.rows("SELECT id, name FROM labelers"))
        prompts: dict[str, str] = {}  # one string a prompt, not one a vote: 80 MB less for a million votes
        outcome, first = outcome_of(selection)
        where, then = conditions(selection)
        sql = (
            f"SELECT b.left_id, b.right_id, {outcome}, v.labeler_id, coalesce(b.prompt_id, b.id), b.boost"
            f" {FROM} WHERE {where} ORDER BY v.created_at, v.position, v.id"
        )
        votes = []
        with mended(self._database.path):
            for left, right, said, labeler, prompt, boost in self._database.connection.execute(
                sql, [*first, *then]
            ):
                if left in names and right in names:
                    prompt = prompts.setdefault(prompt, prompt)
                    votes.append(
                        VoteRow(names[left], names[right], said, labelers[labeler], prompt, 1 / boost)
                    )
        return votes

    def not_blind(self, *, contestants: Collection[str] | None = None, include_hidden: bool = False) -> int:
        """Return how many votes stand that `standing_votes` leaves out because they are not blind."""
        found = self._database.rows(_NOT_BLIND, (include_hidden,))
        return sum(
            contestants is None or (left in contestants and right in contestants) for left, right in found
        )

    def names_seen(self, battle_id: str, labeler: str) -> bool:
        """Return whether a labeler has been told the names of a battle by a vote that they took back."""
        [(seen,)] = self._database.rows(
            "SELECT EXISTS (SELECT 1 FROM ballot_events s JOIN ballot_events u"
            " ON u.target_id = s.id AND u.labeler_id = s.labeler_id AND u.names_shown IS NOT 'never'"
            " WHERE s.battle_id = ? AND s.labeler_id = ? AND s.kind = 'vote' AND s.names_shown = 'after')",
            (battle_id, labeler_id_of(labeler)),
        )
        return bool(seen)

    def version(self) -> tuple[int, ...]:
        """Return numbers that differ whenever something the scores depend on has changed, by whomever.

        Cheap at any size: nothing is ever deleted, so the largest row number tells. (SQLite's `data_version`
        does not see what the asking connection itself wrote.)
        """
        [numbers] = self._database.rows(
            "SELECT (SELECT coalesce(max(rowid), 0) FROM ballot_events),"
            " (SELECT coalesce(max(rowid), 0) FROM battles), count(*), coalesce(sum(hidden), 0)"
            " FROM contestants"
        )
        return tuple(numbers)


def labeler_id_of(name: str) -> str:
    """Return the id of a labeler's name: the same on every machine."""
    return content_hash("labeler", storable(name))
