"""`ftarena plan RECIPE`: what a run will take, as aligned lines or as JSON."""

import json
import sys
from pathlib import Path

from ftarena import hardware
from ftarena.recipes.load import load_recipe
from ftarena.training.plan import card_named, measure, plan_of
from ftarena.training.plan.cards import this_card
from ftarena.training.plan.telling import plan_lines
from ftarena.workspace import Workspace


def plan_recipe(
    file: Path | None, overrides: dict[str, str], *, gpu: str | None = None, as_json: bool = False
) -> int:
    """Print the plan of a recipe and return the exit code: 1 where it does not fit.

    Args:
        file: The recipe, or the name of a preset. None: the overrides say everything.
        overrides: Keys of the command line; they win.
        gpu: The card to plan for; this machine's own unless given.
        as_json: Print one JSON object instead of words.

    Raises:
        FtarenaError: The recipe, the model or the data cannot be used, or no such card is known.
    """
    card = this_card() if gpu is None else card_named(gpu)
    recipe = load_recipe(file, overrides, on_note=lambda line: print(line, file=sys.stderr))
    measured = measure(recipe, lambda line: print(line, file=sys.stderr))
    plan = plan_of(recipe, card=card, measured=measured)
    if as_json:
        print(json.dumps(plan.to_json(), ensure_ascii=False))
        return 0 if plan.fits else 1
    given = {f"--{key.replace('_', '-')}": value for key, value in overrides.items()}
    for line in plan_lines(
        plan, str(file) if file is not None else None, given, free_disk=_free_disk() if gpu is None else None
    ):
        print(line)
    return 0 if plan.fits else 1


def _free_disk() -> int:
    return hardware.disk_free(Workspace.find().root)
