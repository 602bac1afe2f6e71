"""Annotations of AlpacaEval: `annotations.json`.

    {"instruction": …, "output_1": …, "generator_1": …, "output_2": …, "generator_2": …,
     "annotator": "weighted_alpaca_eval_gpt4_turbo", "preference": 1.9}

`preference` is 1 for the first output and 2 for the second, or between the two as the judge's probabilities
say; 1.5, and 0 in older files, is a draw. The annotators are models, unless their name says human.
"""

from collections.abc import Mapping
from typing import Any

from ftarena.store.file_votes import FileVote
from ftarena.store.foreign.reading import Record
from ftarena.store.foreign.words import JUDGE, name_in, text_in
from ftarena.store.rows import Outcome


def recognises(values: Mapping[str, Any]) -> bool:
    """Return whether a record is an annotation."""
    return {"instruction", "output_1", "output_2", "preference"} <= values.keys()


def read(record: Record) -> list[FileVote]:
    """Return the vote of an annotation, none where the annotator gave no answer.

    Raises:
        FtarenaError: It is wrong.
    """
    values = record.values
    preference = values.get("preference")
    if preference is None or preference != preference:  # null, or NaN
        return []
    a, b = name_in(record, "generator_1"), name_in(record, "generator_2")
    if a == b:
        raise record.wrong(f"{a!r} against itself")
    texts = [text_in(values.get(key)) for key in ("instruction", "output_1", "output_2")]
    instruction, first, second = texts
    if instruction is None or first is None or second is None:
        raise record.wrong("instruction, output_1 and output_2 are texts")
    more = values.get("input")  # AlpacaFarm keeps what the instruction is about apart from it
    if isinstance(more, str) and more.strip():
        instruction = f"{instruction}\n\n{more}"
    annotator = str(values.get("annotator") or values.get("annotator_index") or "")
    human = not annotator or "human" in annotator.lower() or "annotator_index" in values
    return [
        FileVote(
            record.number,
            a,
            b,
            _outcome(record, preference),
            annotator if human else f"{JUDGE}{annotator}",
            "",
            (("user", instruction),),
            (first, second),
            kind="human" if human else "judge",
        )
    ]


def _outcome(record: Record, preference: object) -> Outcome:
    try:
        number = float(preference)  # type: ignore[arg-type]  # what is no number is told below
    except (TypeError, ValueError):
        number = -1.0
    if number == 0 or number == 1.5:
        return "tie"
    if not 1 <= number <= 2:
        raise record.wrong(f"the preference {preference!r} is not between 1 and 2, or 0")
    return "left" if number < 1.5 else "right"
