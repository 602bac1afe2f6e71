"""Which examples a run sees: reading, sampling, holding out, and the record of it. No tokenizer yet."""

import hashlib
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftarena.curation.reading import Example, load_examples
from ftarena.errors import UsageError
from ftarena.recipes.schema import Recipe, split_sample


@dataclass
class RunData:
    """The examples of a run."""

    train: list[Example]
    heldout: list[Example]
    lock: dict[str, Any] = field(default_factory=dict)
    """What `data.lock.json` says: for each file its hash, its rows and how many of them are used."""


def load_data(recipe: Recipe) -> RunData:
    """Read, sample and split what a recipe names.

    Raises:
        UsageError: `eval_split` leaves nothing to train on, or nothing to measure on.
        FtarenaError: A file is missing or holds rows that cannot be used.
    """
    train: list[Example] = []
    heldout: list[Example] = []
    lock: dict[str, Any] = {"train": [], "heldout": []}
    for entry in recipe.dataset:
        path, count = _parts(entry)
        examples = load_examples(path, recipe.method)
        used = sample(examples, count, recipe.seed)
        train += used
        lock["train"].append(_entry(path, len(examples), len(used)))
    for entry in recipe.eval_dataset:
        path, count = _parts(entry)
        examples = load_examples(path)
        used = sample(examples, count, recipe.seed)
        heldout += used
        lock["heldout"].append(_entry(path, len(examples), len(used)))
    if recipe.eval_split:
        rows = len(train)
        train, heldout = hold_out(train, recipe.eval_split)
        _check_split(recipe.eval_split, rows, len(train), len(heldout))
        lock["eval_split"] = {"train": len(train), "heldout": len(heldout)}
    return RunData(train, heldout, lock)


def _check_split(amount: float, rows: int, left: int, aside: int) -> None:
    """Refuse a split with an empty side.

    Raises:
        UsageError: It has one.
    """
    has = f"{rows:,} row{'' if rows == 1 else 's'}"
    asked = f"eval_split is {amount:,.12g}"
    if amount >= rows:
        raise UsageError(
            f"{asked}, but dataset has {has}: none would be left to train on",
            "hold out fewer rows, or a share such as 0.1",
        )
    if not left:
        raise UsageError(
            f"{asked}, and dataset has {has}: none would be left to train on",
            "hold out less; rows that ask the same question stay on one side",
        )
    if not aside:
        raise UsageError(
            f"{asked}, and dataset has {has}: nothing would be held out",
            "hold out more, or leave eval_split out",
        )


def sample(examples: list[Example], count: int | None, seed: int) -> list[Example]:
    """Return `count` examples at random, in the order of the file; all of them where there are no more.

    The same seed, file length and count give the same rows on every machine.
    """
    if count is None or count >= len(examples):
        return examples
    chosen = random.Random(f"{seed}/{len(examples)}/{count}").sample(range(len(examples)), count)
    return [examples[index] for index in sorted(chosen)]


def hold_out(examples: list[Example], amount: float) -> tuple[list[Example], list[Example]]:
    """Split examples into those to train on and those to measure on.

    By the content of the question, so that the same question never lands on both sides and adding rows to
    the file moves no other row across.

    Args:
        examples: All of them.
        amount: A share below 1, or a number of rows.
    """
    wanted = round(amount * len(examples)) if amount < 1 else int(amount)
    order = sorted({_digest(example) for example in examples})
    counts: dict[str, int] = {}
    for example in examples:
        counts[_digest(example)] = counts.get(_digest(example), 0) + 1
    aside: set[str] = set()
    rows = 0
    for digest in order:
        if rows >= wanted:
            break
        aside.add(digest)
        rows += counts[digest]
    return (
        [example for example in examples if _digest(example) not in aside],
        [example for example in examples if _digest(example) in aside],
    )


def _digest(example: Example) -> str:
    return hashlib.sha256(" ".join(example.question.casefold().split()).encode()).hexdigest()


def _parts(entry: str) -> tuple[Path, int | None]:
    path, count = split_sample(entry)
    return Path(path), count


def _entry(path: Path, rows: int, used: int) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"path": str(path), "sha256": digest, "rows": rows, "used": used}
