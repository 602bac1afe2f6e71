"""What people have said about each pair so far, for a sampler that spends votes where they decide most."""

from collections.abc import Mapping

from ftarena.arena.sampling.outlook import Tally
from ftarena.store import Store

_FIRST_DECISIVE = """
SELECT one, other, sum(points = 1), sum(points = 0) FROM (
    SELECT min(b.left_id, b.right_id) AS one, max(b.left_id, b.right_id) AS other,
           (v.outcome = 'left') = (b.left_id < b.right_id) AS points,
           row_number() OVER (
               PARTITION BY coalesce(b.prompt_id, b.id),
                            min(b.left_id, b.right_id), max(b.left_id, b.right_id)
               ORDER BY v.created_at, v.position, v.id) AS place
    FROM votes v JOIN battles b ON b.id = v.battle_id JOIN labelers w ON w.id = v.labeler_id
    WHERE v.blind AND b.repeat_of IS NULL AND b.leaked IS NULL AND w.kind = 'human'
      AND v.outcome IN ('left', 'right'))
WHERE place = 1 GROUP BY one, other
"""

_EVEN = """
SELECT min(b.left_id, b.right_id), max(b.left_id, b.right_id), count(*)
FROM votes v JOIN battles b ON b.id = v.battle_id JOIN labelers w ON w.id = v.labeler_id
WHERE v.blind AND b.repeat_of IS NULL AND b.leaked IS NULL AND w.kind = 'human'
  AND v.outcome IN ('tie', 'both_bad')
GROUP BY 1, 2
"""


def tallies(store: Store) -> Mapping[tuple[str, str], Tally]:
    """Return by pair of contestant ids, sorted, what stands: a prompt counts with its first decisive vote."""
    even = {(one, other): count for one, other, count in store.rows(_EVEN)}
    found = {
        (one, other): Tally(wins, losses, even.pop((one, other), 0))
        for one, other, wins, losses in store.rows(_FIRST_DECISIVE)
    }
    return found | {pair: Tally(0, 0, count) for pair, count in even.items()}
