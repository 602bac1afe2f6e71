"""Votes in a real file and runs that train in this process: what tests of the loop share."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from ftarena.arena import Arena
from ftarena.arena.lineup import enlist
from ftarena.recipes.schema import Recipe
from ftarena.store import Outcome, Store
from ftarena.training.jobs import Run, lay_down
from ftarena.training.runs import read_run
from ftarena.workspace import Workspace

_KINDS = ("big", "old", "new", "hidden", "open", "lost", "red", "empty")
_PORTS = (22, 80, 443, 5432, 8080, 9000, 3306, 6379)

QUESTIONS = [
    *(f"How do I list the {kind} files?" for kind in _KINDS),
    *(f"Which process uses port {port}?" for port in _PORTS),
]


def train_parent(train_here: Callable[..., Run], workspace: Workspace, model: Path, **keys: object) -> Run:
    """Train the first generation on a few lines of its own."""
    data = workspace.root / "sft.jsonl"
    if not data.exists():
        rows = (f'{{"prompt": "Say {n}.", "completion": "It is {n}."}}' for n in range(8))
        data.write_text("\n".join(rows) + "\n")
    said = {
        "method": "sft", "name": "first", "model_name_or_path": model, "dataset": data, "max_length": 128,
        "max_steps": 1, "examine": "false", "general_dataset": "[]", "lora_r": 4, **keys,
    }  # fmt: skip
    return train_here(workspace, **said)


def short(which: int, question: int) -> str:
    """Answer with more words the higher the number of the contestant."""
    return f"ls -l {question}" + " and look at it closely" * which


def answer_all(
    store: Store, questions: Sequence[str] = QUESTIONS, text: Callable[[int, int], str] = short
) -> None:
    """Let every contestant answer every question."""
    ids = store.add_prompts([([("user", question)], None) for question in questions], "heldout")
    for which, row in enumerate(store.contestants()):
        for number, prompt_id in enumerate(ids):
            store.add_answer(row.id, prompt_id, text(which, number), n_tokens=5, finish_reason="stop")


def vote_all(
    store: Store,
    labeler: str,
    choose: Callable[[str, str], Outcome],
    *,
    most: int = 1000,
    contestants: Sequence[str] | None = None,
) -> int:
    """Vote on everything there is, as somebody decides from the two texts; return how many votes it were."""
    arena = Arena(store, labeler=labeler, contestants=contestants, rng=random.Random(labeler))
    count = 0
    while count < most and (battle := arena.next()) is not None:
        arena.vote(battle.id, choose(battle.left, battle.right), elapsed_ms=900)
        count += 1
    return count


def shorter(left: str, right: str) -> Outcome:
    """Prefer the shorter answer."""
    return "left" if len(left) < len(right) else "right"


def enlisted(store: Store, run: Run) -> Run:
    """Let a run take part, and return it."""
    enlist(store, run)
    return run


def trains_in_this_process(train: Callable[[list[str]], None]) -> Callable[..., Run]:
    """Return what takes the place of `start_training`: the same run, without a process of its own."""

    def start(recipe: Recipe, workspace: Workspace, recipe_file: Path | None = None, **_: object) -> Run:
        folder = lay_down(recipe, workspace, recipe_file)
        train([str(folder)])
        return read_run(folder)

    return start
