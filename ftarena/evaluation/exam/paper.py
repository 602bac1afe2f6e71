"""What is asked in an exam: held-out questions, training answers and general questions of a run.

The same run gets the same paper every time: what is chosen is chosen by content.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftarena.curation.examples import Example
from ftarena.errors import FtarenaError
from ftarena.evaluation.exam.knowledge import GeneralQuestion, general_question
from ftarena.evaluation.exam.recitation import Taught
from ftarena.evaluation.examples import conversation
from ftarena.processes import read_json
from ftarena.recipes.load import load_recipe
from ftarena.recipes.schema import Recipe
from ftarena.serving.contestants import Message
from ftarena.training.data import RunData, load_data
from ftarena.training.runs import DATA_LOCK, RESOLVED_RECIPE, Run

QUESTIONS = 20
"""Held-out questions that are answered: 4 of them are the alarm's fifth."""

TAUGHT = 20
"""Training answers that are tried, and held-out ones beside them."""

GENERAL = 100
"""General questions at most: a fall of 5 points is then five answers."""

_LONGEST = 5


@dataclass(frozen=True)
class Paper:
    """The questions of one exam."""

    recipe: Recipe
    questions: tuple[tuple[Message, ...], ...]
    """Held-out questions to answer; general ones where nothing is held out."""

    longest: tuple[str, ...]
    """The longest training answers, by characters."""

    trained: tuple[Taught, ...]
    """Training answers."""

    changed: str
    """Which training file is no longer what was trained on; empty where none is."""

    heldout: tuple[Taught, ...]
    """Held-out answers, as a control of `trained`."""

    general: tuple[GeneralQuestion, ...]


def paper_of(run: Run) -> Paper:
    """Return the exam of a run.

    Args:
        run: One whose recipe is resolved.

    Raises:
        FtarenaError: Its recipe or its data cannot be read any more.
    """
    path = run.directory / RESOLVED_RECIPE
    if not path.is_file():
        raise FtarenaError(f"the run {run.id} has no {RESOLVED_RECIPE}", "it cannot be said what it learned")
    recipe = load_recipe(path)
    data = load_data(recipe)
    # What is replayed was answered by the base or is meant to be known: it is at the end, and not the lesson.
    learned = data.train[: len(data.train) - data.lock.get("replay", {}).get("rows", 0)]
    general = _general(data.general)
    asked = [
        question for question in (conversation(one) for one in _chosen(data.heldout, QUESTIONS)) if question
    ]
    answers = {"".join(turn.content for turn in example.completion) for example in learned}
    return Paper(
        recipe=recipe,
        questions=tuple(asked) or tuple(question.prompt for question in general[:QUESTIONS]),
        longest=tuple(sorted(filter(None, answers), key=lambda answer: (-len(answer), answer))[:_LONGEST]),
        trained=tuple(_taught(learned)),
        changed=_changed(run, data),
        heldout=tuple(_taught(data.heldout)),
        general=tuple(general),
    )


def _chosen(examples: Sequence[Example], count: int) -> list[Example]:
    """Return so many examples, chosen by what they say, so that their order in a file does not matter."""
    return sorted(examples, key=_digest)[:count]


def _digest(example: Example) -> str:
    return hashlib.sha256(repr((example.question, example.completion)).encode()).hexdigest()


def _taught(examples: Sequence[Example]) -> list[Taught]:
    """Return answers to try: of the longer half, since a short one tells nothing."""
    able = []
    for example in examples:
        prompt = conversation(example)
        answer = "".join(turn.content for turn in example.completion)
        if answer.strip() and prompt is not None and (prompt or example.kind == "text"):
            able.append((example, Taught(prompt, answer)))
    able.sort(key=lambda pair: (-len(pair[1].answer), _digest(pair[0])))
    longer = able[: max(len(able) // 2, TAUGHT)]
    longer.sort(key=lambda pair: _digest(pair[0]))
    return [taught for _, taught in longer[:TAUGHT]]


def _general(examples: Sequence[Example]) -> list[GeneralQuestion]:
    accepted = _accepted({example.file for example in examples})
    found = []
    for example in _chosen(examples, len(examples)):
        prompt = conversation(example)
        reference = "".join(turn.content for turn in example.completion)
        accept = accepted.get((example.file, example.line), ())
        question = general_question(prompt, reference, accept) if prompt else None
        if question is not None:
            found.append(question)
    return found[:GENERAL]


def _accepted(files: Iterable[Path]) -> dict[tuple[Path, int], tuple[str, ...]]:
    """Return what counts as right, by file and line: `"accept": ["Africa"]` in a row of JSONL."""
    found = {}
    for file in files:
        if file.suffix != ".jsonl":
            continue
        with file.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                if '"accept"' in line and (accept := _phrases(line)):
                    found[(file, number)] = accept
    return found


def _phrases(line: str) -> tuple[str, ...]:
    try:
        row: Any = json.loads(line)
    except ValueError:
        return ()
    accept = row.get("accept") if isinstance(row, dict) else None
    return tuple(map(str, accept)) if isinstance(accept, list) else ()


def _changed(run: Run, data: RunData) -> str:
    """Return the training file that is not what it was when the run began, or an empty text."""
    then = read_json(run.directory / DATA_LOCK).get("train")
    hashes = {row.get("path"): row.get("sha256") for row in then or () if isinstance(row, dict)}
    for account in data.lock["train"]:
        if hashes and hashes.get(account["path"]) != account["sha256"]:
            return str(account["path"])
    return ""
