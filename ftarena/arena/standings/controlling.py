"""What is left of a verdict where both answers are equally long, or look alike: the answers' side of it."""

from typing import TYPE_CHECKING

import numpy as np

from ftarena.arena.standings.voting_record import VotingRecord
from ftarena.scoring.coding import decode
from ftarena.scoring.looks import FEATURES, Looks, looks
from ftarena.scoring.style import StyleScore, score_style
from ftarena.store import Store

if TYPE_CHECKING:
    from ftarena.arena.standings.scoreboard import Asked

_ANSWERS = """
SELECT b.rowid, l.id, r.id, l.n_tokens, r.n_tokens
FROM battles b JOIN answers l ON l.id = b.left_answer_id JOIN answers r ON r.id = b.right_answer_id
"""


def controlled(store: Store, record: VotingRecord, asked: "Asked") -> StyleScore | None:
    """Score votes with length or looks of the answers held equal.

    Votes without texts (imported ones) are left out and counted. The length of an answer is that in tokens
    where both answers have one, else that in words.

    Args:
        store: The arena.
        record: Its votes.
        asked: What is held equal, and how intervals are made.

    Returns:
        The scores; None where no vote has texts.
    """
    shown = {row[0]: row[1:] for row in store.rows(_ANSWERS)}
    battles = record.ledger.battle.tolist()
    with_texts = np.array([battle in shown for battle in battles])
    if not with_texts.any():
        return None
    counted: dict[str, Looks] = {}
    left: dict[str, list[float]] = {name: [] for name in _wanted(asked.control)}
    right: dict[str, list[float]] = {name: [] for name in left}
    for battle in record.ledger.battle[with_texts].tolist():
        one, other, tokens, other_tokens = shown[battle]
        on_left, on_right = (_looks(store, counted, answer) for answer in (one, other))
        known = tokens is not None and other_tokens is not None
        lengths = (tokens, other_tokens) if known else (on_left.words, on_right.words)
        for name in left:
            pair = lengths if name == "tokens" else (getattr(on_left, name), getattr(on_right, name))
            left[name].append(float(pair[0]))
            right[name].append(float(pair[1]))
    votes = decode(record.coded, with_texts)
    return score_style(
        votes,
        left,
        right,
        cluster=asked.cluster,
        alpha=asked.alpha,
        without_texts=len(battles) - len(votes),
    )


def _wanted(control: tuple[str, ...]) -> list[str]:
    return [feature for name, features in FEATURES.items() if name in control for feature in features]


def _looks(store: Store, counted: dict[str, Looks], answer_id: str) -> Looks:
    if answer_id not in counted:
        [(text,)] = store.rows("SELECT text FROM answers WHERE id = ?", (answer_id,))
        counted[answer_id] = looks(text)
    return counted[answer_id]
