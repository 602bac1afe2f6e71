"""`ftarena generations`: which votes made which model, and what each gained and forgot."""

import json
import sys
from pathlib import Path
from typing import TextIO

from ftarena.arena.improving import Generation
from ftarena.arena.improving import generations as read_generations
from ftarena.arena.improving.tree import gain_words, loss_words, made_words
from ftarena.store import Store
from ftarena.text import clean_line
from ftarena.workspace import Workspace

_EMPTY = "No runs yet. Train one: ftarena train configs/demo-sft.yaml"


def generations(
    workspace: Workspace, database: Path, *, as_json: bool = False, out: TextIO | None = None
) -> int:
    """Print the tree of runs.

    Args:
        workspace: The project.
        database: The votes; one that is not there has none, and is not created.
        as_json: Print JSON instead of words.
        out: Where to; standard output by default.

    Returns:
        The exit code.

    Raises:
        FtarenaError: The database cannot be read.
    """
    out = out or sys.stdout
    if database.exists():
        with Store.open_existing(database) as store:
            found = read_generations(store, workspace)
    else:
        found = read_generations(None, workspace)
    if as_json:
        told = [generation.to_json() for generation in found]
        print(json.dumps(told, indent=2, ensure_ascii=True, allow_nan=False), file=out)
        return 0
    if not found:
        print(_EMPTY, file=out)
    for generation in found:
        for line in _lines(generation):
            print(line, file=out)
    return 0


def _lines(generation: Generation) -> list[str]:
    """Return one run of the tree as lines, set in by its depth."""
    indent = "    " * generation.depth
    head = f"{clean_line(generation.run)}  {generation.method}"
    said = [clean_line(made_words(generation.made_of))]
    if generation.made_of is not None:
        said.append(
            f"label_smoothing {generation.made_of.label_smoothing:g} "
            f"(from: {clean_line(generation.made_of.smoothing_from)})"
        )
    if generation.parent is not None:
        said.append(clean_line(gain_words(generation.gain)))
    if words := loss_words(generation):
        said.append(words)
    said += [f"alarm: {clean_line(alarm)}" for alarm in generation.alarms]
    if generation.state != "finished":
        head += f"  ({generation.state})"
    return [indent + head, *(f"{indent}    {line}" for line in said)]
