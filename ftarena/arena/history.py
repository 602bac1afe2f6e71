"""What has been voted on two contestants: the battles behind a number, with names and texts."""

from dataclasses import dataclass

from ftarena.store import Outcome, Store

_VOTED = """
SELECT v.battle_id, v.outcome, w.name, v.created_at, l.name, r.name, p.turns_json, la.text, ra.text
FROM votes v
JOIN battles b ON b.id = v.battle_id
JOIN labelers w ON w.id = v.labeler_id
JOIN contestants l ON l.id = b.left_id
JOIN contestants r ON r.id = b.right_id
LEFT JOIN prompts p ON p.id = b.prompt_id
LEFT JOIN answers la ON la.id = b.left_answer_id
LEFT JOIN answers ra ON ra.id = b.right_answer_id
WHERE (l.name = ?1 AND r.name = ?2 OR l.name = ?2 AND r.name = ?1)
  AND NOT EXISTS (
      SELECT 1 FROM battles o JOIN labelers ow ON ow.id = o.labeler_id
      WHERE ow.name = ?3 AND o.prompt_id = b.prompt_id AND o.origin <> 'import'
        AND min(o.left_id, o.right_id) = min(b.left_id, b.right_id)
        AND max(o.left_id, o.right_id) = max(b.left_id, b.right_id)
        AND NOT EXISTS (
            SELECT 1 FROM standing_events e WHERE e.battle_id = o.id AND e.labeler_id = o.labeler_id))
ORDER BY v.created_at DESC, v.position DESC, v.id DESC
LIMIT ?4
"""


@dataclass(frozen=True, slots=True)
class VotedBattle:
    """One vote that stands, and what it was about. Texts are raw."""

    battle_id: str
    outcome: Outcome
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

    @property
    def winner(self) -> str | None:
        """Name of the contestant that was found better, or None."""
        return {"left": self.left, "right": self.right}.get(self.outcome)


def voted_battles(store: Store, one: str, other: str, *, reader: str, most: int = 500) -> list[VotedBattle]:
    """Return the votes that stand between two contestants, newest first.

    A battle that the reader still has before them is left out, whoever else has voted on the same prompt and
    pair: reading its names here would unblind it.

    Args:
        store: Where to look.
        one: Name of a contestant.
        other: Name of the other.
        reader: Name of the labeler who will read this.
        most: At most this many.
    """
    found = store.rows(_VOTED, (one, other, reader, most))
    return [VotedBattle(*row) for row in found]
