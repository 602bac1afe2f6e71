"""What GRPO scores answers with: a small built-in set, and functions of a file of the user's own.

A reward function takes what TRL hands it by name (`completions`, `completion_ids`, `reference` …) and returns
one figure an answer. The user's file is run only where the run was allowed to: see `training.permissions`.
Nothing here knows torch.
"""

import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ftarena.errors import FtarenaError
from ftarena.recipes.keys.losses import REWARDS
from ftarena.recipes.schema import Recipe
from ftarena.text import shorten
from ftarena.training.permissions import allows, read_code

_SLOW_S = 5.0
# After so long it is said that a function of the user's is at work, and every so often again.

Tell = Callable[[str], None]
"""Takes a line about what happens now."""


class Reward(Protocol):
    """Scores answers; `__name__` is what its metrics are called."""

    __name__: str

    def __call__(self, *, completions: list[str], **columns: Any) -> list[float | None]:
        """Return one score an answer, None where it has none."""


def rewards_of(recipe: Recipe, directory: Path, tell: Tell = lambda line: None) -> list[Reward]:
    """Return the reward functions that a recipe names, in its order.

    Args:
        recipe: Of the method `grpo`.
        directory: The run's folder, which says whether `reward_file` may be run.
        tell: Called, from another thread, while a function of the user's takes long.

    Raises:
        FtarenaError: The user's file may not be run, fails, or does not define a function that is named.
    """
    own: dict[str, Any] = {}
    if set(recipe.reward_funcs) - set(REWARDS):
        own = _run(Path(recipe.reward_file or ""), directory)
    return [
        _own(name, own, recipe, tell) if name not in REWARDS else _built_in(name, recipe)
        for name in recipe.reward_funcs
    ]


def exact_match(*, completions: list[str], reference: Sequence[str | None], **columns: Any) -> list[float]:
    """Return 1 for each answer that is its row's reference, blanks and case aside, else 0."""
    pairs = zip(completions, reference, strict=True)
    return [float(right is not None and _plain(said) == _plain(right)) for said, right in pairs]


def _built_in(name: str, recipe: Recipe) -> Reward:
    pattern = re.compile(recipe.reward_pattern or "", re.DOTALL)
    longest = recipe.max_completion_length

    def regex(*, completions: list[str], **columns: Any) -> list[float]:
        return [float(pattern.search(said) is not None) for said in completions]

    def format(*, completions: list[str], **columns: Any) -> list[float]:
        return [float(pattern.fullmatch(said.strip()) is not None) for said in completions]

    def length(
        *, completions: list[str], completion_ids: Sequence[Sequence[int]], **columns: Any
    ) -> list[float]:
        return [1.0 - len(ids) / longest for ids in completion_ids]

    functions: dict[str, Callable[..., Any]] = {
        "exact_match": exact_match,
        "regex": regex,
        "format": format,
        "length": length,
    }
    return functions[name]


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _run(file: Path, directory: Path) -> dict[str, Any]:
    """Execute the user's file and return what it defines.

    Raises:
        FtarenaError: It was not allowed, or it fails.
    """
    source = read_code(file)
    if not allows(directory, source):
        raise FtarenaError(
            f"{file} was not allowed to be run as it is now",
            "look at it, then start the run with --allow-code",
        )
    names: dict[str, Any] = {"__name__": file.stem, "__file__": str(file)}
    try:
        exec(compile(source, str(file), "exec"), names)  # the owner said --allow-code for these very bytes
    except (Exception, SystemExit) as error:  # `exit()` in it is no reason to end the run without a word
        raise FtarenaError(f"{file} fails: {type(error).__name__}: {error}", "mend reward_file") from error
    return names


def _own(name: str, defined: dict[str, Any], recipe: Recipe, tell: Tell) -> Reward:
    """Return a function of the user's, with what it returns looked at.

    Raises:
        FtarenaError: There is no such function.
    """
    function = defined.get(name)
    if not callable(function):
        raise FtarenaError(
            f"{recipe.reward_file} defines no function {name}", f"reward_funcs may name {', '.join(REWARDS)}"
        )

    def score(*, completions: list[str], **columns: Any) -> list[float | None]:
        try:
            with _told(f"scoring answers with {name}", tell):
                scores = [
                    None if one is None else float(one)
                    for one in function(completions=completions, **columns)
                ]
        except (Exception, SystemExit) as error:
            raise FtarenaError(
                f"{name} of {recipe.reward_file} fails: {type(error).__name__}: {error}",
                "it is called as f(completions=[…], prompts=[…], reference=[…], completion_ids=[…], **rest)",
            ) from error
        if len(scores) != len(completions):
            raise FtarenaError(
                f"{name} of {recipe.reward_file} returned {len(scores)} scores for {len(completions)} answers"
            )
        for answer, one in zip(completions, scores, strict=True):
            if one is not None and not math.isfinite(one):
                raise FtarenaError(
                    f"{name} of {recipe.reward_file} returned {one} for the answer {shorten(answer, 60)!r}",
                    "return a number, or None for an answer that has no score",
                )
        return scores

    score.__name__ = name
    return score


@contextmanager
def _told(what: str, tell: Tell) -> Iterator[None]:
    """Say what happens, and for how long already, while it takes long: it may never end."""
    done, told = threading.Event(), list[str]()
    began = time.monotonic()

    def say() -> None:
        while not done.wait(_SLOW_S):
            told.append(what)
            tell(f"{what} for {time.monotonic() - began:.0f} s")

    teller = threading.Thread(target=say, name="telling", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
        if told:
            tell(f"{what} took {time.monotonic() - began:.0f} s")
