"""The JSON export of Label Studio: tasks with the control tag `Pairwise`, or `Choices` of left and right.

    {"id": 1, "data": {"prompt": …, "answer1": …, "answer2": …}, "annotations": [{"completed_by": 3,
     "result": [{"type": "pairwise", "value": {"selected": "left"}, "to_name": "answer1,answer2"}],
     "was_cancelled": false, "lead_time": 4.2, "created_at": "2026-01-01T10:00:00Z"}]}

Contestants are named by the data (`model_a` and `model_b`, …), else by the fields of the answers.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ftarena.store.file_votes import FileVote
from ftarena.store.foreign.reading import Record
from ftarena.store.foreign.words import (
    answer_fields,
    contestants_of,
    moment_in,
    outcome_in,
    prompt_in,
    text_in,
)


def recognises(values: Mapping[str, Any]) -> bool:
    """Return whether a record is a task with annotations."""
    return isinstance(values.get("data"), Mapping) and isinstance(values.get("annotations"), list)


def read(record: Record) -> list[FileVote]:
    """Return the votes of a task, one for each annotation that was not skipped.

    Raises:
        FtarenaError: It is wrong.
    """
    data = record.values["data"]
    votes = []
    for annotation in record.values["annotations"]:
        if not isinstance(annotation, Mapping) or annotation.get("was_cancelled"):
            continue
        for said, compared in _verdicts(annotation.get("result")):
            pair = compared if compared and all(name in data for name in compared) else answer_fields(data)
            if pair is None:
                raise record.wrong("'data' has no two answers", "call them answer1 and answer2")
            a, b = contestants_of(data, pair)
            if a == b:
                raise record.wrong(f"{a!r} against itself")
            texts = text_in(data.get(pair[0])), text_in(data.get(pair[1]))
            turns = prompt_in(data, but=pair)
            known = turns is not None and texts[0] is not None and texts[1] is not None
            votes.append(
                FileVote(
                    record.number,
                    a,
                    b,
                    outcome_in(record, said),
                    _person(annotation.get("completed_by")),
                    f"task {record.values.get('id', record.number)}",
                    turns if known else None,
                    (texts[0] or "", texts[1] or "") if known else None,
                    created_at=moment_in(record, annotation.get("created_at")),
                    elapsed_ms=_milliseconds(annotation.get("lead_time")),
                )
            )
    return votes


def _verdicts(result: object) -> Iterator[tuple[object, tuple[str, str] | None]]:
    """Yield what was chosen, and which two fields were compared where that is said."""
    for part in result if isinstance(result, list) else ():
        if not isinstance(part, Mapping) or not isinstance(part.get("value"), Mapping):
            continue
        value = part["value"]
        names = str(part.get("to_name", "")).split(",")
        compared = (names[0].strip(), names[1].strip()) if len(names) == 2 else None
        if part.get("type") == "pairwise":
            yield value.get("selected"), compared
        elif part.get("type") == "choices" and isinstance(value.get("choices"), list):
            for choice in value["choices"][:1]:
                yield choice, compared


def _person(completed_by: object) -> str:
    if isinstance(completed_by, Mapping):
        return str(completed_by.get("email") or completed_by.get("id") or "")
    return "" if completed_by is None else f"user {completed_by}"


def _milliseconds(lead_time: object) -> int | None:
    return round(lead_time * 1000) if isinstance(lead_time, int | float) and lead_time >= 0 else None
