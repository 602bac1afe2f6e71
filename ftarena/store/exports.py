"""Votes as files that other programs read: a table, JSON lines with everything, LMArena's battles.

Only what stands is written: what was taken back, and what concerns hidden contestants, is not.
"""

import csv
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, Literal, TextIO, get_args

from ftarena.errors import FtarenaError
from ftarena.store.database import mended
from ftarena.store.preferences import PreferenceReport, export_dpo
from ftarena.store.prompts_json import turns_of
from ftarena.store.rows import Outcome
from ftarena.store.selection import Selection, conditions, contestant_condition, outcome_of
from ftarena.store.store import Store
from ftarena.store.votes_csv import COLUMNS, WEIGHT, WORDS

__all__ = ["PreferenceReport", "VotesForm", "export_dpo", "export_votes"]

VotesForm = Literal["csv", "jsonl", "lmarena"]
"""How votes can be written."""

_OUTCOME_WORDS: dict[Outcome, str] = {outcome: word for word, outcome in WORDS.items()}

_WINNERS: dict[Outcome, str] = {
    "left": "model_a",
    "right": "model_b",
    "tie": "tie",
    "both_bad": "tie (bothbad)",
}

_FROM = """
FROM votes v
JOIN battles b ON b.id = v.battle_id
JOIN labelers w ON w.id = v.labeler_id
JOIN contestants l ON l.id = b.left_id
JOIN contestants r ON r.id = b.right_id
LEFT JOIN prompts p ON p.id = b.prompt_id
LEFT JOIN answers la ON la.id = b.left_answer_id
LEFT JOIN answers ra ON ra.id = b.right_answer_id
WHERE {where}
ORDER BY v.created_at, v.position, v.id
"""

_CSV = f"""
SELECT l.name, r.name, {{outcome}}, w.name, coalesce(b.prompt_id, b.id),
       CASE WHEN p.source = 'import' THEN p.turns_json END, b.boost
{_FROM}
"""

_JSONL = f"""
SELECT v.id, b.id, b.origin, v.outcome, w.name, w.kind, v.created_at, v.elapsed_ms, v.before_end,
       v.names_shown, v.blind, b.repeat_of, b.leaked, b.boost, {{scored}},
       p.id, p.source, p.turns_json, p.reference,
       l.name, l.id, la.id, la.text, la.finish_reason, la.n_tokens,
       r.name, r.id, ra.id, ra.text, ra.finish_reason, ra.n_tokens
{_FROM}
"""

_LMARENA = f"""
SELECT coalesce(b.prompt_id, b.id), l.name, r.name, {{outcome}}, w.name, p.turns_json, la.text, ra.text,
       v.created_at
{_FROM}
"""

_SIDE = ("contestant", "contestant_id", "answer_id", "text", "finish_reason", "n_tokens")

_EVERYTHING: Final = Selection()


def export_votes(
    store: Store, out: TextIO, form: VotesForm = "csv", selection: Selection = _EVERYTHING
) -> int:
    """Write the votes that stand, in the order they were cast.

    `csv` has the columns `a,b,outcome,labeler,prompt`; imported into an empty arena it gives the same scores,
    so only votes that scores rest on are in it. `lmarena` has the same votes as the battles of LMArena and
    FastChat, with the conversations.

    `jsonl` has everything: texts, ids, times, comments, criteria; also votes that no score rests on, each
    marked (`scored`, `blind`, `repeat_of`, `leaked`, `labeler_kind`), unless less is asked for.

    Args:
        store: Where from.
        out: Where to; a file is opened with `newline=""`.
        form: Which of them.
        selection: Which votes.

    Returns:
        How many votes were written.

    Raises:
        FtarenaError: There is no such form.
    """
    if form not in get_args(VotesForm):
        raise FtarenaError(f"votes cannot be written as {form!r}", f"one of {', '.join(get_args(VotesForm))}")
    write = {"csv": _write_csv, "jsonl": _write_jsonl, "lmarena": _write_lmarena}[form]
    with mended(store.path):
        return write(store, out, selection)


def _selected(sql: str, selection: Selection) -> tuple[str, list[object]]:
    """Return a query of the votes that a score rests on, with its parameters."""
    outcome, first = outcome_of(selection)
    where, then = conditions(selection)
    contestants, named = contestant_condition(selection)
    return sql.format(outcome=outcome, where=f"{where} AND {contestants}"), [*first, *then, *named]


