"""Votes and preference pairs as files that other tools read, and the next training run.

Only what stands is written: what was taken back, and what concerns hidden contestants, is not.
"""

import csv
import json
from collections.abc import Iterator
from typing import Any, Literal, TextIO

from ftarena.errors import FtarenaError
from ftarena.store.database import mended
from ftarena.store.preferences import PreferenceReport, export_dpo
from ftarena.store.prompts_json import turns_of
from ftarena.store.rows import Outcome
from ftarena.store.store import Store
from ftarena.store.votes_csv import COLUMNS, WORDS

__all__ = ["PreferenceReport", "export_dpo", "export_votes"]

_OUTCOME_WORDS: dict[Outcome, str] = {outcome: word for word, outcome in WORDS.items()}

_CSV = """
SELECT l.name, r.name, v.outcome, w.name, coalesce(b.prompt_id, b.id),
       CASE WHEN p.source = 'import' THEN p.turns_json END
FROM votes v
JOIN battles b ON b.id = v.battle_id
JOIN labelers w ON w.id = v.labeler_id
JOIN contestants l ON l.id = b.left_id AND l.hidden = 0
JOIN contestants r ON r.id = b.right_id AND r.hidden = 0
LEFT JOIN prompts p ON p.id = b.prompt_id
WHERE v.blind
ORDER BY v.created_at, v.position, v.id
"""

_JSONL = """
SELECT v.id, b.id, b.origin, v.outcome, w.name, v.created_at, v.elapsed_ms, v.before_end, v.names_shown,
       p.id, p.source, p.turns_json, p.reference,
       l.name, l.id, la.id, la.text, la.finish_reason, la.n_tokens,
       r.name, r.id, ra.id, ra.text, ra.finish_reason, ra.n_tokens, v.blind
FROM votes v
JOIN battles b ON b.id = v.battle_id
JOIN labelers w ON w.id = v.labeler_id
JOIN contestants l ON l.id = b.left_id AND l.hidden = 0
JOIN contestants r ON r.id = b.right_id AND r.hidden = 0
LEFT JOIN prompts p ON p.id = b.prompt_id
LEFT JOIN answers la ON la.id = b.left_answer_id
LEFT JOIN answers ra ON ra.id = b.right_answer_id
ORDER BY v.created_at, v.position, v.id
"""

_SIDE = ("contestant", "contestant_id", "answer_id", "text", "finish_reason", "n_tokens")


def export_votes(store: Store, out: TextIO, form: Literal["csv", "jsonl"] = "csv") -> int:
    """Write the votes that stand, in the order they were cast.

    `csv` has the columns `a,b,outcome,labeler,prompt`; imported into an empty arena it gives the same scores,
    so votes that are not blind are left out. `jsonl` has everything: texts, ids, times, comments, and of each
    vote whether it is `blind`.

    Args:
        store: Where from.
        out: Where to; a file is opened with `newline=""`.
        form: Which of the two.

    Returns:
        How many votes were written.

    Raises:
        FtarenaError: There is no such form.
    """
    if form not in ("csv", "jsonl"):
        raise FtarenaError(f"votes cannot be written as {form!r}", "one of csv, jsonl")
    with mended(store.path):
        return _write_csv(store, out) if form == "csv" else _write_jsonl(store, out)


def _write_csv(store: Store, out: TextIO) -> int:
    writer = csv.writer(_Lines(out))
    writer.writerow(COLUMNS)
    count = 0
    for left, right, outcome, labeler, prompt, named in store.connection.execute(_CSV):
        # A prompt that only a file names is written as that file named it, any other by its id.
        value = prompt if named is None else turns_of(named)[0].content
        writer.writerow((left, right, _OUTCOME_WORDS[outcome], labeler, value))
        count += 1
    return count


class _Lines:
    """Ends rows with a line feed alone.

    csv.writer that is told to do so leaves a carriage return in a cell unquoted, and csv.reader refuses that.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, row: str) -> int:
        return self._out.write(row.removesuffix("\r\n") + "\n")


def _write_jsonl(store: Store, out: TextIO) -> int:
    count = 0
    for vote in _votes(store):
        out.write(json.dumps(vote, ensure_ascii=False) + "\n")
        count += 1
    return count


def _votes(store: Store) -> Iterator[dict[str, Any]]:
    comments = _comments(store)
    for row in store.connection.execute(_JSONL):
        vote_id, battle_id, origin, outcome, labeler, created_at, elapsed_ms, before_end, names_shown = row[
            :9
        ]
        prompt_id, source, turns, reference = row[9:13]
        yield {
            "vote_id": vote_id,
            "battle_id": battle_id,
            "origin": origin,
            "outcome": outcome,
            "labeler": labeler,
            "created_at": created_at,
            "elapsed_ms": elapsed_ms,
            "before_end": None if before_end is None else bool(before_end),
            "names_shown": names_shown,
            "blind": bool(row[25]),
            "comments": comments.get((battle_id, labeler), []),
            "prompt": None
            if prompt_id is None
            else {"id": prompt_id, "source": source, "turns": json.loads(turns), "reference": reference},
            "left": dict(zip(_SIDE, row[13:19], strict=True)),
            "right": dict(zip(_SIDE, row[19:25], strict=True)),
        }


def _comments(store: Store) -> dict[tuple[str, str], list[str]]:
    found = store.rows(
        "SELECT e.battle_id, w.name, e.text FROM ballot_events e JOIN labelers w ON w.id = e.labeler_id"
        " WHERE e.kind = 'comment' ORDER BY e.created_at, e.id"
    )
    comments: dict[tuple[str, str], list[str]] = {}
    for battle_id, labeler, text in found:
        comments.setdefault((battle_id, labeler), []).append(text)
    return comments
