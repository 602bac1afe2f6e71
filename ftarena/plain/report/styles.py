"""How the answers of each vote look, in counts: what numbers with length or style held equal are made of."""

from collections.abc import Sequence
from typing import Any

from ftarena.arena.standings.history import CastVote
from ftarena.scoring.looks import FEATURES, looks
from ftarena.scoring.style import StyleScore, score_style
from ftarena.scoring.votes import Vote
from ftarena.store import Store


def read_looks(store: Store, votes: Sequence[CastVote], control: Sequence[str]) -> dict[str, Any] | None:
    """Return the counts of both answers of every vote; None where nothing is to be held equal.

    Args:
        store: The arena.
        votes: Its votes.
        control: What is held equal, of `FEATURES`.

    Returns:
        `features`, and under `left` and `right` a row a vote with a count a feature; null for a vote whose
        answers are not in the arena. The length is in tokens where both answers have one, else in words.
    """
    if not control:
        return None
    features = [feature for name, some in FEATURES.items() if name in control for feature in some]
    answers: dict[str, tuple[int | None, dict[str, int]]] = {}
    for answer_id in {answer for vote in votes for answer in (vote.left_answer, vote.right_answer) if answer}:
        [(text, n_tokens)] = store.rows("SELECT text, n_tokens FROM answers WHERE id = ?", (answer_id,))
        answers[answer_id] = n_tokens, looks(text)._asdict()
    left: list[list[int] | None] = []
    right: list[list[int] | None] = []
    for vote in votes:
        if vote.left_answer is None or vote.right_answer is None:
            left.append(None)
            right.append(None)
            continue
        (tokens, one), (other_tokens, other) = answers[vote.left_answer], answers[vote.right_answer]
        known = tokens is not None and other_tokens is not None
        one["tokens"], other["tokens"] = (
            (tokens or 0, other_tokens or 0) if known else (one["words"], other["words"])
        )
        left.append([one[feature] for feature in features])
        right.append([other[feature] for feature in features])
    return {"features": features, "left": left, "right": right}


def score_looks(
    votes: Sequence[Vote], looks_of: dict[str, Any], cluster: Any, alpha: float
) -> StyleScore | None:
    """Score votes anew with what a report carries of their answers held equal; None where no vote has any."""
    rows = [
        (vote, on_left, on_right)
        for vote, on_left, on_right in zip(votes, looks_of["left"], looks_of["right"], strict=True)
        if on_left is not None
    ]
    if not rows:
        return None
    columns = range(len(looks_of["features"]))
    return score_style(
        [vote for vote, _, _ in rows],
        {looks_of["features"][i]: [row[i] for _, row, _ in rows] for i in columns},
        {looks_of["features"][i]: [row[i] for _, _, row in rows] for i in columns},
        cluster=cluster,
        alpha=alpha,
        without_texts=len(votes) - len(rows),
    )
