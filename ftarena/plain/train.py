"""`ftarena train RECIPE [--key value …]` and the verbs: start a run, and watch it if asked to."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ftarena.arena.sharing import start_training
from ftarena.errors import UsageError
from ftarena.plain.unapplied import note_unapplied
from ftarena.plain.watch import watch
from ftarena.processes import read_json
from ftarena.recipes.catalogue import is_list
from ftarena.recipes.load import dump_recipe, load_recipe
from ftarena.recipes.models import is_ready, resolve_model
from ftarena.recipes.names import ALIASES
from ftarena.recipes.presets import preset_path
from ftarena.text import clean_line, clean_text
from ftarena.training.data import drawn_later, load_data, sources_of
from ftarena.training.models import prepare_model
from ftarena.training.runs import PLAN
from ftarena.workspace import Workspace


def recipe_path(word: str) -> Path:
    """Return the recipe that a command line names first.

    Raises:
        UsageError: It is an option: which of the words behind it is the recipe cannot be told.
    """
    if word.startswith("--"):
        raise UsageError(
            f"the recipe goes before its keys, and {word} is none",
            f"ftarena train RECIPE {word} …; without a recipe: ftarena sft --model M --data F",
        )
    return Path(word)


def parse_overrides(arguments: list[str]) -> dict[str, str]:
    """Return recipe keys from a command line's left-over words.

    `--learning-rate 2e-4`, `--learning_rate=2e-4` and a bare `--packing` (true) are understood; a key that
    holds a list may be given several times. Whether a key exists and fits is the recipe's to say.

    Raises:
        UsageError: A word that is no option, an option without a name, or one value given twice.
    """
    overrides: dict[str, str] = {}
    given: dict[str, list[str]] = {}
    words = iter(arguments)
    ahead: list[str] = []
    while True:
        word = ahead.pop() if ahead else next(words, None)
        if word is None:
            return overrides
        if not word.startswith("--") or word == "--":
            raise UsageError(f"{word!r} is not an option", "recipe keys are given as --key value")
        option, equals, value = word[2:].partition("=")
        if not equals:
            following = next(words, None)
            if following is None or following.startswith("--"):
                ahead += [following] if following else []
                following = "true"
            value = following
        key = option.replace("-", "_")
        key = _SHORT.get(key, key)
        given.setdefault(key, []).append(value)
        if len(given[key]) > 1 and not is_list(ALIASES.get(key, key)):
            raise UsageError(f"--{option} is given twice, and takes one value", "keep one of them")
        overrides[key] = value if len(given[key]) == 1 else json.dumps(given[key], ensure_ascii=False)


def verb_overrides(
    method: str, model: str | None, data: Sequence[str], overrides: dict[str, str]
) -> dict[str, str]:
    """Return the keys that a verb stands for, with those given behind it.

    Args:
        method: What the verb is called.
        model: `--model`.
        data: `--data`, each time it was given.
        overrides: The other keys.

    Raises:
        UsageError: Another method is asked for, or there is no model or no data.
    """
    if overrides.get("method", method) != method:
        raise UsageError(f"--method is {overrides['method']}, but the command is {method}", "keep one")
    found = {"method": method}
    if model is not None:
        found["model_name_or_path"] = model
    if data:
        found["dataset"] = data[0] if len(data) == 1 else json.dumps(list(data), ensure_ascii=False)
    found |= overrides
    named = {ALIASES.get(key, key) for key in found}
    missing = [option for key, option in _NEEDED.items() if key not in named]
    if missing:
        raise UsageError(
            f"ftarena {method} needs {' and '.join(missing)}",
            f"such as: ftarena {method} --model demo:smollm2 --data FILE.jsonl",
        )
    return found


_SHORT = {"model": "model_name_or_path", "data": "dataset"}
"""Our own short options; that they stand for a key is no news to who typed them."""

_NEEDED = {"model_name_or_path": "--model", "dataset": "--data"}


def train_recipe(
    workspace: Workspace,
    file: Path | None,
    overrides: dict[str, str],
    *,
    follow_it: bool = False,
    after: str | None = None,
    queue: bool = False,
    force: bool = False,
    allow_code: bool = False,
    print_it: bool = False,
) -> int:
    """Start a run and return the exit code.

    Args:
        workspace: Where its folder is made.
        file: The recipe. None: the overrides say everything.
        overrides: Keys of the command line; they win.
        follow_it: Watch the run until it has ended.
        after: The run that it waits for.
        queue: Wait until the runs before it have ended.
        force: Start it even if the plan says that it cannot fit.
        allow_code: The Python file of `reward_file` may be run.
        print_it: Print the resolved recipe and start nothing.

    Raises:
        FtarenaError: The recipe, the model or the data cannot be used; or the run that was watched failed.
    """
    recipe = load_recipe(file, overrides, on_note=lambda line: print(line, file=sys.stderr))
    if print_it:
        load_data(recipe)  # what would be refused at the start is refused here
        print(clean_text(dump_recipe(recipe)), end="")
        return 0
    ref = resolve_model(recipe.model_name_or_path)
    if not is_ready(ref):
        prepare_model(ref, lambda line: print(f"{ref.name}: {line}", file=sys.stderr))
    entries = (*recipe.dataset, *recipe.eval_dataset, *recipe.replay_dataset)
    files = [entry for entry in entries if not drawn_later(entry)]
    note_unapplied([source for entry in files for source in sources_of(entry, recipe.method)])
    run = start_training(
        recipe,
        workspace,
        preset_path(file) if file is not None else None,
        after=after,
        queue=queue,
        force=force,
        allow_code=allow_code,
        tell=lambda line: print(clean_line(line), file=sys.stderr),
    )
    for warning in read_json(run.directory / PLAN).get("warnings") or ():
        print(f"warning: {clean_line(str(warning))}", file=sys.stderr)
    print(run.id)
    print(
        f"It {_begins(after, queue=queue)} on its own; you may close the terminal. "
        f"Watch it: ftarena runs watch {run.id}",
        file=sys.stderr,
    )
    return watch(workspace, run, out=sys.stderr) if follow_it else 0


def _begins(after: str | None, *, queue: bool) -> str:
    if after is not None:
        return f"begins when {after} has ended, and trains"
    return "begins when the device is free, and trains" if queue else "trains"
