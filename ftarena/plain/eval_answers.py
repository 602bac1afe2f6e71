"""`ftarena eval --answers FILE`: each question with everybody's answer and its score."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.evaluation.tasks.items import Task
from ftarena.store import Store
from ftarena.store.results import results


def write_answers(store: Store, tasks: Sequence[Task], names: Mapping[str, str], path: Path) -> None:
    """Write one JSON object a question, in the order of the tasks and their files; the file is replaced.

    Args:
        store: The arena.
        tasks: Which.
        names: Of each contestant, by its id.
        path: Where to.

    Raises:
        FtarenaError: It cannot be written.
    """
    lines = []
    for task in tasks:
        kept = results(store, task.id)
        for place, item in enumerate(task.items):
            given = {
                name: {"score": row.score, "answer": row.answer, "note": row.note}
                for contestant, name in names.items()
                if (row := kept.get(contestant, {}).get(place)) is not None
            }
            if given:
                question = {
                    "task": task.name,
                    "metric": task.metric,
                    "where": item.where,
                    "prompt": [message.model_dump() for message in item.prompt],
                    "reference": item.reference,
                }
                lines.append(json.dumps({**question, "answers": given}, ensure_ascii=False) + "\n")
    try:
        path.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise FtarenaError(
            f"cannot write {path}: {error.strerror or error}", "name a file where you can write"
        ) from error
