"""What the parent was measured on, less what the votes' prompts ask: the child's own held-out rows."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ftarena.curation.examples import Example
from ftarena.curation.reading import load_examples
from ftarena.curation.resolving import resolve
from ftarena.curation.sets.mixing import chosen
from ftarena.curation.sets.splitting import question_key
from ftarena.curation.writing.spellings import row_of
from ftarena.errors import FtarenaError
from ftarena.recipes.data_entries import split_sample

MOST_ROWS = 200
"""Held-out rows that are measured on: a guard, not an examination."""


class Heldout(NamedTuple):
    """The parent's held-out rows after the votes."""

    lines: tuple[str, ...]
    """Rows that nothing asks that is trained on now, as JSON."""

    asked: int
    """Rows of the parent's whose question is trained on now, and which are left out."""


def inherited_heldout(inherited: Mapping[str, Any], trained: Sequence[Example]) -> Heldout:
    """Return the held-out rows of a parent that a child may still be measured on.

    Arena prompts often come from the held-out set. A vote on one makes a pair of it, and once that is trained
    on, its row measures nothing any more.

    Args:
        inherited: The parent's resolved recipe. Where it held out a share of its training file
            (`eval_split`) there are none.
        trained: What will be trained on.

    Returns:
        Nothing where the files are gone: a guard that is missing must not keep anybody from training.
    """
    keys = {question_key(example) for example in trained}
    seed = inherited.get("seed")
    lines: list[str] = []
    asked = 0
    entries = inherited.get("eval_dataset")
    for entry in entries if isinstance(entries, list) else []:
        for example in _examples(entry, seed if isinstance(seed, int) else 42):
            if question_key(example) in keys:
                asked += 1
            elif len(lines) < MOST_ROWS:
                lines.append(json.dumps(row_of(example, example.shape), ensure_ascii=False))
    return Heldout(tuple(lines), asked)


def _examples(entry: Any, seed: int) -> list[Example]:
    path = entry.get("path") if isinstance(entry, Mapping) else entry
    if not isinstance(path, str):
        return []
    name, count = split_sample(path)
    if isinstance(entry, Mapping) and isinstance(entry.get("max_samples"), int):
        count = entry["max_samples"]
    try:
        examples = [one for source in resolve(name) for one in load_examples(source, None, bad_rows="drop")]
    except FtarenaError:
        return []
    # As a run takes its sample: the same rows that the parent was measured on.
    return (
        [examples[n] for n in chosen(len(examples), min(count, len(examples)), seed)] if count else examples
    )
