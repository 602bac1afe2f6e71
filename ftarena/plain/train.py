"""`ftarena train RECIPE [--key value …]`: start a run, and watch it if asked to."""

import sys
from pathlib import Path

from ftarena.arena.sharing import start_training
from ftarena.errors import UsageError
from ftarena.plain.follow import follow
from ftarena.plain.goes_on import told_what_goes_on
from ftarena.plain.progress import Stage, Stages
from ftarena.plain.unapplied import note_unapplied
from ftarena.recipes.load import load_recipe
from ftarena.recipes.models import is_ready, resolve_model
from ftarena.training.data import sources_of
from ftarena.training.models import prepare_model
from ftarena.workspace import Workspace


def parse_overrides(arguments: list[str]) -> dict[str, str]:
    """Return recipe keys from a command line's left-over words.

    `--learning-rate 2e-4`, `--learning_rate=2e-4` and a bare `--packing` (true) are understood. Whether a key
    exists and fits is the recipe's to say.

    Raises:
        UsageError: A word that is no option, or an option without a name.
    """
    overrides: dict[str, str] = {}
    words = iter(arguments)
    ahead: list[str] = []
    while True:
        word = ahead.pop() if ahead else next(words, None)
        if word is None:
            return overrides
        if not word.startswith("--") or word == "--":
            raise UsageError(f"{word!r} is not an option", "recipe keys are given as --key value")
        key, equals, value = word[2:].partition("=")
        if not equals:
            value = next(words, "")
            if not value or value.startswith("--"):
                ahead += [value] if value else []
                value = "true"
        overrides[key.replace("-", "_")] = value


def train_recipe(workspace: Workspace, file: Path, overrides: dict[str, str], *, follow_it: bool) -> int:
    """Start a run and return the exit code.

    Raises:
        FtarenaError: The recipe, the model or the data cannot be used; or the run that was watched failed.
    """
    recipe = load_recipe(file, overrides, on_note=lambda line: print(line, file=sys.stderr))
    ref = resolve_model(recipe.model_name_or_path)
    if not is_ready(ref):
        prepare_model(ref, lambda line: print(f"{ref.name}: {line}", file=sys.stderr))
    entries = (*recipe.dataset, *recipe.eval_dataset, *recipe.replay_dataset)
    note_unapplied([source for entry in entries for source in sources_of(entry)])
    run = start_training(recipe, workspace, file)
    print(run.id)
    print(
        f"It trains on its own; you may close the terminal. Watch it: ftarena runs logs -f {run.id}",
        file=sys.stderr,
    )
    if follow_it:
        with (
            told_what_goes_on(workspace),
            Stages([Stage("run", f"{run.method.upper()} {run.id}", None)]) as stages,
            stages.run("run") as stage,
        ):
            run = follow(stage, workspace, run)
        print(
            f"It takes part in the arena now: ftarena, or: ftarena chat --right run:{run.id} -p …",
            file=sys.stderr,
        )
    return 0
