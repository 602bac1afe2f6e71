"""Keeping what a judge decided, so that only what it said in both orders alike is ever scored.

On the first order stands a vote where both orders agree, else a skip that says why; on the second, which is
never scored, what was said there. So whoever asks for judges' votes (`Selection(voters="judges")`) gets the
consistent ones and need not know how they came about.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ftarena.arena.judging.assigning import Assignment
from ftarena.arena.judging.parsing import FLIPPED, Judgement
from ftarena.store import Store
from ftarena.text import shorten

INCONSISTENT = "inconsistent"
UNREADABLE = "unreadable"
REFUSED = "refused"
"""What the reason of a skip begins with."""


def record(
    store: Store,
    judge: str,
    assignment: Assignment,
    first: Judgement,
    swapped: Judgement,
    *,
    elapsed_ms: int,
) -> bool:
    """Keep two readings of the same answers, as one step.

    Args:
        store: The arena.
        judge: The judge's name as a labeler.
        assignment: What it read.
        first: What it said of the first order.
        swapped: What it said with the sides swapped, as they stood then.
        elapsed_ms: How long both took together.

    Returns:
        Whether both say the same, so that the vote counts.
    """
    ballots = store.ballots
    consistent = first.outcome == FLIPPED[swapped.outcome]
    with store.transaction():
        for battle_id, said in ((assignment.battle_id, first), (assignment.swapped_id, swapped)):
            if said.reason:
                ballots.add_event(battle_id, judge, "comment", text=said.reason)
        ballots.add_event(assignment.swapped_id, judge, "vote", outcome=swapped.outcome, names_shown="never")
        if not consistent:
            ballots.add_event(
                assignment.battle_id,
                judge,
                "skip",
                text=f"{INCONSISTENT}: {first.outcome}, and {swapped.outcome} with the sides swapped",
            )
            return False
        vote = ballots.add_event(
            assignment.battle_id,
            judge,
            "vote",
            outcome=first.outcome,
            elapsed_ms=elapsed_ms,
            names_shown="never",
        )
        for criterion, outcome in first.criteria.items():
            if swapped.criteria.get(criterion) == FLIPPED[outcome]:
                ballots.add_detail(vote, criterion, outcome=outcome)
    return True


def leave_out(store: Store, judge: str, assignment: Assignment, why: str, said: str) -> None:
    """Skip both orders of what could not be judged.

    Args:
        store: The arena.
        judge: The judge's name as a labeler.
        assignment: What it was given.
        why: `UNREADABLE` or `REFUSED`.
        said: What came instead of a verdict.
    """
    with store.transaction():
        for battle_id in (assignment.swapped_id, assignment.battle_id):
            if store.ballots.standing(battle_id, judge) is None:
                store.ballots.add_event(battle_id, judge, "skip", text=f"{why}: {shorten(said, 120)}")


_LEFT_OUT = """
SELECT e.battle_id, e.id FROM standing_events e
JOIN labelers w ON w.id = e.labeler_id JOIN battles b ON b.id = e.battle_id
WHERE w.kind = 'judge' AND w.name = ? AND e.kind = 'skip'
  AND (e.text GLOB 'unreadable:*' OR e.text GLOB 'refused:*')
"""


def reopen(store: Store, judge: str) -> int:
    """Take back the skips of what could not be judged, so that it is asked again.

    Args:
        store: The arena.
        judge: The judge's name as a labeler.

    Returns:
        How many battles are open again.
    """
    with store.transaction():
        found = store.rows(_LEFT_OUT, (judge,))
        for battle_id, event_id in found:
            store.ballots.add_event(battle_id, judge, "undo", target_id=event_id)
    return len(found)


_SAID_INSTEAD = """
SELECT e.text FROM standing_events e
JOIN labelers w ON w.id = e.labeler_id JOIN battles b ON b.id = e.battle_id
WHERE w.kind = 'judge' AND w.name = ? AND b.repeat_of IS NULL AND e.kind = 'skip'
  AND (e.text GLOB 'unreadable:*' OR e.text GLOB 'refused:*')
ORDER BY e.created_at DESC, e.id LIMIT 1
"""


def said_instead(store: Store, judge: str) -> str:
    """Return what came last instead of a verdict, raw and with its reason before it; empty where all came.

    Args:
        store: The arena.
        judge: The judge's name as a labeler.
    """
    return next((text for (text,) in store.rows(_SAID_INSTEAD, (judge,))), "")


@dataclass(frozen=True, slots=True)
class JudgeTally:
    """What became of everything that a judge was given."""

    judge: str
    consistent: int
    """Decided alike in both orders: these votes count."""

    inconsistent: int
    """The verdict turned with the order."""

    unreadable: int
    """No verdict could be read, or the endpoint refused the question."""

    open: int
    """Given and not decided yet."""

    @property
    def consistent_share(self) -> float | None:
        """Share of what was decided in both orders that was decided alike; None where nothing was."""
        decided = self.consistent + self.inconsistent
        return self.consistent / decided if decided else None


_TALLIES = """
SELECT w.name, sum(e.kind IS 'vote'), sum(e.kind IS 'skip' AND e.text GLOB 'inconsistent:*'),
       sum(e.kind IS 'skip' AND NOT e.text GLOB 'inconsistent:*'), sum(e.kind IS NULL)
FROM labelers w JOIN battles b ON b.labeler_id = w.id AND b.repeat_of IS NULL
LEFT JOIN standing_events e ON e.battle_id = b.id AND e.labeler_id = w.id
WHERE w.kind = 'judge'
GROUP BY w.id ORDER BY w.name
"""


def judge_tallies(store: Store, judges: Sequence[str] | None = None) -> list[JudgeTally]:
    """Return what became of everything that judges were given, by name.

    Args:
        store: The arena.
        judges: Their names as labelers; `None` is all.
    """
    found = [JudgeTally(*row) for row in store.rows(_TALLIES)]
    return [tally for tally in found if judges is None or tally.judge in judges]
