"""Battles of LMArena (Chatbot Arena) and FastChat.

    {"question_id": …, "model_a": …, "model_b": …, "winner": "model_a", "judge": …,
     "conversation_a": [{"role": …, "content": …}], "conversation_b": […], "turn": 1, "tstamp": 1700000000.0}

as JSON, JSON lines or Parquet (battles, MT-bench judgments, arena-human-preference-100k and -140k), and the
table arena-human-preference-55k: `prompt`, `response_a`, `response_b`, `winner_model_a`, `winner_model_b`,
`winner_tie`. FastChat: `fastchat/serve/monitor/clean_battle_data.py`.
"""

import json
from collections.abc import Mapping
from typing import Any

from ftarena.store.file_votes import FileVote
from ftarena.store.foreign.reading import Record
from ftarena.store.foreign.words import JUDGE, Turns, moment_in, name_in, text_in, turns_in
from ftarena.store.rows import LabelerKind, Outcome
from ftarena.text import shorten

_WINNERS: Mapping[str, Outcome] = {
    "model_a": "left",
    "model_b": "right",
    "tie": "tie",
    "tie (bothbad)": "both_bad",
    "both_bad": "both_bad",
}
"""What `winner` says; `A` or `1` may be a model's name or a place counted from 0, and is not guessed at."""

_ONE_HOT: tuple[tuple[str, Outcome], ...] = (
    ("winner_model_a", "left"),
    ("winner_model_b", "right"),
    ("winner_tie", "tie"),
)


def recognises(values: Mapping[str, Any]) -> bool:
    """Return whether a record is a battle."""
    return {"model_a", "model_b"} <= values.keys() and bool({"winner", "winner_model_a"} & values.keys())


def read(record: Record) -> list[FileVote]:
    """Return the vote of a battle.

    Raises:
        FtarenaError: It is wrong.
    """
    values = record.values
    a, b = name_in(record, "model_a"), name_in(record, "model_b")
    if a == b:
        raise record.wrong(f"{a!r} against itself")
    turns, answers, apart = _texts(record)
    labeler, kind = _labeler(values.get("judge"))
    question = values.get("question_id", values.get("id"))
    return [
        FileVote(
            record.number,
            a,
            b,
            _outcome(record),
            labeler,
            "" if question is None else str(question),
            turns,
            answers,
            apart,
            kind,
            moment_in(record, values.get("tstamp", values.get("timestamp"))),
        )
    ]


def _outcome(record: Record) -> Outcome:
    if "winner" in record.values:
        winner = record.values["winner"]
        outcome = _WINNERS.get(winner) if isinstance(winner, str) else None
        if outcome is None:
            raise record.wrong(f"the winner {shorten(str(winner), 40)!r} is none of {', '.join(_WINNERS)}")
        return outcome
    won = [outcome for key, outcome in _ONE_HOT if _is_one(record.values.get(key))]
    if len(won) != 1:
        raise record.wrong("exactly one of winner_model_a, winner_model_b and winner_tie must be 1")
    return won[0]


def _is_one(value: object) -> bool:
    return str(value).strip().lower() in ("1", "1.0", "true")


def _labeler(judge: object) -> tuple[str, LabelerKind]:
    """Return who judged; a list, or a name such as `gpt4_pair`, is a model (MT-bench)."""
    if isinstance(judge, list | tuple):
        judge = f"{JUDGE}{judge[0]}" if judge else ""
    name = "" if judge is None else str(judge)
    if name.lower().startswith(("gpt", "claude")):
        name = f"{JUDGE}{name}"
    return name, "judge" if name.startswith(JUDGE) else "human"


def _texts(record: Record) -> tuple[Turns | None, tuple[str, str] | None, bool]:
    values = record.values
    for side in "ab":
        messages = values.get(f"conversation_{side}")
        for message in messages if isinstance(messages, list) else ():
            if isinstance(message, Mapping) and isinstance(message.get("content"), Mapping):
                raise record.wrong(f"a message of 'conversation_{side}' has an object for a text")
    conversations: list[Turns | None]
    if "conversation_a" in values:
        conversations = [turns_in(values.get(f"conversation_{side}")) for side in "ab"]
    else:
        conversations = [_zipped(values.get("prompt"), values.get(f"response_{side}")) for side in "ab"]
    histories, answers = [], []
    for conversation in conversations:
        if conversation is None:
            return None, None, False
        conversation = _judged(conversation, values.get("turn"))
        if conversation[-1][0] != "assistant" or len(conversation) < 2:
            return None, None, False
        histories.append(conversation[:-1])
        answers.append(conversation[-1][1])
    one, other = histories
    asked = [tuple(turn for turn in history if turn[0] != "assistant") for history in histories]
    if asked[0] != asked[1]:
        raise record.wrong("the two conversations ask different things")
    apart = one != other
    return asked[0] if apart else one, (answers[0], answers[1]), apart


def _judged(conversation: Turns, turn: object) -> Turns:
    """Return the conversation up to the turn that was judged: MT-bench keeps both turns with each verdict."""
    if not isinstance(turn, int) or turn < 1:
        return conversation
    replies = [place for place, (role, _) in enumerate(conversation) if role == "assistant"]
    return conversation if len(replies) <= turn else conversation[: replies[turn - 1] + 1]


def _zipped(prompts: object, responses: object) -> Turns | None:
    """Return the conversation of a table: texts, or JSON lists of the texts of each turn."""
    asked, answered = _listed(prompts), _listed(responses)
    if not asked or len(asked) != len(answered):
        return None
    turns: list[tuple[str, str]] = []
    for question, answer in zip(asked, answered, strict=True):
        turns += [("user", question), ("assistant", answer)]
    return tuple(turns)


def _listed(value: object) -> list[str]:
    if isinstance(value, str):
        try:
            parsed = json.loads(value, strict=False)  # cells with line breaks as they are
        except (ValueError, RecursionError):
            parsed = value
        value = parsed if isinstance(parsed, list) else value
    if isinstance(value, list | tuple):
        return [text_in(part) or "" for part in value]
    return [value] if isinstance(value, str) else []
