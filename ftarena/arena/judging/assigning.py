"""Which battles a judge gets: two of each, with the sides swapped, both committed before it is asked.

Prompts that people have voted on come first, because only there can a judge be held against people.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from ftarena.arena.blindness.telling import telling
from ftarena.arena.contestants import who_takes_part
from ftarena.arena.sampling.pool import Combination, sides
from ftarena.store import Store
from ftarena.store.ids import content_hash


@dataclass(frozen=True, slots=True)
class Assignment:
    """Two answers for a judge to read in both orders."""

    battle_id: str
    """The first order, which is scored."""

    swapped_id: str
    """The second order, which is not."""

    prompt_id: str
    left: str
    """Id of the answer on the left in the first order."""

    right: str


def unfinished(store: Store, judge: str) -> list[Assignment]:
    """Return what a judge was given and has not decided, oldest first."""
    drawn = store.ballots.drawn(judge)
    swapped = {one.repeat_of: one.battle_id for one in drawn if one.repeat_of is not None}
    found = []
    for one in drawn:
        if one.repeat_of is None and one.standing is None and one.battle_id in swapped:
            battle = store.ballots.battle(one.battle_id)
            if battle is not None and battle.left_answer_id and battle.right_answer_id:
                found.append(
                    Assignment(
                        one.battle_id,
                        swapped[one.battle_id],
                        one.prompt_id,
                        battle.left_answer_id,
                        battle.right_answer_id,
                    )
                )
    return found


def to_give(
    store: Store, judge: str, prompts: int | None, contestants: Sequence[str] | None = None
) -> list[Combination]:
    """Return the combinations that a judge still has to be given so that it has judged a number of prompts.

    Asked again with the same number it returns the rest, so that stopping costs nothing.

    Args:
        store: The arena.
        judge: Its name as a labeler.
        prompts: How many prompts in all; `None` is every one.
        contestants: Names of who is compared; `None` is everybody who takes part.
    """
    rows = who_takes_part(store, contestants)
    answers = store.first_answers()
    drawn = store.ballots.drawn(judge)
    had = {Combination.of(one.prompt_id, one.left_id, one.right_id) for one in drawn}
    voted = {
        prompt_id
        for (prompt_id,) in store.rows(
            "SELECT DISTINCT b.prompt_id FROM votes v JOIN battles b ON b.id = v.battle_id"
            " JOIN labelers w ON w.id = v.labeler_id WHERE w.kind = 'human' AND b.origin <> 'import'"
        )
    }
    begun = {one.prompt_id for one in drawn}
    ordered = sorted(
        store.prompt_ids(),
        key=lambda each: (each not in begun, each not in voted, content_hash("judged", judge, each)),
    )
    pairs = list(combinations(sorted(row.id for row in rows), 2))
    found: list[Combination] = []
    counted = 0
    for prompt_id in ordered:
        ready = [
            Combination(prompt_id, one, other)
            for one, other in pairs
            if (prompt_id, one) in answers
            and (prompt_id, other) in answers
            and answers[prompt_id, one][1] != answers[prompt_id, other][1]  # they look different
        ]
        if not ready:
            continue
        if counted == prompts:
            break
        counted += 1
        found += [combination for combination in ready if combination not in had]
    return found


def give(store: Store, judge: str, combination: Combination, rng: random.Random) -> Assignment | None:
    """Commit both orders of a combination for a judge.

    Returns:
        `None` where another process of the same judge was faster.
    """
    with store.transaction():
        taken = store.rows(
            "SELECT 1 FROM battles b JOIN labelers w ON w.id = b.labeler_id WHERE w.name = ?"
            " AND b.prompt_id = ? AND min(b.left_id, b.right_id) = ? AND max(b.left_id, b.right_id) = ?",
            (judge, *combination),
        )
        if taken:
            return None
        answers = _answers(store, combination)
        left, right = sides(combination, rng)
        pair = (left, answers[left]), (right, answers[right])
        leaked = telling(store, pair[0][1]) or telling(store, pair[1][1])
        first = store.ballots.add_battle(
            judge, prompt_id=combination.prompt_id, left=pair[0], right=pair[1], kind="judge", leaked=leaked
        )
        swapped = store.ballots.add_battle(
            judge,
            prompt_id=combination.prompt_id,
            left=pair[1],
            right=pair[0],
            kind="judge",
            repeat_of=first,
            leaked=leaked,
        )
    return Assignment(first, swapped, combination.prompt_id, pair[0][1], pair[1][1])


def _answers(store: Store, combination: Combination) -> dict[str, str]:
    """Return the answer that battles are made of by contestant: of two, the earliest counts."""
    found = store.rows(
        "SELECT contestant_id, id FROM answers WHERE prompt_id = ? AND sample = 0"
        " ORDER BY created_at DESC, id DESC",
        (combination.prompt_id,),
    )
    return dict(found)