def _write_csv(store: Store, out: TextIO, selection: Selection) -> int:
    sql, parameters = _selected(_CSV, selection)
    [(weighed,)] = store.connection.execute("SELECT EXISTS (SELECT 1 FROM battles WHERE boost <> 1)")
    writer = csv.writer(_Lines(out))
    writer.writerow((*COLUMNS, WEIGHT) if weighed else COLUMNS)
    count = 0
    for left, right, outcome, labeler, prompt, named, boost in store.connection.execute(sql, parameters):
        # A prompt that only a file names is written as that file named it, any other by its id.
        turns = () if named is None else turns_of(named)
        value = turns[0].content if len(turns) == 1 and turns[0].role == "user" else prompt
        row = (left, right, _OUTCOME_WORDS[outcome], labeler, value)
        writer.writerow((*row, repr(1 / boost)) if weighed else row)
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


def _write_jsonl(store: Store, out: TextIO, selection: Selection) -> int:
    count = 0
    for vote in _votes(store, selection):
        out.write(json.dumps(vote, ensure_ascii=False) + "\n")
        count += 1
    return count


def _votes(store: Store, selection: Selection) -> Iterator[dict[str, Any]]:
    comments, details, categories = _comments(store), _details(store), _categories(store)
    scored, given = conditions(selection)
    where, named = contestant_condition(selection)
    parameters = [*given, *named]
    if selection != _EVERYTHING:
        where, parameters = f"{scored} AND {where}", [*given, *given, *named]
    for row in store.connection.execute(_JSONL.format(scored=scored, where=where), parameters):
        vote_id, battle_id, origin, outcome, labeler, kind, created_at, elapsed_ms, before_end = row[:9]
        names_shown, blind, repeat_of, leaked, boost, counts = row[9:15]
        prompt_id, source, turns, reference = row[15:19]
        detail = details.get(vote_id, {})
        yield {
            "vote_id": vote_id,
            "battle_id": battle_id,
            "origin": origin,
            "outcome": outcome,
            "labeler": labeler,
            "labeler_kind": kind,
            "created_at": created_at,
            "elapsed_ms": elapsed_ms,
            "before_end": None if before_end is None else bool(before_end),
            "names_shown": names_shown,
            "scored": bool(counts),
            "blind": bool(blind),
            "repeat_of": repeat_of,
            "leaked": leaked,
            "weight": 1 / boost,
            "strength": detail.get("strength"),
            "criteria": {aspect: said for aspect, said in detail.items() if aspect != "strength"},
            "comments": comments.get((battle_id, labeler), []),
            "prompt": None
            if prompt_id is None
            else {
                "id": prompt_id,
                "source": source,
                "categories": categories.get(prompt_id, []),
                "turns": json.loads(turns),
                "reference": reference,
            },
            "left": dict(zip(_SIDE, row[19:25], strict=True)),
            "right": dict(zip(_SIDE, row[25:31], strict=True)),
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


def _details(store: Store) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for event_id, aspect, said in store.rows(
        "SELECT event_id, aspect, coalesce(outcome, strength) FROM ballot_details ORDER BY id"
    ):
        found.setdefault(event_id, {})[aspect] = said  # the last one stands
    return found


def _categories(store: Store) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for prompt_id, category in store.rows("SELECT prompt_id, category FROM prompt_categories ORDER BY 1, 2"):
        found.setdefault(prompt_id, []).append(category)
    return found


def _write_lmarena(store: Store, out: TextIO, selection: Selection) -> int:
    sql, parameters = _selected(_LMARENA, selection)
    count = 0
    out.write("[")
    for question, a, b, outcome, labeler, stored, left, right, moment in store.connection.execute(
        sql, parameters
    ):
        battle: dict[str, object] = {
            "question_id": question,
            "model_a": a,
            "model_b": b,
            "winner": _WINNERS[outcome],
            "judge": labeler,
        }
        if left is not None and right is not None:
            turns = [turn._asdict() for turn in turns_of(stored)]
            for side, text in (("a", left), ("b", right)):
                battle[f"conversation_{side}"] = [*turns, {"role": "assistant", "content": text}]
            battle["turn"] = sum(turn["role"] == "assistant" for turn in turns) + 1
        battle["anony"] = True
        battle["tstamp"] = datetime.fromisoformat(moment).timestamp()
        out.write((",\n " if count else "\n ") + json.dumps(battle, ensure_ascii=False))
        count += 1
    out.write("\n]\n")
    return count
