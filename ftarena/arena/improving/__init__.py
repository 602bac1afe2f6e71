"""The loop that closes: votes become pairs, pairs become the next run, and that run meets its parent.

    improvement = prepare(store, workspace, find_parent(store, workspace, None, Selection()))
    run = start(improvement)                 # goes on by itself; when it has finished:
    bring_in(store, improvement, run)

`materials` makes pairs of votes, `smoothing` measures how doubtful they are, `recipe` writes what is trained,
`preparing` puts that together and `starting` begins it; `tree` tells afterwards who descends from whom
and what each gained and forgot. What a run was made of is kept in its folder (`record`).

Names are loaded when they are first used (PEP 562): looking at generations loads no check and no plan.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftarena.arena.improving.improvement import Improvement
    from ftarena.arena.improving.parent import find_parent
    from ftarena.arena.improving.preparing import prepare
    from ftarena.arena.improving.smoothing import Smoothing, measure_smoothing
    from ftarena.arena.improving.starting import bring_in, start
    from ftarena.arena.improving.tree import Generation, generations

_HOME = {
    "Generation": "tree",
    "Improvement": "improvement",
    "Smoothing": "smoothing",
    "bring_in": "starting",
    "find_parent": "parent",
    "generations": "tree",
    "measure_smoothing": "smoothing",
    "prepare": "preparing",
    "start": "starting",
}

__all__ = [
    "Generation",
    "Improvement",
    "Smoothing",
    "bring_in",
    "find_parent",
    "generations",
    "measure_smoothing",
    "prepare",
    "start",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
