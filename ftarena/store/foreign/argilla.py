"""Records of Argilla that rank two or more answers, or say by a label which of two is better.

    {"id": …, "fields": {"prompt": …, "response1": …, "response2": …},
     "metadata": {"model_a": …}, "responses": {"preference": [{"value": ["response2", "response1"],
     "user_id": …}]}}

as Argilla 2's `dataset.records.to_json()` writes them, the records of Argilla 1 (`responses` is a list with
`values`), and data sets on the Hugging Face hub that Argilla 1 pushed (each question a column of answers).
Contestants are named by the metadata (`model_a`, `response1_model`, …), else by the fields.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

from ftarena.store.file_votes import FileVote
from ftarena.store.foreign.reading import Record
from ftarena.store.foreign.words import answer_fields, contestants_of, outcome_of, prompt_in, text_in
from ftarena.store.rows import Outcome


class _Response(NamedTuple):
    question: str
    user: str
    value: object


def recognises(values: Mapping[str, Any]) -> bool:
    """Return whether a record is one of Argilla's."""
    return {"fields", "responses"} <= values.keys() or any(_is_column(value) for value in values.values())


def read(record: Record) -> list[FileVote]:
    """Return the votes of a record: of each person's ranking one for each two answers; none if none ranked.

    Raises:
        FtarenaError: It is wrong.
    """
    values = record.values
    if "fields" in values:
        fields = values["fields"]
        responses = list(_responses(values.get("responses")))
    else:
        fields = {key: value for key, value in values.items() if not _is_column(value)}
        responses = [one for key, value in values.items() if _is_column(value) for one in _column(key, value)]
    if not isinstance(fields, Mapping):
        raise record.wrong("'fields' must be an object")
    metadata = values.get("metadata")
    about = {**fields, **(metadata if isinstance(metadata, Mapping) else {})}
    votes = []
    for response in responses:
        for one, two, outcome in _verdicts(fields, response.value):
            a, b = contestants_of(about, (one, two))
            if a == b:
                raise record.wrong(f"{a!r} against itself")
            texts = text_in(fields[one]), text_in(fields[two])
            turns = prompt_in(fields, but=(one, two))
            known = turns is not None and texts[0] is not None and texts[1] is not None
            votes.append(
                FileVote(
                    record.number,
                    a,
                    b,
                    outcome,
                    response.user,
                    str(values.get("id") or values.get("external_id") or f"record {record.number}"),
                    turns if known else None,
                    (texts[0] or "", texts[1] or "") if known else None,
                )
            )
    return votes


def _verdicts(fields: Mapping[str, Any], value: object) -> Iterator[tuple[str, str, Outcome]]:
    """Yield which of two fields is better, the one that comes first in the record on the left."""
    ranks = _ranks(value)
    if ranks is not None:
        if not ranks.keys() <= fields.keys():
            return  # a ranking of something else
        for one, two in combinations([name for name in fields if name in ranks], 2):
            ahead = ranks[two] - ranks[one]
            yield one, two, "left" if ahead > 0 else "right" if ahead < 0 else "tie"
        return
    if not isinstance(value, str) or (pair := answer_fields(fields)) is None:
        return
    if value in pair:
        yield *pair, "left" if value == pair[0] else "right"
    elif (outcome := outcome_of(value)) is not None:  # else it answers another question
        yield *pair, outcome


def _ranks(value: object) -> dict[str, int] | None:
    """Return the rank of each field, 1 is the best; `None` where it is no ranking."""
    if isinstance(value, Mapping) and {"rank", "value"} <= value.keys():  # a column of the hub
        names, ranks = value["value"], value["rank"]
    elif isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        names, ranks = value, list(range(1, len(value) + 1))
    elif isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
        names, ranks = [part.get("value") for part in value], [part.get("rank") for part in value]
    else:
        return None
    if (
        not isinstance(names, list)
        or not isinstance(ranks, list)
        or len(names) != len(ranks)
        or len(names) < 2
    ):
        return None
    if not all(isinstance(rank, int) for rank in ranks):
        return None
    return dict(zip(map(str, names), ranks, strict=True))


def _responses(responses: object) -> Iterator[_Response]:
    if isinstance(responses, Mapping):  # Argilla 2
        for question, given in responses.items():
            yield from _column(str(question), given)
    elif isinstance(responses, list):  # Argilla 1
        for response in responses:
            if isinstance(response, Mapping) and response.get("status", "submitted") == "submitted":
                answered = response.get("values")
                for question, value in answered.items() if isinstance(answered, Mapping) else ():
                    inner = value.get("value") if isinstance(value, Mapping) else value
                    yield _Response(str(question), _user(response), inner)


def _is_column(value: object) -> bool:
    """Return whether a value holds answers of people to one question."""
    if isinstance(value, Mapping):
        return {"user_id", "value"} <= value.keys() and isinstance(value["value"], list)
    return bool(
        isinstance(value, list)
        and value
        and all(isinstance(part, Mapping) and {"user_id", "value"} <= part.keys() for part in value)
    )


def _column(question: str, given: object) -> Iterator[_Response]:
    if isinstance(given, Mapping):  # columns of columns
        keys = [key for key in ("user_id", "value", "status") if isinstance(given.get(key), list)]
        given = [
            dict(zip(keys, row, strict=False)) for row in zip(*(given[key] for key in keys), strict=False)
        ]
    for response in given if isinstance(given, list) else ():
        if isinstance(response, Mapping) and (response.get("status") or "submitted") == "submitted":
            yield _Response(question, _user(response), response.get("value"))


def _user(response: Mapping[str, Any]) -> str:
    user = response.get("user_id")
    return "" if user in (None, "None") else str(user)
