"""Which prompts a contestant's run was trained on: a vote there says nothing of what is new to it.

By the rule that `ftarena data check` has for leaks: a training row asks the same, or 80 % of the words of the
prompt stand in it in sequences of eight. A run that began from another one was trained on what that one was,
too. What has been looked at is noted in the database, so that looking again costs nothing until there are
new prompts or runs. numpy and the data are loaded only when something is looked at.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ftarena.arena.questions.categories import CHAT
from ftarena.errors import FtarenaError
from ftarena.processes import read_json
from ftarena.store import PromptRow, Store
from ftarena.store.ids import content_hash, now
from ftarena.training.runs import DATA_LOCK, RESOLVED_RECIPE

if TYPE_CHECKING:
    from ftarena.curation.check.leakage import QuestionIndex
    from ftarena.curation.examples import Example

How = Literal["same", "near"]

_NOTED = "prompts looked for in "
_ROWS = 4096
_MOST_PARENTS = 50


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What was found of one run."""

    run: str
    """Its id."""

    same: int
    """Prompts that it was trained on as they are, but for case and punctuation."""

    near: int
    """Prompts most of whose words stand in a row that it was trained on."""

    problem: str = ""
    """Why its data could not be looked at; empty where they were."""


def note_trained(store: Store) -> list[TrainedOn]:
    """Look for the arena's prompts in the training data of its contestants' runs, and note what is found.

    Returns:
        For each run what is known now, in the order of the contestants. A run whose data are gone has a
        problem and is asked again next time.

    Raises:
        FtarenaError: The database cannot be written.
    """
    runs = {run.id: run for run in store.runs()}
    taking_part = list(
        dict.fromkeys(
            row.run_id for row in store.contestants() if row.run_id in runs and row.spec_json is not None
        )
    )
    if not taking_part:
        return []
    ids = sorted([*store.prompt_ids(), *store.prompt_ids([CHAT])])
    state = content_hash("prompts", *ids)
    noted = dict(store.rows("SELECT key, value_json FROM arena_settings WHERE key LIKE ?", (f"{_NOTED}%",)))
    problems: dict[str, str] = {}
    prompts: list[PromptRow] | None = None
    for run_id in taking_part:
        if noted.get(_NOTED + run_id) == json.dumps(state):
            continue
        if prompts is None:
            prompts = [*store.prompts(), *store.prompts([CHAT])]
        try:
            found = find_trained(Path(runs[run_id].directory), prompts)
        except FtarenaError as error:
            problems[run_id] = str(error)
            continue
        _keep(store, run_id, found, state)
    counts = {
        (run_id, how): count
        for run_id, how, count in store.rows(
            "SELECT run_id, how, count(*) FROM trained_prompts GROUP BY 1, 2"
        )
    }
    return [
        TrainedOn(
            run_id, counts.get((run_id, "same"), 0), counts.get((run_id, "near"), 0), problems.get(run_id, "")
        )
        for run_id in taking_part
    ]


def find_trained(directory: Path, prompts: Sequence[PromptRow]) -> dict[str, How]:
    """Return by prompt id how a run was trained on it; prompts that it was not trained on are left out.

    Args:
        directory: Of the run.
        prompts: What is looked for.

    Raises:
        FtarenaError: Its data, or those of a run that it began from, are gone or have changed.
    """
    from ftarena.curation.check.leakage import SIZES, Question, QuestionIndex
    from ftarena.curation.check.sampling import ROWS, common_grams
    from ftarena.curation.check.saying import said
    from ftarena.curation.check.words import Vocabulary, WordRows

    asked = [
        Question("\n".join(turn.content for turn in prompt.turns if turn.role == "user"), None)
        for prompt in prompts
    ]
    found: dict[str, How] = {}
    vocabulary = Vocabulary()
    for folder in _lineage(directory):
        examples = _trained_examples(folder)
        # The first rows tell what is a template, as in a check of the files.
        sample = WordRows.of((said(example).all for example in examples[:ROWS]), vocabulary)
        index = QuestionIndex(asked, {size: common_grams(sample.grams(size)) for size in SIZES})
        for match_owner, whole in _matches(index, examples, vocabulary):
            prompt_id = prompts[match_owner].id
            if whole or prompt_id not in found:
                found[prompt_id] = "same" if whole else "near"
    return found


def _matches(
    index: "QuestionIndex", examples: Sequence["Example"], vocabulary: object
) -> Iterator[tuple[int, bool]]:
    from ftarena.curation.check.saying import said
    from ftarena.curation.check.words import Vocabulary, WordRows

    words = vocabulary if isinstance(vocabulary, Vocabulary) else Vocabulary()
    for first in range(0, len(examples), _ROWS):
        sayings = [said(example) for example in examples[first : first + _ROWS]]
        rows = WordRows.of((one.all for one in sayings), words)
        for match in index.matches(rows, [one.asked_digest for one in sayings]):
            yield match.owner, match.whole


def _lineage(directory: Path) -> list[Path]:
    """Return a run's folder and those of the runs that it began from, one after the other."""
    from ftarena.recipes.load import load_recipe

    found = [directory]
    while len(found) < _MOST_PARENTS:
        path = found[-1] / RESOLVED_RECIPE
        begun_from = load_recipe(path).init_from if path.is_file() else None
        if not begun_from:
            return found
        parent = Path(begun_from)
        parent = parent.parent if parent.name.startswith("checkpoint-") else parent
        if parent in found or not (parent / RESOLVED_RECIPE).is_file():
            return found
        found.append(parent)
    return found


def _trained_examples(directory: Path) -> Sequence["Example"]:
    """Return the rows that a run was trained on.

    Raises:
        FtarenaError: They are gone, or are not what they were.
    """
    from ftarena.recipes.load import load_recipe
    from ftarena.training.data import load_data

    path = directory / RESOLVED_RECIPE
    if not path.is_file():
        raise FtarenaError(f"{directory.name} is not here, so its data cannot be looked at", "")
    data = load_data(load_recipe(path))
    before = {part.get("path"): part.get("sha256") for part in _parts(read_json(directory / DATA_LOCK))}
    for part in _parts(data.lock):
        if before.get(part["path"], part["sha256"]) != part["sha256"]:
            raise FtarenaError(
                f"{part['path']} has changed since {directory.name} was trained on it",
                "put back what it was, and look again: ftarena prompts check",
            )
    return data.train


def _parts(lock: dict[str, object]) -> list[dict[str, object]]:
    parts = lock.get("train")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _keep(store: Store, run_id: str, found: dict[str, How], state: str) -> None:
    with store.transaction() as connection:
        connection.executemany(
            "INSERT INTO trained_prompts (prompt_id, run_id, how, created_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            [(prompt_id, run_id, how, now()) for prompt_id, how in sorted(found.items())],
        )
        connection.execute(
            "INSERT INTO arena_settings (key, value_json) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value_json = excluded.value_json",
            (_NOTED + run_id, json.dumps(state)),
        )
