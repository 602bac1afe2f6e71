"""Reading a task from a file.

Any format and shape that is trained on can be read. Beside prompt and reference a row may say `accept` (a
list of phrases), `choices` (a list of options), `pattern` (a regular expression) or `schema` (a JSON schema).
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ftarena.curation.examples import BadRow, Example
from ftarena.curation.reading import QUESTION_LINE, DataError
from ftarena.curation.resolving import resolve
from ftarena.curation.rows import Problem, Row, read_rows
from ftarena.curation.shapes import SHAPES, example_of
from ftarena.curation.shapes.recognition import row_view
from ftarena.curation.sources import Columns, Source
from ftarena.errors import FtarenaError, UsageError
from ftarena.evaluation.examples import conversation
from ftarena.evaluation.tasks.items import LETTERS, MAX_TOKENS, METRICS, MOST_TOKENS, Item, Task
from ftarena.evaluation.tasks.metrics import complaint
from ftarena.recipes.data_entries import BUILTIN
from ftarena.serving.contestants import Message
from ftarena.store.results import LOSS


def load_task(
    spec: str,
    *,
    metric: str | None = None,
    columns: Columns | None = None,
    pattern: str | None = None,
    scorer: Path | None = None,
    max_tokens: int | None = None,
) -> Task:
    """Read a task.

    Args:
        spec: A file of any format that is read, `builtin:general`, or `org/name` on the hub.
        metric: How to score; None: told from the rows (`accept`, `choices`, `pattern` or `schema` in all of
            them, or references that end with a number as GSM8K's do), else `exact`.
        columns: What the columns mean, where they are not the usual ones.
        pattern: For `regex`: of the whole task.
        scorer: For `python`: the user's file.
        max_tokens: Length limit of an answer; None: by metric.

    Raises:
        UsageError: The metric is unknown, or lacks what it needs.
        DataError: Rows that cannot be used; the first ten are named.
        FtarenaError: There is no such file.
    """
    if metric is not None and metric not in METRICS:
        raise UsageError(f"there is no metric {metric!r}", f"there is: {', '.join(METRICS)}")
    if scorer is not None:
        metric = metric or "python"
    if (metric == "python") != (scorer is not None):
        raise UsageError(
            "the metric python and a file with `score(prompt, answer, reference)` go together",
            "--metric python --scorer FILE.py --allow-code",
        )
    items: list[Item] = []
    problems: list[Problem] = []
    for source in resolve(spec, columns=columns):
        for found in _items(source):
            if isinstance(found, Problem):
                problems.append(found)
            else:
                items.append(found)
    if not problems and not items:
        raise FtarenaError(f"{spec} holds no items", QUESTION_LINE)
    chosen = metric or _told(items)
    if pattern and chosen != "regex":
        raise UsageError("a pattern goes with the metric regex", "--metric regex")
    for item in items:
        if wrong := _lacks(item, chosen, pattern or ""):
            path, _, line = item.where.rpartition(":")
            problems.append(Problem(Path(path), int(line), None, "task", wrong))
    if problems:
        raise DataError(problems, QUESTION_LINE)
    if chosen in ("choice", "choice-logprob"):
        items = [replace(item, prompt=_with_choices(item, chosen)) for item in items]
    return Task(
        name=spec if spec.startswith(BUILTIN) else Path(spec).name,
        metric=chosen,
        items=tuple(items),
        max_tokens=max_tokens or MAX_TOKENS.get(chosen, MOST_TOKENS),
        pattern=pattern or "",
        scorer=scorer,
    )


def loss_task(name: str, examples: Sequence[Example]) -> Task | None:
    """Return the task of predicting answers; None where no row can be asked of an engine.

    Args:
        name: What it is called.
        examples: Rows with answers.
    """
    items = []
    for row in examples:
        prompt, reference = conversation(row), "".join(turn.content for turn in row.completion)
        if prompt and reference:
            items.append(Item(prompt, reference, f"{row.file}:{row.line}"))
    return Task(name, LOSS, tuple(items), MAX_TOKENS[LOSS]) if items else None


def _items(source: Source) -> Iterator[Item | Problem]:
    for row in read_rows(source):
        if isinstance(row, Problem):
            yield row
            continue
        try:
            yield _item(row, source.columns)
        except BadRow as bad:
            yield Problem(source.path, row.line, bad.column, bad.code, str(bad))


def _item(row: Row, columns: Columns) -> Item:
    if not isinstance(row.value, dict):
        raise BadRow("type", "expected an object")
    view = dict(row_view(row.value, columns))
    accept, choices = (_list(view.pop(name, ()), name) for name in ("accept", "choices"))
    pattern, schema = (_text(view.pop(name, "")) for name in ("pattern", "schema"))
    reference = view.pop("reference", None)
    shapes = ("prompt",) if reference is not None else tuple(SHAPES)
    example = example_of(row.file, row.line, view, shapes, Columns(tags=columns.tags))
    if reference is None:
        reference = "".join(turn.content for turn in example.completion)
    asked = conversation(example)
    if not asked:
        raise BadRow("task", "an engine cannot be asked this: it needs tools, or there is no question")
    return Item(asked, _text(reference), f"{row.file}:{row.line}", accept, choices, pattern, schema)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _list(value: Any, name: str) -> tuple[str, ...]:
    if isinstance(value, str):  # a cell of a table
        try:
            value = json.loads(value)
        except ValueError as error:
            raise BadRow("task", f"{name} is not a list") from error
    if not isinstance(value, list | tuple):
        raise BadRow("task", f"{name} is not a list")
    return tuple(map(_text, value))


def _told(items: Sequence[Item]) -> str:
    """Return the metric that the rows themselves ask for."""
    asks: list[tuple[str, Callable[[Item], object]]] = [
        ("choice", lambda item: item.choices),
        ("accept", lambda item: item.accept),
        ("regex", lambda item: item.pattern),
        ("json", lambda item: item.schema),
        ("number", lambda item: "####" in item.reference),
    ]
    return next((name for name, has in asks if all(map(has, items))), "exact")


def _lacks(item: Item, metric: str, pattern: str) -> str:
    """Return what a row lacks for its metric; empty where nothing."""
    if metric in ("choice", "choice-logprob"):
        if not 2 <= len(item.choices) <= len(LETTERS):
            return f"{metric} needs `choices`, a list of 2 to {len(LETTERS)} options"
        if item.right_choice is None:
            return "the reference is none of the choices, nor the letter or place (from 0) of one"
        return ""
    if metric == "regex" and not (item.pattern or pattern):
        return "regex needs a `pattern` in each row, or one for all: --pattern"
    if metric in ("exact", "number", LOSS) and not item.reference.strip():
        return f"{metric} needs a `reference`"
    return complaint(item, metric, pattern)


def _with_choices(item: Item, metric: str) -> tuple[Message, ...]:
    """Return the question with its options below, unless it names them all itself."""
    last = item.prompt[-1]
    if metric == "choice-logprob" or all(choice in last.content for choice in item.choices):
        return item.prompt
    options = "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, item.choices, strict=False))
    text = f"{last.content}\n\n{options}\n\nAnswer with the letter of the right option only."
    return (*item.prompt[:-1], Message(role=last.role, content=text))
