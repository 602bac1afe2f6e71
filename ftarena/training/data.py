"""Which examples a run sees: reading, mixing, holding out, replay, and the record of it. No tokenizer yet."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftarena.curation.examples import Example
from ftarena.curation.reading import load_examples
from ftarena.curation.resolving import resolve
from ftarena.curation.rows import Problem
from ftarena.curation.sets.manifest import sha256_of
from ftarena.curation.sets.mixing import Part, chosen, replay_rows, shares
from ftarena.curation.sets.splitting import check_sides, hold_out, question_key
from ftarena.curation.shapes import check_columns
from ftarena.curation.sources import Columns, Source
from ftarena.errors import FtarenaError
from ftarena.recipes.data_entries import DataEntry, path_of, self_prompts
from ftarena.recipes.schema import PAIR_METHODS, Method, Recipe


@dataclass
class RunData:
    """The examples of a run."""

    train: list[Example]
    """Replayed ones are at the end."""

    heldout: list[Example]
    general: list[Example] = field(default_factory=list)
    """General questions with reference answers, on which forgetting is measured."""

    lock: dict[str, Any] = field(default_factory=dict)
    """What `data.lock.json` says: of each file its hash, its rows, and how many of them are used."""

    dropped: list[Problem] = field(default_factory=list)
    """Rows that were left out because they cannot be used, where the recipe says so."""


@dataclass
class _Entry:
    """One entry of a recipe, read."""

    name: str
    weight: float | None
    most: int | None
    sources: list[Source]
    examples: list[Example]
    rows: Counter[Path]
    """How many of each file can be used."""

    dropped: Counter[Path]
    """How many of each file cannot, and were left out."""

    def take(self, count: int, seed: int) -> list[Example]:
        """Return so many of its examples at random, in the order of the file."""
        return [self.examples[number] for number in chosen(len(self.examples), count, seed)]


def load_data(recipe: Recipe) -> RunData:
    """Read, mix and split what a recipe names.

    `replay_dataset: self` is left out: what the base answers is drawn when a run is started, and its recipe
    names the file.

    Raises:
        UsageError: A source of a mix is empty, or `eval_split` leaves a side empty.
        FtarenaError: A file is missing or holds rows that cannot be used, or the method could learn nothing
            from what there is.
    """
    dropped: list[Problem] = []
    lock: dict[str, Any] = {"train": [], "heldout": [], "general": []}
    entries = [_read(entry, recipe, recipe.method, dropped) for entry in recipe.dataset]
    train = _mixed(entries, shares([_part(entry) for entry in entries]), recipe.seed)
    lock["train"] += _account(entries, train)
    heldout, lock["heldout"] = _measured_on(recipe.eval_dataset, recipe, dropped)
    general, lock["general"] = _measured_on(recipe.general_dataset, recipe, dropped)
    if recipe.eval_split:
        rows = len(train)
        train, heldout = hold_out(train, recipe.eval_split)
        check_sides("eval_split", "dataset has", recipe.eval_split, rows, len(heldout))
        lock["eval_split"] = {"train": len(train), "heldout": len(heldout)}
    if any(not drawn_later(entry) for entry in recipe.replay_dataset):
        replayed, accounts = _replay(recipe, len(train), heldout if recipe.eval_split else [], dropped)
        lock["train"] += accounts
        lock["replay"] = {
            "ratio": recipe.replay_ratio,
            "rows": len(replayed),
            "share": round(len(replayed) / (len(train) + len(replayed)), 4),
        }
        train = train + replayed
    _check_learnable(recipe, train)
    return RunData(train, heldout, general, lock, dropped)


def _measured_on(
    given: Sequence[str | DataEntry], recipe: Recipe, dropped: list[Problem]
) -> tuple[list[Example], list[dict[str, Any]]]:
    """Return examples that are only measured on, whatever the method, and their account."""
    examples: list[Example] = []
    accounts: list[dict[str, Any]] = []
    for name in given:
        entry = _read(name, recipe, None, dropped)
        used = entry.take(_part(entry).available, recipe.seed)
        examples += used
        accounts += _account([entry], used)
    return examples, accounts


def _check_learnable(recipe: Recipe, train: Sequence[Example]) -> None:
    """Refuse rows of which each can be used, and from which a method learns nothing all the same.

    Raises:
        FtarenaError: KTO has only good answers or only bad ones, or GRPO too few questions for one step.
    """
    if recipe.method == "kto":
        good = sum(bool(one.label) for one in train)
        if good in (0, len(train)):
            raise FtarenaError(
                f"all {len(train)} answers are labelled {'good' if good else 'bad'}: "
                "there is nothing to tell apart",
                "add rows of the other label, or use method: sft for good answers alone",
            )
    if recipe.method == "grpo":
        size = recipe.per_device_train_batch_size
        answers = (4 if size == "auto" else size) * recipe.gradient_accumulation_steps
        questions = answers // recipe.num_generations
        if len(train) < questions:
            raise FtarenaError(
                f"a step of grpo asks {questions} different questions ({answers} answers, "
                f"{recipe.num_generations} to each), and there are {len(train)}: no step could be made",
                "add questions, or set gradient_accumulation_steps lower, or num_generations higher",
            )


def write_dropped(dropped: Sequence[Problem], path: Path) -> None:
    """Write the rows that were left out, one a line: where each is and what is wrong with it."""
    with path.open("w", encoding="utf-8") as file:
        for problem in dropped:
            line = {
                "file": str(problem.file),
                "line": problem.line,
                "column": problem.column,
                "code": problem.code,
                "message": problem.message,
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def rl_of(method: str | None) -> str | None:
    """Return a method as axolotl's `rl`, by which its entries' types mean other columns; None for SFT."""
    return method if method in (*PAIR_METHODS, "kto") else None


def drawn_later(entry: str | DataEntry) -> bool:
    """Return whether an entry of `replay_dataset` is still to be answered by the base model itself."""
    return self_prompts(path_of(entry)[0]) is not None


def sources_of(entry: str | DataEntry, method: Method | None = None) -> list[Source]:
    """Return the files that an entry of a recipe names.

    Args:
        entry: The entry.
        method: The recipe's; types of axolotl mean other columns where they are for preferences.

    Raises:
        FtarenaError: It names nothing that can be read.
    """
    path, _ = path_of(entry)
    if drawn_later(entry):
        return []
    if isinstance(entry, str):
        return resolve(path)
    if entry.foreign:
        from ftarena.curation.foreign import axolotl

        split = {"split": entry.split} if entry.split else {}
        return axolotl.source_of(
            {"path": path, **split, **entry.foreign}, rl=rl_of(method), where=f"the entry {path}"
        )
    named = Columns(dict(entry.columns), dict(entry.tags), entry.ranking)
    check_columns(named)
    return resolve(
        f"{path}:{entry.split}" if entry.split else path,
        columns=None if named == Columns() else named,
        shape=entry.shape,
        format=entry.format,
    )


def _read(given: str | DataEntry, recipe: Recipe, method: Method | None, dropped: list[Problem]) -> _Entry:
    path, most = path_of(given)
    sources = sources_of(given, recipe.method)
    examples: list[Example] = []
    lost: Counter[Path] = Counter()
    for source in sources:

        def note(problems: tuple[Problem, ...], file: Path = source.path) -> None:
            lost[file] += len(problems)
            dropped.extend(problems)

        examples += load_examples(source, method, bad_rows=recipe.bad_rows, on_dropped=note)
    weight = given.weight if isinstance(given, DataEntry) else None
    rows = Counter(example.file for example in examples)
    return _Entry(path, weight, most, sources, examples, rows, lost)


def _part(entry: _Entry) -> Part:
    return Part(entry.name, len(entry.examples), entry.weight, entry.most)


def _mixed(entries: Sequence[_Entry], counts: Sequence[int], seed: int) -> list[Example]:
    taken = zip(entries, counts, strict=True)
    return [example for entry, count in taken for example in entry.take(count, seed)]


def _replay(
    recipe: Recipe, rows: int, heldout: Sequence[Example], dropped: list[Problem]
) -> tuple[list[Example], list[dict[str, Any]]]:
    """Return the replayed examples and their account; none of them asks what was just held out."""
    entries = [
        _read(entry, recipe, recipe.method, dropped)
        for entry in recipe.replay_dataset
        if not drawn_later(entry)
    ]
    asked = {question_key(example) for example in heldout}
    for entry in entries:
        if asked:
            entry.examples = [example for example in entry.examples if question_key(example) not in asked]
    parts = [_part(entry) for entry in entries]
    counts = shares(parts)
    if recipe.replay_ratio is None:
        raise FtarenaError("replay_ratio is not set", "a recipe is resolved before its data are read")
    wanted = replay_rows(rows, recipe.replay_ratio, sum(counts))
    if wanted < sum(counts):
        counts = shares(parts, rows=wanted)
    replayed = _mixed(entries, counts, recipe.seed)
    return replayed, _account(entries, replayed, replay=True)


def _account(
    entries: Sequence[_Entry], used: Sequence[Example], *, replay: bool = False
) -> list[dict[str, Any]]:
    """Return what the lock says about the files of some entries; what is not the case is left out."""
    found = Counter(id(example) for example in used)
    accounts = []
    for entry in entries:
        taken = Counter(example.file for example in entry.examples if found[id(example)])
        for source in entry.sources:
            account: dict[str, Any] = {
                "path": str(source.path),
                "sha256": sha256_of(source.path),
                "rows": entry.rows[source.path],
                "used": taken[source.path],
            }
            if entry.weight is not None:
                account["weight"] = entry.weight
            if entry.dropped[source.path]:
                account["dropped"] = entry.dropped[source.path]
            if replay:
                account["replay"] = True
            accounts.append(account)
    return accounts
