"""Votes as `ftarena export jsonl` writes them, with all texts.

What no score rests on is not taken: votes with the names known, and battles that were shown again. To bring
together whole arenas, merge them.
"""

from collections.abc import Mapping
from typing import Any

from ftarena.store.file_votes import LEAST_WEIGHT, MOST_WEIGHT, FileVote
from ftarena.store.foreign.reading import Record
from ftarena.store.foreign.words import moment_in, text_in, turns_in
from ftarena.store.ids import prompt_hash
from ftarena.store.rows import OUTCOMES


def recognises(values: Mapping[str, Any]) -> bool:
    """Return whether a record is one of ftarena's votes."""
    return {"vote_id", "battle_id", "outcome", "left", "right"} <= values.keys()


def read(record: Record) -> list[FileVote]:
    """Return the vote, none where it is not blind or on a battle that was shown again.

    Raises:
        FtarenaError: It is wrong.
    """
    values = record.values
    if not values.get("blind", True) or values.get("repeat_of") is not None:
        return []
    sides = values["left"], values["right"]
    if not all(isinstance(side, Mapping) and isinstance(side.get("contestant"), str) for side in sides):
        raise record.wrong("'left' and 'right' must name a contestant")
    if values["outcome"] not in OUTCOMES:
        raise record.wrong(f"the outcome {values['outcome']!r} is none of {', '.join(OUTCOMES)}")
    prompt = values.get("prompt")
    turns = turns_in(prompt.get("turns")) if isinstance(prompt, Mapping) else None
    apart = isinstance(prompt, Mapping) and prompt.get("source") == "chat-apart"
    name = str(prompt.get("id", "")) if isinstance(prompt, Mapping) else str(values["battle_id"])
    if turns is not None and prompt_hash(turns) != name:  # a prompt that is known by its id alone
        turns = None
    texts = [text_in(side.get("text")) for side in sides]
    known = turns is not None and None not in texts
    elapsed = values.get("elapsed_ms")
    leaked, weight = values.get("leaked"), values.get("weight")
    a, b = (side["contestant"] for side in sides)
    if a == b:
        raise record.wrong(f"{a!r} against itself")
    return [
        FileVote(
            record.number,
            a,
            b,
            values["outcome"],
            str(values.get("labeler") or ""),
            name,
            turns if known else None,
            (texts[0] or "", texts[1] or "") if known else None,
            apart,
            "judge" if values.get("labeler_kind") == "judge" else "human",
            moment_in(record, values.get("created_at")),
            elapsed if isinstance(elapsed, int) and elapsed >= 0 else None,
            str(leaked) if leaked else None,
            _weight(record, weight),
        )
    ]


def _weight(record: Record, value: object) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise record.wrong("the weight is no number")
    if not LEAST_WEIGHT <= value <= MOST_WEIGHT:
        raise record.wrong(f"the weight {value:g} is not from 0.001 to 1000")
    return float(value)
