"""Preference pairs out of votes, as TRL's `DPOTrainer` reads them.

A pair is two different answers to the same conversation, of which more people preferred one. Ties and
both-bad votes say nothing about which is better and make no pair; where opinions are split evenly,
there is no pair either. Names, system prompts and few-shot turns of contestants are no part of it.
"""

import json
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple, TextIO

from ftarena.store.database import mended
from ftarena.store.prompts_json import turns_of
from ftarena.store.rows import Turn
from ftarena.store.store import Store

_VOTES = """
SELECT v.blind, v.outcome, b.prompt_id, p.turns_json, p.source, la.text, ra.text,
       la.finish_reason, ra.finish_reason
FROM votes v
JOIN battles b ON b.id = v.battle_id AND b.origin <> 'import'
JOIN contestants l ON l.id = b.left_id AND l.hidden = 0
JOIN contestants r ON r.id = b.right_id AND r.hidden = 0
JOIN prompts p ON p.id = b.prompt_id
JOIN answers la ON la.id = b.left_answer_id
JOIN answers ra ON ra.id = b.right_answer_id
ORDER BY v.created_at, v.position, v.id
"""

_IMPORTED = """
SELECT count(*) FROM votes v JOIN battles b ON b.id = v.battle_id AND b.origin = 'import'
JOIN contestants l ON l.id = b.left_id AND l.hidden = 0
JOIN contestants r ON r.id = b.right_id AND r.hidden = 0
"""


class PreferencePair(NamedTuple):
    """One line of the file."""

    prompt: tuple[Turn, ...]
    chosen: str
    rejected: str
    votes: int
    """How many votes were for the chosen one."""


@dataclass(frozen=True)
class PreferenceReport:
    """What became of the votes."""

    votes: int
    """All votes that stand."""

    pairs: int
    """Pairs written."""

    ties: int
    both_bad: int
    undecided: int
    """Pairs that as many people preferred the one way as the other."""

    identical: int
    """Votes between two equal texts."""

    apart: int
    """Votes of blind chats in which the two answers had different histories."""

    not_blind: int
    """Votes cast again by somebody who had been told the names."""

    without_text: int
    """Votes from files, which hold no answers."""

    cut_off: int
    """Pairs whose chosen answer was cut off at its length limit: training on them teaches not to end."""


def preference_pairs(store: Store) -> tuple[list[PreferencePair], PreferenceReport]:
    """Return the pairs that the standing votes make, in the order their first votes were cast.

    Args:
        store: Where the votes are.
    """
    counts: Counter[str] = Counter()
    turns: dict[str, str] = {}
    cut_off: set[tuple[str, str]] = set()
    preferred: dict[tuple[str, str, str], Counter[str]] = {}
    with mended(store.path):
        for blind, outcome, prompt_id, stored, source, left, right, *reasons in store.connection.execute(
            _VOTES
        ):
            counts["votes"] += 1
            if not blind:
                counts["not_blind"] += 1
            elif source == "chat-apart":
                counts["apart"] += 1
            elif left == right:
                counts["identical"] += 1
            elif outcome in ("tie", "both_bad"):
                counts[outcome] += 1
            else:
                turns[prompt_id] = stored
                cut_off |= {
                    (prompt_id, text)
                    for text, reason in zip((left, right), reasons, strict=True)
                    if reason == "length"
                }
                one, other = sorted((left, right))
                winner = left if outcome == "left" else right
                preferred.setdefault((prompt_id, one, other), Counter())[winner] += 1
    pairs = []
    for (prompt_id, one, other), won in preferred.items():
        if won[one] == won[other]:
            counts["undecided"] += 1
            continue
        chosen, rejected = (one, other) if won[one] > won[other] else (other, one)
        counts["cut_off"] += (prompt_id, chosen) in cut_off
        pairs.append(PreferencePair(turns_of(turns[prompt_id]), chosen, rejected, won[chosen]))
    [(imported,)] = store.rows(_IMPORTED)
    return pairs, PreferenceReport(
        votes=counts["votes"] + imported,
        pairs=len(pairs),
        ties=counts["tie"],
        both_bad=counts["both_bad"],
        undecided=counts["undecided"],
        identical=counts["identical"],
        apart=counts["apart"],
        not_blind=counts["not_blind"],
        without_text=imported,
        cut_off=counts["cut_off"],
    )


def export_dpo(store: Store, out: TextIO) -> PreferenceReport:
    """Write preference pairs as JSONL: `prompt`, `chosen`, `rejected` (lists of turns) and `votes`.

    Args:
        store: Where the votes are.
        out: Where to.

    Returns:
        What became of the votes, so that nothing is left out in silence.
    """
    pairs, report = preference_pairs(store)
    for pair in pairs:
        line = {
            "prompt": [turn._asdict() for turn in pair.prompt],
            "chosen": [{"role": "assistant", "content": pair.chosen}],
            "rejected": [{"role": "assistant", "content": pair.rejected}],
            "votes": pair.votes,
        }
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
    return report
